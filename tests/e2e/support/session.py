"""A person's connection after login, still byte for byte ours: for the rules that a library would hide."""

import itertools
from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from .waits import within
from .wire import Gone, Wire
from .xml import BIND, PING, ROSTER, Node

_numbers = itertools.count(1)


def fresh_id(word: str = "q") -> str:
    return f"{word}{next(_numbers)}"


@dataclass(frozen=True)
class Account:
    local: str
    domain: str
    password: str

    @property
    def jid(self) -> str:
        return f"{self.local}@{self.domain}"

    def __str__(self) -> str:
        return self.jid


class Session(Wire):
    """What comes is kept in order until a test takes it: hears(kind) takes the next, heard(kind) all so far.

    Pings of the server are answered, as every client does: some servers take that for a receipt."""

    account: Account
    jid: str
    bound_features: Node

    def __init__(self, *args):
        super().__init__(*args)
        self._inbox: list[Node] = []
        self.answers_pings = True

    @property
    def bare(self) -> str:
        return self.account.jid

    @property
    def resource(self) -> str:
        return self.jid.partition("/")[2]

    async def authenticate(self, account: Account) -> Node:
        """PLAIN login and stream restart; returns the features that follow."""
        self.account = account
        await self.opened()
        answer = await self.plain(account.local, account.password)
        assert answer.name == "success", answer
        self.bound_features = await self.opened()
        return self.bound_features

    async def bind(self, resource: str | None = None) -> Node:
        wish = f"<resource>{escape(resource)}</resource>" if resource is not None else ""
        answer = await self.set(f"<bind xmlns='{BIND}'>{wish}</bind>")
        if answer["type"] == "result":
            self.jid = answer.child("bind", BIND).text_of("jid")
        return answer

    async def next(self, seconds: float | None = None) -> Node:
        while True:
            element = await super().next(seconds)
            if not await self.sees_to(element):
                return element

    async def sees_to(self, element: Node) -> bool:
        """Answers what every client answers by itself; such things are no news for the test."""
        if not (self.answers_pings and element.name == "iq" and element["type"] == "get" and element.has("ping", PING)):
            return False
        if element["from"] not in (None, self.account.domain, self.bare):
            return False
        await self.iq("", "result", element["from"], id=element["id"])
        return True

    # Saying

    async def ask(self, payload: str, kind: str = "get", to: str | None = None, **attributes) -> Node:
        """An iq and its answer; anything else that comes meanwhile stays in the inbox."""
        ident = attributes.pop("id", None) or fresh_id()
        await self.iq(payload, kind, to, id=ident, **attributes)
        return await self.answer_to(ident)

    async def set(self, payload: str, to: str | None = None, **attributes) -> Node:
        return await self.ask(payload, "set", to, **attributes)

    async def iq(self, payload: str, kind: str, to: str | None = None, **attributes) -> None:
        await self.stanza("iq", payload, type=kind, to=to, **attributes)

    async def answer_to(self, ident: str) -> Node:
        return await self.take(
            lambda s: s.name == "iq" and s["id"] == ident and s["type"] in ("result", "error"), f"the answer to {ident}"
        )

    async def message(
        self, to, body: str | None = "Good morrow", kind: str | None = "chat", more: str = "", **attributes
    ):
        said = f"<body>{escape(body)}</body>" if body is not None else ""
        await self.stanza("message", said + more, type=kind, to=str(to), **attributes)

    async def presence(self, inner: str = "", kind: str | None = None, to=None, **attributes) -> None:
        await self.stanza("presence", inner, type=kind, to=None if to is None else str(to), **attributes)

    async def available(self, priority: int | None = None) -> Node:
        """Sends initial presence; returns it as it came back to us."""
        await self.presence(f"<priority>{priority}</priority>" if priority is not None else "")
        return await self.take(lambda s: s.name == "presence" and s["from"] == self.jid, "our own presence")

    async def stanza(self, name: str, inner: str, **attributes) -> None:
        named = "".join(f" {k.replace('xml_', 'xml:')}={quoteattr(v)}" for k, v in attributes.items() if v is not None)
        await self.send(f"<{name}{named}>{inner}</{name}>")

    # Hearing

    async def take(self, wanted, what: str, seconds: float | None = None) -> Node:
        for stanza in self._inbox:
            if wanted(stanza):
                self._inbox.remove(stanza)
                return stanza

        async def arrive():
            while True:
                stanza = await self.next(seconds)
                if wanted(stanza):
                    return stanza
                self._inbox.append(stanza)

        try:
            return await within(arrive(), f"{what} (came: {self._inbox})", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; came: {self._inbox}") from None
        except Gone as error:
            raise Gone(f"{error} while waiting for {what}; came: {self._inbox}") from None

    async def hears(self, kind: str = "message", type: str | None = ..., from_: str | None = None) -> Node:
        """The next stanza of this kind (and type, and sender)."""
        return await self.take(
            lambda s: (
                s.name == kind and (type is ... or s["type"] == type) and (from_ is None or s["from"] == str(from_))
            ),
            f"a {kind}" + (f" of type {type}" if type is not ... else "") + (f" from {from_}" if from_ else ""),
        )

    def heard(self, kind: str, type: str | None = ...) -> list[Node]:
        """Takes what has come so far; ask `settled` first, so that all has come."""
        found = [s for s in self._inbox if s.name == kind and (type is ... or s["type"] == type)]
        self._inbox = [s for s in self._inbox if s not in found]
        return found

    async def settled(self) -> "Session":
        """All that the server owed us before it saw this ping has come."""
        answer = await self.ask(f"<ping xmlns='{PING}'/>", to=self.account.domain)
        assert answer.name == "iq", answer
        return self

    async def all_that_waited(self) -> list[Node]:
        """Messages come from their waiting in pages, the next when the ping behind the last has been answered."""
        found: list[Node] = []
        while True:
            await self.settled()
            more = self.heard("message")
            if not more:
                return found
            found += more

    async def push(self, jid=None) -> Node:
        """The next roster push, answered; returns its item."""
        iq = await self.take(lambda s: _is_push(s, jid), f"a roster push{f' about {jid}' if jid else ''}")
        await self.iq("", "result", id=iq["id"])
        (item,) = iq.child("query", ROSTER).children
        return item

    def pushes(self) -> list[Node]:
        """Takes the items of all roster pushes so far."""
        found = [s for s in self._inbox if _is_push(s, None)]
        self._inbox = [s for s in self._inbox if s not in found]
        return [iq.child("query", ROSTER).child("item") for iq in found]

    async def roster(self) -> dict[str, Node]:
        """Asks for the roster, which makes this an interested resource; items by address."""
        answer = await self.ask(f"<query xmlns='{ROSTER}'/>")
        assert answer["type"] == "result", answer
        return {item["jid"]: item for item in answer.child("query", ROSTER).children}

    async def leaves(self) -> None:
        """An orderly end of the stream."""
        await self.send("</stream:stream>")
        while True:
            try:
                self._inbox.append(await self.next())
            except Gone:
                return self._writer.close()


def _is_push(stanza: Node, jid) -> bool:
    if stanza.name != "iq" or stanza["type"] != "set" or not stanza.has("query", ROSTER):
        return False
    return jid is None or stanza.child("query", ROSTER).child("item")["jid"] == str(jid)


async def _pass_a_note(sender: Session, receiver: Session) -> None:
    note = fresh_id("note")
    await sender.message(receiver.jid, None, None, f"<note xmlns='urn:anser:e2e'>{note}</note>", id=note)
    await receiver.take(lambda s: s.name == "message" and s["id"] == note, f"a note from {sender.jid}")


async def settle(*sessions: Session) -> None:
    """A note goes from each to each, in order: what they did before has reached the others, and its echoes are back."""
    for _ in range(2):
        for sender in sessions:
            for receiver in sessions:
                if sender is receiver:
                    await sender.settled()
                    continue
                await _pass_a_note(sender, receiver)
