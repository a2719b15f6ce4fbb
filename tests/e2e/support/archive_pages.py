"""Asking an archive (XEP-0313, XEP-0059): what a client writes and what it makes of the answer."""

from dataclasses import dataclass
from xml.sax.saxutils import escape, quoteattr

from .session import Session, fresh_id
from .xml import DELAY, Node

MAM = "urn:xmpp:mam:2"
FORWARD = "urn:xmpp:forward:0"
RSM = "http://jabber.org/protocol/rsm"
SID = "urn:xmpp:sid:0"
FORM = "jabber:x:data"
RETRACT = "urn:xmpp:message-retract:1"


@dataclass
class Entry:
    id: str
    stamp: str
    message: Node
    result: Node

    @property
    def body(self) -> str | None:
        return self.message.text_of("body")


@dataclass
class Page:
    entries: list[Entry]
    fin: Node

    @property
    def bodies(self) -> list[str | None]:
        return [entry.body for entry in self.entries]

    @property
    def ids(self) -> list[str]:
        return [entry.id for entry in self.entries]

    @property
    def complete(self) -> bool:
        return self.fin["complete"] == "true"

    def set_text(self, name: str) -> str | None:
        return self.fin.child("set", RSM).text_of(name)


def form(type: str = "submit", form_type: str | None = MAM, **fields) -> str:
    """`before_id` is the field before-id; a list has several values."""
    text = ""
    if form_type is not None:
        text += f"<field var='FORM_TYPE' type='hidden'><value>{form_type}</value></field>"
    for name, values in fields.items():
        values = values if isinstance(values, list) else [values]
        shown = "".join(f"<value>{escape(str(value))}</value>" for value in values)
        text += f"<field var={quoteattr(name.replace('_', '-'))}>{shown}</field>"
    return f"<x xmlns='{FORM}' type='{type}'>{text}</x>"


def page(max=None, before=None, after=None, index=None) -> str:
    wishes = {"max": max, "before": before, "after": after, "index": index}
    return f"<set xmlns='{RSM}'>" + "".join(
        f"<{name}>{escape(str(value))}</{name}>" for name, value in wishes.items() if value is not None
    ) + "</set>"


async def ask(session: Session, inner: str = "", to: str | None = None, queryid: str | None = None) -> Page | Node:
    """The page, or the error. Fails if a result comes behind the answer or belongs to another query."""
    return await hear(session, *await begin(session, inner, to, queryid))


async def begin(session: Session, inner: str = "", to: str | None = None, queryid: str | None = None):
    """Asks, and leaves the answer to `hear`."""
    queryid, ident = queryid or fresh_id("query"), fresh_id()
    await session.iq(f"<query xmlns='{MAM}' queryid={quoteattr(queryid)}>{inner}</query>", "set", to, id=ident)
    return queryid, ident


async def hear(session: Session, queryid: str, ident: str) -> Page | Node:
    answer = await session.answer_to(ident)
    # What came before the answer is in the inbox by now.
    found = [s for s in session._inbox if s.name == "message" and s.has("result", MAM)]
    mine = [s for s in found if s.child("result", MAM)["queryid"] == queryid]
    session._inbox = [s for s in session._inbox if s not in mine]
    if answer["type"] == "error":
        assert not mine
        return answer
    entries = []
    for stanza in mine:
        assert stanza["from"] == session.bare and stanza["to"] == session.jid, stanza
        result = stanza.child("result", MAM)
        forwarded = result.child("forwarded", FORWARD)
        entries.append(
            Entry(result["id"], forwarded.child("delay", DELAY)["stamp"], forwarded.child("message"), result)
        )
    return Page(entries, answer.child("fin", MAM))


async def everything(session: Session) -> Page:
    found = await ask(session, page(max=250))
    assert found.complete
    return found
