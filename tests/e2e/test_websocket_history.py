"""Pages of the archive over the WebSocket door."""

import pytest

from support.apps import JSON, PROTOBUF
from support.archive import everything
from support.frames import HistoryRequest

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")


def _bodies(page) -> list[str]:
    return [message.body for message in page.messages]


def _numbers(*range_) -> list[str]:
    return [str(number) for number in range(*range_)]


async def _with_history(server, count: int, **how):
    """Romeo has said the numbers to Juliet, who is away."""
    romeo, juliet = await server.app("romeo", **how), await server.account("juliet")
    for event in [await romeo.says(juliet.jid, body) for body in _numbers(count)]:
        await romeo.is_acknowledged(event)
    return romeo, juliet


async def _all_pages(app, **wishes) -> list:
    messages, after = [], ""
    while True:
        page = await app.asks(HistoryRequest(after=after, **wishes))
        assert len(page.messages) <= (wishes.get("limit") or 50)
        messages += page.messages
        if page.complete:
            return messages
        assert page.after and page.after != after
        after = page.after


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_a_page_forward(server, protocol):
    romeo, _ = await _with_history(server, 7, protocol=protocol)

    first = await romeo.asks(HistoryRequest(limit=5))
    second = await romeo.asks(HistoryRequest(limit=5, after=first.after))

    assert (_bodies(first), first.complete) == (_numbers(5), False)
    assert (_bodies(second), second.complete) == (_numbers(5, 7), True)
    assert first.after == first.messages[-1].archiveId


async def test_pages_backward(server):
    romeo, _ = await _with_history(server, 12)

    last = await romeo.asks(HistoryRequest(latest=True, limit=5))
    middle = await romeo.asks(HistoryRequest(before=last.before, limit=5))
    first = await romeo.asks(HistoryRequest(before=middle.before, limit=5))

    assert (_bodies(last), last.complete) == (_numbers(7, 12), False)
    assert (_bodies(middle), middle.complete) == (_numbers(2, 7), False)
    assert (_bodies(first), first.complete) == (_numbers(2), True)


async def test_all_pages_are_everything_once(server):
    romeo, _ = await _with_history(server, 120)

    for limit in (7, 0, 100):
        assert [m.body for m in await _all_pages(romeo, limit=limit)] == _numbers(120)


async def test_how_long_a_page_is(server):
    romeo, _ = await _with_history(server, 120)

    assert len((await romeo.asks(HistoryRequest())).messages) == 50
    assert len((await romeo.asks(HistoryRequest(limit=1000))).messages) <= 100
    assert len((await romeo.asks(HistoryRequest(limit=2**32 - 1))).messages) <= 100


async def test_an_empty_archive(server):
    app = await server.app("romeo")

    for request in (HistoryRequest(), HistoryRequest(latest=True)):
        page = await app.asks(request)
        assert (list(page.messages), page.complete) == ([], True)


async def test_only_those_with_somebody(server):
    romeo, juliet, nurse = [await server.app(name) for name in ("romeo", "juliet", "nurse")]
    await romeo.tells(juliet.bare, "to juliet")
    await romeo.tells(nurse.bare, "to the nurse")
    await juliet.tells(romeo.bare, "from juliet")
    await juliet.tells(nurse.bare, "not romeo's business")

    for who in (juliet.bare, juliet.account.local):
        page = await romeo.asks(HistoryRequest(**{"with": who}))
        assert _bodies(page) == ["to juliet", "from juliet"]
    assert _bodies(await romeo.asks(HistoryRequest())) == ["to juliet", "to the nurse", "from juliet"]


async def test_what_a_page_says_of_a_message(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await romeo.tells(juliet.bare, "words", thread="th-1", type="file", event="e1")
    live = await juliet.hears("words")

    (heard,) = (await juliet.asks(HistoryRequest())).messages
    (said,) = (await romeo.asks(HistoryRequest())).messages

    assert heard == live
    for message in (heard, said):
        assert getattr(message, "from").startswith(romeo.bare)
        assert message.to.startswith(juliet.bare)
        assert (message.eventId, message.thread, message.type) == ("e1", "th-1", "file")
    assert said.archiveId and said.archiveId != heard.archiveId  # each archive has its own


async def test_it_is_the_archive_that_xmpp_clients_see(server):
    romeo, juliet = await _with_history(server, 10)
    desk = await server.session(juliet)
    await desk.all_that_waited()
    await desk.message(romeo.bare, "from the desk")
    await desk.settled()
    juliet = await server.app(juliet)

    page = await juliet.asks(HistoryRequest())

    assert [(m.archiveId, m.body) for m in page.messages] == [(r.id, r.body) for r in await everything(desk)]


async def test_who_was_away_fills_the_gap(server):
    """Another device got it meanwhile."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await romeo.tells(juliet.bare, "before")
    last = (await juliet.hears("before")).archiveId
    await juliet.leaves()
    tablet = await server.app(juliet.account)
    await romeo.tells(juliet.bare, "meanwhile")
    await tablet.hears("meanwhile")

    juliet = await server.app(juliet.account)

    assert _bodies(await juliet.asks(HistoryRequest(after=last))) == ["meanwhile"]


@pytest.mark.parametrize("field", ["after", "before"])
async def test_an_id_that_is_not_of_this_archive(server, field):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await romeo.tells(juliet.bare, "words")
    foreign = (await juliet.hears()).archiveId

    for ident in (foreign, "nonsense", "x" * 3000, "<&>"):
        error = await romeo.asks(HistoryRequest(**{field: ident}))
        assert error.DESCRIPTOR.name == "Error", ident
        assert error.code in ("not-found", "bad-request")
        assert error.text
    await romeo.tells(body="still here")


async def test_with_whom_must_be_an_address(server):
    romeo = await server.app("romeo")

    error = await romeo.asks(HistoryRequest(**{"with": "a@b@c"}))

    assert (error.DESCRIPTOR.name, error.code) == ("Error", "bad-request")


async def test_many_requests_at_once_are_all_answered(server):
    romeo, _ = await _with_history(server, 20)

    for number in range(30):
        await romeo.send(HistoryRequest(request=f"r{number}", limit=10))

    answers = [
        (await romeo.take(lambda f: f.name in ("HistoryPage", "Error"), "an answer")).message for _ in range(30)
    ]
    assert {answer.request for answer in answers} == {f"r{number}" for number in range(30)}
    for answer in answers:
        if answer.DESCRIPTOR.name == "Error":
            assert answer.code == "resource-limit"
        else:
            assert _bodies(answer) == _numbers(10)
