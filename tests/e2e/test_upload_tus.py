"""docs/wire/upload.md, tus 1.0, with its extensions; tests named after what the protocol says."""

import hashlib
import zlib
from datetime import datetime, timedelta, timezone
from email.utils import parsedate_to_datetime

import pytest

from support.files import JSON, TUS, Sender, b64, noise, path_of, refused
from support.waits import until

pytestmark = pytest.mark.anser_only("it is Anser's own door")

EXTENSIONS = {
    "creation",
    "creation-with-upload",
    "creation-defer-length",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
}


def _words(text: str) -> set[str]:
    return {word.strip() for word in text.split(",")}


async def test_options_tell_what_there_is(romeo):
    reply = await romeo.ask("OPTIONS", "/uploads", Authorization=None)  # without Tus-Resumable, too

    assert reply.status in (200, 204)
    assert reply["tus-resumable"] == "1.0.0" and reply["tus-version"] == "1.0.0"
    assert _words(reply["tus-extension"]) == EXTENSIONS
    assert reply["tus-max-size"] == str(100 << 20)
    assert _words(reply["tus-checksum-algorithm"]) == {"sha1", "sha256", "crc32"}


async def test_an_upload_in_three_pieces(romeo):
    data = noise(300_000)
    made = await romeo.begins(len(data), "图 a.bin")
    assert made.status == 201 and made["tus-resumable"] == "1.0.0"
    path = path_of(made["location"])
    assert path.startswith("/uploads/") and len(path) > 25

    offset = 0
    for piece in (data[:1], data[1:200_000], data[200_000:]):
        reply = await romeo.goes_on(path, offset, piece)
        offset += len(piece)
        assert reply.status == 204 and reply["upload-offset"] == str(offset)
        assert reply["tus-resumable"] == "1.0.0"

    file = path_of(reply["content-location"])
    got = await romeo.gets(file)
    assert got.body == data
    assert file.endswith("/%E5%9B%BE%20a.bin")
    head = await romeo.ask("HEAD", path, fields=TUS)
    assert head["upload-offset"] == head["upload-length"] == str(len(data))
    assert [one["size"] for one in (await romeo.ask("GET", "/files")).json["files"]] == [len(data)]


async def test_a_head(romeo):
    path = await romeo.began(100, "a.bin")
    await romeo.goes_on(path, 0, b"x" * 40)

    reply = await romeo.ask("HEAD", path, fields=TUS)

    assert reply.status in (200, 204)
    assert (reply["upload-offset"], reply["upload-length"]) == ("40", "100")
    assert reply["upload-metadata"] == f"filename {b64('a.bin')}"
    assert "no-store" in reply["cache-control"]


async def test_creation_with_upload(romeo):
    reply = await romeo.begins(10, body=b"hello")
    assert reply.status == 201 and reply["upload-offset"] == "5"
    assert await romeo.offset(path_of(reply["location"])) == 5

    whole = await romeo.begins(5, body=b"hello")
    assert whole.status == 201 and whole["upload-offset"] == "5"
    assert (await romeo.gets(path_of(whole["content-location"]))).body == b"hello"


async def test_an_empty_file(romeo):
    reply = await romeo.begins(0, "empty")

    assert reply.status == 201
    got = await romeo.gets(path_of(reply["content-location"]))
    assert got.status == 200 and got.body == b""


async def test_a_length_that_comes_later(romeo):
    reply = await romeo.begins(None)
    path = path_of(reply["location"])
    assert (await romeo.ask("HEAD", path, fields=TUS))["upload-defer-length"] == "1"
    assert (await romeo.goes_on(path, 0, b"hello")).status == 204

    reply = await romeo.goes_on(path, 5, b" there", Upload_Length=11)

    assert reply.status == 204 and (await romeo.gets(path_of(reply["content-location"]))).body == b"hello there"
    path = path_of((await romeo.begins(None))["location"])
    assert (await romeo.goes_on(path, 0, b"hello", Upload_Length=10)).status == 204
    assert (await romeo.goes_on(path, 5, b"x", Upload_Length=12)).status in (400, 409)
    assert await romeo.offset(path) == 5


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"Upload-Length": "5", "Upload-Defer-Length": "1"},
        {"Upload-Defer-Length": "2"},
        {"Upload-Length": "-1"},
        {"Upload-Length": "five"},
        {"Upload-Length": "99999999999999999999"},
        {"Upload-Length": ["5", "6"]},
    ],
)
async def test_lengths_that_are_none(romeo, fields):
    reply = await romeo.ask("POST", "/uploads", b"", {**TUS, **JSON, **fields})

    assert reply.status in (400, 413), reply.body
    assert reply["location"] is None


@pytest.mark.parametrize(
    "metadata", ["filename", "filename !!!", "filename YQ==,filename Yg==", ",", "a b c", "filename " + "A" * 6000]
)
async def test_metadata_that_are_wrong(romeo, metadata):
    reply = await romeo.begins(5, Upload_Metadata=metadata)

    assert reply.status in (201, 400), reply.body  # a key without a value is allowed


async def test_metadata_with_other_names(romeo):
    said = f"name {b64('b.png')},type {b64('image/png')},is_secret"
    path = path_of((await romeo.begins(1, Upload_Metadata=said))["location"])

    reply = await romeo.goes_on(path, 0, b"x")

    assert path_of(reply["content-location"]).endswith("/b.png")
    (file,) = (await romeo.ask("GET", "/files")).json["files"]
    assert (file["name"], file["type"]) == ("b.png", "image/png")


@pytest.mark.parametrize("name", ["../../etc/passwd", "a\r\nSet-Cookie: b.txt", "\0", ""])
async def test_names_that_are_none(romeo, name):
    reply = await romeo.begins(1, name, b"x")

    assert reply.status in (201, 400)
    if reply.status == 201:
        got = await romeo.gets(path_of(reply["content-location"]))
        assert got.body == b"x" and got["set-cookie"] is None


async def test_another_version(romeo):
    for method, path, body in (("POST", "/uploads", b""), ("HEAD", await romeo.began(5), None)):
        reply = await romeo.ask(method, path, body, {**JSON, "Tus-Resumable": "0.2.2", "Upload-Length": "5"})

        assert reply.status == 412 and reply["tus-version"] == "1.0.0"
    refused(
        await romeo.ask("POST", "/uploads", b"", {**JSON, "Tus-Resumable": "2.0.0", "Upload-Length": "5"}),
        412,
        "version",
    )


async def test_not_that_offset(romeo):
    path = await romeo.began(10)
    await romeo.goes_on(path, 0, b"hello")

    for offset in (0, 4, 6, 10):
        refused(await romeo.goes_on(path, offset, b"x", **JSON), 409, "offset-mismatch")
    for offset in ("-1", "x", None, "5 "):
        reply = await romeo.goes_on(path, offset, b"", **JSON)
        assert reply.status in (400, 409) or offset == "5 "
    assert await romeo.offset(path) == 5


async def test_another_type_of_body(romeo):
    path = await romeo.began(10)

    reply = await romeo.goes_on(path, 0, b"hello", Content_Type="application/octet-stream", **JSON)

    assert reply.status == 415
    assert await romeo.offset(path) == 0


async def test_more_than_its_length(romeo):
    path = await romeo.began(5)

    reply = await romeo.goes_on(path, 0, b"hello there", **JSON)

    assert reply.status in (400, 413), reply.status
    assert await romeo.offset(path) <= 5
    assert (await romeo.ask("GET", "/files")).json["files"] == [] or await romeo.offset(path) == 5


async def test_more_than_a_file_may_have(romeo):
    refused(await romeo.begins((100 << 20) + 1, **JSON), 413, "file-too-large", 100 << 20)
    refused(await romeo.begins((1 << 30) + 1, **JSON), 413, "file-too-large", 100 << 20)


async def test_a_quota_counts_what_is_announced(start):
    server = await start(uploads={"quota_bytes": "1MB"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    path = await romeo.began(700_000)

    refused(await romeo.begins(700_000, **JSON), 413, "quota", 1 << 20)
    assert (await romeo.ask("DELETE", path, fields=TUS)).status == 204
    assert (await romeo.begins(700_000)).status == 201


async def test_it_is_whole_already(romeo):
    path = await romeo.began(5)
    await romeo.goes_on(path, 0, b"hello")

    for offset, body in ((5, b""), (5, b"x"), (0, b"hello")):
        reply = await romeo.goes_on(path, offset, body, **JSON)
        assert (
            reply.status in (204, 409) if (offset, body) == (5, b"") else reply.status in (403, 409, 413)
        ), reply.status
    assert await romeo.offset(path) == 5


async def test_somebody_else_s(server, romeo):
    juliet = Sender(romeo.port, await server.account("juliet"))
    path = await romeo.began(10)

    refused(await juliet.goes_on(path, 0, b"x", **JSON), 404, "not-found")
    assert (await juliet.ask("HEAD", path, fields=TUS)).status == 404
    refused(await juliet.ask("DELETE", path, fields={**TUS, **JSON}), 404, "not-found")
    assert await romeo.offset(path) == 0


async def test_it_is_no_file_before_it_is_whole(romeo):
    path = await romeo.began(10)
    await romeo.goes_on(path, 0, b"hello")

    assert (await romeo.gets(f"/files/{path.split('/')[-1]}/a.bin")).status == 404
    assert (await romeo.ask("GET", "/files")).json["files"] == []


# Termination


async def test_termination(romeo):
    path = await romeo.began(10)
    await romeo.goes_on(path, 0, b"hello")

    assert (await romeo.ask("DELETE", path, fields=TUS)).status == 204

    assert (await romeo.ask("HEAD", path, fields=TUS)).status in (404, 410)
    assert (await romeo.goes_on(path, 5, b"there")).status in (404, 410)
    assert (await romeo.ask("GET", "/files")).json["used"] == 0


# Checksum


def _checksums(data: bytes) -> dict[str, str]:
    return {
        "sha1": b64(hashlib.sha1(data).digest()),
        "sha256": b64(hashlib.sha256(data).digest()),
        "crc32": b64(zlib.crc32(data).to_bytes(4, "big")),
    }


@pytest.mark.parametrize("algorithm", ["sha1", "sha256", "crc32"])
async def test_checksums(romeo, algorithm):
    path, data = await romeo.began(200_000), noise(100_000)

    good = await romeo.goes_on(path, 0, data, Upload_Checksum=f"{algorithm} {_checksums(data)[algorithm]}")
    bad = await romeo.goes_on(
        path, 100_000, data, Upload_Checksum=f"{algorithm} {_checksums(data + b'x')[algorithm]}", **JSON
    )

    assert good.status == 204
    assert bad.status == 460 and bad.json["code"] == "checksum"
    assert await romeo.offset(path) == 100_000  # what was wrong is not kept
    assert (await romeo.goes_on(path, 100_000, data)).status == 204


@pytest.mark.parametrize("said", ["md5 YQ==", "sha1", "sha1 !!!", "sha1 YQ==", "", "crc32 AAAAAAAA"])
async def test_checksums_that_are_none(romeo, said):
    path = await romeo.began(10)

    reply = await romeo.goes_on(path, 0, b"hello", Upload_Checksum=said, **JSON)

    assert reply.status in (400, 460), reply.status
    assert await romeo.offset(path) == 0


# Concatenation


async def _partial(romeo: Sender, data: bytes) -> str:
    reply = await romeo.begins(len(data), body=data, Upload_Concat="partial")
    assert reply.status == 201 and reply["content-location"] is None
    return reply["location"]


async def test_concatenation(romeo):
    pieces = [noise(70_000), b"", noise(1), noise(100_000)]
    parts = [await _partial(romeo, data) for data in pieces]
    assert (await romeo.ask("HEAD", path_of(parts[0]), fields=TUS))["upload-concat"] == "partial"
    assert (await romeo.ask("GET", "/files")).json["files"] == []  # a part is no file

    said = "final;" + " ".join([parts[0], *map(path_of, parts[1:])])  # absolute and relative
    reply = await romeo.ask(
        "POST", "/uploads", b"", {**TUS, "Upload-Concat": said, "Upload-Metadata": f"filename {b64('all')}"}
    )

    assert reply.status == 201, reply.body
    assert (await romeo.gets(path_of(reply["content-location"]))).body == b"".join(pieces)
    head = await romeo.ask("HEAD", path_of(reply["location"]), fields=TUS)
    assert head["upload-concat"] == said
    assert head["upload-offset"] == head["upload-length"] == "170001"
    assert (await romeo.goes_on(path_of(reply["location"]), 170001, b"x")).status == 403


@pytest.mark.parametrize(
    "case", ["unfinished", "unknown", "somebody else's", "none", "with a length", "not a word of the protocol"]
)
async def test_concatenations_that_are_wrong(server, romeo, case):
    one = await _partial(romeo, b"one")
    juliet = Sender(romeo.port, await server.account("juliet"))
    said, fields = {
        "unfinished": (f"final;{one} {(await romeo.begins(5, Upload_Concat='partial'))['location']}", {}),
        "unknown": (f"final;{one} /uploads/abcdefghijklmnopqrstuvwxyz012345", {}),
        "somebody else's": (f"final;{one} {await _partial(juliet, b'two')}", {}),
        "none": ("final;", {}),
        "with a length": (f"final;{one}", {"Upload-Length": "3"}),
        "not a word of the protocol": (f"middle;{one}", {"Upload-Length": "3"}),
    }[case]

    reply = await romeo.ask("POST", "/uploads", b"", {**TUS, **JSON, "Upload-Concat": said, **fields})

    assert reply.status in (400, 403, 404, 409), reply.status
    assert (await romeo.ask("GET", "/files")).json["files"] == []


# Expiration, interruption


@pytest.mark.slow
async def test_expiration(start):
    server = await start(uploads={"unfinished_for": "1m"})
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    made = await romeo.begins(10)
    path = path_of(made["location"])
    soon = datetime.now(timezone.utc) + timedelta(seconds=70)
    assert parsedate_to_datetime(made["upload-expires"]) < soon
    assert (await romeo.goes_on(path, 0, b"hello"))["upload-expires"]

    async def gone():
        return (await romeo.ask("HEAD", path, fields=TUS)).status in (404, 410)

    await until(gone, "the upload to end", 90)
    assert (await romeo.ask("GET", "/files")).json["used"] == 0


async def test_what_came_before_the_connection_was_lost(romeo):
    data = noise(1_000_000)
    path = await romeo.began(len(data))
    wire = await romeo.wire()
    fields = {
        **TUS,
        **romeo.who,
        "Upload-Offset": 0,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": len(data),
    }
    await wire.send(wire.head("PATCH", path, fields) + data[:600_000])

    wire.writer.close()

    reply = await romeo.goes_on_after(path, data)
    assert reply.status == 204, reply.body
    assert (await romeo.gets(path_of(reply["content-location"]))).body == data


async def test_a_newer_request_ends_the_older_one(romeo):
    data = noise(400_000)
    path = await romeo.began(len(data))
    wire = await romeo.wire()
    fields = {
        **TUS,
        **romeo.who,
        "Upload-Offset": 0,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": len(data),
    }
    await wire.send(wire.head("PATCH", path, fields) + data[:200_000])  # and then nothing

    reply = await romeo.goes_on_after(path, data)

    assert reply.status == 204, reply.body
    try:
        await wire.send(data[200_000:])
    except ConnectionError:
        pass
    assert b" 204" not in (await wire.is_closed())[:20]
    assert (await romeo.gets(path_of(reply["content-location"]))).body == data
    wire.hang_up()
