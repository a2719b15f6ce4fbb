"""docs/file-upload.md: its code is parts of the programs in sdk/examples, and the old Java program that was ported answers
recorded requests as it did."""

import asyncio
import json
import os
import re

import pytest

from support.servers import REPOSITORY, Anser
from support.waits import within

pytestmark = pytest.mark.anser_only("programs of our client library")

_PAGE = REPOSITORY / "docs/file-upload.md"
_BLOCK = re.compile(r"^<!-- (\S+) (\S+) -->\n```cpp\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_FORMS = REPOSITORY / "tests/data/multipart"
_TYPES = {form["name"]: form["type"] for form in json.loads((_FORMS / "index.json").read_text())["fixtures"]}


def _part(name: str, part: str) -> str:
    source = (REPOSITORY / "sdk/examples" / name).read_text()
    (lines,) = re.findall(rf"^ *// \[{part}\]\n(.*?)^ *// \[/{part}\]$", source, re.MULTILINE | re.DOTALL)
    indent = min(len(line) - len(line.lstrip()) for line in lines.splitlines() if line)
    return "".join(line[indent:] if line.strip() else line for line in lines.splitlines(keepends=True))


def test_each_block_of_code_is_part_of_a_program():
    blocks = _BLOCK.findall(_PAGE.read_text())

    assert len(blocks) == _PAGE.read_text().count("```cpp") == 2
    for name, part, text in blocks:
        assert text == _part(name, part), f"the page and {name} [{part}] differ"


class Servlet:
    """The ported program, and the directory that it keeps files in."""

    def __init__(self, folder):
        self.kept, self.repository = folder / "upload", folder / "temporary"
        self.repository.mkdir()
        beside = REPOSITORY.joinpath(Anser.binary()).with_name("example_upload_servlet")
        self.program = str(beside if beside.exists() else REPOSITORY / "build/release/bin/example_upload_servlet")

    async def answers(self, body: bytes, kind: str, method: str = "POST", length: int | None = None, kept=None) -> list[str]:
        environment = dict(os.environ, CONTENT_TYPE=kind, REQUEST_METHOD=method)
        environment["CONTENT_LENGTH"] = str(len(body) if length is None else length)
        pipe = asyncio.subprocess.PIPE
        where = str(self.kept if kept is None else kept)
        process = await asyncio.create_subprocess_exec(
            self.program, where, str(self.repository), stdin=pipe, stdout=pipe, env=environment
        )
        said, _ = await within(process.communicate(body), "the servlet's answer", 60)
        assert process.returncode == 0
        assert list(self.repository.iterdir()) == []  # no temporary file is left, whatever came
        head, _, page = said.decode().partition("\r\n\r\n")
        assert head == "Content-Type: text/html;charset=utf-8"
        return page.splitlines()

    async def answers_to(self, form: str) -> list[str]:
        return await self.answers((_FORMS / f"{form}.bin").read_bytes(), _TYPES[form])

    def files(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.kept.iterdir()}


@pytest.fixture
def servlet(tmp_path) -> Servlet:
    return Servlet(tmp_path)


def _page(author: str, company: str, files: str) -> list[str]:
    return [f"用户:{author}<br>", f"来自:{company}<br>", f"成功上传的文件:{files}"]


_TYPE = "multipart/form-data; boundary=B"


def _file(name: str, file_name: str, content: bytes) -> bytes:
    head = f'--B\r\nContent-Disposition: form-data; name="{name}"; filename="{file_name}"\r\n\r\n'
    return head.encode() + content + b"\r\n"


async def test_a_form_in_gb2312_with_full_windows_paths(servlet):
    assert await servlet.answers_to("ie6-gb2312") == _page("张三", "安雁公司", "图片 1.gif,bg.gif")
    assert servlet.files() == {"图片 1.gif": b"GIF89a", "bg.gif": b"GIF87a"}


async def test_names_in_utf8_on_a_page_in_gb2312(servlet):
    page = await servlet.answers_to("browser-utf8")

    # The fields are read as GB2312, as the program says; the names come from the client in UTF-8.
    assert page[-1] == "成功上传的文件:报告 1.txt,a.png"
    assert servlet.files() == {"报告 1.txt": b"one\r\ntwo\r\n", "a.png": bytes(range(256))}


async def test_controls_that_were_left_empty(servlet):
    assert await servlet.answers_to("empty-controls") == _page("", "", "无")
    assert servlet.files() == {}


async def test_only_the_second_file(servlet):
    body = _file("file1", "", b"") + _file("file2", "b.txt", b"2") + b"--B--\r\n"

    assert await servlet.answers(body, _TYPE) == _page("", "", "b.txt")


async def test_what_is_not_a_form_with_files(servlet):
    refused = ["只能处理multipart/form-data类型的数据!"]

    assert await servlet.answers(b"a=1", "application/x-www-form-urlencoded") == refused
    assert await servlet.answers(b"", "") == refused
    assert await servlet.answers(b"", _TYPE, method="GET") == refused


async def test_no_directory(servlet, tmp_path):
    (tmp_path / "file").write_text("")

    assert await servlet.answers(b"", _TYPE, kept="") == ["无法访问存储目录!"]
    assert await servlet.answers(b"", _TYPE, kept=tmp_path / "missing/upload") == ["无法创建存储目录!"]


async def test_more_than_200_megabytes(servlet):
    page = await servlet.answers(b"", _TYPE, length=200 * 1024 * 1024 + 1)

    assert page == ["解析数据时出现如下问题:", "the request has 209715201 bytes, and 209715200 are allowed"]


async def test_a_body_that_breaks_off(servlet):
    body = _file("file1", "a.txt", b"x" * 2_000_000)

    assert (await servlet.answers(body, _TYPE))[0] == "解析数据时出现如下问题:"
    assert servlet.files() == {}


async def test_a_file_that_cannot_be_stored(servlet):
    servlet.kept.mkdir()
    (servlet.kept / "a.txt").mkdir()

    page = await servlet.answers(_file("file1", "a.txt", b"1") + b"--B--\r\n", _TYPE)

    assert page == ["存储文件时出现如下问题:", "a file can't be put in its place: Is a directory"]


async def test_a_large_file_replaces_an_older_one_and_not_what_a_link_points_to(servlet, tmp_path):
    servlet.kept.mkdir()
    (tmp_path / "secret").write_text("untouched")
    (servlet.kept / "a.txt").symlink_to(tmp_path / "secret")
    content = os.urandom(3_000_000)

    assert await servlet.answers(_file("file1", "a.txt", content) + b"--B--\r\n", _TYPE) == _page("", "", "a.txt")

    assert servlet.files() == {"a.txt": content}
    assert (tmp_path / "secret").read_text() == "untouched"
    assert (servlet.kept / "a.txt").stat().st_mode & 0o777 == 0o600


async def test_names_that_would_harm(servlet):
    body = _file("file1", "../../evil.sh", b"1") + _file("file2", "<script>.txt", b"2") + b"--B--\r\n"

    assert (await servlet.answers(body, _TYPE))[-1] == "成功上传的文件:evil.sh,&lt;script&gt;.txt"
    assert set(servlet.files()) == {"evil.sh", "<script>.txt"}
