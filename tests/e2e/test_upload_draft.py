"""docs/wire/upload.md, The IETF's draft (interop version 8): draft-ietf-httpbis-resumable-upload."""

import asyncio

import pytest

from support.files import DRAFT, JSON, Sender, noise, path_of, refused

pytestmark = pytest.mark.anser_only("it is Anser's own door")

MISMATCH = "https://iana.org/assignments/http-problem-types#mismatching-upload-offset"
INCONSISTENT = "https://iana.org/assignments/http-problem-types#inconsistent-upload-length"
MB = 1 << 20


def _limits(text: str) -> dict[str, int]:
    return {key.strip(): int(value) for key, value in (one.split("=") for one in text.split(","))}


async def _create(romeo: Sender, body: bytes, complete: bool, **more):
    fields = {**DRAFT, **JSON, "Upload-Complete": "?1" if complete else "?0"}
    return await romeo.ask("POST", "/uploads?name=draft.bin", body, fields, **more)


async def _append(romeo: Sender, path: str, offset, body: bytes, complete: bool, **more):
    fields = {
        **JSON,
        "Upload-Complete": "?1" if complete else "?0",
        "Upload-Offset": offset,
        "Content-Type": "application/partial-upload",
    }
    return await romeo.ask("PATCH", path, body, fields, **more)


async def _append_after(romeo: Sender, path: str, data: bytes):
    """The rest, wherever it broke off. What the older connection brought may arrive a moment after we asked."""
    for _ in range(10):
        offset = int((await _state(romeo, path))["upload-offset"])
        reply = await _append(romeo, path, offset, data[offset:], True)
        if reply.status != 409:
            break
    return reply


async def _state(romeo: Sender, path: str, method: str = "HEAD"):
    return await romeo.ask(method, path, fields=DRAFT)


async def test_the_whole_in_one_request(romeo):
    data = noise(200_000)

    reply = await _create(romeo, data, True)

    assert reply.status == 201, reply.body
    assert reply["upload-complete"] == "?1"
    informed = [one for one in reply.informed if one.status == 104]
    assert informed and path_of(informed[0]["location"]).startswith("/uploads/")
    limits = _limits(informed[0]["upload-limit"])
    assert set(limits) >= {"max-size", "max-age"} and limits["max-size"] == 100 * MB
    assert {one["location"] for one in informed if one["location"]} == {informed[0]["location"]}
    assert reply.json["size"] == len(data) and reply.json["name"] == "draft.bin"
    assert reply["content-location"] == reply.json["url"]
    assert (await romeo.gets(path_of(reply.json["url"]))).body == data


@pytest.mark.parametrize("version", [None, "3", "7", "9", "eight"])
async def test_no_104_for_another_version(romeo, version):
    reply = await romeo.ask(
        "POST", "/uploads", b"hello", {**JSON, "Upload-Complete": "?1", "Upload-Draft-Interop-Version": version}
    )

    assert reply.status == 201
    assert not [one for one in reply.informed if one.status == 104]


async def test_parts(romeo):
    data = noise(300_000)
    made = await _create(romeo, data[:100_000], False, Upload_Length=len(data))
    assert made.status == 201 and made["upload-complete"] == "?0"
    assert set(_limits(made["upload-limit"])) >= {"max-size", "max-age"}
    path = path_of(made["location"])

    middle = await _append(romeo, path, 100_000, data[100_000:250_000], False)
    last = await _append(romeo, path, 250_000, data[250_000:], True)

    assert middle.status == 204 and middle["upload-complete"] == "?0"
    assert last.status in (200, 201) and last["upload-complete"] == "?1"
    assert last.json["size"] == len(data)
    assert (await romeo.gets(path_of(last["content-location"]))).body == data


@pytest.mark.parametrize("method", ["HEAD", "GET"])
async def test_the_offset(romeo, method):
    path = path_of((await _create(romeo, b"hello", False, Upload_Length=10))["location"])

    reply = await _state(romeo, path, method)

    assert reply.status == 204
    assert (reply["upload-offset"], reply["upload-complete"], reply["upload-length"]) == ("5", "?0", "10")
    assert "no-store" in reply["cache-control"]
    assert "max-size" in _limits(reply["upload-limit"])


async def test_careful_creation_without_a_length(romeo):
    path = path_of((await _create(romeo, b"", False))["location"])
    assert (await _state(romeo, path))["upload-length"] is None

    reply = await _append(romeo, path, 0, b"hello", True)

    assert reply.json["size"] == 5
    after = await _state(romeo, path)
    assert (after["upload-offset"], after["upload-complete"]) == ("5", "?1")


async def test_the_last_request_may_be_empty(romeo):
    path = path_of((await _create(romeo, b"hello", False))["location"])

    reply = await _append(romeo, path, 5, b"", True)

    assert reply.status in (200, 201) and reply.json["size"] == 5


async def test_an_empty_file(romeo):
    reply = await _create(romeo, b"", True)

    assert reply.status == 201 and reply.json["size"] == 0


@pytest.mark.parametrize("offset", [0, 3, 6, 100])
async def test_another_offset(romeo, offset):
    path = path_of((await _create(romeo, b"hello", False, Upload_Length=10))["location"])

    reply = await _append(romeo, path, offset, b"x", False)

    said = refused(reply, 409, "offset-mismatch")
    assert said["type"] == MISMATCH
    assert said["expected-offset"] == 5 and said["provided-offset"] == offset
    assert (reply["upload-offset"], reply["upload-complete"]) == ("5", "?0")


async def test_lengths_that_do_not_agree(romeo):
    path = path_of((await _create(romeo, b"hello", False, Upload_Length=10))["location"])

    for reply in (
        await _append(romeo, path, 5, b"x", False, Upload_Length=11),
        await _append(romeo, path, 5, b"x", True),
        await _create(romeo, b"hello", True, Upload_Length=6),
    ):
        assert reply.status == 400 and reply.json["type"] == INCONSISTENT, reply.body


async def test_more_than_its_length(romeo):
    path = path_of((await _create(romeo, b"hello", False, Upload_Length=10))["location"])

    reply = await _append(romeo, path, 5, b"far too much", False)

    assert reply.status in (400, 413), reply.body
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_more_than_a_file_may_have(romeo):
    reply = await _create(romeo, b"", False, Upload_Length=100 * MB + 1)

    refused(reply, 413, "file-too-large", 100 * MB)
    assert _limits(reply["upload-limit"])["max-size"] == 100 * MB


@pytest.mark.parametrize("said", ["1", "true", "?2", "?", "", "?1, ?0", "yes"])
async def test_a_completeness_that_is_none_is_as_if_it_were_not_there(romeo, said):
    reply = await romeo.ask("POST", "/uploads", b"hello", {**DRAFT, **JSON, "Upload-Complete": said})

    assert reply.status == 201 and reply.json["size"] == 5
    assert reply.informed == [] and reply["location"] == reply.json["url"]
    path = path_of((await _create(romeo, b"hello", False))["location"])
    assert (await _append(romeo, path, 5, b"x", False, Upload_Complete=said)).status == 400
    assert (await _state(romeo, path))["upload-offset"] == "5"


@pytest.mark.parametrize("offset", ["-1", "x", "5.0", "", "99999999999999999999", None])
async def test_an_offset_that_is_none(romeo, offset):
    path = path_of((await _create(romeo, b"hello", False))["location"])

    reply = await _append(romeo, path, offset, b"x", False)

    assert reply.status in (400, 409), reply.body
    assert (await _state(romeo, path))["upload-offset"] == "5"


async def test_another_type(romeo):
    path = path_of((await _create(romeo, b"hello", False))["location"])

    reply = await _append(romeo, path, 5, b"x", False, Content_Type="application/octet-stream")

    assert reply.status == 415, reply.body


async def test_it_is_whole_already(romeo):
    made = await _create(romeo, b"", False)
    path = path_of(made["location"])
    await _append(romeo, path, 0, b"hello", True)

    reply = await _append(romeo, path, 5, b"more", True)

    assert reply.status in (400, 409), reply.body
    (file,) = (await romeo.ask("GET", "/files")).json["files"]
    assert file["size"] == 5


async def test_cancellation(romeo):
    path = path_of((await _create(romeo, b"hello", False))["location"])

    assert (await romeo.ask("DELETE", path, fields=DRAFT)).status == 204

    assert (await _state(romeo, path)).status in (404, 410)


async def test_options_tell_the_limits(romeo):
    reply = await romeo.ask("OPTIONS", "/uploads", fields=DRAFT, Authorization=None)

    limits = _limits(reply["upload-limit"])
    assert reply.status in (200, 204)
    assert limits["max-size"] == 100 * MB and limits["min-size"] == 0
    assert "max-age" in limits and "max-append-size" in limits


async def test_a_connection_that_is_lost(romeo):
    data = noise(800_000)
    wire = await romeo.wire()
    fields = {**DRAFT, **romeo.who, "Upload-Complete": "?1", "Content-Length": len(data)}
    await wire.send(wire.head("POST", "/uploads?name=lost", fields) + data[:500_000])
    informed = await wire.head_of_reply()
    assert informed.status == 104
    path = path_of(informed["location"])

    wire.writer.close()

    assert (await _state(romeo, path))["upload-complete"] == "?0"
    assert (await romeo.ask("GET", "/files")).json["files"] == []
    reply = await _append_after(romeo, path, data)
    assert (await romeo.gets(path_of(reply["content-location"]))).body == data


async def test_progress_is_told(romeo):
    """104 with Upload-Offset, which never goes down, to a client that sends for longer."""
    wire = await romeo.wire()
    fields = {**DRAFT, **romeo.who, "Upload-Complete": "?1", "Content-Length": 4 * MB}
    await wire.send(wire.head("POST", "/uploads?name=long", fields))
    assert (await wire.head_of_reply()).status == 104

    sent, told = 0, []
    while len(told) < 2:
        answer = asyncio.create_task(wire.head_of_reply())
        while not answer.done():
            assert sent < 4 * MB
            await wire.send(b"x" * 1000)
            sent += 1000
            await asyncio.sleep(0.02)
        reply = await answer
        assert reply.status == 104
        told.append(int(reply["upload-offset"]))
    assert 0 < told[0] < told[1] <= sent
    wire.writer.close()


async def test_a_newer_request_ends_the_older_one(romeo):
    data = noise(400_000)
    path = path_of((await _create(romeo, b"", False, Upload_Length=len(data)))["location"])
    wire = await romeo.wire()
    fields = {
        **DRAFT,
        **romeo.who,
        "Upload-Complete": "?1",
        "Upload-Offset": 0,
        "Content-Type": "application/partial-upload",
        "Content-Length": len(data),
    }
    await wire.send(wire.head("PATCH", path, fields) + data[:200_000])

    reply = await _append_after(romeo, path, data)

    assert (await romeo.gets(path_of(reply["content-location"]))).body == data
    assert b" 20" not in (await wire.is_closed())[:20]
    wire.hang_up()


async def test_it_goes_on_after_a_kill(start):
    server = await start()
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    data = noise(300_000)
    path = path_of((await _create(romeo, data[:200_000], False, Upload_Length=len(data)))["location"])

    server.house.kill()
    server.house.start()

    assert (await _state(romeo, path))["upload-offset"] == "200000"  # it was confirmed, so it is on disk
    reply = await _append(romeo, path, 200_000, data[200_000:], True)
    assert (await romeo.gets(path_of(reply["content-location"]))).body == data
