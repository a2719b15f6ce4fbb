"""tus-js-client 4.3 by tus 1.0 and by the two drafts that it knows, -03 and -05 (interop versions 5 and 6). Neither takes
our 104 (version 8), and -03 names no media type, so it can begin an upload but not go on."""

import asyncio
import base64
import urllib.request

import pytest

from support.node import play

pytestmark = pytest.mark.anser_only("it is Anser's own door")

SIZE = 300_000
BYTES = (b"0123456789" * (SIZE // 10))[:SIZE]


@pytest.fixture
async def stage(server) -> dict:
    romeo = await server.account("romeo")
    login = base64.b64encode(f"{romeo.local}:{romeo.password}".encode()).decode()
    return {
        "endpoint": f"http://127.0.0.1:{server.house.settings.http_port}/uploads",
        "authorization": f"Basic {login}",
        "protocol": "tus-v1",
        "bytes": SIZE,
        "name": "图.txt",
        "options": {},
    }


async def _file(url: str) -> bytes:
    def fetch() -> bytes:
        with urllib.request.urlopen(url, timeout=60) as answer:
            return answer.read()

    return await asyncio.to_thread(fetch)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"uploadDataDuringCreation": True},
        {"overridePatchMethod": True},
        {"parallelUploads": 3},
    ],
    ids=["plain", "with the creation", "overridden", "in parallel"],
)
@pytest.mark.parametrize("chunk", [None, 70_000])
async def test_tus(stage, options, chunk):
    if chunk and "parallelUploads" in options:
        chunk = 40_000
    told = await play("tus.js", {**stage, "chunk": chunk, "options": options})

    assert told["location"].endswith("/%E5%9B%BE.txt")
    assert await _file(told["location"]) == BYTES


@pytest.mark.parametrize("protocol", ["tus-v1", "ietf-draft-05"])
async def test_an_upload_that_was_broken_off(stage, protocol):
    told = await play("tus.js", {**stage, "protocol": protocol, "chunk": 70_000, "cut": 140_000})

    assert told["cut"]
    assert await _file(told["location"]) == BYTES


@pytest.mark.parametrize("chunk", [None, 70_000])
async def test_draft_05(stage, chunk):
    told = await play("tus.js", {**stage, "protocol": "ietf-draft-05", "chunk": chunk})

    assert told["progress"] == SIZE
    assert await _file(told["location"]) == BYTES


async def test_draft_03_in_one_request(stage):
    options = {"uploadDataDuringCreation": True}

    told = await play("tus.js", {**stage, "protocol": "ietf-draft-03", "options": options})

    assert await _file(told["location"]) == BYTES
