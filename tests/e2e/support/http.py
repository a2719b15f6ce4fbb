"""HTTP/1.1 written by hand, so that a request may be wrong, slow or only half there."""

import asyncio
import json
import ssl
from dataclasses import dataclass, field

from .waits import within


@dataclass
class Reply:
    status: int
    fields: list[tuple[str, str]]  # names in lower case
    body: bytes = b""
    informed: list["Reply"] = field(default_factory=list)  # the 1xx before it

    def __getitem__(self, name: str) -> str | None:
        return next((value for key, value in self.fields if key == name.lower()), None)

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.fields if key == name.lower()]

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def text(self) -> str:
        return self.body.decode()


class Http:
    """A connection to the port of the HTTP doors, or with `tls` to that with TLS."""

    def __init__(self, reader, writer, port: int):
        self.reader, self.writer, self.port = reader, writer, port

    @classmethod
    async def connects(cls, port: int, tls: ssl.SSLContext | None = None) -> "Http":
        opening = asyncio.open_connection("127.0.0.1", port, ssl=tls, limit=1 << 20)
        return cls(*await within(opening, "a TCP connection"), port)

    def head(self, method: str, target: str, fields: dict) -> bytes:
        """`fields`: a value, several in a list, or None to leave out what would stand there by itself."""
        said = {"Host": f"127.0.0.1:{self.port}", **fields}
        lines = [f"{method} {target} HTTP/1.1"]
        for name, value in said.items():
            if value is None:
                continue
            for one in value if isinstance(value, list) else [value]:
                lines.append(f"{name}: {one}")
        return ("\r\n".join(lines) + "\r\n\r\n").encode()

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await within(self.writer.drain(), "the server to read what we send", 60)

    async def head_of_reply(self, seconds: float = 30) -> Reply:
        head = await within(self.reader.readuntil(b"\r\n\r\n"), "an answer over HTTP", seconds)
        first, *lines = head.decode().rstrip().split("\r\n")
        fields = [(name.lower(), value.strip()) for name, value in (line.split(":", 1) for line in lines)]
        return Reply(int(first.split()[1]), fields)

    async def reply(self, method: str = "GET") -> Reply:
        informed = []
        while True:
            reply = await self.head_of_reply()
            if reply.status >= 200:
                break
            informed.append(reply)
        reply.informed = informed
        if method != "HEAD" and reply.status not in (204, 304):
            length = reply["content-length"]
            reading = self.reader.read() if length is None else self.reader.readexactly(int(length))
            reply.body = await within(reading, "the body of an answer", 60)
        return reply

    async def ask(self, method: str, target: str, body: bytes | None = None, fields: dict | None = None) -> Reply:
        said = dict(fields or {})
        if body is not None and "Content-Length" not in said and "Transfer-Encoding" not in said:
            said["Content-Length"] = len(body)
        await self.send(self.head(method, target, said))
        answer = asyncio.create_task(self.reply(method))  # it may come before its body has gone, and end the connection
        try:
            for at in range(0, len(body or b""), 65_536):
                if answer.done():
                    break
                await self.send(body[at : at + 65_536])
        except ConnectionError:
            pass
        return await answer

    async def is_closed(self, seconds: float = 30) -> bytes:
        """What came before the server closed it."""
        try:
            return await within(self.reader.read(), "the server to close the connection", seconds)
        except ConnectionError:
            return b""

    def hang_up(self) -> None:
        self.writer.transport.abort()
