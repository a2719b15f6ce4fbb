"""Memory: a file of 2 GB and a thousand slow uploads at once, each within 16 MB of what the server takes when idle."""

import asyncio
import os
import resource
import shutil
from pathlib import Path

import pytest

from support.files import JSON, Sender, basic, path_of
from support.http import Http
from support.waits import until, within

pytestmark = [pytest.mark.anser_only("it is Anser's own door"), pytest.mark.slow]

MB = 1 << 20
MOST = 16 * MB
TWO_GB = 2 << 30
MANY = 1000


def _peak(server) -> int:
    """Resident bytes at most since the last _forget."""
    for line in Path(f"/proc/{server.house.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def _forget_peak(server) -> None:
    Path(f"/proc/{server.house.process.pid}/clear_refs").write_text("5")


@pytest.fixture
async def roomy(start):
    """A server that has done a bit of everything, so that what it keeps for good does not count."""
    wide = {
        "file_bytes": "3GB",
        "form_bytes": "3GB",
        "quota_bytes": "20GB",
        "at_once": 2000,
        "at_once_per_account": 2000,
    }
    server = await start(uploads=wide, log_level="info")
    romeo = Sender(server.house.settings.http_port, await server.account("romeo"))
    for _ in range(4):
        await romeo.keeps(bytes(2 * MB))
    server.romeo = romeo
    _forget_peak(server)
    return server


@pytest.fixture
def sparse(tmp_path) -> Path:
    path = tmp_path / "sparse"
    with path.open("wb") as file:
        file.truncate(TWO_GB)
    if shutil.disk_usage(tmp_path).free < 5 << 30:
        pytest.skip("not enough room for 2 GB")
    return path


async def _curl(*words) -> str:
    process = await asyncio.create_subprocess_exec(
        "curl",
        "-sS",
        "--max-time",
        "500",
        "-H",
        "Accept: application/json",
        *map(str, words),
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await within(process.communicate(), "curl to end", 510)
    assert process.returncode == 0
    return out.decode()


@pytest.mark.parametrize("way", ["form", "body"])
async def test_two_gigabytes(roomy, sparse, way):
    romeo = roomy.romeo
    user = f"{romeo.account.local}:{romeo.account.password}"
    idle = _peak(roomy)

    if way == "form":
        out = await _curl("-u", user, "-F", f"file=@{sparse}", f"http://127.0.0.1:{romeo.port}/upload")
    else:
        out = await _curl("-u", user, "-X", "POST", "-T", sparse, f"http://127.0.0.1:{romeo.port}/uploads?name=large")

    assert f'"size":{TWO_GB}' in out.replace(" ", "").replace("\n", "")
    took = _peak(roomy) - idle
    assert took <= MOST, f"{took / MB:.1f} MB"
    path = path_of((await romeo.ask("GET", "/files")).json["files"][0]["url"])
    assert (await romeo.gets(path, "HEAD"))["content-length"] == str(TWO_GB)
    assert (await romeo.gets(path, Range=f"bytes={TWO_GB - 5}-")).body == bytes(5)
    assert (await romeo.ask("DELETE", path)).status == 204


async def test_a_thousand_slow_uploads_at_once(roomy):
    romeo = roomy.romeo
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    body = os.urandom(40_000)
    fields = {**JSON, "Authorization": basic(romeo.account.local, romeo.account.password), "Content-Length": len(body)}
    idle = _peak(roomy)

    async def begin() -> Http:
        wire = await romeo.wire()
        await wire.send(wire.head("POST", "/uploads?name=slow", fields) + body[:20_000])
        return wire

    gate = asyncio.Semaphore(50)

    async def gently() -> Http:
        async with gate:
            return await begin()

    wires = await asyncio.gather(*(gently() for _ in range(MANY)))

    async def all_there():
        return sum(1 for _ in (roomy.house.data).rglob("unfinished/*")) >= MANY

    await until(all_there, "a thousand files under way", 120)
    for wire in wires:
        await wire.send(body[20_000:30_000])
    took = _peak(roomy) - idle

    for wire in wires:
        await wire.send(body[30_000:])
    replies = await asyncio.gather(*(wire.reply() for wire in wires))
    assert {reply.status for reply in replies} == {201}
    for wire in wires:
        wire.hang_up()
    assert took <= MOST, f"{took / MB:.1f} MB"
