"""docs/wire/upload.md: who may, errors, one file in one request, the list, and deletion."""

import asyncio
import base64
import hashlib
import re
import ssl
from datetime import datetime, timedelta

import pytest

from support.files import FORM, JSON, PNG, TUS, Sender, basic, form, noise, part, path_of, refused
from support.waits import until
from support.web_tokens import keys, token

pytestmark = pytest.mark.anser_only("it is Anser's own door")

METHODS = {
    "/upload": "GET, HEAD, POST",
    "/uploads": "POST, OPTIONS",
    "/uploads/abcdefghijklmnopqrstuvwxyz012345": "HEAD, GET, PATCH, DELETE, OPTIONS",
    "/files": "GET, HEAD",
    "/files/abcdefghijklmnopqrstuvwxyz012345/a.bin": "GET, HEAD, DELETE, PUT, OPTIONS",
    "/delete/abcdefghijklmnopqrstuvwxyz012345/key": "GET, HEAD, POST, DELETE",
}


def _words(text: str | None) -> set[str]:
    return {word.strip() for word in (text or "").split(",")}


@pytest.fixture
async def nobody(server) -> Sender:
    return Sender(server.house.settings.http_port)


@pytest.fixture
async def juliet(server) -> Sender:
    return Sender(server.house.settings.http_port, await server.account("juliet"))


@pytest.fixture
async def anonymous(start) -> Sender:
    """Somebody without an account, where that is allowed."""
    server = await start(uploads={"anonymous": True})
    sender = Sender(server.house.settings.http_port)
    sender.stage = server
    return sender


# Methods and addresses


@pytest.mark.parametrize("path", METHODS)
@pytest.mark.parametrize("method", ["TRACE", "PROPFIND", "BREW", "PATCH", "PUT", "DELETE", "POST"])
async def test_other_methods(romeo, path, method):
    if method in _words(METHODS[path]):
        return

    reply = await romeo.ask(method, path)

    assert reply.status == 405
    assert _words(reply["allow"]) == _words(METHODS[path])


async def test_switched_off(start):
    server = await start(uploads={"enabled": False})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))

    for path in METHODS:
        assert (await romeo.ask("GET", path)).status == 404
    assert (await romeo.posts(part("a", "b"))).status == 404


PATHS = [
    "/files/../../etc/passwd",
    "/files/%2e%2e/%2e%2e/etc/passwd",
    "/files/..%2f..%2fetc%2fpasswd/a",
    "/files//a",
    "/files/x/y/z",
    "/files/abcdefghijklmnopqrstuvwxyz012345",
    "/files/abcdefghijklmnopqrstuvwxyz012345/",
    "/files/%00/a",
    "/files/files.db/a",
    "/files/unfinished/a",
    "/files/-/a",
    "/files/" + "a" * 5000 + "/a",
    "/files/a%ff/b",
    "/uploads/../files.db",
    "/uploads/",
    "/uploads/%2e%2e%2ffiles.db",
    "/uploads/" + "A" * 4000,
    "/delete/",
    "/delete/x",
    "/delete/../x",
    "/upload/../files",
    "/upload/index.html/..",
]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("method", ["GET", "HEAD", "DELETE"])
async def test_paths_that_lead_nowhere(romeo, path, method):
    reply = await romeo.ask(method, path)

    assert reply.status in (302, 400, 404, 405), reply.status
    assert b"root:" not in reply.body and b"SQLite" not in reply.body


# Who


async def test_nobody_has_signed_in(nobody):
    for method, path in (("POST", "/upload"), ("POST", "/uploads"), ("GET", "/files")):
        reply = await nobody.ask(method, path, b"" if method == "POST" else None, JSON)

        refused(reply, 401, "not-authorized")
        assert reply["www-authenticate"] == 'Basic realm="Anser", charset="UTF-8"'


@pytest.mark.parametrize(
    "who", ["Basic", "Basic !!!", "Basic " + base64.b64encode(b"romeo").decode(), "Bearer nonsense", "Digest x"]
)
async def test_a_sign_in_that_is_none(nobody, who):
    reply = await nobody.ask("GET", "/files", fields={"Authorization": who})

    assert reply.status in (400, 401), reply.status


async def test_a_wrong_password(server, nobody):
    account = await server.account("romeo")

    reply = await nobody.ask("GET", "/files", fields={**JSON, "Authorization": basic(account.local, "wrong")})

    refused(reply, 401, "not-authorized")
    assert "www-authenticate" in dict(reply.fields)


async def test_user_or_user_at_host(server, nobody):
    account = await server.account("romeo", password="密码: with a colon")

    for user in (account.local, account.jid):
        reply = await nobody.ask("GET", "/files", fields={"Authorization": basic(user, account.password)})
        assert reply.status == 200, reply.body


async def test_too_many_failures(start):
    server = await start(limits={"failures_per_address": 3})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    wrong = {**JSON, "Authorization": basic(romeo.account.local, "wrong")}

    statuses = [(await romeo.ask("GET", "/files", fields=wrong)) for _ in range(6)]

    assert statuses[0].status == 401 and statuses[-1].status == 429
    assert int(statuses[-1]["retry-after"]) > 0


async def test_over_tls(server, authority):
    context = ssl.create_default_context(cafile=str(authority.path))
    context.check_hostname = False
    romeo = Sender(server.house.settings.https_port, await server.account("romeo"), context)

    file = await romeo.keeps(b"over TLS", "tls.txt")

    assert file["url"].startswith("https://")
    assert (await romeo.gets(file["path"])).body == b"over TLS"


async def test_a_web_token(start, folder):
    server = await start(token_keys=keys(folder))
    account = await server.account("romeo")
    nobody = Sender(server.house.settings.http_port)

    good = await nobody.sends(b"x", Authorization=f"Bearer {token('HS256', account.local)}")
    ended = await nobody.sends(b"x", Authorization=f"Bearer {token('HS256', account.local, valid=-3600)}")

    assert good.status == 201, good.body
    refused(ended, 401, "not-authorized")
    assert [file["url"] for file in (await Sender(nobody.port, account).ask("GET", "/files")).json["files"]] == [
        good.json["url"]
    ]


# Cross-site

SITES = [
    {"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"},
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
]


@pytest.mark.parametrize("site", SITES)
async def test_pages_of_other_sites(romeo, site):
    file = await romeo.keeps(b"x")
    begun = await romeo.began(10)

    replies = [
        await romeo.ask("POST", "/upload", form(part("a", "b")), {**FORM, **JSON, **site}),
        await romeo.ask("POST", "/uploads", b"x", {**JSON, **site}),
        await romeo.begins(5, **{name.replace("-", "_"): value for name, value in {**JSON, **site}.items()}),
        await romeo.ask("DELETE", file["path"], fields={**JSON, **site}),
        await romeo.ask("DELETE", begun, fields={**TUS, **JSON, **site}),
    ]

    for reply in replies:
        refused(reply, 403, "forbidden")
        assert reply["access-control-allow-origin"] is None
    assert (await romeo.gets(file["path"])).status == 200
    assert await romeo.offset(begun) == 0


async def test_the_own_page(romeo):
    own = {"Sec-Fetch-Site": "same-origin", "Origin": f"http://127.0.0.1:{romeo.port}"}

    assert (await romeo.ask("POST", "/upload", form(part("a", "b")), {**FORM, **JSON, **own})).status == 201
    assert (
        await romeo.ask("POST", "/upload", form(part("a", "b")), {**FORM, **JSON, "Origin": own["Origin"]})
    ).status == 201


async def test_origins_that_are_configured(start):
    app = "https://app.example"
    server = await start(uploads={"origins": [app]})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    site = {"Sec-Fetch-Site": "cross-site", "Origin": app}

    asked = await romeo.ask(
        "OPTIONS",
        "/uploads",
        fields={
            **site,
            "Access-Control-Request-Method": "POST",
            "Access-Control-Request-Headers": "authorization, tus-resumable, upload-length",
        },
        Authorization=None,
    )
    made = await romeo.ask("POST", "/uploads", b"x", {**JSON, **site})

    assert asked.status in (200, 204)
    assert asked["access-control-allow-origin"] == app
    assert "POST" in asked["access-control-allow-methods"]
    allowed = asked["access-control-allow-headers"].lower()
    assert allowed == "*" or {"authorization", "tus-resumable", "upload-length", "upload-metadata"} <= _words(allowed)
    assert made.status == 201 and made["access-control-allow-origin"] == app
    assert "location" in made["access-control-expose-headers"].lower()
    other = await romeo.ask(
        "POST", "/uploads", b"x", {**JSON, "Sec-Fetch-Site": "cross-site", "Origin": "https://other.example"}
    )
    refused(other, 403, "forbidden")


async def test_every_origin_may_read_a_file(romeo):
    file = await romeo.keeps(PNG, "a.png", "image/png")

    reply = await romeo.gets(file["path"], Origin="https://any.example")
    asked = await romeo.gets(
        file["path"],
        "OPTIONS",
        Origin="https://any.example",
        Access_Control_Request_Method="PUT",
        Access_Control_Request_Headers="content-type",
    )

    assert reply["access-control-allow-origin"] == "*"
    assert asked.status in (200, 204) and asked["access-control-allow-origin"] == "*"
    assert {"GET", "HEAD", "PUT"} <= _words(asked["access-control-allow-methods"])


# Errors


@pytest.mark.parametrize("prefers", ["text/html", "text/plain", "text/html;q=0.9, application/json;q=0.1"])
async def test_errors_for_people(romeo, prefers):
    reply = await romeo.gets("/files/abcdefghijklmnopqrstuvwxyz012345/a", Accept=prefers)

    assert reply.status == 404
    assert reply["content-type"].startswith(("text/html", "text/plain"))
    assert reply.text.strip()


@pytest.mark.parametrize(
    "prefers", [None, "*/*", "application/json", "application/problem+json", "application/json, text/html;q=0.5"]
)
async def test_errors_for_programs(romeo, prefers):
    refused(await romeo.gets("/files/abcdefghijklmnopqrstuvwxyz012345/a", Accept=prefers), 404, "not-found")


async def test_what_was_sent_is_no_markup_in_an_error(romeo):
    reply = await romeo.gets("/files/%3Cscript%3Ealert(1)%3C%2Fscript%3E/a", Accept="text/html")

    assert b"<script" not in reply.body


# One file in one request


async def test_one_file(romeo):
    data = noise(100_000)

    reply = await romeo.sends(data, "图 one.bin", "application/x-thing")

    assert reply.status == 201
    assert reply["location"] == reply.json["url"]
    assert (reply.json["name"], reply.json["type"], reply.json["size"]) == (
        "图 one.bin",
        "application/x-thing",
        len(data),
    )
    assert (await romeo.gets(path_of(reply["location"]))).body == data


async def test_its_name_from_content_disposition(romeo):
    reply = await romeo.ask(
        "POST", "/uploads", b"x", {**JSON, "Content-Disposition": "attachment; filename*=UTF-8''%E5%9B%BE%20a.png"}
    )

    assert reply.json["name"] == "图 a.png"


async def test_no_name_at_all(romeo):
    reply = await romeo.ask("POST", "/uploads", b"x", JSON)

    assert reply.status == 201 and reply.json["name"]
    assert (await romeo.gets(path_of(reply.json["url"]))).body == b"x"


@pytest.mark.parametrize("name", ["../../../etc/passwd", "..\\..\\boot.ini", "/etc/passwd", "a/../../b"])
async def test_a_name_is_no_path(romeo, name):
    file = await romeo.keeps(b"x", name)

    assert "/" not in file["name"] and "\\" not in file["name"] and file["name"] not in (".", "..")
    assert (await romeo.gets(file["path"])).body == b"x"


async def test_an_empty_file(romeo):
    file = await romeo.keeps(b"", "empty")

    reply = await romeo.gets(file["path"])
    assert file["size"] == 0 and reply.status == 200 and reply.body == b""


async def test_two_of_the_same_are_two_addresses(romeo, juliet):
    data = noise(300_000)
    one, other = await romeo.keeps(data, "a"), await juliet.keeps(data, "b")

    assert (await romeo.ask("DELETE", one["path"])).status == 204

    assert (await romeo.gets(one["path"])).status == 404
    assert (await romeo.gets(other["path"])).body == data


async def test_files_that_begin_and_end_alike_are_not_mixed_up(romeo):
    """The same size, the same first and last 64 KiB, another middle."""
    ends = noise(65536)
    files = [ends + middle + ends for middle in (noise(1000), noise(1000))]

    kept = [await romeo.keeps(data) for data in files]

    assert [(await romeo.gets(file["path"])).body for file in kept] == files


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "18446744073709551616", "+5", "5, 6"])
async def test_lengths_that_are_none(romeo, length):
    reply = await romeo.ask("POST", "/uploads", b"hello", {**JSON, "Content-Length": length})

    assert reply.status in (400, 413), reply.status
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_half_a_file_is_none(romeo):
    wire = await romeo.wire()
    await wire.send(
        wire.head("POST", "/uploads?name=half", {**JSON, **romeo.who, "Content-Length": 100_000}) + noise(50_000)
    )

    wire.hang_up()

    async def nothing():
        said = (await romeo.ask("GET", "/files")).json
        return said["files"] == [] and said["used"] == 0

    await until(nothing, "nothing to be left", 30)


# The list


async def test_the_list(romeo, juliet):
    assert (await romeo.ask("GET", "/files")).json == {"files": [], "used": 0, "quota": 1 << 30}
    kept = [await romeo.keeps(noise(size), f"{size}.bin") for size in (10, 20, 30)]
    await juliet.keeps(b"mine")

    said = (await romeo.ask("GET", "/files")).json

    assert [file["name"] for file in said["files"]] == ["30.bin", "20.bin", "10.bin"]
    assert said["files"][0]["url"] == kept[2]["url"]
    assert said["used"] == 60
    before = path_of(kept[1]["url"]).split("/")[2]
    assert [file["name"] for file in (await romeo.ask("GET", f"/files?before={before}")).json["files"]] == ["10.bin"]
    head = await romeo.ask("HEAD", "/files")
    assert head.status == 200 and head.body == b""


async def test_markup_in_names_stays_text(romeo):
    file = await romeo.keeps(b"x", "<img src=x onerror=alert(1)>.txt")

    said = (await romeo.ask("GET", "/files")).json["files"][0]
    reply = await romeo.gets(file["path"])

    assert said["name"] == file["name"]
    assert "<" not in path_of(file["url"])
    assert reply["content-type"].startswith(("text/plain", "application/octet-stream"))


async def test_what_is_deleted_is_no_longer_used(romeo):
    file = await romeo.keeps(noise(1000))

    assert (await romeo.ask("DELETE", file["path"])).status == 204

    assert (await romeo.ask("GET", "/files")).json == {"files": [], "used": 0, "quota": 1 << 30}


# Deletion


async def test_deletion(romeo, juliet, nobody):
    file = await romeo.keeps(b"mine")

    refused(await nobody.ask("DELETE", file["path"], fields=JSON), 401, "not-authorized")
    refused(await juliet.ask("DELETE", file["path"], fields=JSON), 403, "forbidden")
    assert (await romeo.gets(file["path"])).status == 200
    assert (await romeo.ask("DELETE", file["path"])).status == 204
    refused(await romeo.gets(file["path"]), 404, "not-found")
    refused(await romeo.ask("DELETE", file["path"], fields=JSON), 404, "not-found")


async def test_who_has_no_account_gets_an_address_to_delete_with(anonymous):
    reply = await anonymous.posts(part("file", b"x", "a.txt"))
    (file,) = reply.json["files"]
    path, delete = path_of(file["url"]), path_of(file["delete_url"])
    assert re.fullmatch(r"/delete/[A-Za-z0-9_-]{20,}/[A-Za-z0-9_-]{20,}", delete)

    assert (await anonymous.ask("GET", delete)).status == 200  # asks, and removes nothing: links are fetched by many
    assert (await anonymous.ask("HEAD", delete)).status == 200
    assert (await anonymous.gets(path)).status == 200
    for wrong in (
        delete[:-1] + ("A" if delete[-1] != "A" else "B"),
        delete + "A",
        delete[:-1],
        delete.rsplit("/", 1)[0] + "/",
    ):
        for method in ("POST", "DELETE"):
            assert (await anonymous.ask(method, wrong)).status in (403, 404)
    refused(await anonymous.ask("DELETE", path, fields=JSON), 401, "not-authorized")
    assert (await anonymous.gets(path)).status == 200
    assert (await anonymous.ask("DELETE", delete)).status == 204
    assert (await anonymous.gets(path)).status == 404


async def test_the_page_that_deletes(anonymous):
    page = await anonymous.ask("POST", "/upload", form(part("file", b"x", "a.txt")), {**FORM, "Accept": "text/html"})
    (delete,) = re.findall(r'href="[^"]*(/delete/[^"]*)"', page.text)
    (path,) = re.findall(r'href="[^"]*(/files/[^"]*)"', page.text)

    asks = await anonymous.ask("GET", delete, fields={"Accept": "text/html"})
    assert asks["content-type"].startswith("text/html") and 'method="post"' in asks.text.lower()
    done = await anonymous.ask(
        "POST", delete, b"", {"Accept": "text/html", "Content-Type": "application/x-www-form-urlencoded"}
    )

    assert done.status in (200, 204)
    assert (await anonymous.gets(path)).status == 404


async def test_who_has_no_account_is_told_that_address_when_an_upload_begins(anonymous):
    for begins in (anonymous.begins(5), anonymous.ask("POST", "/uploads", b"", {"Upload-Complete": "?0"})):
        reply = await begins
        assert reply.status == 201
        delete = path_of(reply.json["delete_url"])
        path = path_of(reply["location"])
        if "tus-resumable" in dict(reply.fields):
            done = await anonymous.goes_on(path, 0, b"hello")
        else:
            fields = {"Upload-Complete": "?1", "Upload-Offset": 0, "Content-Type": "application/partial-upload"}
            done = await anonymous.ask("PATCH", path, b"hello", fields)
        file = path_of(done["content-location"])
        assert (await anonymous.gets(file)).body == b"hello"
        assert (await anonymous.ask("DELETE", delete)).status == 204
        assert (await anonymous.gets(file)).status == 404


async def test_anonymous_with_a_wrong_password(anonymous):
    reply = await anonymous.sends(b"x", Authorization=basic("romeo", "wrong"))

    refused(reply, 401, "not-authorized")


async def test_anonymous_is_for_sending_only(anonymous):
    refused(await anonymous.ask("GET", "/files", fields=JSON), 401, "not-authorized")
    reply = await anonymous.sends(b"x")
    assert reply.status == 201 and "delete_url" in reply.json


async def test_a_file_with_an_owner_has_no_address_to_delete_with(anonymous):
    stage = anonymous.stage
    romeo = Sender(anonymous.port, await stage.account("romeo"))

    assert "delete_url" not in (await romeo.sends(b"x")).json


# Ends


@pytest.mark.slow
async def test_a_file_that_ends(start):
    server = await start(uploads={"keep_for": "1m"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    file = await romeo.keeps(b"soon gone")
    created, expires = (datetime.fromisoformat(file[word]) for word in ("created", "expires"))
    assert expires - created == timedelta(minutes=1)
    assert (await romeo.gets(file["path"])).status == 200

    async def gone():
        return (await romeo.gets(file["path"])).status == 404

    await until(gone, "the file to end", 90)
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_too_many_at_once(start):
    """The limit is each core's."""
    server = await start(uploads={"at_once_per_account": 1})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    slow = [await romeo.wire() for _ in range(16)]
    for wire in slow:
        await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 10}) + b"half")

    replies = []
    for wire in slow:
        try:
            await wire.send(b"whole!")
            replies.append(await wire.reply())
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # refused before its body, and closed

    refusals = [reply for reply in replies if reply.status != 201]
    assert refusals and len(refusals) < len(replies)
    for reply in refusals:
        refused(reply, 429, "busy")
        assert int(reply["retry-after"]) > 0
    assert (await romeo.sends(b"x")).status == 201
    for wire in slow:
        wire.hang_up()


async def test_many_at_the_same_time(romeo):
    files = [noise(50_000 + i) for i in range(12)]

    kept = await asyncio.gather(*(romeo.keeps(data) for data in files))

    got = await asyncio.gather(*(romeo.gets(file["path"]) for file in kept))
    assert [hashlib.sha256(reply.body).digest() for reply in got] == [hashlib.sha256(data).digest() for data in files]


# Another name, another address


async def test_a_host_of_its_own(start):
    server = await start(uploads={"host": "files.example.org"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    host = {"Host": f"files.example.org:{romeo.port}"}

    reply = await romeo.sends(b"x", **host)
    assert reply.status == 201
    assert re.match(rf"http://files\.example\.org(:{romeo.port})?/files/", reply.json["url"])
    assert (await romeo.gets(path_of(reply.json["url"]))).status == 421
    assert (await romeo.gets(path_of(reply.json["url"]), **host)).body == b"x"


async def test_an_address_of_its_own(start):
    server = await start(uploads={"address": "https://files.example.org/behind"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))

    assert (await romeo.sends(b"x")).json["url"].startswith("https://files.example.org/behind/files/")
