"""People with an app that speaks the Protobuf door: `websockets` and Python's protobuf, which we did not write."""

import asyncio
import base64
import itertools
import json
import socket
import ssl
from urllib.parse import urlencode

import websockets
from websockets.asyncio.client import ClientConnection, connect

from . import frames
from .frames import AckMessage, Auth, Frame, Message
from .people import Person
from .waits import PATIENCE, within

PROTOBUF, JSON = "anser.protobuf", "anser.json"

_ids = itertools.count(1)
_SEGMENT = 536  # bytes; with large segments the kernel takes megabytes for somebody who does not read


class Ended(Exception):
    """The connection is over. `code` is 1006 if it ended without a close frame."""

    def __init__(self, code: int, reason: str):
        super().__init__(f"closed with {code} {reason}")
        self.code, self.reason = code, reason


def fresh_event() -> str:
    return f"event-{next(_ids)}"


def basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _deaf_socket(port: int) -> socket.socket:
    """Little of what comes fits between the server and us."""
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
    sock.connect(("127.0.0.1", port))
    sock.setblocking(False)
    return sock


class App:
    """What comes is kept in order until a test takes it. `address` is the session's own, if the server has told it."""

    def __init__(self, link: ClientConnection, account):
        self.link, self.account = link, account
        self.address: str | None = None
        self._inbox: list[Frame] = []

    @classmethod
    async def opens(
        cls,
        settings,
        account,
        *,
        protocol: str | None = PROTOBUF,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
        acknowledges: bool = False,
        tls: bool = False,
        deflate: bool = False,
        deaf: bool = False,
        origin: str | None = None,
        signed_in: bool = True,
    ) -> "App":
        """Without `headers` it is the account's password in one. With `signed_in` False the server need not agree."""
        port = settings.https_port if tls else settings.http_port
        asked = dict(query or {}, **({"acknowledges": "1"} if acknowledges else {}))
        link = await within(
            connect(
                f"{'wss' if tls else 'ws'}://127.0.0.1:{port}/ws" + (f"?{urlencode(asked)}" if asked else ""),
                additional_headers=basic(str(account), account.password) if headers is None and account else headers,
                subprotocols=[protocol] if protocol else None,
                ssl=ssl.create_default_context(cafile=str(Person.authority)) if tls else None,
                compression="deflate" if deflate else None,
                sock=_deaf_socket(port) if deaf else None,
                origin=origin,
                open_timeout=None,
                ping_interval=None,
                close_timeout=PATIENCE,
                max_queue=1 if deaf else 1 << 14,
                max_size=None,
                proxy=None,
            ),
            "a WebSocket",
        )
        app = cls(link, account)
        if protocol and signed_in:
            result = await app.gets("AuthResult")
            assert result.ok, result
            app.address = result.address
        return app

    @property
    def bare(self) -> str:
        return self.account.jid

    # Saying

    async def send(self, message) -> None:
        as_text = self.link.subprotocol == JSON
        await self.send_raw(frames.to_json(message) if as_text else frames.to_binary(message))

    async def send_raw(self, data: bytes | str) -> None:
        await within(self.link.send(data), "the server to read what we send")

    async def says(self, to="", body: str = "", *, event: str | None = None, **fields) -> str:
        """Returns the eventId, and does not wait."""
        event = fresh_event() if event is None else event
        fields.setdefault("type", "text")
        await self.send(Message(eventId=event, to=str(to), body=body, **fields))
        return event

    async def tells(self, to="", body: str = "", **how) -> str:
        """Says it, and waits until the server has it for good."""
        event = await self.says(to, body, **how)
        await self.is_acknowledged(event)
        return event

    async def acknowledges(self, message) -> None:
        await self.send(AckMessage(eventId=message.eventId))

    async def signs_in(self, **how):
        await self.send(Auth(**how))
        result = await self.gets("AuthResult")
        self.address = result.address or None
        return result

    async def asks(self, request):
        """A request and what is said to it, of whatever kind."""
        request.request = fresh_event()
        await self.send(request)
        answer = await self.take(
            lambda frame: getattr(frame.message, "request", None) == request.request, f"the answer to {request}"
        )
        return answer.message

    async def does(self, request) -> None:
        """A request that is answered with Done."""
        answer = await self.asks(request)
        assert answer.DESCRIPTOR.name == "Done", answer

    async def beats(self, message: str = "请求心跳") -> dict:
        await self.send_raw(json.dumps({"module": "HEART_CHECK", "message": message}, ensure_ascii=False))
        return await self.gets("heartbeat")

    # Hearing

    async def next(self) -> Frame:
        try:
            return frames.read(await self.link.recv())
        except websockets.ConnectionClosed:
            raise Ended(self.link.close_code, self.link.close_reason) from None

    async def take(self, wanted, what: str, seconds: float | None = None) -> Frame:
        for frame in self._inbox:
            if wanted(frame):
                self._inbox.remove(frame)
                return frame

        async def arrive():
            while True:
                frame = await self.next()
                if wanted(frame):
                    return frame
                self._inbox.append(frame)

        try:
            return await within(arrive(), what, seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; came: {self._inbox}") from None

    async def gets(self, name: str, **fields):
        """The next message of that name with these fields."""

        def wanted(frame: Frame) -> bool:
            return frame.name == name and all(getattr(frame.message, field) == value for field, value in fields.items())

        return (await self.take(wanted, f"{name} {fields or ''}")).message

    async def hears(self, body: str | None = None):
        """The next Message; fails if it says anything else than `body`."""
        message = await self.gets("Message")
        assert body is None or message.body == body, message
        return message

    async def is_acknowledged(self, event: str) -> None:
        def about(frame: Frame) -> bool:
            return frame.name in ("AckMessage", "Error") and frame.message.eventId == event

        answer = await self.take(about, f"the acknowledgement of {event!r}")
        assert answer.name == "AckMessage", answer

    async def is_refused(self, event: str) -> str:
        """The code of the error that the message got."""

        def about(frame: Frame) -> bool:
            return frame.name in ("AckMessage", "Error") and frame.message.eventId == event

        answer = await self.take(about, f"the refusal of {event!r}")
        assert answer.name == "Error", answer
        return answer.message.code

    def came(self, *names: str) -> list:
        """Takes the messages of these names that have come so far."""
        found = [frame for frame in self._inbox if frame.name in names]
        self._inbox = [frame for frame in self._inbox if frame not in found]
        return [frame.message for frame in found]

    async def hears_from(self, sender) -> list:
        """All messages that came until one that `sender` (an App or a Session) sends now: the server keeps order."""
        note = f"note {fresh_event()}"
        if isinstance(sender, App):
            await sender.says(self.bare, note)
        else:
            await sender.message(self.bare, note)
        last = await self.take(lambda frame: frame.name == "Message" and frame.message.body == note, note)
        assert last
        return self.came("Message")

    # Leaving

    async def ended(self, seconds: float | None = None) -> Ended:
        """Waits for the end. What came before can still be taken."""

        async def read() -> Ended:
            while True:
                try:
                    self._inbox.append(await self.next())
                except Ended as end:
                    return end

        return await within(read(), "the end of the connection", seconds)

    async def leaves(self) -> None:
        await within(self.link.close(), "an orderly end")

    def vanishes(self) -> None:
        """As a lost network does it."""
        self.link.transport.abort()
