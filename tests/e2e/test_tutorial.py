"""docs/tutorial.md: its code is parts of the programs in sdk/examples, which run here and say what the page says."""

import asyncio
import contextlib
import hashlib
import re
import ssl
from dataclasses import dataclass

import pytest

from support.servers import REPOSITORY, Anser
from support.waits import within

pytestmark = pytest.mark.anser_only("the tutorial's programs expect its answers")

_PAGE = REPOSITORY / "docs/tutorial.md"
_BLOCK = re.compile(r"(?:^<!-- (?P<mark>[^\n]*) -->\n)?^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_EXAMPLES = REPOSITORY / "sdk/examples"


def _blocks() -> list[re.Match]:
    return list(_BLOCK.finditer(_PAGE.read_text()))


def _part(name: str, part: str) -> str:
    """Between `// [part]` and `// [/part]`, without the common indentation."""
    source = (_EXAMPLES / name).read_text()
    (lines,) = re.findall(rf"^ *// \[{part}\]\n(.*?)^ *// \[/{part}\]$", source, re.MULTILINE | re.DOTALL)
    indent = min(len(line) - len(line.lstrip()) for line in lines.splitlines() if line)
    return "".join(line[indent:] if line.strip() else line for line in lines.splitlines(keepends=True))


def _promised(program: str) -> list[str]:
    """What the page says that the program prints."""
    (block,) = [block for block in _blocks() if block["mark"] == f"{program} prints"]
    return block["text"].splitlines()


def _program(name: str) -> str:
    beside = REPOSITORY.joinpath(Anser.binary()).with_name(f"example_{name}")
    return str(beside if beside.exists() else REPOSITORY / f"build/release/bin/example_{name}")


def test_each_block_of_code_is_part_of_a_program():
    blocks = [block for block in _blocks() if block["kind"] == "cpp"]

    assert len(blocks) > 20
    for block in blocks:
        assert block["mark"], f"a block of code without a program:\n{block['text']}"
        name, part = block["mark"].split()
        assert block["text"] == _part(name, part), f"the page and {name} [{part}] differ"


def test_each_program_is_on_the_page():
    shown = {block["mark"].partition(".cpp")[0] for block in _blocks() if block["mark"]}

    # Those of docs/file-upload.md: test_file_upload.py.
    assert {path.stem for path in _EXAMPLES.glob("*.cpp") if not path.stem.startswith("upload_")} <= shown


@dataclass
class Verona:
    """A server with romeo and juliet, and the programs that talk to it."""

    house: Anser

    @property
    def where(self) -> list[str]:
        return ["localhost", str(self.house.settings.port), str(self.house.settings.hosts[0].certificate.path)]

    async def start(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        return await self.start_at(name, *self.where, *arguments)

    async def start_at(self, name: str, *arguments: str) -> asyncio.subprocess.Process:
        pipe = asyncio.subprocess.PIPE
        return await asyncio.create_subprocess_exec(
            _program(name), *arguments, stdin=pipe, stdout=pipe, stderr=asyncio.subprocess.STDOUT
        )

    async def prints(self, name: str, *arguments: str) -> list[str]:
        process = await self.start(name, *arguments)
        try:
            said, _ = await within(process.communicate(), f"the end of {name}", 30)
        finally:
            with contextlib.suppress(ProcessLookupError):
                process.kill()
        assert process.returncode == 0, said.decode()
        return said.decode().splitlines()


@pytest.fixture
async def verona(start) -> Verona:
    stage = await start()
    for name in ("romeo", "juliet"):
        added = stage.house.tool("user", "add", name, "--password-stdin", stdin="secret\n")
        assert added.returncode == 0, added.stderr
    return Verona(stage.house)


async def test_hello(verona):
    arguments = "romeo", "secret", "juliet@localhost", "Wilt thou be gone?"

    assert await verona.prints("hello", *arguments) == _promised("hello")


@pytest.mark.parametrize("name", ["roster", "chat", "iq", "coroutine", "accounts", "history"])
async def test_program(verona, name):
    assert await verona.prints(name) == _promised(name)


async def test_reliable(verona):
    process = await verona.start("reliable")
    said = []

    async def hears(*lines: str) -> None:
        for line in lines:
            read = await within(process.stdout.readline(), f"{line!r} after {said}", 20)
            said.append(read.decode().rstrip("\n"))
            assert said[-1] == line, said

    def says(text: str) -> None:
        process.stdin.write(f"{text}\n".encode())

    try:
        await hears("in")
        says("Wilt thou be gone?")
        await hears("sends: Wilt thou be gone?", "stored: Wilt thou be gone?")
        verona.house.kill()
        await hears("lost")
        says("It is not yet near day.")
        await hears("keeps: It is not yet near day.")
        verona.house.start()
        await hears("in again, the session goes on", "stored: It is not yet near day.")
        process.stdin.close()
        await hears("closed")
        assert await within(process.wait(), "its end") == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert said == _promised("reliable")


async def test_socket(verona):
    settings = verona.house.settings
    url = f"wss://localhost:{settings.https_port}/ws"
    process = await verona.start_at("socket", url, str(settings.hosts[0].certificate.path))
    said = []

    async def hears(*lines: str) -> None:
        for line in lines:
            read = await within(process.stdout.readline(), f"{line!r} after {said}", 20)
            said.append(read.decode().rstrip("\n"))
            assert said[-1] == line, said

    def says(text: str) -> None:
        process.stdin.write(f"{text}\n".encode())

    try:
        await hears("open: romeo@localhost")
        says("Wilt thou be gone?")
        await hears("stored: Wilt thou be gone?")
        verona.house.kill()
        await hears("lost")
        says("It is not yet near day.")
        verona.house.start()
        await hears("open: romeo@localhost", "stored: It is not yet near day.")
        process.stdin.close()
        await hears("history: Wilt thou be gone?", "history: It is not yet near day.", "closed")
        assert await within(process.wait(), "its end") == 0
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    assert said == _promised("socket")


async def test_security(verona):
    proxied = []

    async def proxy(reader, writer):
        """CONNECT (RFC 9110 section 9.3.6), for one connection after another."""
        head = await reader.readuntil(b"\r\n\r\n")
        proxied.append(head.split(b" ")[:2])
        host, _, port = head.split(b" ")[1].decode().rpartition(":")
        there, back = await asyncio.open_connection(host, int(port))
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")

        async def copy(source, target):
            with contextlib.suppress(ConnectionError):
                while data := await source.read(65536):
                    target.write(data)
                    await target.drain()
            target.close()

        await asyncio.gather(copy(reader, back), copy(there, writer))

    pem = verona.house.settings.hosts[0].certificate.path.read_text()
    pin = hashlib.sha256(ssl.PEM_cert_to_DER_cert(pem)).hexdigest()
    async with await asyncio.start_server(proxy, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]

        said = await verona.prints("security", pin, "127.0.0.1", str(port))

    assert said == _promised("security")
    assert proxied == [[b"CONNECT", f"localhost:{verona.house.settings.port}".encode()]]
