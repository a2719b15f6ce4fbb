"""Files over HTTP with other people's clients: curl and Python's requests."""

import asyncio
import contextlib
import hashlib
import json
import os
import re
import socket
import subprocess
from pathlib import Path

import pytest
import requests

from support.waits import until

pytestmark = pytest.mark.anser_only("only Anser has this door")

PNG = b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x00\x01\x00\x00\x00\x01\x08\x06\x00\x00\x00\x1f\x15\xc4\x89"
HTML = {"Accept": "text/html"}


class Client:
    """Blocking calls of one person, each in a thread of its own."""

    def __init__(self, stage, account=None):
        self.base = f"http://127.0.0.1:{stage.house.settings.http_port}"
        self.port = stage.house.settings.http_port
        self.auth = (account.local, account.password) if account else None

    async def ask(self, method: str, address: str, **how) -> requests.Response:
        url = address if address.startswith("http") else self.base + address
        how = {"auth": self.auth, "timeout": 60} | how
        return await asyncio.to_thread(requests.request, method, url, **how)

    async def keep(self, data: bytes, name: str = "a.bin", type: str = "application/octet-stream") -> dict:
        answer = await self.ask("POST", f"/uploads?name={name}", data=data, headers={"Content-Type": type})
        assert answer.status_code == 201, answer.text
        return answer.json()

    async def raw(self, request: bytes, *, end: bool = True) -> bytes:
        """What comes for these bytes until the server closes."""

        def talk() -> bytes:
            with socket.create_connection(("127.0.0.1", self.port), timeout=60) as connection:
                connection.sendall(request)
                if end:
                    connection.shutdown(socket.SHUT_WR)
                answer = b""
                with contextlib.suppress(ConnectionResetError):
                    while some := connection.recv(65536):
                        answer += some
                return answer

        return await asyncio.to_thread(talk)


async def curl(*arguments: str) -> str:
    """The body, a line end, and the status."""
    command = ["curl", "--silent", "--show-error", "--max-time", "60", "--write-out", "\n%{http_code}", *arguments]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, check=True)
    return done.stdout


@pytest.fixture
async def romeo(server) -> Client:
    return Client(server, await server.account("romeo"))


@pytest.fixture
async def juliet(server) -> Client:
    return Client(server, await server.account("juliet"))


def left_in(house, folder: str) -> list[Path]:
    return [path for path in Path(house.data).rglob("*") if folder in path.parts and path.is_file()]


# Forms ---------------------------------------------------------------------------------------------------------------


async def test_curls_form_is_kept_and_comes_back(romeo, tmp_path):
    data = os.urandom(3_000_000)
    (tmp_path / "first.bin").write_bytes(data)
    (tmp_path / "图.png").write_bytes(PNG)

    said = await curl(
        "--user", ":".join(romeo.auth), "-F", "author=张三", "-F", "company=Anser",
        "-F", f"file1=@{tmp_path}/first.bin", "-F", f"file2=@{tmp_path}/图.png", romeo.base + "/upload",
    )  # fmt: skip

    body, status = said.rsplit("\n", 1)
    assert status == "201"
    answer = json.loads(body)
    assert answer["fields"] == {"author": "张三", "company": "Anser"}
    assert [(file["field"], file["name"], file["size"]) for file in answer["files"]] == [
        ("file1", "first.bin", len(data)),
        ("file2", "图.png", len(PNG)),
    ]
    first, second = [await romeo.ask("GET", file["url"], auth=None) for file in answer["files"]]
    assert hashlib.sha256(first.content).digest() == hashlib.sha256(data).digest()
    assert first.headers["Content-Disposition"].startswith("attachment;")
    assert second.content == PNG
    assert second.headers["Content-Type"] == "image/png"


async def test_a_browser_sees_the_words_of_the_servlet(romeo):
    form = {"author": (None, "张三"), "company": (None, "<b>Anser</b>"), "file1": ("a.txt", b"hello", "text/plain")}

    answer = await romeo.ask("POST", "/upload", files=form | {"file2": ("", b"")}, headers=HTML)

    assert answer.status_code == 201
    assert "用户:张三" in answer.text
    assert "来自:&lt;b&gt;Anser&lt;/b&gt;" in answer.text
    assert "成功上传的文件:" in answer.text
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    (address,) = re.findall(r'href="(http[^"]*/files/[^"]*)"', answer.text)
    assert (await romeo.ask("GET", address)).text == "hello"


async def test_a_form_without_files_says_so(romeo):
    answer = await romeo.ask("POST", "/upload", files={"author": (None, "x")}, headers=HTML)

    assert "成功上传的文件:无" in answer.text


async def test_a_name_in_gbk_arrives_readable(romeo):
    body = (
        b'--b\r\nContent-Disposition: form-data; name="author"\r\n\r\n' + "张三".encode("gbk") + b"\r\n"
        b'--b\r\nContent-Disposition: form-data; name="file1"; filename="C:\\tmp\\'
        + "許功蓋.txt".encode("gbk")
        + b'"\r\n'
        b"\r\nhello\r\n--b--\r\n"
    )

    answer = await romeo.ask("POST", "/upload", data=body, headers={"Content-Type": "multipart/form-data; boundary=b"})

    assert answer.json()["fields"]["author"] == "张三"
    assert answer.json()["files"][0]["name"] == "許功蓋.txt"


async def test_another_type_is_refused_in_its_sentence(romeo):
    answer = await romeo.ask("POST", "/upload", data={"author": "x"}, headers=HTML)

    assert answer.status_code == 415
    assert "只能处理multipart/form-data类型的数据!" in answer.text


async def test_all_files_of_a_form_are_kept_or_none(start):
    stage = await start(uploads={"file_bytes": 100_000, "form_bytes": 1_000_000})
    romeo = Client(stage, await stage.account("romeo"))

    answer = await romeo.ask("POST", "/upload", files=[("f", ("a", b"a" * 100)), ("f", ("b", b"b" * 100_001))])

    assert answer.status_code == 413
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert (problem["code"], problem["status"], problem["permitted"]) == ("file-too-large", 413, 100_000)
    assert problem["actual"] > 100_000
    assert (await romeo.ask("GET", "/files")).json()["files"] == []


async def test_a_form_that_says_it_is_too_large_is_not_waited_for(start):
    stage = await start(uploads={"file_bytes": 1000, "form_bytes": 10_000})
    romeo = Client(stage, await stage.account("romeo"))
    request = requests.Request(
        "POST", romeo.base + "/upload", auth=romeo.auth, headers={"Content-Type": "multipart/form-data; boundary=b"}
    ).prepare()
    head = "POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999999\r\n"
    head += "".join(f"{name}: {value}\r\n" for name, value in request.headers.items() if name != "Content-Length")

    said = await romeo.raw(head.encode() + b"\r\n", end=False)

    assert said.startswith(b"HTTP/1.1 413 ")
    assert b'"code":"form-too-large"' in said


@pytest.mark.parametrize("length", ["-1", "1x", "99999999999999999999999999", "", "5, 6"])
async def test_lengths_that_are_none_are_refused(romeo, length):
    said = await romeo.raw(f"POST /uploads HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n".encode())

    assert said.startswith(b"HTTP/1.1 400 "), said


async def test_a_client_that_goes_in_the_middle_leaves_nothing(romeo, server):
    before = set(left_in(server.house, "unfinished"))
    head = requests.Request("POST", romeo.base, auth=romeo.auth).prepare().headers["Authorization"]
    lead = f"POST /upload HTTP/1.1\r\nHost: a\r\nAuthorization: {head}\r\nContent-Length: 5000000\r\n"
    lead += "Content-Type: multipart/form-data; boundary=b\r\n\r\n"
    part = '--b\r\nContent-Disposition: form-data; name="f"; filename="a"\r\n\r\n'

    await romeo.raw(lead.encode() + part.encode() + os.urandom(1_000_000))

    assert (await romeo.ask("GET", "/files")).json()["files"] == []

    async def is_gone() -> bool:
        return set(left_in(server.house, "unfinished")) <= before

    await until(is_gone, "the rest to be removed", 10)


# Who -----------------------------------------------------------------------------------------------------------------


async def test_strangers_are_asked_who_they_are(server):
    nobody = Client(server)

    answer = await nobody.ask("POST", "/upload", files={"f": ("a", b"a")})

    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"] == 'Basic realm="Anser", charset="UTF-8"'
    assert answer.json()["code"] == "not-authorized"
    assert (await nobody.ask("GET", "/files")).status_code == 401


async def test_a_wrong_password_is_401(romeo):
    assert (await romeo.ask("GET", "/files", auth=(romeo.auth[0], "wrong"))).status_code == 401


async def test_a_page_of_another_site_may_not_send(romeo):
    for fields in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}, {"Origin": "null"}):
        answer = await romeo.ask("POST", "/upload", files={"f": ("a", b"a")}, headers=fields)
        assert answer.status_code == 403, fields


async def test_without_an_account_there_is_an_address_for_removal(start):
    stage = await start(uploads={"anonymous": True})
    nobody = Client(stage)
    kept = (await nobody.ask("POST", "/upload", files={"f": ("a.txt", b"hello")})).json()["files"][0]

    asked = await nobody.ask("GET", kept["delete_url"])
    assert asked.status_code == 200
    assert '<form method="post">' in asked.text
    assert (await nobody.ask("GET", kept["url"])).status_code == 200
    assert (await nobody.ask("POST", kept["delete_url"][:-1] + "!")).status_code == 404

    removed = await nobody.ask("POST", kept["delete_url"], headers=HTML)

    assert removed.status_code == 200
    assert (await nobody.ask("GET", kept["url"])).status_code == 404
    assert (await nobody.ask("GET", kept["delete_url"])).status_code == 404


# Serving -------------------------------------------------------------------------------------------------------------


async def test_curl_goes_on_where_it_stopped(romeo, tmp_path):
    data = os.urandom(2_000_000)
    kept = await romeo.keep(data)
    half = tmp_path / "half"
    half.write_bytes(data[:700_001])

    said = await curl("--continue-at", "-", "--output", str(half), kept["url"])

    assert said.strip() == "206"
    assert half.read_bytes() == data


async def test_ranges_and_conditions(romeo):
    kept = await romeo.keep(b"0123456789", "a.txt", "text/plain")
    get = lambda **fields: romeo.ask("GET", kept["url"], headers={k.replace("_", "-"): v for k, v in fields.items()})

    whole = await get()
    assert whole.headers["Content-Type"] == "text/plain; charset=utf-8"
    assert whole.headers["X-Content-Type-Options"] == "nosniff"
    assert whole.headers["Content-Security-Policy"] == "sandbox; default-src 'none'; frame-ancestors 'none'"
    assert "Set-Cookie" not in whole.headers
    assert (await get(Range="bytes=2-4")).text == "234"
    assert (await get(Range="bytes=-2")).headers["Content-Range"] == "bytes 8-9/10"
    several = await get(Range="bytes=0-0,9-9")
    assert several.headers["Content-Type"].startswith("multipart/byteranges; boundary=")
    assert several.text.count("Content-Range: bytes ") == 2
    beyond = await get(Range="bytes=10-")
    assert (beyond.status_code, beyond.headers["Content-Range"]) == (416, "bytes */10")
    assert (await get(If_None_Match=whole.headers["ETag"])).status_code == 304
    assert (await get(If_Modified_Since=whole.headers["Last-Modified"])).status_code == 304
    assert (await get(If_Match='"x"')).status_code == 412
    assert (await get(If_Range='"x"', Range="bytes=0-0")).status_code == 200
    head = await romeo.ask("HEAD", kept["url"])
    assert (head.headers["Content-Length"], head.content) == ("10", b"")


@pytest.mark.parametrize("type", ["text/html", "image/svg+xml", "application/xhtml+xml", "image/png", "text/xml"])
async def test_what_could_run_is_only_saved(romeo, type):
    kept = await romeo.keep(b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", "a.html", type)

    answer = await romeo.ask("GET", kept["url"])

    assert answer.headers["Content-Type"] == "application/octet-stream"
    assert answer.headers["Content-Disposition"].startswith("attachment;")


async def test_a_slow_reader_costs_no_memory(romeo, server):
    kept = await romeo.keep(b"x" * 50_000_000)
    path = kept["url"].split("/", 3)[3]
    status = Path(f"/proc/{server.house.process.pid}/status")
    memory = server.house.memory
    before = memory()
    readers = []
    try:
        for _ in range(20):
            reader = socket.socket()
            reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            reader.connect(("127.0.0.1", romeo.port))
            reader.sendall(f"GET /{path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
            readers.append(reader)
        for reader in readers:
            assert await asyncio.to_thread(reader.recv, 8) == b"HTTP/1.1"
        assert (await romeo.ask("GET", "/files")).status_code == 200
        assert memory() - before < 32_000_000  # the files have 1,000,000,000
    finally:
        for reader in readers:
            reader.close()


async def test_files_may_have_a_host_of_their_own(start):
    stage = await start(uploads={"host": "files.example.org"})
    romeo = Client(stage, await stage.account("romeo"))
    kept = await romeo.keep(b"hello")
    assert kept["url"].startswith(f"http://files.example.org:{romeo.port}/files/")
    path = kept["url"].split(str(romeo.port), 1)[1]

    assert (await romeo.ask("GET", path)).status_code == 421
    assert (await romeo.ask("GET", path, headers={"Host": f"files.example.org:{romeo.port}"})).text == "hello"


# Owners --------------------------------------------------------------------------------------------------------------


async def test_only_the_owner_lists_and_removes(romeo, juliet):
    kept = await romeo.keep(b"hello")

    listed = (await romeo.ask("GET", "/files")).json()
    assert [file["url"] for file in listed["files"]] == [kept["url"]]
    assert listed["used"] == 5
    assert (await juliet.ask("GET", "/files")).json()["files"] == []
    assert (await juliet.ask("DELETE", kept["url"])).status_code == 403
    assert (await romeo.ask("DELETE", kept["url"], auth=None)).status_code == 401
    assert (await romeo.ask("DELETE", kept["url"])).status_code == 204
    assert (await romeo.ask("GET", kept["url"])).status_code == 404


async def test_a_quota_is_kept(start):
    stage = await start(uploads={"quota_bytes": 2_000})
    romeo = Client(stage, await stage.account("romeo"))
    kept = await romeo.keep(b"x" * 1_500)

    answer = await romeo.ask("POST", "/uploads", data=b"y" * 501)

    assert answer.status_code == 413
    assert (answer.json()["code"], answer.json()["permitted"]) == ("quota", 2_000)
    assert (await romeo.ask("DELETE", kept["url"])).status_code == 204
    assert (await romeo.ask("POST", "/uploads", data=b"y" * 501)).status_code == 201


async def test_programs_get_json_and_people_pages(romeo):
    as_json = await romeo.ask("GET", "/files/nobody/x")
    as_page = await romeo.ask("GET", "/files/nobody/x", headers=HTML)
    as_text = await romeo.ask("GET", "/files/nobody/x", headers={"Accept": "text/plain"})

    assert as_json.json()["code"] == "not-found"
    assert as_page.headers["Content-Type"] == "text/html; charset=utf-8"
    assert as_text.text.count("\n") == 1
    assert {as_json.status_code, as_page.status_code, as_text.status_code} == {404}
