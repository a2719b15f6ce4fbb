"""Uploads whose server is killed while bytes come, and two clients at one upload: offsets that were told are on disk."""

import asyncio
import base64

import pytest

from support.waits import within

pytestmark = pytest.mark.anser_only("it is Anser's own door")

SIZE = 3_000_000
BYTES = bytes(range(256)) * (SIZE // 256 + 1)


class Wire:
    """One connection, by hand: 1xx are heard, too."""

    def __init__(self, reader, writer, login: str):
        self.reader, self.writer, self.login = reader, writer, login

    @classmethod
    async def connects(cls, server, account) -> "Wire":
        login = base64.b64encode(f"{account.local}:{account.password}".encode()).decode()
        return cls(*await asyncio.open_connection("127.0.0.1", server.house.settings.http_port), login)

    async def says(self, method: str, target: str, body: bytes = b"", **fields) -> None:
        lines = {"Host": "localhost", "Authorization": f"Basic {self.login}", "Content-Length": len(body)}
        lines |= {name.replace("_", "-"): value for name, value in fields.items()}
        head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        self.writer.write(head.encode() + b"\r\n" + body)
        await within(self.writer.drain(), "room for the body", 60)

    async def hears(self) -> tuple[int, dict[str, str]]:
        """The next head, 1xx as well; (0, {}) at the end of the connection."""

        async def head() -> tuple[int, dict[str, str]]:
            try:
                lines = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            except (asyncio.IncompleteReadError, ConnectionError):
                return 0, {}
            return int(lines[0].split()[1]), dict(line.split(": ", 1) for line in lines[1:] if line)

        return await within(head(), "an answer", 60)

    async def answer(self) -> tuple[int, dict[str, str]]:
        while True:
            status, fields = await self.hears()
            if status == 0 or status >= 200:
                return status, fields

    def hang_up(self) -> None:
        self.writer.close()


async def _ask(server, account, method: str, target: str, body: bytes = b"", **fields):
    wire = await Wire.connects(server, account)
    await wire.says(method, target, body, **fields)
    answer = await wire.answer()
    wire.hang_up()
    return answer


def _path(url: str) -> str:
    return "/" + url.split("/", 3)[3]


async def _finish(server, account, path: str) -> None:
    status, state = await _ask(server, account, "HEAD", path)
    offset = int(state["upload-offset"])
    assert (status, state["upload-complete"]) == (204, "?0")
    fields = {"Upload_Offset": offset, "Upload_Complete": "?1", "Content_Type": "application/partial-upload"}

    status, answer = await _ask(server, account, "PATCH", path, BYTES[offset:SIZE], **fields)

    assert (status, answer["upload-offset"]) == (201, str(SIZE))
    wire = await Wire.connects(server, account)
    await wire.says("GET", _path(answer["content-location"]))
    status, head = await wire.answer()
    got = await within(wire.reader.readexactly(int(head["content-length"])), "the file", 60)
    assert status == 200 and got == BYTES[:SIZE]
    wire.hang_up()


async def test_the_server_is_killed_while_bytes_come(start):
    server = await start()
    romeo = await server.account("romeo")
    wire = await Wire.connects(server, romeo)
    fields = {"Upload_Complete": "?1", "Upload_Draft_Interop_Version": 8, "Content_Length": SIZE}
    await wire.says("POST", "/uploads?name=killed.bin", BYTES[:100_000], **fields)
    status, told = await wire.hears()
    path, confirmed = _path(told["location"]), 0
    assert status == 104
    sent = 100_000
    while not confirmed:  # until it tells that something is on disk
        wire.writer.write(BYTES[sent : sent + 1000])
        sent += 1000
        assert sent < SIZE
        try:
            status, told = await asyncio.wait_for(wire.hears(), 0.05)
            assert status == 104
            confirmed = int(told["upload-offset"])
        except TimeoutError:
            pass

    server.house.kill()
    server.house.start()

    _, state = await _ask(server, romeo, "HEAD", path)
    assert confirmed <= int(state["upload-offset"]) <= sent
    await _finish(server, romeo, path)


async def test_two_clients_at_one_upload(server):
    """Each ends the other's request, and no byte stands where it should not."""
    romeo = await server.account("romeo")
    _, made = await _ask(server, romeo, "POST", "/uploads", Upload_Complete="?0", Upload_Length=SIZE)
    path = _path(made["location"])

    async def pushes() -> None:
        for _ in range(10):
            _, state = await _ask(server, romeo, "HEAD", path)
            if "upload-offset" not in state:
                continue  # the other has it, and does not let go: 409
            offset = int(state["upload-offset"])
            piece = BYTES[offset : min(offset + 100_000, SIZE)]
            fields = {"Upload_Offset": offset, "Upload_Complete": "?0", "Content_Type": "application/partial-upload"}
            status, _ = await _ask(server, romeo, "PATCH", path, piece, **fields)
            assert status in (0, 204, 409), status

    await asyncio.gather(pushes(), pushes())

    await _finish(server, romeo, path)
