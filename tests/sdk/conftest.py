"""A server of each kind for each worker, with TLS and a certificate of our own; `program` runs one of the C++ programs.

The servers, the accounts on them and the other end of a conversation are those of tests/e2e.
"""

import asyncio
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from support.certs import Authority
from support.config import Host, Settings
from support.peers import PEERS
from support.servers import REPOSITORY, Anser
from support.stage import Stage
from support.waits import free_port, within

PROGRAMS = Path(os.environ.get("ANSER_SDK_PROGRAMS", REPOSITORY / "build/release/bin"))
KINDS = {"anser": Anser, **PEERS}


def pytest_addoption(parser):
    parser.addoption("--keep", action="store_true", help="leave the servers' folders behind")


@pytest.fixture(scope="session")
def folder(request):
    base = Path("/tmp/e2e-peer")  # a short path: ejabberd keeps sockets there
    base.mkdir(exist_ok=True)
    made = Path(tempfile.mkdtemp(prefix="anser-sdk-", dir=base))
    yield made
    if not request.config.getoption("--keep"):
        shutil.rmtree(made, ignore_errors=True)


@pytest.fixture(scope="session")
def authority(folder) -> Authority:
    return Authority(folder / "certificates")


@pytest.fixture(scope="module", params=KINDS)
def house(request, folder, authority):
    """As their packages come, but for ports, certificates, uploads, compression, the old login, and ejabberd's archive, which is
    in SQLite; nothing is rationed."""
    settings = Settings(
        hosts=[Host("localhost", authority.for_host("localhost", "127.0.0.1"))],
        port=free_port(),
        tls_port=free_port(),
        http_port=free_port(),
        https_port=free_port(),
        iq_auth=True,
        long_archive=True,
        log_level="info",
    )
    server = KINDS[request.param](folder / f"{request.param}-{settings.port}", settings)
    yield server.start()
    server.kill()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed and "house" in getattr(item, "funcargs", {}):
        house = item.funcargs["house"]
        report.sections.append((f"end of the log of {house.kind}", house.log()))
    return report


@pytest.fixture
async def server(house):
    stage = Stage(house)
    yield stage
    await stage.close()
    assert house.process.poll() is None, f"the server ended with {house.process.returncode}:\n{house.log()}"


class Program:
    """One that runs: its lines come in order."""

    def __init__(self, process):
        self._process = process
        self.said: list[tuple[str, str]] = []

    async def says(self, line: str, seconds: float) -> None:
        """Reads on until it says this line."""

        async def look():
            async for raw in self._process.stdout:
                if (text := raw.decode().rstrip("\n")) == line:
                    return
                self.said.append(tuple(text.partition("=")[::2]))
            raise AssertionError(f"it ended before {line!r}: {await self._complaint()}")

        await within(look(), f"the program to say {line!r}", seconds)

    async def ends(self, seconds: float) -> "Program":
        async def read():
            async for raw in self._process.stdout:
                self.said.append(tuple(raw.decode().rstrip("\n").partition("=")[::2]))

        await within(read(), f"the program to end; it said {self.said}", seconds)
        complaint = await self._complaint()
        assert await self._process.wait() == 0, f"{complaint}\n{self.said}"
        return self

    async def _complaint(self) -> str:
        return (await self._process.stderr.read()).decode()

    def all(self, name: str) -> list[str]:
        return [value for said, value in self.said if said == name]

    def __getitem__(self, name: str) -> str:
        (value,) = self.all(name)
        return value

    def kill(self) -> None:
        if self._process.returncode is None:
            self._process.kill()


@pytest.fixture
async def program():
    """`await program("seed", port=…, compression=True)`: --port … --compression."""
    running = []

    async def start(name: str, **options) -> Program:
        words = []
        options.setdefault("debug", os.environ.get("ANSER_SDK_DEBUG"))  # a path, for both directions' XML
        for option, value in options.items():
            if value is not False and value is not None:
                words += ["--" + option.replace("_", "-")] + ([] if value is True else [str(value)])
        process = await asyncio.create_subprocess_exec(
            str(PROGRAMS / f"sdk_{name}"), *words, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        running.append(Program(process))
        return running[-1]

    yield start
    for one in running:
        one.kill()
