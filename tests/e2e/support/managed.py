"""A session with stream management (XEP-0198) that counts as the specification says, can be cut off and resumed."""

from dataclasses import dataclass, field

from .session import Session
from .stage import Stage
from .waits import patient
from .wire import Wire
from .xml import CLIENT, SM, STANZA_ERRORS, STREAM, Node

STANZAS = ("message", "presence", "iq")
IN_TIME = round(patient(4))  # seconds that a session waits, where a client has to be back in them
WRAP = 1 << 32


@dataclass
class Management:
    """What a client remembers of a session beyond the connection."""

    id: str | None = None
    max: str | None = None
    sent: list[str] = field(default_factory=list)  # all stanzas since <enable/>
    handled: int = 0  # how many of them the server has confirmed
    got: int = 0  # stanzas that came since <enabled/>


class Managed(Session):
    """Enables resumption right after binding. Requests are answered with all that came, unless `answers_requests` is
    off. Each `<a/>` is checked: it never goes back and never confirms what was not sent."""

    enable = f"<enable xmlns='{SM}' resume='true'/>"

    def __init__(self, *args):
        super().__init__(*args)
        self.management: Management | None = None
        self.answers_requests = True
        self._answers = 0

    async def bind(self, resource: str | None = None) -> Node:
        answer = await super().bind(resource)
        if answer["type"] == "result" and self.enable:
            enabled = await self.asks_for_management(self.enable)
            assert enabled.name == "enabled", enabled
        return answer

    async def asks_for_management(self, enable: str) -> Node:
        """Returns the answer, <enabled/> or <failed/>."""
        self.management = Management()
        await self.send(enable)
        answer = await self.nonza("enabled", "failed")
        if answer.name == "enabled":
            self.management.id, self.management.max, self.management.got = answer["id"], answer["max"], 0
        else:
            self.management = None
        return answer

    async def nonza(self, *names: str) -> Node:
        return await self.take(lambda e: e.ns == SM and e.name in names, f"one of {names}")

    # Counting

    async def send(self, data: str | bytes) -> None:
        if self.management and isinstance(data, str) and data.startswith(tuple(f"<{name}" for name in STANZAS)):
            self.management.sent.append(data)
        await super().send(data)

    async def sees_to(self, element: Node) -> bool:
        state = self.management
        if state and element.ns == CLIENT and element.name in STANZAS:
            state.got += 1
        if state and element.ns == SM and element.name == "r":
            if self.answers_requests:
                await self.acknowledges()
            return True
        if state and element.ns == SM and element.name == "a":
            self._confirm(int(element["h"]))
            self._answers += 1
            return True
        return await super().sees_to(element)

    def _confirm(self, handled: int) -> None:
        state = self.management
        assert state.handled <= handled <= len(state.sent), f"h={handled} of {len(state.sent)}, was {state.handled}"
        state.handled = handled

    async def acknowledges(self, handled: int | None = None) -> None:
        """We have got that many stanzas; all of them, unless told otherwise."""
        await self.send(f"<a xmlns='{SM}' h='{self.management.got if handled is None else handled}'/>")

    async def asks_how_far(self) -> int:
        """Sends <r/>; the next h."""
        before = self._answers
        await self.send(f"<r xmlns='{SM}'/>")
        await self._until(lambda: self._answers > before)
        return self.management.handled

    async def all_handled(self) -> int:
        """The server confirms all that we have sent; what is not yet committed it may confirm later, unasked."""
        if await self.asks_how_far() < len(self.management.sent):
            await self._until(lambda: self.management.handled == len(self.management.sent))
        return self.management.handled

    async def _until(self, true) -> None:
        """Goes on reading until an element that we see to has made it true."""
        while not true():
            element = await Wire.next(self)
            if not await self.sees_to(element):
                self._inbox.append(element)

    # Coming back

    def cut(self) -> "Managed":
        """The connection is lost; what had come and nobody took is lost with it."""
        self.hang_up()
        return self

    async def resume(self, previd: str, handled: int) -> Node:
        """Returns the answer, <resumed/> or <failed/>."""
        await self.send(f"<resume xmlns='{SM}' h='{handled}' previd='{previd}'/>")
        return await self.nonza("resumed", "failed")

    async def takes_over(self, old: "Managed", *, handled: int | None = None) -> "Managed":
        """Goes on where the old connection ended, as a client does; it has to work."""
        state = old.management
        answer = await self.resume(state.id, state.got if handled is None else handled)
        assert answer.name == "resumed", answer
        assert answer["previd"] == state.id
        self.management, self.jid, self.answers_requests = state, old.jid, old.answers_requests
        if handled is None:
            self._inbox = old._inbox + self._inbox
        else:  # as if what came after that had never come
            state.got = handled
        self._confirm(int(answer["h"]))
        for stanza in state.sent[state.handled :]:
            await Wire.send(self, stanza)
        return self


class Unresumable(Managed):
    """Acknowledgements only."""

    enable = f"<enable xmlns='{SM}'/>"


class Unmanaged(Managed):
    """Enables nothing by itself."""

    enable = ""


async def resumed(stage: Stage, old: Managed, **how) -> Managed:
    """A new connection that takes over the session of the old one."""
    return await (await logged_in(stage, old.account)).takes_over(old, **how)


async def logged_in(stage: Stage, account, *, tls: bool = False) -> Managed:
    """A connection that has authenticated and neither bound nor resumed anything."""
    session = await stage.wire(type=Unmanaged, domain=account.domain, tls_port=tls)
    if tls:
        await session.encrypt()
    await session.authenticate(account)
    return session


def condition_of(failed: Node) -> str:
    """The stanza error condition inside <failed/>."""
    assert (failed.name, failed.ns) == ("failed", SM), failed
    (condition,) = [child.name for child in failed.children if child.ns == STANZA_ERRORS and child.name != "text"]
    return condition


async def bodies_of(session) -> list[str]:
    """All that had waited for this session, or comes while we look."""
    return [m.text_of("body") for m in await session.all_that_waited()]


async def hears(session, *said: str) -> None:
    assert [(await session.hears()).text_of("body") for _ in said] == list(said)


async def says(sender, to, *said: str) -> None:
    """Returns when the server has them."""
    for body in said:
        await sender.message(to, body)
    await sender.settled()


async def stream_error(session):
    """The stream error that comes, whatever comes before."""
    while True:
        element = await Wire.next(session)
        if (element.name, element.ns) == ("error", STREAM):
            return element
