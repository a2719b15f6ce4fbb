"""Files by clients that we did not write: curl, Python's requests, Node's form-data and undici."""

import asyncio
import io
import json
import shutil
from pathlib import Path

import pytest
import requests

from support.files import PNG, Sender, basic, noise, path_of
from support.node import play
from support.waits import within

pytestmark = pytest.mark.anser_only("it is Anser's own door")

NAME = '图 "quoted" & más.bin'


@pytest.fixture
def large(tmp_path) -> Path:
    path = tmp_path / "large.bin"
    path.write_bytes(noise(3_000_000))
    return path


async def _curl(*words) -> str:
    process = await asyncio.create_subprocess_exec(
        shutil.which("curl"),
        "-sS",
        "--max-time",
        "60",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await within(process.communicate(), "curl to end", 70)
    assert process.returncode == 0, err.decode()
    return out.decode()


def _base(sender: Sender) -> str:
    return f"http://127.0.0.1:{sender.port}"


def _who(sender: Sender) -> tuple[str, str]:
    return sender.account.local, sender.account.password


# curl


@pytest.mark.parametrize(
    "more", [(), ("-H", "Expect: 100-continue"), ("-H", "Expect:"), ("-H", "Transfer-Encoding: chunked")]
)
async def test_curl_sends_a_form(romeo, large, tmp_path, more):
    user = ":".join(_who(romeo))

    out = await _curl(
        "-u",
        user,
        "-H",
        "Accept: application/json",
        "-F",
        "author=张三",
        "-F",
        f"file1=@{large}",
        "-F",
        "file2=@/dev/null;filename=",
        *more,
        f"{_base(romeo)}/upload",
    )

    said = json.loads(out)
    assert said["fields"]["author"] == "张三"
    assert [(file["name"], file["size"]) for file in said["files"]] == [("large.bin", 3_000_000)]
    got = tmp_path / "got"
    await _curl("-o", got, said["files"][0]["url"])
    assert got.read_bytes() == large.read_bytes()


async def test_curl_escapes_a_name_in_both_ways(romeo, large):
    for more in ((), ("--form-escape",)):
        out = await _curl(
            "-u",
            ":".join(_who(romeo)),
            "-H",
            "Accept: application/json",
            *more,
            "-F",
            f'file=@{large};filename="a \\"b\\".bin"',
            f"{_base(romeo)}/upload",
        )
        (file,) = json.loads(out)["files"]
        assert (await romeo.gets(path_of(file["url"]))).status == 200


async def test_curl_sends_a_file(romeo, large):
    out = await _curl(
        "-u",
        ":".join(_who(romeo)),
        "-X",
        "POST",
        "-T",
        large,
        "-H",
        "Content-Type: application/x-thing",
        f"{_base(romeo)}/uploads?name=a.bin",
    )

    said = json.loads(out)
    assert (said["name"], said["size"], said["type"]) == ("a.bin", 3_000_000, "application/x-thing")


async def test_curl_goes_on_with_a_download(romeo, large, tmp_path):
    url = (await romeo.keeps(large.read_bytes()))["url"]
    half = tmp_path / "half"
    half.write_bytes(large.read_bytes()[:1_000_000])

    await _curl("-C", "-", "-o", half, url)

    assert half.read_bytes() == large.read_bytes()


async def test_curl_in_one_connection(romeo, large):
    """The connection is good for more after a body that was read and one that was refused."""
    out = await _curl(
        "-w",
        "%{num_connects}\n",
        "-o",
        "/dev/null",
        "-o",
        "/dev/null",
        "-u",
        ":".join(_who(romeo)),
        "--data-binary",
        "@" + str(large),
        "-H",
        "Expect:",
        f"{_base(romeo)}/uploads?name=a",
        f"{_base(romeo)}/uploads?name=b",
    )

    assert out.split() == ["1", "0"]


# requests


async def test_requests_sends_a_form(romeo):
    def send():
        return requests.post(
            f"{_base(romeo)}/upload",
            auth=tuple(word.encode() for word in _who(romeo)),
            headers={"Accept": "application/json"},
            data={"author": "张三", "tag": ["one", "two"]},
            files=[("file1", (NAME, io.BytesIO(PNG), "image/png")), ("file1", ("b.txt", "words"))],
            timeout=30,
        )

    answer = await asyncio.to_thread(send)

    assert answer.status_code == 201, answer.text
    said = answer.json()
    assert said["fields"] == {"author": "张三", "tag": ["one", "two"]}
    assert [file["size"] for file in said["files"]] == [len(PNG), 5]
    assert said["files"][0]["name"].startswith("图 ") and said["files"][0]["name"].endswith(" & más.bin")
    got = await asyncio.to_thread(lambda: requests.get(said["files"][0]["url"], timeout=30))
    assert got.content == PNG and got.headers["Content-Type"] == "image/png"


async def test_requests_streams_a_file(romeo, large):
    def pieces():
        with large.open("rb") as file:
            while piece := file.read(70_001):
                yield piece

    answer = await asyncio.to_thread(
        lambda: requests.post(f"{_base(romeo)}/uploads?name=a", data=pieces(), headers=romeo.who, timeout=30)
    )

    assert answer.status_code == 201 and answer.json()["size"] == 3_000_000


# Node


async def test_node_s_form_data_and_undici(romeo, large, packages):
    stage = {
        "base": _base(romeo),
        "authorization": basic(*_who(romeo)),
        "path": str(large),
        "name": NAME,
        "author": "张三",
    }

    told = await play("files.js", stage)

    for client in ("formData", "undici"):
        said = told[client]
        assert said["status"] == 201, said
        assert said["body"]["fields"] == {"author": "张三"}
        assert [(file["field"], file["size"]) for file in said["body"]["files"]] == [("file1", 3_000_000), ("file2", 8)]
        assert said["body"]["files"][0]["name"].startswith("图 ")
        assert (await romeo.gets(path_of(said["body"]["files"][0]["url"]))).body == large.read_bytes()
    assert told["body"]["status"] == 201 and told["body"]["body"]["size"] == 3_000_000
    assert told["body"]["body"]["name"].startswith("图 ")
