"""docs/wire/upload.md, A form: what POST /upload takes, what it answers, and how it says what is wrong."""

import re
from datetime import datetime

import pytest

from support.files import FORM, JSON, PNG, Sender, form, noise, part, path_of, refused

pytestmark = pytest.mark.anser_only("it is Anser's own door")

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
MB = 1 << 20
WRONG_TYPE = "只能处理multipart/form-data类型的数据!"
WRONG_FORM = "解析数据时出现如下问题:"
NOT_KEPT = "存储文件时出现如下问题:"


async def _names(romeo: Sender) -> list[str]:
    return [file["name"] for file in (await romeo.ask("GET", "/files")).json["files"]]


async def test_a_form_as_programs_see_it(romeo):
    reply = await romeo.posts(
        part("author", "张三"),
        part("company", "Anser"),
        part("file1", PNG, "图.png", "image/png"),
        part("file2", b"", ""),
    )

    assert reply.status == 201, reply.body
    assert reply["content-type"].startswith("application/json")
    assert reply.json["fields"] == {"author": "张三", "company": "Anser"}
    (file,) = reply.json["files"]  # the control that was left empty is none
    assert (file["field"], file["name"], file["type"], file["size"]) == ("file1", "图.png", "image/png", len(PNG))
    assert re.fullmatch(rf"http://127\.0\.0\.1:{romeo.port}/files/[A-Za-z0-9_-]{{20,}}/%E5%9B%BE\.png", file["url"])
    assert datetime.fromisoformat(file["created"]).tzinfo is not None
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", file["created"])
    assert "expires" not in file and "delete_url" not in file
    assert (await romeo.gets(path_of(file["url"]))).body == PNG


async def test_a_field_that_comes_several_times_is_a_list(romeo):
    reply = await romeo.posts(
        part("tag", "one"), part("tag", "two"), part("file", b"x", "x.bin"), part("file", b"y", "y.bin")
    )

    assert reply.json["fields"] == {"tag": ["one", "two"]}
    assert [(file["field"], file["name"]) for file in reply.json["files"]] == [("file", "x.bin"), ("file", "y.bin")]


async def test_the_page_of_the_seed(romeo):
    body = form(
        part("author", "<b>张三</b>"),
        part("company", "A & B"),
        part("file1", b"1", "one.txt"),
        part("file2", b"2", "二.txt"),
    )

    reply = await romeo.ask("POST", "/upload", body, {**FORM, **HTML})

    assert reply.status == 201
    assert reply["content-type"].lower().replace(" ", "") == "text/html;charset=utf-8"
    for words in ("用户:", "来自:", "成功上传的文件:", "A &amp; B", "one.txt", "二.txt"):
        assert words in reply.text
    assert "<b>" not in reply.text and "&lt;b&gt;张三&lt;/b&gt;" in reply.text
    links = re.findall(r'href="([^"]*/files/[^"]*)"', reply.text)
    assert [(await romeo.gets(path_of(link))).body for link in links] == [b"1", b"2"]
    assert reply["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in reply["content-security-policy"]


async def test_the_page_without_files(romeo):
    reply = await romeo.ask("POST", "/upload", form(part("author", "a"), part("file1", b"", "")), {**FORM, **HTML})

    assert reply.status == 201
    assert re.search(r"成功上传的文件:.*无", reply.text, re.DOTALL)


@pytest.mark.parametrize(
    "type", ["application/x-www-form-urlencoded", "text/plain", "multipart/mixed; boundary=x", None]
)
async def test_another_type(romeo, type):
    body = b"author=romeo"

    refused(await romeo.ask("POST", "/upload", body, {**JSON, "Content-Type": type}), 415, "type")
    page = await romeo.ask("POST", "/upload", body, {**HTML, "Content-Type": type})

    assert page.status == 415 and WRONG_TYPE in page.text


WRONG = {
    "without a boundary": ("multipart/form-data", form(part("a", "b"))),
    "empty boundary": ('multipart/form-data; boundary=""', form(part("a", "b"), boundary=b"")),
    "two boundaries": ("multipart/form-data; boundary=one; boundary=two", form(part("a", "b"), boundary=b"two")),
    "long boundary": (f"multipart/form-data; boundary={'b' * 71}", form(part("a", "b"), boundary=b"b" * 71)),
    "boundary of 256": (f"multipart/form-data; boundary={'b' * 256}", form(part("a", "b"), boundary=b"b" * 256)),
    "boundary of 4095": (f"multipart/form-data; boundary={'b' * 4095}", form(part("a", "b"), boundary=b"b" * 4095)),
    "no end": (FORM["Content-Type"], form(part("a", "b"))[:-4]),
    "nothing": (FORM["Content-Type"], b""),
    "no delimiter": (FORM["Content-Type"], b"there is nothing of that kind here\r\n"),
    "a file without an end": (FORM["Content-Type"], form(part("f", noise(100_000), "f.bin"))[:-40]),
    "nested twice": (
        FORM["Content-Type"],
        form(
            part(
                "f",
                form(
                    part(None, form(part(None, b"x", "x"), boundary=b"in"), None, "multipart/mixed; boundary=in"),
                    boundary=b"mid",
                ),
                None,
                "multipart/mixed; boundary=mid",
            )
        ),
    ),
}


@pytest.mark.parametrize("case", WRONG)
async def test_a_form_that_is_wrong(romeo, case):
    type, body = WRONG[case]

    refused(await romeo.ask("POST", "/upload", body, {**JSON, "Content-Type": type}), 400, "malformed")
    page = await romeo.ask("POST", "/upload", body, {**HTML, "Content-Type": type})

    assert page.status == 400 and WRONG_FORM in page.text
    assert await _names(romeo) == []


LENIENT = {
    "preamble and epilogue": b"junk\r\n" + form(part("a", "b")) + b"\r\njunk",
    "padding": form(part("a", "b")).replace(b"part\r\n", b"part \t\r\n"),
    "no last line end": form(part("a", "b"))[:-2],
    "a folded header": form(b'Content-Disposition: form-data;\r\n name="a"\r\n\r\nb'),
    "names of headers in any case": form(b'CONTENT-DISPOSITION: Form-Data; NAME="a"\r\n\r\nb'),
    "other headers": form(part("a", "b", head=b"X-Other: 1\r\nContent-Transfer-Encoding: binary\r\n")),
}


@pytest.mark.parametrize("case", LENIENT)
async def test_a_form_that_is_unusual(romeo, case):
    reply = await romeo.ask("POST", "/upload", LENIENT[case], {**FORM, **JSON})

    assert reply.status == 201, reply.body
    assert reply.json["fields"] == {"a": "b"}


async def test_nested_files_are_files(romeo):
    inner = b"".join(
        b'--in\r\nContent-Disposition: attachment; filename="%s"\r\n\r\n%s\r\n' % (name, name)
        for name in (b"a.bin", b"b.bin")
    )

    reply = await romeo.posts(part("both", inner + b"--in--", None, "multipart/mixed; boundary=in"))

    assert reply.status == 201, reply.body
    assert [(file["field"], file["name"]) for file in reply.json["files"]] == [("both", "a.bin"), ("both", "b.bin")]


@pytest.mark.parametrize("size", [1, 2, 3, 7, 65_536])
async def test_pieces_of_any_size(romeo, size):
    """What comes in pieces of one byte is the same form."""
    data = b"\r\n--the-end-of-a-par" * 5 + b"\r\n--" + noise(300 if size < 100 else 500_000)
    body = form(part("author", "张三"), part("file", data, "图.bin"))
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/upload", {**FORM, **JSON, **romeo.who, "Content-Length": len(body)}))
    for at in range(0, len(body), size):
        await wire.send(body[at : at + size])

    reply = await wire.reply()

    wire.hang_up()
    assert reply.status == 201, reply.body
    assert (await romeo.gets(path_of(reply.json["files"][0]["url"]))).body == data


async def test_a_form_in_chunks_without_a_length(romeo):
    body = form(part("file", b"chunked", "c.bin"))
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(piece), piece) for piece in (body[:10], body[10:])) + b"0\r\n\r\n"

    reply = await romeo.ask("POST", "/upload", chunks, {**FORM, **JSON, "Transfer-Encoding": "chunked"})

    assert reply.status == 201, reply.body
    assert reply.json["files"][0]["size"] == 7


# Names

NAMES = {
    "GBK": ("图片 测试.png".encode("gbk"), "图片 测试.png"),
    "a backslash inside of a character": ("誠.txt".encode("gbk"), "誠.txt"),
    "UTF-8": ("图片 ☃.png".encode(), "图片 ☃.png"),
    "a path of Windows": (rb"C:\Users\romeo\bg.gif", "bg.gif"),
    "its path in GBK": (r"C:\文档\誠.gif".encode("gbk"), "誠.gif"),
    "a path": (b"../../../etc/passwd", "passwd"),
    "an escaped quote": (rb"a%22b.txt", None),
    "__proto__": (b"__proto__", "__proto__"),
}


@pytest.mark.parametrize("case", NAMES)
async def test_names(romeo, case):
    raw, shown = NAMES[case]

    reply = await romeo.posts(part("file", b"x", raw))

    assert reply.status == 201, reply.body
    (file,) = reply.json["files"]
    assert shown is None or file["name"] == shown
    assert (await romeo.gets(path_of(file["url"]))).body == b"x"


async def test_the_charset_that_the_form_names(romeo):
    reply = await romeo.posts(part("_charset_", "Shift_JIS"), part("file", b"x", "表.txt".encode("shift_jis")))

    assert reply.json["files"][0]["name"] == "表.txt"


@pytest.mark.parametrize(
    "raw",
    [
        b"a\0b.txt",
        b"a\x7fb.txt",
        "a\u202etxt.exe".encode(),
        "a\u2028b.txt".encode(),
        b"CON",
        b"a.txt:stream",
        b"...",
        b" . ",
    ],
)
async def test_names_that_are_not_safe_to_show(romeo, raw):
    reply = await romeo.posts(part("file", b"x", raw))

    if reply.status == 400:  # as commons-fileupload does with control characters
        refused(reply, 400, "malformed")
        return
    assert reply.status == 201
    for file in reply.json["files"]:
        assert file["name"].strip(". ")
        assert not re.search("[\0-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069/\\\\]", file["name"]), file["name"]
        assert (await romeo.gets(path_of(file["url"]))).body == b"x"


async def test_a_quoted_pair_in_a_name(romeo):
    reply = await romeo.posts(part("file", b"x", rb"say \"hi\".txt"))

    assert reply.status == 201
    assert (await romeo.gets(path_of(reply.json["files"][0]["url"]))).status == 200


@pytest.mark.parametrize("name", ["__proto__", "constructor", "toString", "files", ""])
async def test_names_of_fields(romeo, name):
    reply = await romeo.posts(part(name, "v"))

    assert reply.status == 201, reply.body
    assert reply.json["fields"] == {name: "v"}


async def test_an_extended_name_does_not_hide_the_plain_one(romeo):
    head = b'Content-Disposition: form-data; name="file"; filename="plain.txt"; filename*=UTF-8\'\'other.exe\r\n\r\nx'

    reply = await romeo.posts(head)

    assert reply.status == 201 and reply.json["files"][0]["name"] == "plain.txt"


@pytest.mark.parametrize("coded", [b"UTF-8''%2", b"UTF-8''%HH", b"nonsense''a", b"''", b"UTF-8'"])
async def test_an_extended_name_that_is_wrong(romeo, coded):
    reply = await romeo.posts(b'Content-Disposition: form-data; name="file"; filename*=' + coded + b"\r\n\r\nx")

    assert reply.status in (201, 400), reply.body


async def test_the_whole_of_unicode_in_fields(romeo):
    said = "誠 ☃ 😀 \u00e9"

    assert (await romeo.posts(part("said", said))).json["fields"] == {"said": said}


async def test_fields_in_gbk(romeo):
    reply = await romeo.posts(part("author", "张三".encode("gbk")), part("company", "来自"))

    assert reply.json["fields"] == {"author": "张三", "company": "来自"}


# Limits


@pytest.fixture
async def small(start):
    """A server with small limits, and its sender."""
    server = await start(
        uploads={"file_bytes": "10KB", "form_bytes": "25KB", "files_per_form": 3, "quota_bytes": "40KB"}
    )
    sender = Sender(server.house.settings.http_port, await server.account("romeo"))
    return sender


async def test_a_file_as_large_as_permitted(small):
    assert (await small.posts(part("file", noise(10 * 1024), "a"))).status == 201


async def test_a_file_one_byte_too_large(small):
    reply = await small.posts(part("fine", b"x", "fine"), part("file", noise(10 * 1024 + 1), "a"))

    refused(reply, 413, "file-too-large", 10 * 1024)
    assert await _names(small) == []  # all of a form or none of it


async def test_a_form_that_says_itself_that_it_is_too_large(small):
    """Answered before its body."""
    wire = await small.wire()
    await wire.send(wire.head("POST", "/upload", {**FORM, **JSON, **small.who, "Content-Length": 1 << 40}))

    refused(await wire.reply(), 413, "form-too-large", 25 * 1024)
    wire.hang_up()


async def test_a_form_that_becomes_too_large(small):
    body = form(*(part("file", noise(9 * 1024), "a") for _ in range(3)))
    chunked = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)

    reply = await small.ask("POST", "/upload", chunked, {**FORM, **JSON, "Transfer-Encoding": "chunked"})

    refused(reply, 413, "form-too-large", 25 * 1024)
    assert await _names(small) == []


async def test_too_many_files(small):
    assert (await small.posts(*(part("file", b"x", "a") for _ in range(3)))).status == 201

    reply = await small.posts(*(part("file", b"x", "b") for _ in range(4)))

    refused(reply, 413, "too-many-files", 3)
    assert "b" not in await _names(small)


async def test_a_limit_in_the_words_of_the_page(small):
    page = await small.ask("POST", "/upload", form(part("f", noise(11 * 1024), "a")), {**FORM, **HTML})

    assert page.status == 413
    assert WRONG_FORM in page.text or NOT_KEPT in page.text


async def test_fields_are_limited_to_64_kilobytes(romeo):
    assert (await romeo.posts(part("a", "x" * 64_000))).status == 201

    refused(await romeo.posts(part("a", "x" * 32_768), part("b", "x" * 32_768), part("c", "x")), 413, "form-too-large")


async def test_many_small_fields_are_limited_too(romeo):
    """What they cost besides their text counts."""
    body = form(*[part("a", "")] * 200_000)

    reply = await romeo.ask("POST", "/upload", body, {**FORM, **JSON})

    assert reply.status == 413, reply.body[:200]
    assert reply.json["code"] in ("form-too-large", "too-many-files", "header-too-large")


async def test_headers_of_parts_are_limited(romeo):
    reply = await romeo.posts(part("a", "b", head=b"X-Long: " + b"x" * 20_000 + b"\r\n"))
    refused(reply, 413, "header-too-large")

    assert (await romeo.posts(part("a", "b", head=b"X-Line: 1\r\n" * 5000))).status in (400, 413)


async def test_a_quota(small):
    for _ in range(4):
        assert (await small.posts(part("file", noise(9 * 1024), "a"))).status == 201

    reply = await small.posts(part("file", noise(9 * 1024), "b"))

    said = refused(reply, 413, "quota")
    assert said["permitted"] == 40 * 1024
    assert "b" not in await _names(small)
    page = await small.ask("POST", "/upload", form(part("f", noise(9 * 1024), "a")), {**FORM, **HTML})
    assert page.status == 413 and NOT_KEPT in page.text


# Hostile bodies: each must end soon, with an answer

HOSTILE = {
    "near-boundaries": b"\r\n--the-end-of-a-par" * 100_000,
    "line ends": b"\r\n" * MB,
    "carriage returns": b"\r" * MB,
    "hyphens": b"\r\n--" * (MB // 2),
    "a prefix of the boundary at 5 to 8 KB": b"x" * 5000 + b"\r\n--the-end" + b"y" * 3000,
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_data_that_looks_like_boundaries(romeo, case):
    data = HOSTILE[case]

    reply = await romeo.posts(part("before", "1"), part("file", data, "f.bin"), part("after", "2"))

    assert reply.status == 201, reply.body[:200]
    assert reply.json["fields"] == {"before": "1", "after": "2"}
    assert reply.json["files"][0]["size"] == len(data)


@pytest.mark.parametrize(
    "junk", [b"\r\n" * MB, b"x" * MB, b"\r" * MB], ids=["line ends", "letters", "carriage returns"]
)
async def test_junk_around_a_form_costs_no_line_of_the_log(server, romeo, junk):
    before = server.house.log_path.stat().st_size
    for body in (junk + b"\r\n" + form(part("a", "b")), form(part("a", "b")) + junk):
        reply = await romeo.ask("POST", "/upload", body, {**FORM, **JSON})
        assert reply.status in (201, 400, 413), reply.status
    assert server.house.log_path.stat().st_size - before < 100_000


HEADS = {
    "quotes": b'Content-Disposition: form-data; name="' + b'\\"' * 1900 + b'"\r\n\r\nx',
    "semicolons": b'Content-Disposition: form-data; name="a"' + b";" * 3900 + b"\r\n\r\nx",
    "parameters": b'Content-Disposition: form-data; name="a"' + b"; x=y" * 700 + b"\r\n\r\nx",
    "no colon": b"Content-Disposition form-data\r\n\r\nx",
    "no name": b"Content-Disposition: form-data\r\n\r\nx",
    "no head": b"\r\nx",
    "twice": b'Content-Disposition: form-data; name="a"\r\nContent-Disposition: form-data; name="b"\r\n\r\nx',
    "a lone CR": b'Content-Disposition: form-data; name="a"\rX: y\r\n\r\nx',
    "a lone LF in a name": b'Content-Disposition: form-data; name="a\nb"\r\n\r\nx',
    "a format string": b'Content-Disposition: form-data; name="%n%s{0}${7*7}"\r\nContent-Type: %{(#a)}\r\n\r\nx',
    "an unknown charset": part("a", "b", None, "text/plain; charset=utf-7-of-my-own"),
}


@pytest.mark.parametrize("case", HEADS)
async def test_heads_of_parts(romeo, case):
    reply = await romeo.posts(HEADS[case], part("after", "2"))

    assert reply.status in (201, 400, 413), reply.body
    if reply.status == 201:
        assert reply.json["fields"].get("after") == "2"
    else:
        refused(reply, reply.status, reply.json["code"])
    assert (await romeo.posts(part("a", "b"))).status == 201
