"""A client that keeps its word (XEP-0198): it counts what it sends until that is acknowledged, resumes, sends again
what the server does not cover, and tells the book-keeper everything. Only bytes and expat, so that one process can be
many."""

import asyncio
import base64
import itertools
from collections import deque
from dataclasses import dataclass, field

from books import Books, Message, Stay
from support.xml import (
    BIND,
    CARBONS,
    CLIENT,
    FORWARD,
    MAM,
    PING,
    ROSTER,
    RSM,
    SASL,
    SM,
    STANZA_ID,
    STREAM,
    Node,
    StreamParser,
)

PATIENCE = 30.0  # for what must come
STANZAS = ("message", "presence", "iq")
PAGE = 250


class Gone(Exception):
    """The connection ended."""


@dataclass
class Renaming:
    """A roster set: its contact's name is a number that grows."""

    number: int


@dataclass
class Management:
    """What the client remembers of a session beyond the connection."""

    id: str  # empty if it cannot be resumed
    stay: Stay
    got: int = 0
    handled: int = 0  # of what was sent, as the server has told us
    sent: int = 0
    waiting: deque[tuple[str, Message | Renaming | None]] = field(default_factory=deque)  # from handled to sent


class Link:
    """One connection and its elements."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, domain: str):
        self._reader, self._writer, self._domain = reader, writer, domain
        self._parser = StreamParser()

    @classmethod
    async def to(cls, port: int, domain: str) -> "Link":
        try:
            return cls(*await asyncio.wait_for(asyncio.open_connection("127.0.0.1", port), PATIENCE), domain)
        except OSError as error:
            raise Gone(f"nobody listens: {error}") from None

    def send(self, text: str) -> None:
        """Into the void if the connection has ended, as with every client that does not know it yet."""
        if not self._writer.transport.is_closing():
            self._writer.write(text.encode())

    async def next(self) -> Node:
        while not self._parser.elements:
            if self._parser.closed:
                raise Gone("the stream was closed")
            try:
                data = await self._reader.read(65536)
            except OSError:
                data = b""
            if not data:
                raise Gone("the connection was closed")
            self._parser.feed(data)
        return self._parser.elements.pop(0)

    async def expects(self, *names: str) -> Node:
        element = await asyncio.wait_for(self.next(), PATIENCE)
        if element.name not in names:
            raise Gone(f"expected {' or '.join(names)}, came {element}")
        return element

    async def opens(self) -> None:
        self._parser = StreamParser()
        self.send(
            f"<?xml version='1.0'?><stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='{self._domain}' "
            "version='1.0'>"
        )
        await self.expects("features")

    def abort(self) -> None:
        self._writer.transport.abort()


class Client:
    def __init__(self, books: Books, device: str, account: str, domain: str, password: str):
        self.books, self.device, self.account, self.domain, self.password = books, device, account, domain, password
        self.jid = f"{account}@{domain}/{device}"
        self.problem = ""  # why the last connection ended, if not by a kill
        self.answers_requests = True
        self.management: Management | None = None
        self.moved = asyncio.Event()  # something was acknowledged, or the connection ended
        self.named = 0  # the last Renaming that was acknowledged
        self._renamings = 0
        self._unnamed: set[int] = set()  # those that were refused
        self._link: Link | None = None
        self._reading: asyncio.Task | None = None
        self._ids = itertools.count(1)
        self._asked: dict[str, asyncio.Future] = {}
        self._page: list[str] = []
        self._last_archived: str | None = None

    @property
    def bare(self) -> str:
        return f"{self.account}@{self.domain}"

    @property
    def online(self) -> bool:
        return self._link is not None

    @property
    def unacknowledged(self) -> int:
        """Messages."""
        state = self.management
        return sum(isinstance(what, Message) for _, what in tuple(state.waiting)) if state else 0

    @property
    def in_flight(self) -> int:
        return len(self.management.waiting) if self.management else 0

    # Coming and going

    async def comes(self, port: int, *, after_a_crash: bool = False) -> None:
        """Resumes if there is something to resume, else logs in; raises Gone if the connection ends before."""
        link = await Link.to(port, self.domain)
        try:
            await link.opens()
            secret = base64.b64encode(f"\0{self.account}\0{self.password}".encode()).decode()
            link.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>")
            await link.expects("success")
            await link.opens()
            old = self.management
            if old and not old.id:
                self.books.lost_its_session(self.device, "it was not enabled yet", promised=False)
            if not old or not old.id or not await self._resumes(link, old, after_a_crash):
                await self._logs_in(link, old)
        except BaseException:
            link.abort()
            raise

    async def _resumes(self, link: Link, state: Management, after_a_crash: bool) -> bool:
        link.send(f"<resume xmlns='{SM}' previd='{state.id}' h='{state.got}'/>")
        answer = await link.expects("resumed", "failed")
        if answer.name == "resumed":
            self._confirm(int(answer["h"]))
            self._lives_on(link)
            for stanza, what in state.waiting:
                self._send_again(stanza, what, anew=False)
            return True
        why = " ".join(child.name for child in answer.children) or "no reason"
        if answer["h"] is not None:
            self._confirm(int(answer["h"]))
        if after_a_crash:
            self.books.lost_its_session(self.device, why, promised=state.handled > 0)
        else:
            self.books.wrong(f"{self.device} was not resumed by a server that had not ended: {why}")
        state.id = ""
        return False

    async def _logs_in(self, link: Link, old: Management | None) -> None:
        link.send(f"<iq type='set' id='bind'><bind xmlns='{BIND}'><resource>{self.device}</resource></bind></iq>")
        bound = await link.expects("iq")
        jid = bound.child("bind", BIND).text_of("jid") if bound["type"] == "result" else None
        if jid != self.jid:
            raise Gone(f"cannot bind {self.jid}: {bound}")
        link.send(f"<enable xmlns='{SM}' resume='true'/>")
        self.management = Management("", self.books.begins(self.device))
        if old:
            self.management.waiting.extend(old.waiting)
            self.management.sent = len(old.waiting)
        while (enabled := await asyncio.wait_for(link.next(), PATIENCE)).name != "enabled":
            self._hears(enabled)  # who is bound may be addressed
        self.management.id, self.management.got = enabled["id"], 0
        self._lives_on(link)
        for stanza, what in old.waiting if old else ():
            self._send_again(stanza, what, anew=True)
        carbons = self.asks(f"<enable xmlns='{CARBONS}'/>", "set")
        roster = self.asks(f"<query xmlns='{ROSTER}'/>", "get")
        self.shows()
        there = self.asks(f"<ping xmlns='{PING}'/>", "get", self.domain)
        await self.answered(carbons, roster, there)
        self.books.ready(self.management.stay)

    def _send_again(self, stanza: str, what, anew: bool) -> None:
        self._link.send(stanza)
        if isinstance(what, Message):
            self.books.sends_again(what, anew=anew)

    def _lives_on(self, link: Link) -> None:
        self._link, self.problem = link, ""
        self._reading = asyncio.create_task(self._reads(link))

    async def _reads(self, link: Link) -> None:
        try:
            while True:
                self._hears(await link.next())
        except Gone as gone:
            self.problem = self.problem or str(gone)
        finally:
            link.abort()
            self._link = None
            self.moved.set()
            for future in self._asked.values():
                future.cancel()
            self._asked.clear()

    async def is_gone(self) -> None:
        """All that had come has been read to the end of the connection."""
        if self._reading:
            await asyncio.wait_for(asyncio.wait([self._reading]), PATIENCE)
            if not self._reading.cancelled():
                self._reading.result()

    async def cuts(self) -> None:
        """As a lost network does it; what had come and was not read is lost."""
        self._reading.cancel()
        await asyncio.wait([self._reading])

    async def leaves(self) -> None:
        """An orderly end, with nothing left open."""
        await self.all_acknowledged()
        self.acknowledges()
        self._link.send("</stream:stream>")
        await self.is_gone()
        self.books.ends(self.management.stay)
        self.management = None

    # Saying

    def sends(self, stanza: str, what: Message | Renaming | None = None) -> None:
        self.management.waiting.append((stanza, what))
        self.management.sent += 1
        self._link.send(stanza)

    def says(self, to: str) -> None:
        """To an account's bare or full address."""
        bare, _, resource = to.partition("/")
        message = self.books.sends(self.device, bare.partition("@")[0], resource)
        name = message.name
        self.sends(
            f"<message type='chat' to='{to}' id='{name}'><body>{name} and what one says</body>"
            f"<origin-id xmlns='{STANZA_ID}' id='{name}'/></message>",
            message,
        )

    def shows(self, show: str = "") -> None:
        self.sends(f"<presence>{f'<show>{show}</show>' if show else ''}</presence>")

    def subscribes(self, to: str) -> None:
        self.sends(f"<presence type='subscribe' to='{to}'/>")

    @property
    def _contact(self) -> str:
        return f"contact-of-{self.device}@example.com"

    def renames(self) -> None:
        """Sets an item of the roster that only this device sets."""
        self._renamings += 1
        self.sends(
            f"<iq type='set' id='name-{self._renamings}'><query xmlns='{ROSTER}'>"
            f"<item jid='{self._contact}' name='{self._renamings}'/></query></iq>",
            Renaming(self._renamings),
        )

    def requests(self) -> None:
        self._link.send(f"<r xmlns='{SM}'/>")

    def acknowledges(self) -> None:
        self._link.send(f"<a xmlns='{SM}' h='{self.management.got}'/>")

    def asks(self, payload: str, kind: str, to: str | None = None) -> asyncio.Future:
        ident = f"q{next(self._ids)}"
        self._asked[ident] = asyncio.get_running_loop().create_future()
        address = f" to='{to}'" if to else ""
        self.sends(f"<iq type='{kind}' id='{ident}'{address}>{payload}</iq>")
        return self._asked[ident]

    async def answered(self, *asked: asyncio.Future) -> list[Node]:
        try:
            return await asyncio.wait_for(asyncio.gather(*asked), PATIENCE)
        except asyncio.CancelledError:
            if self.online:
                raise
            raise Gone("the connection ended before an answer came") from None

    async def all_acknowledged(self) -> None:
        """Whatever h may lack at first follows by itself; we ask again all the same."""
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while self.in_flight:
            if not self.online:
                raise Gone(self.problem)
            if asyncio.get_running_loop().time() > deadline:
                raise Gone(f"{self.device}: {self.in_flight} stanzas were not acknowledged in {PATIENCE} s")
            self.moved.clear()
            self.requests()
            try:
                await asyncio.wait_for(self.moved.wait(), 1)
            except TimeoutError:
                pass

    # Hearing

    def _hears(self, element: Node) -> None:
        state = self.management
        if element.ns == SM:
            if element.name == "a":
                self._confirm(int(element["h"]))
            elif element.name == "r" and self.answers_requests:
                self.acknowledges()
            return
        if element.name == "error":
            self.books.wrong(f"{self.device} got a stream error: {element}")
            return
        if element.name in STANZAS:
            state.got += 1
            getattr(self, f"_hears_{element.name}")(element)

    def _hears_message(self, message: Node) -> None:
        if (result := message.child("result", MAM)) is not None:
            self._page.append(result.child("forwarded", FORWARD).child("message")["id"] or "")
            return
        if carbon := message.child("received", CARBONS) or message.child("sent", CARBONS):
            message = carbon.child("forwarded", FORWARD).child("message")
            if message["type"] == "error":  # the device that it concerns is told itself
                return
        if message["type"] == "error":
            self.books.refused(message["id"] or "", message.error.condition if message.error else "no error")
        elif message.has("body"):
            self.books.arrived(self.management.stay, message["id"] or "")

    def _hears_presence(self, presence: Node) -> None:
        if presence["type"] == "subscribe":
            self.sends(f"<presence type='subscribed' to='{presence['from']}'/>")

    def _hears_iq(self, iq: Node) -> None:
        ident = iq["id"] or ""
        if iq["type"] in ("get", "set"):  # a ping or a roster push
            to = f" to='{iq['from']}'" if iq["from"] else ""
            self.sends(f"<iq type='result' id='{ident}'{to}/>")
        elif asked := self._asked.pop(ident, None):
            if not asked.done():
                asked.set_result(iq)
        elif ident.startswith("name-") and iq["type"] == "error":
            self._unnamed.add(int(ident.removeprefix("name-")))

    def _confirm(self, handled: int) -> None:
        state = self.management
        if not state.handled <= handled <= state.sent:
            self.books.wrong(f"{self.device} is told h={handled}: it was {state.handled}, and {state.sent} were sent")
            return
        for _ in range(handled - state.handled):
            _, what = state.waiting.popleft()
            if isinstance(what, Message):
                self.books.acknowledged(what)
            elif isinstance(what, Renaming) and what.number not in self._unnamed:
                self.named = max(self.named, what.number)
        state.handled = handled
        self.moved.set()

    # Looking things up

    async def reads_archive(self) -> None:
        """What is new in it since the last time."""
        while True:
            after = f"<after>{self._last_archived}</after>" if self._last_archived else ""
            self._page.clear()
            (answer,) = await self.answered(
                self.asks(f"<query xmlns='{MAM}'><set xmlns='{RSM}'><max>{PAGE}</max>{after}</set></query>", "set")
            )
            fin = answer.child("fin", MAM)
            if fin is None:
                self.books.wrong(f"{self.device} cannot read its archive: {answer}")
                return
            for name in self._page:
                self.books.archived(self.account, name)
            self._last_archived = fin.child("set", RSM).text_of("last") or self._last_archived
            if fin["complete"] in ("true", "1") or not self._page:
                return

    async def reads_roster(self) -> None:
        (answer,) = await self.answered(self.asks(f"<query xmlns='{ROSTER}'/>", "get"))
        items = answer.child("query", ROSTER)
        names = [int(i["name"] or 0) for i in items.children if i["jid"] == self._contact] if items else [0]
        found = max(names, default=0)
        if found < self.named:
            self.books.lost(f"{self.device}: the roster says {found}, and {self.named} was acknowledged")
        elif found > self._renamings:
            self.books.wrong(f"{self.device}: the roster says {found}, and no more than {self._renamings} was sent")
