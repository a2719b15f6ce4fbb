"""Who sends files: docs/wire/upload.md as an account's own client, one connection for each request."""

import base64
import os
import struct
import zlib
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from .http import Http, Reply

TUS = {"Tus-Resumable": "1.0.0"}
DRAFT = {"Upload-Draft-Interop-Version": "8"}
JSON = {"Accept": "application/json"}


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


# One grey point.
PNG = (
    b"\x89PNG\r\n\x1a\n"
    + _chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 0, 0, 0, 0))
    + _chunk(b"IDAT", zlib.compress(b"\0\x80"))
    + _chunk(b"IEND", b"")
)


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def part(
    name: str | None,
    value: bytes | str,
    filename: str | bytes | None = None,
    type: str | None = None,
    head: bytes = b"",
) -> bytes:
    """One part between two delimiters: its head, and what it has. `head`: more lines of it."""

    def raw(text) -> bytes:
        return text if isinstance(text, bytes) else text.encode()

    lines = b"Content-Disposition: form-data"
    if name is not None:
        lines += b'; name="' + raw(name) + b'"'
    if filename is not None:
        lines += b'; filename="' + raw(filename) + b'"'
    lines += b"\r\n"
    if type:
        lines += b"Content-Type: " + raw(type) + b"\r\n"
    return lines + head + b"\r\n" + raw(value)


def form(*parts: bytes, boundary: bytes = b"the-end-of-a-part") -> bytes:
    return b"".join(b"--" + boundary + b"\r\n" + one + b"\r\n" for one in parts) + b"--" + boundary + b"--\r\n"


FORM = {"Content-Type": "multipart/form-data; boundary=the-end-of-a-part"}


def path_of(url: str) -> str:
    parts = urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@dataclass
class Sender:
    """`account` none: somebody without one."""

    port: int
    account: object = None
    tls: object = None

    @property
    def who(self) -> dict:
        return {"Authorization": basic(self.account.local, self.account.password)} if self.account else {}

    async def wire(self) -> Http:
        return await Http.connects(self.port, self.tls)

    async def ask(
        self, method: str, target: str, body: bytes | None = None, fields: dict | None = None, **more
    ) -> Reply:
        """`Field_Name="value"`, or None to leave one out."""
        wire = await self.wire()
        try:
            said = {**self.who, **(fields or {}), **{name.replace("_", "-"): value for name, value in more.items()}}
            return await wire.ask(method, target, body, said)
        finally:
            wire.hang_up()

    async def posts(self, *parts: bytes, **more) -> Reply:
        """A form, as a program."""
        return await self.ask("POST", "/upload", form(*parts), {**FORM, **JSON}, **more)

    async def sends(self, body: bytes, name: str = "a.bin", type: str | None = None, **more) -> Reply:
        """One file, in one request."""
        fields = {**JSON, **({"Content-Type": type} if type else {})}
        return await self.ask("POST", f"/uploads?name={quote(name)}", body, fields, **more)

    async def keeps(self, body: bytes, name: str = "a.bin", type: str | None = None) -> dict:
        """The same; it must succeed. The file as the server tells it, with its `path`."""
        reply = await self.sends(body, name, type)
        assert reply.status == 201, (reply.status, reply.body)
        return {**reply.json, "path": path_of(reply.json["url"])}

    async def gets(self, path: str, method: str = "GET", **more) -> Reply:
        return await self.ask(method, path, **{"Authorization": None, **more})

    async def begins(self, length: int | None, name: str = "a.bin", body: bytes | None = b"", **more) -> Reply:
        """By tus; without a length it comes later."""
        fields = {**TUS, "Upload-Metadata": f"filename {b64(name)}"}
        fields |= {"Upload-Defer-Length": "1"} if length is None else {"Upload-Length": length}
        if body:
            fields["Content-Type"] = "application/offset+octet-stream"
        return await self.ask("POST", "/uploads", body, fields, **more)

    async def began(self, length: int | None, name: str = "a.bin") -> str:
        reply = await self.begins(length, name)
        assert reply.status == 201, (reply.status, reply.body)
        return path_of(reply["location"])

    async def goes_on(self, path: str, offset: int, body: bytes, **more) -> Reply:
        fields = {**TUS, "Upload-Offset": offset, "Content-Type": "application/offset+octet-stream"}
        return await self.ask("PATCH", path, body, fields, **more)

    async def goes_on_after(self, path: str, data: bytes) -> Reply:
        """The rest of `data`, wherever it broke off. What a lost connection brought may arrive a moment after we asked:
        then the server says so, and is asked again."""
        for _ in range(10):
            offset = await self.offset(path)
            reply = await self.goes_on(path, offset, data[offset:])
            if reply.status != 409:
                break
        return reply

    async def offset(self, path: str) -> int:
        reply = await self.ask("HEAD", path, None, TUS)
        assert reply.status in (200, 204), reply
        return int(reply["upload-offset"])


def b64(text: str | bytes) -> str:
    return base64.b64encode(text if isinstance(text, bytes) else text.encode()).decode()


def noise(size: int) -> bytes:
    return os.urandom(size)


def refused(reply: Reply, status: int, code: str, permitted: int | None = None) -> dict:
    """An error as the document has it; what it says."""
    assert reply.status == status, (reply.status, reply.body)
    assert reply["content-type"].startswith("application/problem+json"), reply.fields
    said = reply.json
    assert said["status"] == status and said["code"] == code, said
    assert said["type"] and said["title"], said
    assert len(said["detail"].split()) > 1, said
    if permitted is not None:
        assert said["permitted"] == permitted and said["actual"] > permitted, said
    return said
