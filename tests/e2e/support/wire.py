"""A client of bytes: says exactly what a test wants said, and hears with expat what the server answered."""

import asyncio
import base64
import socket
import zlib

from .scram import ScramClient
from .tls import TlsLayer
from .waits import within
from .xml import COMPRESS, SASL, STREAM, STREAM_ERRORS, TLS, Node, StreamParser


class Gone(Exception):
    """The connection ended while we waited for more."""


class ZlibLayer:
    def __init__(self):
        self._deflate, self._inflate = zlib.compressobj(), zlib.decompressobj()

    def encode(self, data: bytes) -> bytes:
        return self._deflate.compress(data) + self._deflate.flush(zlib.Z_SYNC_FLUSH)

    def decode(self, data: bytes) -> bytes:
        return self._inflate.decompress(data)


def header(to: str | None, version: str | None = "1.0", **attributes: str) -> str:
    said = {"to": to, "version": version, **attributes}
    named = "".join(f" {key.replace('xml_', 'xml:')}='{value}'" for key, value in said.items() if value is not None)
    return f"<?xml version='1.0'?><stream:stream xmlns='jabber:client' xmlns:stream='{STREAM}'{named}>"


def b64(data: str | bytes) -> str:
    return base64.b64encode(data.encode() if isinstance(data, str) else data).decode()


class Wire:
    """One connection. `received` is all that ever came, decrypted and inflated, for tests of single bytes."""

    def __init__(self, reader, writer, domain: str):
        self.domain = domain
        self.tls: TlsLayer | None = None
        self.received = b""
        self._reader, self._writer = reader, writer
        self._layers: list = []
        self._parser = StreamParser()
        self._ended = False

    @classmethod
    async def connect(cls, port: int, domain: str, *, host="127.0.0.1", receive_buffer: int | None = None, **more):
        sock = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
        sock.setblocking(False)
        if receive_buffer:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        await within(asyncio.get_running_loop().sock_connect(sock, (host, port)), "a TCP connection")
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        reader, writer = await asyncio.open_connection(sock=sock, limit=receive_buffer or 65536)
        return cls(reader, writer, domain, **more)

    # Bytes

    async def send(self, data: str | bytes) -> None:
        self.post(data)
        await within(self._writer.drain(), "the server to read what we send")
        await asyncio.sleep(0)  # others have their turn

    def post(self, data: str | bytes) -> None:
        """Sends as `send` does, but does not mind whether the server reads."""
        self._writer.write(self.encoded(data))

    def encoded(self, data: str | bytes) -> bytes:
        """What `send` would put on the wire, for tests that cut it up."""
        data = data.encode() if isinstance(data, str) else data
        for layer in reversed(self._layers):
            data = layer.encode(data)
        return data

    async def send_in_the_clear(self, data: bytes) -> None:
        """Beneath TLS and compression."""
        self._writer.write(data)
        await within(self._writer.drain(), "the server to read what we send")

    def hang_up(self) -> None:
        """As a lost network does it: no farewell of any kind."""
        self._writer.transport.abort()

    async def half_close(self) -> None:
        self._writer.write_eof()

    async def _pump(self) -> None:
        try:
            data = await self._reader.read(65536)
        except (ConnectionError, OSError):
            data = b""
        if not data:
            self._ended = True
            return
        for layer in self._layers:
            data = layer.decode(data)
        self.received += data
        if data:
            self._parser.feed(data)

    # Elements

    async def next(self, seconds: float | None = None) -> Node:
        """The next element of the stream, or Gone when it is over."""
        parser = self._parser

        async def arrive():
            while not parser.elements:
                if parser.closed or self._ended:
                    raise Gone("the stream was closed" if parser.closed else "the connection was closed")
                await self._pump()
            return parser.elements.pop(0)

        return await within(arrive(), "an element", seconds)

    async def open(self, to: str | None = ..., **attributes) -> Node:
        """Opens or restarts the stream; returns the server's header."""
        await self.restart(header(self.domain if to is ... else to, **attributes))
        return await self.header()

    async def restart(self, said: str | bytes) -> None:
        self._parser = StreamParser()
        await self.send(said)

    async def header(self, seconds: float | None = None) -> Node:
        parser = self._parser

        async def arrive():
            while parser.header is None:
                if self._ended:
                    raise Gone("the connection was closed before a stream header")
                await self._pump()
            return parser.header

        return await within(arrive(), "a stream header", seconds)

    async def features(self) -> Node:
        features = await self.next()
        assert (features.name, features.ns) == ("features", STREAM), features
        return features

    async def opened(self, to: str | None = ..., **attributes) -> Node:
        """Opens a stream and returns its features."""
        await self.open(to, **attributes)
        return await self.features()

    async def ends(self, seconds: float | None = None) -> None:
        """The server closes its stream properly, then the connection; nothing else comes before."""
        try:
            surprise = await self.next(seconds)
        except Gone:
            assert self._parser.closed, "the connection ended without </stream:stream>"
        else:
            raise AssertionError(f"expected the end of the stream, not {surprise}")
        await self.is_cut(seconds)

    async def is_cut(self, seconds: float | None = None) -> None:
        """The connection ends, properly or not; what comes before that is of no interest."""

        async def end():
            while not self._ended:
                data = await self._reader.read(65536)
                self._ended = not data

        try:
            await within(end(), "the end of the connection", seconds)
        except (ConnectionError, OSError):
            self._ended = True
        self._writer.close()

    async def fails(self, *conditions: str, seconds: float | None = None) -> Node:
        """The stream ends with one of these stream errors, its end tag, and the connection."""
        await self.header(seconds)
        while (error := await self.next(seconds)).name == "features":
            pass
        assert (error.name, error.ns) == ("error", STREAM), f"expected a stream error, not {error}"
        (condition, *_) = [c.name for c in error.children if c.ns == STREAM_ERRORS and c.name != "text"]
        assert condition in conditions, f"expected {' or '.join(conditions)}, not {error}"
        await self.ends(seconds)
        return error

    # Negotiation

    async def starttls(self, server_name: str | None = ..., **how) -> None:
        await self.send(f"<starttls xmlns='{TLS}'/>")
        answer = await self.next()
        assert (answer.name, answer.ns) == ("proceed", TLS), answer
        await self.encrypt(server_name, **how)

    async def encrypt(self, server_name: str | None = ..., **how) -> None:
        tls = TlsLayer(self.domain if server_name is ... else server_name, **how)

        async def shake():
            done, out = tls.shake()
            while True:
                if out:
                    self._writer.write(out)
                if done:
                    return
                received = await self._reader.read(65536)
                if not received:
                    raise Gone("the server ended the TLS handshake")
                done, out = tls.shake(received)

        await within(shake(), "a TLS handshake")
        self.tls = tls
        self._layers.insert(0, tls)

    async def compress(self) -> None:
        await self.send(f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>")
        answer = await self.next()
        assert (answer.name, answer.ns) == ("compressed", COMPRESS), answer
        self._layers.append(ZlibLayer())

    async def auth(self, mechanism: str, initial: str | bytes | None = None) -> Node:
        """Starts SASL; returns success, challenge or failure. `initial` is not yet in base64."""
        text = "" if initial is None else (b64(initial) or "=")
        await self.send(f"<auth xmlns='{SASL}' mechanism='{mechanism}'>{text}</auth>")
        return await self.sasl_answer()

    async def respond(self, data: str | bytes) -> Node:
        await self.send(f"<response xmlns='{SASL}'>{b64(data)}</response>")
        return await self.sasl_answer()

    async def sasl_answer(self) -> Node:
        answer = await self.next()
        assert answer.ns == SASL, answer
        return answer

    async def plain(self, user: str, password: str, authzid: str = "") -> Node:
        return await self.auth("PLAIN", f"{authzid}\0{user}\0{password}")

    async def scram(self, hash_name: str, user: str, password: str, *, binding: str | None = None, **more) -> Node:
        """SCRAM to its end; on success the server has proved itself too."""
        data = (binding, self.tls.binding(binding)) if binding else None
        self.scram_client = client = ScramClient(hash_name, user, password, binding=data, **more)
        answer = await self.auth(f"SCRAM-{hash_name}{'-PLUS' if binding else ''}", client.first())
        if answer.name != "challenge":
            return answer
        answer = await self.respond(client.final(base64.b64decode(answer.text)))
        if answer.name == "challenge":
            client.verify(base64.b64decode(answer.text))
            return await self.respond("")
        if answer.name == "success":
            client.verify(base64.b64decode(answer.text))
        return answer


def failure_of(answer: Node) -> str:
    """The condition of a SASL failure."""
    assert (answer.name, answer.ns) == ("failure", SASL), answer
    return next(name for name in answer.names if name != "text")


__all__ = ["Gone", "Wire", "ZlibLayer", "b64", "failure_of", "header"]
