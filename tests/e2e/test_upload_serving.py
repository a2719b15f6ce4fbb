"""docs/wire/upload.md, Serving: types, fields, ranges, conditions; and that nothing that was sent is ever active."""

import email
import re
from email.utils import parsedate_to_datetime

import pytest

from support.files import PNG, Sender, noise, part, path_of, refused

pytestmark = pytest.mark.anser_only("it is Anser's own door")

OCTETS = "application/octet-stream"
TEXT = "text/plain; charset=utf-8"
MP4 = b"\0\0\0\x18ftypisom\0\0\2\0isomiso2" + bytes(64)
AVIF = b"\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf" + bytes(64)
WEBM = bytes.fromhex("1a45dfa39f4286810142f7810142f2810442f381084282847765626d42878104") + bytes(64)
WAV = b"RIFF\x24\0\0\0WAVEfmt \x10\0\0\0\1\0\1\0\x44\xac\0\0\x88\x58\1\0\2\0\x10\0data\0\0\0\0"
WEBP = b"RIFF\x1a\0\0\0WEBPVP8L\x0d\0\0\0\x2f\0\0\0\x10\x07\x10\x11\x11\x88\x88\xfe\x07\0"
MP3 = b"ID3\4\0\0\0\0\0\0" + bytes.fromhex("fffb9064") + bytes(413)

LISTED = {
    "image/png": PNG,
    "image/jpeg": bytes.fromhex("ffd8ffe000104a46494600010100000100010000ffdb0043") + bytes(64) + b"\xff\xd9",
    "image/gif": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff\x2c\0\0\0\0\1\0\1\0\0\2\2\x44\1\0\x3b",
    "image/webp": WEBP,
    "image/avif": AVIF,
    "video/mp4": MP4,
    "video/webm": WEBM,
    "audio/ogg": b"OggS\0\2" + bytes(22) + b"\x01\x1e\x01vorbis" + bytes(30),
    "audio/mpeg": MP3,
    "audio/flac": b"fLaC\0\0\0\x22" + bytes(34),
    "audio/wav": WAV,
    "text/plain": "words, 和字\n".encode(),
}

ACTIVE = {
    "text/html": b"<!doctype html><script>alert(1)</script>",
    "application/xhtml+xml": b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"><script>alert(1)</script></html>',
    "image/svg+xml": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "text/xml": b"<?xml version='1.0'?><x/>",
    "application/pdf": b"%PDF-1.7\n",
    "text/javascript": b"alert(1)",
    "text/css": b"body { background: url(//evil.example) }",
    "application/x-shockwave-flash": b"CWS\n",
    "application/x-msdownload": b"MZ\x90\0",
    "image/png": b"<script>alert(1)</script>",  # says one thing and is another
    "image/gif": PNG,
    "text/plain": b"\0\1\2 not text \xff\xfe",
    "text/html; charset=utf-7": b"+ADw-script+AD4-",
    "not a type at all": b"x",
}


@pytest.mark.parametrize("type", LISTED)
async def test_what_is_on_the_list_is_shown_in_place(romeo, type):
    file = await romeo.keeps(LISTED[type], "图.bin", type)

    reply = await romeo.gets(file["path"])

    assert reply.status == 200 and reply.body == LISTED[type]
    served = reply["content-type"]
    assert served == (TEXT if type == "text/plain" else type) or (type == "audio/ogg" and served == "application/ogg")
    assert reply["content-disposition"].startswith("inline")


@pytest.mark.parametrize("type", ACTIVE)
async def test_everything_else_is_an_attachment(romeo, type):
    file = await romeo.keeps(ACTIVE[type], "a.html", type)

    for path in (file["path"], file["path"].rsplit("/", 1)[0] + "/index.html"):
        reply = await romeo.gets(path)
        assert reply.body == ACTIVE[type]
        assert reply["content-type"] in (OCTETS, TEXT), reply.fields
        assert reply["content-disposition"].startswith("attachment" if reply["content-type"] == OCTETS else "inline")
        assert reply["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_the_fields_of_every_answer(romeo, method):
    file = await romeo.keeps(PNG, '图 "a".png', "image/png")

    reply = await romeo.gets(file["path"], method)

    assert reply.status == 200
    assert int(reply["content-length"]) == len(PNG)
    assert reply["x-content-type-options"] == "nosniff"
    policy = {one.strip() for one in reply["content-security-policy"].split(";")}
    assert policy == {"sandbox", "default-src 'none'", "frame-ancestors 'none'"}
    assert reply["cross-origin-resource-policy"] == "cross-origin"
    assert reply["referrer-policy"] == "no-referrer"
    assert re.fullmatch(r"private, max-age=\d+, immutable", reply["cache-control"])
    assert re.fullmatch(r'(W/)?"[^"]+"', reply["etag"]) and not reply["etag"].startswith("W/")
    assert parsedate_to_datetime(reply["last-modified"])
    assert reply["accept-ranges"] == "bytes"
    assert reply["set-cookie"] is None
    disposition = reply["content-disposition"]
    assert "filename*=UTF-8''%E5%9B%BE%20%22a%22.png" in disposition
    (plain,) = re.findall(r'filename="((?:[^"\\]|\\.)*)"', disposition)
    assert plain.isascii() and plain.endswith(".png")


async def test_an_error_has_them_too(romeo):
    reply = await romeo.gets("/files/abcdefghijklmnopqrstuvwxyz012345/a.html")

    assert reply.status == 404
    assert reply["x-content-type-options"] == "nosniff"
    assert "sandbox" in reply["content-security-policy"]
    assert reply["set-cookie"] is None


@pytest.mark.parametrize("name", ["a.png", "other.html", "%E5%9B%BE.png", "a%20b", "x%2Fy", "%FF", "a;b"])
async def test_the_name_may_be_anything(romeo, name):
    file = await romeo.keeps(PNG, "a.png", "image/png")

    reply = await romeo.gets(file["path"].rsplit("/", 1)[0] + "/" + name)

    assert reply.status in (200, 400 if name == "%FF" else 200)
    if reply.status == 200:
        assert reply.body == PNG and "a.png" in reply["content-disposition"]


@pytest.mark.parametrize("name", ["a\r\nSet-Cookie: x=y.txt", 'a"; filename="b.exe', "a\\.txt", "ü" * 200])
async def test_a_name_ends_no_field(romeo, name):
    reply = await romeo.posts(part("file", b"x", name.replace('"', "%22").encode()))
    if reply.status != 201:
        refused(reply, 400, "malformed")
        return

    for file in reply.json["files"]:
        got = await romeo.gets(path_of(file["url"]))
        assert got.status == 200 and got["set-cookie"] is None
        assert len(got.all("content-disposition")) == 1


# Ranges


@pytest.fixture
async def digits(romeo) -> tuple[Sender, str]:
    """A file of 1,000 bytes, every three of which say where they are."""
    data = b"".join(b"%03d" % (at % 1000) for at in range(334))[:1000]
    file = await romeo.keeps(data, "digits.bin")
    romeo.data = data
    return romeo, file["path"]


RANGES = {
    "bytes=0-0": (0, 1),
    "bytes=0-9": (0, 10),
    "bytes=990-": (990, 1000),
    "bytes=-10": (990, 1000),
    "bytes=-5000": (0, 1000),
    "bytes=900-5000": (900, 1000),
    "bytes=0-": (0, 1000),
    "bytes=999-999": (999, 1000),
    "bytes= 5-9": (5, 10),
    "bytes=5-18446744073709551615": (5, 1000),
}


@pytest.mark.parametrize("wanted", RANGES)
async def test_one_range(digits, wanted):
    romeo, path = digits
    first, end = RANGES[wanted]

    reply = await romeo.gets(path, Range=wanted)

    assert reply.status == 206
    assert reply.body == romeo.data[first:end]
    assert reply["content-range"] == f"bytes {first}-{end - 1}/1000"
    assert reply["x-content-type-options"] == "nosniff" and "sandbox" in reply["content-security-policy"]


@pytest.mark.parametrize("wanted", ["bytes=1000-", "bytes=5000-6000", "bytes=-0", "bytes=99999999999999999999-"])
async def test_a_range_behind_the_end(digits, wanted):
    romeo, path = digits

    reply = await romeo.gets(path, Range=wanted)

    assert reply.status == 416
    assert reply["content-range"] == "bytes */1000"


@pytest.mark.parametrize(
    "wanted", ["lines=1-2", "bytes=9-5", "bytes=a-b", "bytes", "bytes=", "bytes=--5", "bytes=1-2-3", "bytes=-"]
)
async def test_ranges_that_are_none(digits, wanted):
    """RFC 9110, section 14.2: such a field is as if it were not there, or refused."""
    romeo, path = digits

    reply = await romeo.gets(path, Range=wanted)

    assert reply.status in (200, 400, 416)
    if reply.status == 200:
        assert reply.body == romeo.data


async def test_several_ranges(digits):
    romeo, path = digits

    reply = await romeo.gets(path, Range="bytes=0-2, 300-302,-3")

    assert reply.status == 206 and reply["content-type"].startswith("multipart/byteranges; boundary=")
    whole = email.message_from_bytes(b"Content-Type: " + reply["content-type"].encode() + b"\r\n\r\n" + reply.body)
    parts = whole.get_payload()
    assert [one["content-range"] for one in parts] == ["bytes 0-2/1000", "bytes 300-302/1000", "bytes 997-999/1000"]
    assert [one.get_payload().encode() for one in parts] == [romeo.data[0:3], romeo.data[300:303], romeo.data[-3:]]
    assert all(one["content-type"] == OCTETS for one in parts)


@pytest.mark.parametrize(
    "wanted",
    ["bytes=" + ",".join(f"{at}-{at}" for at in range(0, 18, 2)), "bytes=0-9,5-20", "bytes=" + "0-," * 500 + "0-"],
)
async def test_too_many_ranges_or_overlapping_ones(digits, wanted):
    """CVE-2011-3192: the file is sent once at most, whatever is asked for."""
    romeo, path = digits

    reply = await romeo.gets(path, Range=wanted)

    assert reply.status in (200, 400, 416)
    assert len(reply.body) <= 1000


async def test_eight_ranges(digits):
    romeo, path = digits

    reply = await romeo.gets(path, Range="bytes=" + ",".join(f"{at}-{at}" for at in range(0, 16, 2)))

    assert reply.status == 206 and reply.body.count(b"ontent-") >= 8


async def test_a_head_with_a_range(digits):
    """RFC 9110, section 14.2: Range is for GET alone."""
    romeo, path = digits

    reply = await romeo.gets(path, "HEAD", Range="bytes=0-9")

    assert reply.status == 200 and int(reply["content-length"]) == 1000


# Conditions


async def test_if_none_match(digits):
    romeo, path = digits
    tag = (await romeo.gets(path))["etag"]

    for said in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        reply = await romeo.gets(path, If_None_Match=said)
        assert reply.status == 304 and reply.body == b""
        assert reply["etag"] == tag
    assert (await romeo.gets(path, If_None_Match='"other"')).status == 200


async def test_if_match(digits):
    romeo, path = digits
    tag = (await romeo.gets(path))["etag"]

    assert (await romeo.gets(path, If_Match=tag)).status == 200
    assert (await romeo.gets(path, If_Match="*")).status == 200
    assert (await romeo.gets(path, If_Match='"other"')).status == 412
    assert (await romeo.gets(path, If_Match=f"W/{tag}")).status == 412


async def test_if_modified_since(digits):
    romeo, path = digits
    since = (await romeo.gets(path))["last-modified"]

    assert (await romeo.gets(path, If_Modified_Since=since)).status == 304
    assert (await romeo.gets(path, If_Modified_Since="Sat, 01 Jan 2000 00:00:00 GMT")).status == 200
    assert (await romeo.gets(path, If_Modified_Since="yesterday")).status == 200
    assert (await romeo.gets(path, If_Modified_Since=since, If_None_Match='"other"')).status == 200


async def test_if_range(digits):
    romeo, path = digits
    first = await romeo.gets(path)

    same = await romeo.gets(path, Range="bytes=0-9", If_Range=first["etag"])
    dated = await romeo.gets(path, Range="bytes=0-9", If_Range=first["last-modified"])
    other = await romeo.gets(path, Range="bytes=0-9", If_Range='"other"')
    weak = await romeo.gets(path, Range="bytes=0-9", If_Range="W/" + first["etag"])

    assert same.status == 206
    assert dated.status in (200, 206)  # a date may be too weak, RFC 9110 section 13.1.5
    assert (other.status, other.body) == (200, romeo.data)
    assert weak.status == 200


# A large one, to a slow reader


async def test_a_large_file_in_one_connection_after_another_request(romeo):
    data = noise(5_000_000)
    file = await romeo.keeps(data)
    wire = await romeo.wire()

    for _ in range(2):
        reply = await wire.ask("GET", file["path"])
        assert reply.body == data
    assert (await wire.ask("HEAD", file["path"])).status == 200
    assert (await wire.ask("GET", file["path"], fields={"Range": "bytes=4999990-"})).body == data[-10:]
    wire.hang_up()


@pytest.mark.slow
async def test_a_reader_that_stops_costs_no_memory(server, romeo):
    file = await romeo.keeps(noise(50_000_000))
    wires = [await romeo.wire() for _ in range(8)]
    before = server.house.memory()

    for wire in wires:
        await wire.send(wire.head("GET", file["path"], {}))
    assert (await romeo.gets(file["path"])).status == 200  # one that reads gets all of it meanwhile

    assert server.house.memory() - before < 16 << 20
    for wire in wires:
        wire.hang_up()
