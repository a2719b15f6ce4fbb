"""Questions to an archive (XEP-0313) and what came of them."""

import re
from dataclasses import dataclass

from .session import Session, fresh_id
from .xml import DATA, DELAY, DISCO_INFO, FORWARD, MAM, RSM, STANZA_ID, Node

FLIP = "<flip-page/>"
PAST, FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


@dataclass(frozen=True)
class Result:
    id: str
    stamp: str
    message: Node  # as it was archived
    wrapper: Node  # as it came

    @property
    def body(self) -> str | None:
        return self.message.text_of("body")


@dataclass(frozen=True)
class Page:
    answer: Node
    results: list[Result]

    @property
    def bodies(self) -> list[str | None]:
        return [result.body for result in self.results]

    @property
    def ids(self) -> list[str]:
        return [result.id for result in self.results]

    @property
    def fin(self) -> Node:
        fin = self.answer.child("fin", MAM)
        assert fin is not None, self.answer
        return fin

    @property
    def set(self) -> Node:
        return self.fin.child("set", RSM)

    @property
    def complete(self) -> bool:
        assert self.fin["complete"] in (None, "true", "false", "1", "0")
        return self.fin["complete"] in ("true", "1")


def form(fields: dict[str, object], form_type: str | None = MAM) -> str:
    if form_type is not None:
        fields = {"FORM_TYPE": form_type, **fields}
    inner = ""
    for name, value in fields.items():
        values = value if isinstance(value, (list, tuple)) else [value]
        inner += f"<field var='{name}'>" + "".join(f"<value>{v}</value>" for v in values) + "</field>"
    return f"<x xmlns='{DATA}' type='submit'>{inner}</x>"


def rsm(**said) -> str:
    """rsm(max=10, before=""): what is None is not said."""
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in said.items() if value is not None)
    return f"<set xmlns='{RSM}'>{inner}</set>"


async def ask(session: Session, inner: str = "", *, to: str | None = None, queryid: str | None = ...) -> Page:
    """All results have come when the answer comes: who sends one later has lost it."""
    queryid = fresh_id("f") if queryid is ... else queryid
    named = "" if queryid is None else f" queryid='{queryid}'"
    answer = await session.set(f"<query xmlns='{MAM}'{named}>{inner}</query>", to)
    return Page(answer, results_so_far(session, queryid))


def results_so_far(session: Session, queryid: str | None) -> list[Result]:
    """Takes the results that have come for this query."""
    mine = [m for m in session._inbox if (r := m.child("result", MAM)) is not None and r["queryid"] == queryid]
    session._inbox = [m for m in session._inbox if m not in mine]
    return [_result(session, wrapper) for wrapper in mine]


def _result(session: Session, wrapper: Node) -> Result:
    assert wrapper["from"] in (None, session.bare), wrapper
    assert wrapper["to"] in (None, session.jid), wrapper
    result = wrapper.child("result", MAM)
    (forwarded,) = result.children
    assert (forwarded.name, forwarded.ns) == ("forwarded", FORWARD), wrapper
    message = forwarded.child("message", "jabber:client")
    assert result["id"] and message is not None, wrapper
    return Result(result["id"], forwarded.child("delay", DELAY)["stamp"], message, wrapper)


async def everything(session: Session, fields: dict[str, object] | None = None, page: int = 50) -> list[Result]:
    """All pages, forwards."""
    found: list[Result] = []
    while True:
        here = await ask(session, form(fields or {}) + rsm(max=page, after=found[-1].id if found else None))
        found += here.results
        if here.complete:
            return found
        assert here.results, here.answer


async def conversation(server, count: int = 10):
    """Romeo's messages, and Juliet, who has heard them."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(count):
        await romeo.message(juliet.bare, str(number), id=f"m{number}")
    for number in range(count):
        await juliet.hears()
    await romeo.settled()
    return romeo, juliet


def numbers(*range_) -> list[str]:
    return [str(number) for number in range(*range_)]


async def features_of(session, to: str) -> list[str]:
    answer = await session.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to)
    return [feature["var"] for feature in answer.child("query").all("feature")]


def ids_by(message, by: str) -> list[str]:
    return [s["id"] for s in message.all("stanza-id", STANZA_ID) if s["by"] == by]
