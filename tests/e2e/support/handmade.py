"""RFC 6455 byte by byte, to say what no library lets us say."""

import asyncio
import base64
import os
import struct
from dataclasses import dataclass

from .waits import within

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
KEY = "dGhlIHNhbXBsZSBub25jZQ=="  # the RFC's own, section 1.3
ACCEPT = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@dataclass
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes = b""


def frame(opcode: int, payload: bytes = b"", *, fin: bool = True, rsv: int = 0, mask: bool = True) -> bytes:
    size = len(payload)
    flag = 0x80 if mask else 0
    first = bytes([(0x80 if fin else 0) | rsv << 4 | opcode])
    if size < 126:
        head = first + bytes([flag | size])
    elif size < 1 << 16:
        head = first + bytes([flag | 126]) + struct.pack(">H", size)
    else:
        head = first + bytes([flag | 127]) + struct.pack(">Q", size)
    if not mask:
        return head + payload
    key = os.urandom(4)
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def close(code: int | None = None, reason: bytes = b"") -> bytes:
    return frame(CLOSE, b"" if code is None else struct.pack(">H", code) + reason)


class Handmade:
    """A connection to the port of the HTTP doors."""

    def __init__(self, reader, writer, port: int):
        self._reader, self._writer, self.port = reader, writer, port

    @classmethod
    async def connects(cls, port: int) -> "Handmade":
        return cls(*await within(asyncio.open_connection("127.0.0.1", port), "a TCP connection"), port)

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await within(self._writer.drain(), "the server to read what we send")

    def head(self, target: str = "/ws", method: str = "GET", version: str = "HTTP/1.1", **changes: str | None) -> bytes:
        """The head of a good handshake but for `changes`: Header_Name="value", or None to leave it out."""
        headers = {
            "Host": f"127.0.0.1:{self.port}",
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Key": KEY,
            "Sec-WebSocket-Version": "13",
        }
        headers.update({name.replace("_", "-"): value for name, value in changes.items()})
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode()

    async def answer(self) -> Answer:
        """The head of the server's answer; the body too, if there is one."""
        head = await within(self._reader.readuntil(b"\r\n\r\n"), "an answer over HTTP")
        first, *lines = head.decode().strip().split("\r\n")
        headers = {name.lower(): value.strip() for name, value in (line.split(":", 1) for line in lines)}
        answer = Answer(int(first.split()[1]), headers)
        if answer.status >= 200:
            answer.body = await within(self._reader.readexactly(int(headers.get("content-length", "0"))), "a body")
        return answer

    async def asks(self, target: str = "/ws", method: str = "GET", **changes: str | None) -> Answer:
        await self.send(self.head(target, method, **changes))
        return await self.answer()

    async def opens(self, account, target: str = "/ws", **changes: str | None) -> "Handmade":
        """A WebSocket, signed in with the account's password, if there is an account."""
        if account:
            secret = base64.b64encode(f"{account}:{account.password}".encode()).decode()
            changes = {"Authorization": f"Basic {secret}", **changes}
        answer = await self.asks(target, **changes)
        assert answer.status == 101, answer
        self.agreed = answer.headers
        return self

    async def reads(self) -> tuple[int, bytes]:
        """The next frame of the server, as opcode (with the reserved bits above it) and payload."""
        return await within(self._read(), "a frame")

    async def _read(self) -> tuple[int, bytes]:
        first, second = await self._reader.readexactly(2)
        assert first & 0x80, "the server sends whole messages"
        assert not second & 0x80, "a server's frames are not masked"
        size = second
        if size == 126:
            (size,) = struct.unpack(">H", await self._reader.readexactly(2))
        elif size == 127:
            (size,) = struct.unpack(">Q", await self._reader.readexactly(8))
        return first & 0x7F, await self._reader.readexactly(size)

    async def reads_until(self, opcode: int) -> bytes:
        while True:
            came, payload = await self.reads()
            if came == opcode:
                return payload

    async def closed_with(self) -> int:
        """The code of the server's close frame; it is answered, and the connection ends."""
        payload = await self.reads_until(CLOSE)
        self._writer.write(close(struct.unpack(">H", payload[:2])[0]) if payload else close())
        await self.ends()
        payload[2:].decode()
        return struct.unpack(">H", payload[:2])[0] if payload else 1005

    async def ends(self) -> None:
        """Waits until the server has ended the connection, with whatever last words."""

        async def read() -> None:
            try:
                while await self._reader.read(65536):
                    pass
            except ConnectionError:
                pass

        await within(read(), "the end of the connection")

    def hang_up(self) -> None:
        self._writer.transport.abort()
