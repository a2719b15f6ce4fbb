"""Files through each server's upload service, there and back (files.cpp): what was sent is what is fetched; and with
Anser, whose uploads can be resumed, also when the connection is cut in the middle."""

import asyncio
import os

import pytest

SECONDS = 60 * float(os.environ.get("ANSER_SDK_PATIENCE", "1"))
SIZE = 3_000_000
RESUMABLE = {"anser"}


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "très cool 图.bin"
    path.write_bytes(os.urandom(SIZE))
    return path


class Cutter:
    """In front of a port: of the first connections each is cut after so many bytes to the server, or to the client. Such
    a line stops for a while in their middle, so that the server has answered what the client began with."""

    def __init__(self, port: int, up: list[int] = [], down: list[int] = []):
        self.to, self.up, self.down = port, list(up), list(down)
        self.cuts = self.connections = 0

    async def __aenter__(self):
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self._server.close()

    async def _serve(self, reader, writer):
        self.connections += 1
        there = await asyncio.open_connection("127.0.0.1", self.to)
        up = asyncio.create_task(self._pass_on(reader, there[1], self.up))
        down = asyncio.create_task(self._pass_on(there[0], writer, self.down))
        await asyncio.wait([up, down], return_when=asyncio.FIRST_COMPLETED)
        if up.done() and not up.result():  # the client has said all: the answer is still to come
            await down
        for task in (up, down):
            task.cancel()
        for end in (writer, there[1]):
            end.transport.abort() if self._just_cut else end.close()
        self._just_cut = False

    _just_cut = False

    async def _pass_on(self, reader, writer, limits) -> bool:
        passed, stopped = 0, False
        try:
            while data := await reader.read(16384):
                writer.write(data)
                await writer.drain()
                passed += len(data)
                if limits and not stopped and passed > limits[0] / 2:
                    stopped = True
                    await asyncio.sleep(SECONDS / 60)
                if limits and passed >= limits[0]:
                    limits.pop(0)
                    self.cuts += 1
                    self._just_cut = True
                    return True
        except OSError:
            return True
        return False


async def there_and_back(server, program, authority, file, tmp_path, **options):
    romeo = await server.account("romeo")
    run = await program(
        "files",
        port=server.house.settings.port,
        user=romeo.local,
        password=romeo.password,
        truststore=authority.path,
        upload=file,
        download=tmp_path / "fetched",
        **options,
    )
    said = await run.ends(SECONDS)
    assert said["uploaded"] == "ok", said.said
    assert said["downloaded"] == "ok", said.said
    assert (tmp_path / "fetched").read_bytes() == file.read_bytes()
    assert int(said["upload_progress"]) == int(said["download_progress"]) == file.stat().st_size
    assert said["url"].startswith(f"https://localhost:{server.house.settings.https_port}/")
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted([file.name, "fetched"])
    return said


async def test_a_file_goes_there_and_comes_back(server, program, authority, file, tmp_path):
    said = await there_and_back(server, program, authority, file, tmp_path, type="application/octet-stream")

    assert int(said["max_file_size"]) > SIZE
    assert said["guessed"] == "http 404"
    if server.kind == "anser":
        assert said["service"] == "localhost"
        assert set(said.all("purpose")) >= {"message", "ephemeral"}
        assert said["url"].endswith("/tr%C3%A8s%20cool%20%E5%9B%BE.bin")


async def test_an_upload_goes_on_where_it_was_cut(server, program, authority, file, tmp_path):
    https = server.house.settings.https_port
    async with Cutter(https, up=[1_000_000, 1_000_000]) as cutter:
        said = await there_and_back(
            server, program, authority, file, tmp_path, https_port=https, via=cutter.port
        )

    if server.kind in RESUMABLE:
        assert cutter.cuts == 2
        # PUT, HEAD, PATCH, HEAD, PATCH; then GET twice
        assert cutter.connections == 7, said.said


async def test_a_download_goes_on_where_it_was_cut(server, program, authority, file, tmp_path):
    https = server.house.settings.https_port
    async with Cutter(https, down=[1_000_000, 1_000_000]) as cutter:
        await there_and_back(server, program, authority, file, tmp_path, https_port=https, via=cutter.port)

    assert cutter.cuts == 2
