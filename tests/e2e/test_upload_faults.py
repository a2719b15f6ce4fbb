"""Files when something breaks: the process is killed, the disk is full, clients are slow or say what is not true."""

import asyncio
import random
import shutil
import tempfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from support.faults import FaultyAnser, SmallDisk, build_shim
from support.files import FORM, JSON, TUS, Sender, form, noise, part, path_of, refused
from support.stage import Stage
from support.waits import free_port, until, within

pytestmark = pytest.mark.anser_only("the others have other disks")

HTML = {"Accept": "text/html"}


async def _sender(server, name: str = "romeo") -> Sender:
    return Sender(server.house.settings.http_port, await server.account(name))


def _bytes_on_disk(server, but: tuple[str, ...] = ()) -> int:
    """What the files take, without the databases."""
    total = 0
    for path in server.house.data.rglob("*"):
        with suppress(FileNotFoundError):  # the server removes some meanwhile
            if path.is_file() and not path.name.endswith((".db", "-wal", "-shm", "-journal", *but)):
                total += path.stat().st_size
    return total


async def test_stored_files_are_the_owner_s_alone_and_have_no_names_of_clients(start):
    server = await start()
    romeo = await _sender(server)
    await romeo.keeps(noise(5000), "secret-name.exe")
    await romeo.began(100, "other-name.sh")

    for path in server.house.data.rglob("*"):
        assert "name" not in path.name, path
        assert path.stat().st_mode & (0o077 if path.is_dir() else 0o177) == 0, path


# kill -9


@pytest.mark.parametrize("turn", range(4))
async def test_a_kill_in_the_middle(start, turn):
    """What was answered is there; what was not is there whole or not at all; what was begun goes on or is gone."""
    server = await start()
    romeo = await _sender(server)
    before = _bytes_on_disk(server)
    first = [noise(100_000) for _ in range(3)]
    kept = [(await romeo.keeps(data))["path"] for data in first]
    data = noise(2_000_000)
    path = await romeo.began(len(data))
    assert (await romeo.goes_on(path, 0, data[:500_000])).status == 204
    files = [noise(3_000_000) for _ in range(4)]
    tasks = [asyncio.create_task(romeo.sends(one, f"{number}.bin")) for number, one in enumerate(files)]
    tasks.append(asyncio.create_task(romeo.posts(*(part("file", one, f"form-{i}.bin") for i, one in enumerate(files)))))
    tasks.append(asyncio.create_task(romeo.goes_on(path, 500_000, data[500_000:])))

    if turn:
        await asyncio.wait(tasks, timeout=random.random() * 0.2 * turn, return_when=asyncio.FIRST_COMPLETED)
    server.house.kill()
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    server.house.start()

    for one, where in zip(first, kept):
        assert (await romeo.gets(where)).body == one
    said = (await romeo.ask("GET", "/files")).json
    for file in said["files"]:
        got = (await romeo.gets(path_of(file["url"]))).body
        assert got in (*first, *files, data), file
    for number, answer in enumerate(answers[:4]):
        if not isinstance(answer, BaseException) and answer.status == 201:
            assert (await romeo.gets(path_of(answer.json["url"]))).body == files[number]
    of_form = [file for file in said["files"] if file["name"].startswith("form-")]
    assert len(of_form) in (0, 4)  # all or none
    offset = await romeo.offset(path)
    assert offset >= 500_000  # it was confirmed
    if offset < len(data):
        assert (await romeo.goes_on(path, offset, data[offset:])).status == 204
    # A client that hears that all has come asks for nothing more: then the file is there.
    assert data in [
        (await romeo.gets(path_of(file["url"]))).body for file in (await romeo.ask("GET", "/files")).json["files"]
    ]
    used = (await romeo.ask("GET", "/files")).json["used"]
    assert used == sum(file["size"] for file in (await romeo.ask("GET", "/files")).json["files"])

    async def swept():  # nothing is left of what nobody knows
        return _bytes_on_disk(server) - before <= used

    await until(swept, "the rests to be removed", 30)


async def test_quotas_are_given_back_after_a_kill(start):
    server = await start(uploads={"quota_bytes": "1MB"})
    romeo = await _sender(server)
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 900_000}) + noise(500_000))

    server.house.kill()
    server.house.start()

    async def room():
        return (await romeo.sends(noise(900_000))).status == 201

    await until(room, "room for a file", 30)


# A full disk


@pytest.fixture(scope="session")
def shim(folder) -> Path:
    return build_shim(folder)


@pytest.fixture
async def small_disk(house, folder, shim, server_log):
    ports = {name: free_port() for name in ("port", "tls_port", "http_port", "https_port")}
    server = FaultyAnser(Path(tempfile.mkdtemp(prefix="files-", dir=folder)), replace(house.settings, **ports), shim)
    server_log.append(server)
    try:
        server.disk = SmallDisk(server)
    except PermissionError as error:
        pytest.skip(f"no file system of its own: {error}")
    stage = Stage(server)
    server.start()
    yield stage
    await stage.close()
    server.kill()
    server.disk.remove()


async def test_a_disk_that_fills(small_disk):
    romeo = await _sender(small_disk)
    first = noise(1_000_000)
    kept = await romeo.keeps(first)
    large = noise(30_000_000)

    refused(await romeo.sends(large), 507, "no-space")
    refused(await romeo.posts(part("a", b"small", "a"), part("b", large, "b")), 507, "no-space")
    page = await romeo.ask("POST", "/upload", form(part("b", large, "b")), {**FORM, **HTML})
    assert page.status == 507 and "存储文件时出现如下问题:" in page.text

    assert [file["url"] for file in (await romeo.ask("GET", "/files")).json["files"]] == [kept["url"]]
    assert (await romeo.gets(kept["path"])).body == first
    assert (await romeo.sends(noise(5_000_000))).status == 201  # what did not fit is gone


async def test_an_upload_on_a_full_disk_goes_on_when_there_is_room(small_disk):
    romeo, house = await _sender(small_disk), small_disk.house
    data = noise(3_000_000)
    path = await romeo.began(len(data))
    assert (await romeo.goes_on(path, 0, data[:1_000_000])).status == 204

    house.disk.fill()
    refused(await romeo.goes_on(path, 1_000_000, data[1_000_000:], **JSON), 507, "no-space")
    offset = await romeo.offset(path)
    assert offset >= 1_000_000
    house.disk.free()

    reply = await romeo.goes_on(path, offset, data[offset:])
    assert reply.status == 204
    assert (await romeo.gets(path_of(reply["content-location"]))).body == data


async def test_a_folder_that_is_gone(start):
    """One of the first two sentences; when it is there again, so is the door."""
    server = await start()
    romeo = await _sender(server)
    folder = server.house.data / "files"
    shutil.rmtree(folder)

    page = await romeo.ask("POST", "/upload", form(part("f", b"x", "x.txt")), {**FORM, **HTML})
    reply = await romeo.posts(part("f", b"x", "x.txt"))

    assert page.status == 503, page.text
    assert "无法访问存储目录!" in page.text or "无法创建存储目录!" in page.text
    refused(reply, 503, "unavailable")
    assert (await romeo.ask("GET", "/files")).json["files"] == []
    server.house.stop()
    server.house.start()
    assert (await romeo.posts(part("f", b"x", "x.txt"))).status == 201


# Slow clients, and those that say what is not true


@pytest.mark.slow
async def test_a_client_that_is_too_slow(start):
    """A minute is everybody's; then the average counts."""
    server = await start(uploads={"slowest_bytes_per_second": 1000})
    romeo = await _sender(server)
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 100_000}))

    async def drip():
        while True:
            await wire.send(b"x")
            await asyncio.sleep(0.1)

    dripping = asyncio.create_task(drip())
    try:
        reply = await wire.head_of_reply(100)
        await wire.is_closed(100)  # the rest is not waited for at that pace
    finally:
        dripping.cancel()

    assert reply.status == 408
    assert (await romeo.ask("GET", "/files")).json["files"] == []
    wire.hang_up()


async def test_a_client_that_stalls(start):
    server = await start(limits={"http_silent_seconds": 2})
    romeo = await _sender(server)
    path = await romeo.began(100)
    wire = await romeo.wire()
    fields = {
        **TUS,
        **romeo.who,
        "Upload-Offset": 0,
        "Content-Type": "application/offset+octet-stream",
        "Content-Length": 100,
    }
    await wire.send(wire.head("PATCH", path, fields) + b"x" * 50)

    await wire.is_closed(40)

    assert await romeo.offset(path) == 50  # what came is kept
    wire.hang_up()


async def test_fewer_bytes_than_announced(romeo):
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 1000}) + b"x" * 500)
    wire.writer.write_eof()

    said = await wire.is_closed()

    assert b" 201 " not in said[:20]
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_more_bytes_than_announced_are_another_request(romeo):
    wire = await romeo.wire()
    await wire.send(
        wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 5}) + b"hello" + b"GARBAGE\r\n\r\n"
    )

    first = await wire.reply()

    assert first.status == 201 and first.json["size"] == 5
    assert b" 400 " in (await wire.is_closed())[:20]


@pytest.mark.parametrize(
    "chunk",
    [
        b"5\r\nhel",
        b"zz\r\nhello\r\n0\r\n\r\n",
        b"-5\r\nhello\r\n",
        b"ffffffffffffffffff\r\nhello",
        b"5\r\nhelloX\r\n0\r\n\r\n",
    ],
)
async def test_chunks_that_are_wrong(romeo, chunk):
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Transfer-Encoding": "chunked"}) + chunk)
    wire.writer.write_eof()

    said = await wire.is_closed()

    assert b" 201 " not in said[:20]
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_a_length_and_chunks_at_once(romeo):
    """RFC 9112, section 6.3: that is an attack, or a fault."""
    wire = await romeo.wire()
    fields = {**JSON, **romeo.who, "Transfer-Encoding": "chunked", "Content-Length": 5}
    await wire.send(wire.head("POST", "/uploads", fields) + b"0\r\n\r\n")

    assert b" 400 " in (await wire.is_closed())[:20]


async def test_half_requests_leave_nothing(start):
    server = await start()
    romeo = await _sender(server)
    before = _bytes_on_disk(server)
    body = form(part("author", "a"), part("file", noise(200_000), "f.bin"))
    for at in sorted(random.sample(range(1, len(body)), 20)):
        wire = await romeo.wire()
        await wire.send(
            wire.head("POST", "/upload", {**FORM, **JSON, **romeo.who, "Content-Length": len(body)}) + body[:at]
        )
        wire.hang_up()

    async def nothing():
        return _bytes_on_disk(server) <= before and (await romeo.ask("GET", "/files")).json["used"] == 0

    await until(nothing, "the halves to be removed", 30)
    assert (await romeo.ask("GET", "/files")).json["files"] == []


async def test_a_refused_body_is_not_read_for_ever(romeo):
    """Answered before its body; the connection ends instead of swallowing a terabyte."""
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 1 << 40}))

    refused(await wire.reply(), 413, "file-too-large", 100 << 20)

    async def pour():
        for _ in range(4000):
            wire.writer.write(bytes(1 << 16))
            await wire.writer.drain()
        return False

    with pytest.raises(ConnectionError):
        await within(pour(), "the server to close", 30)


async def test_expect_continue(romeo):
    wire = await romeo.wire()
    await wire.send(wire.head("POST", "/uploads", {**JSON, **romeo.who, "Content-Length": 5, "Expect": "100-continue"}))
    assert (await wire.head_of_reply()).status == 100
    await wire.send(b"hello")
    assert (await wire.reply()).status == 201
    wire.hang_up()

    stranger = await Sender(romeo.port).wire()
    await stranger.send(stranger.head("POST", "/uploads", {**JSON, "Content-Length": 5, "Expect": "100-continue"}))
    assert (await stranger.head_of_reply()).status == 401  # without asking for the body
    stranger.hang_up()


# A limit on the size of files, as of an operator's ulimit


class Ulimited(FaultyAnser):
    """What is written beyond a megabyte fails (RLIMIT_FSIZE), as on a disk with another kind of fullness."""

    def command(self) -> list[str]:
        return ["prlimit", f"--fsize={1 << 20}", *super().command()]


async def test_a_limit_of_the_system_s(house, folder, shim, server_log):
    ports = {name: free_port() for name in ("port", "tls_port", "http_port", "https_port")}
    server = Ulimited(Path(tempfile.mkdtemp(prefix="ulimit-", dir=folder)), replace(house.settings, **ports), shim)
    server_log.append(server)
    stage = Stage(server.start())
    romeo = await _sender(stage)

    reply = await romeo.sends(noise(3 << 20), **JSON)

    assert reply.status in (503, 507), reply.body
    assert server.process.poll() is None  # SIGXFSZ would end it
    assert (await romeo.sends(b"small")).status == 201
    await stage.close()
    server.kill()
