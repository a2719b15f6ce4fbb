"""docs/wire/upload.md, Slots (XEP-0363 1.2.0), stanza by stanza."""

import asyncio
from urllib.parse import parse_qs, urlsplit

import pytest

from support.files import DRAFT, JSON, PNG, Sender, noise, path_of, refused
from support.waits import until
from support.xml import Node

pytestmark = pytest.mark.anser_only("it is Anser's own door")

UPLOAD = "urn:xmpp:http:upload:0"
DISCO_INFO = "http://jabber.org/protocol/disco#info"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
MB = 1 << 20


async def _asks(session, size="1000", name="très cool.jpg", type="image/jpeg", more="") -> Node:
    said = "".join(
        f" {key}='{value}'"
        for key, value in (("filename", name), ("size", size), ("content-type", type))
        if value is not None
    )
    return await session.ask(f"<request xmlns='{UPLOAD}'{said}>{more}</request>", to=session.account.domain)


async def _slot(session, body: bytes, name: str = "a.png", type: str | None = "image/png") -> tuple[str, str]:
    answer = await _asks(session, str(len(body)), name, type)
    assert answer["type"] == "result", answer
    slot = answer.child("slot", UPLOAD)
    return path_of(slot.child("put")["url"]), path_of(slot.child("get")["url"])


def _is(answer: Node, condition: str, kind: str) -> Node:
    assert answer["type"] == "error", answer
    error = answer.child("error")
    assert error.has(condition, STANZAS) and error["type"] == kind, answer
    return error


@pytest.fixture
async def nobody(server) -> Sender:
    return Sender(server.house.settings.http_port)


async def test_discovery(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=server.domain)

    query = answer.child("query", DISCO_INFO)
    assert UPLOAD in [feature["var"] for feature in query.children if feature.name == "feature"]
    forms = [form for form in query.children if form.name == "x"]
    sizes = [
        field.child("value").text
        for form in forms
        for field in form.children
        if field.name == "field" and field["var"] == "max-file-size"
    ]
    assert sizes == [str(100 * MB)]


async def test_a_picture(server, nobody):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, PNG, "très cool.png")
    assert "slot" in parse_qs(urlsplit(put).query) and put.split("?")[0] == get
    assert get.endswith("/tr%C3%A8s%20cool.png")
    assert (await nobody.gets(get)).status == 404

    reply = await nobody.ask("PUT", put, PNG, {"Content-Type": "image/png"})

    assert reply.status == 201
    got = await nobody.gets(get)
    assert got.body == PNG and got["content-type"] == "image/png"
    refused(await nobody.ask("PUT", put, PNG, {**JSON, "Content-Type": "image/png"}), 409, "conflict")
    assert (await nobody.gets(get)).body == PNG


async def test_it_is_its_account_s(server, nobody):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, PNG)
    await nobody.ask("PUT", put, PNG, {"Content-Type": "image/png"})
    sender = Sender(nobody.port, romeo.account)

    assert [path_of(file["url"]) for file in (await sender.ask("GET", "/files")).json["files"]] == [get]
    assert (await sender.ask("DELETE", get)).status == 204


async def test_what_does_not_agree_with_the_slot(server, nobody):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, PNG)
    png = {**JSON, "Content-Type": "image/png"}

    assert (await nobody.ask("PUT", put, PNG + b"x", png)).status == 413
    assert (await nobody.ask("PUT", put, PNG[:-1], png)).status in (413, 400, 422)
    chunked = await nobody.ask("PUT", put, b"3\r\nabc\r\n0\r\n\r\n", {**png, "Transfer-Encoding": "chunked"})
    refused(chunked, 411, "length-required")
    refused(await nobody.ask("PUT", put, PNG, {**JSON, "Content-Type": "text/html"}), 415, "type")
    assert (await nobody.gets(get)).status == 404
    assert (await nobody.ask("PUT", put, PNG, png)).status == 201  # none of them has used it up


async def test_a_slot_without_a_type(server, nobody):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, b"words", "a.txt", None)

    assert (await nobody.ask("PUT", put, b"words", {"Content-Type": "text/plain"})).status == 201


@pytest.mark.parametrize("change", ["none", "another id", "another word", "cut", "of another", "empty"])
async def test_a_signature_that_is_none(server, nobody, change):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, PNG)
    other, _ = await _slot(romeo, PNG + b"longer")
    path, _, query = put.partition("?")
    ident = path.split("/")[2]
    last = "A" if put[-1] != "A" else "B"
    wrong = {
        "none": path,
        "another id": put.replace(ident, ident[:-1] + ("A" if ident[-1] != "A" else "B")),
        "another word": put[:-1] + last,
        "cut": put[:-5],
        "of another": path + "?" + other.partition("?")[2],
        "empty": path + "?slot=",
    }[change]

    reply = await nobody.ask("PUT", wrong, PNG, {**JSON, "Content-Type": "image/png"})

    assert reply.status in (400, 401, 403, 404), reply.body
    assert (await nobody.gets(get)).status == 404


async def test_a_slot_that_has_ended(start):
    server = await start(uploads={"slot_lifetime": "10s"})
    romeo = await server.session("romeo")
    nobody = Sender(server.house.settings.http_port)
    put, _ = await _slot(romeo, PNG)
    wrong = {**JSON, "Content-Type": "text/html"}  # refused for its type while the slot is good

    async def ended():
        return (await nobody.ask("PUT", put, PNG, wrong)).status in (403, 404)

    await until(ended, "the slot to end", 30)


async def test_errors(server):
    romeo = await server.session("romeo")

    error = _is(await _asks(romeo, str(100 * MB + 1)), "not-acceptable", "modify")
    assert error.child("file-too-large", UPLOAD).text_of("max-file-size") == str(100 * MB)
    for size in ("0", "-1", "many", "", None, "99999999999999999999999"):
        answer = await _asks(romeo, size)
        assert answer["type"] == "error" or size == "0", answer
    for name in ("", None):
        assert (await _asks(romeo, "10", name))["type"] == "error"


@pytest.mark.parametrize(
    "name", ["../../../etc/passwd", "a/b.txt", "c:\\boot.ini", "?slot=x#y.txt", "%2e%2e%2f", "x" * 2000]
)
async def test_names_are_no_paths(server, nobody, name):
    romeo = await server.session("romeo")
    answer = await _asks(romeo, "5", name.replace("&", "&amp;"), None)
    if answer["type"] == "error":
        return
    slot = answer.child("slot", UPLOAD)
    get = path_of(slot.child("get")["url"])
    assert len(get.split("/")) == 4 and ".." not in get.split("/")

    assert (await nobody.ask("PUT", path_of(slot.child("put")["url"]), b"hello")).status == 201
    assert (await nobody.gets(get)).body == b"hello"


async def test_half_a_put_leaves_the_slot_good(server, nobody):
    romeo = await server.session("romeo")
    data = noise(100_000)
    put, get = await _slot(romeo, data, "a.bin", None)
    wire = await nobody.wire()
    await wire.send(wire.head("PUT", put, {"Content-Length": len(data)}) + data[:50_000])
    wire.hang_up()

    async def taken():
        return (await nobody.ask("PUT", put, data)).status == 201

    await until(taken, "the slot to be free again", 30)
    assert (await nobody.gets(get)).body == data


async def test_two_at_once(server, nobody):
    romeo = await server.session("romeo")
    data = noise(500_000)
    put, get = await _slot(romeo, data, "a.bin", None)

    replies = await asyncio.gather(*(nobody.ask("PUT", put, data) for _ in range(4)), return_exceptions=True)

    good = [reply for reply in replies if not isinstance(reply, BaseException) and reply.status == 201]
    assert len(good) == 1, replies
    assert (await nobody.gets(get)).body == data


async def test_it_can_be_resumed(server, nobody):
    romeo = await server.session("romeo")
    data = noise(300_000)
    put, get = await _slot(romeo, data, "a.bin", None)
    wire = await nobody.wire()
    await wire.send(
        wire.head("PUT", put, {**DRAFT, "Upload-Complete": "?1", "Content-Length": len(data)}) + data[:200_000]
    )
    informed = await wire.head_of_reply()
    assert informed.status == 104
    path = path_of(informed["location"])
    wire.hang_up()

    state = await nobody.ask("HEAD", path, fields=DRAFT)
    offset = int(state["upload-offset"])
    rest = {"Upload-Complete": "?1", "Upload-Offset": offset, "Content-Type": "application/partial-upload"}
    reply = await nobody.ask("PATCH", path, data[offset:], rest)

    assert reply.status == 201
    assert (await nobody.gets(get)).body == data
