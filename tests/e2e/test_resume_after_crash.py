"""XEP-0198 across a crash: what was acknowledged is on disk, what was not comes again, nothing comes twice."""

import pytest

from support.archive import everything
from support.managed import IN_TIME, Managed, Unresumable, condition_of, logged_in, resumed, stream_error
from support.session import settle
from support.wire import Gone
from support.xml import CARBONS, ROSTER, SM

pytestmark = pytest.mark.anser_only("nobody else resumes after a crash")


@pytest.fixture
async def server(start):
    return await start(limits={"offline_messages": 10_000})


def _crash(server) -> None:
    server.house.kill()
    server.house.start()


async def _says(sender, to, *said: str) -> None:
    for body in said:
        await sender.message(to, body)
    if isinstance(sender, Managed):
        await sender.all_handled()
    else:
        await sender.settled()


async def _hears(session, *said: str) -> None:
    assert [(await session.hears()).text_of("body") for _ in said] == list(said)


async def _hears_no_more(session) -> None:
    assert [m.text_of("body") for m in await session.all_that_waited()] == []


def _numbers(*range_) -> list[str]:
    return [str(number) for number in range(*range_)]


async def _all_that_had_come(session) -> list[str]:
    """What a client had read before the connection died."""
    bodies = []
    while True:
        try:
            element = await session.next()
        except (Gone, OSError):
            return bodies
        if element.name == "message":
            bodies.append(element.text_of("body"))


async def test_who_resumes_gets_what_was_not_acknowledged_and_nothing_else(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    before = juliet.management.got
    await _says(romeo, juliet.bare, *_numbers(20))
    await _hears(juliet, *_numbers(20))
    await juliet.acknowledges(before + 8)
    await juliet.asks_how_far()

    _crash(server)
    again = await resumed(server, juliet, handled=before + 11)

    await _hears(again, *_numbers(11, 20))
    await _hears_no_more(again)


async def test_what_a_client_says_on_resumption_is_believed(server):
    """It had got everything and not had the time to say so."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, *_numbers(20))
    await _hears(juliet, *_numbers(20))

    _crash(server)

    again = await resumed(server, juliet)
    await _hears_no_more(again)
    await _says(await server.session("romeo"), again.bare, "and now")
    await _hears(again, "and now")


async def test_h_covers_all_that_was_acknowledged(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.account("romeo")
    await _says(juliet, romeo, *_numbers(30))
    await juliet.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query>")
    await juliet.presence("<show>away</show>")
    handled = await juliet.all_handled()

    _crash(server)
    again = await resumed(server, juliet)

    assert again.management.handled == handled == len(again.management.sent)
    assert set(await again.roster()) == {"nurse@example.com"}
    reader = await server.session(romeo)
    await _hears(reader, *_numbers(30))
    await _hears_no_more(reader)


async def test_a_sender_who_is_cut_short_loses_and_doubles_nothing(server):
    """The server dies while the client writes. The client sends again what h does not cover."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.account("romeo")
    await juliet.all_handled()  # the server has written down that she may resume
    said = _numbers(300)
    for body in said:
        await juliet.message(romeo, body)

    _crash(server)

    await (await resumed(server, juliet)).all_handled()
    reader = await server.session(romeo)
    await _hears(reader, *said)
    await _hears_no_more(reader)


@pytest.mark.parametrize("crashes", [1, 3])
async def test_between_two_who_resume_nothing_is_lost_or_doubled(server, crashes):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo", type=Managed)
    heard: list[str] = []

    for crash in range(crashes):
        for number in range(200):
            await romeo.message(juliet.jid, f"{crash} {number}")
        await juliet.hears()  # some are on their way
        heard.append(f"{crash} 0")
        _crash(server)
        heard += [m.text_of("body") for m in juliet.heard("message")] + await _all_that_had_come(juliet)
        juliet = await resumed(server, juliet)
        romeo = await resumed(server, romeo)
        while heard[-1:] != [f"{crash} 199"]:
            heard.append((await juliet.hears()).text_of("body"))
        await romeo.all_handled()
        await juliet.acknowledges()

    assert heard == [f"{crash} {number}" for crash in range(crashes) for number in range(200)]
    await _hears_no_more(juliet)
    assert [r.body for r in await everything(juliet)] == heard
    assert [r.body for r in await everything(romeo)] == heard


async def test_a_session_that_was_detached_when_the_server_died_is_resumed(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await _says(romeo, juliet.bare, *_numbers(5))
    await _says(romeo, juliet.jid, "5")

    _crash(server)

    again = await resumed(server, juliet)
    await _hears(again, *_numbers(6))
    await _hears_no_more(again)


async def test_a_resumed_session_is_there_for_others_as_before(server):
    """Neither presence nor roster nor carbons have to be asked for again."""
    juliet, romeo = await server.friends("juliet", "romeo", type=Managed)
    chamber = await server.session(juliet.account, "chamber", type=Managed)
    await chamber.set(f"<enable xmlns='{CARBONS}'/>")
    await settle(juliet, romeo, chamber)
    for session in (juliet, romeo, chamber):
        await session.all_handled()
        await session.acknowledges()
        await session.asks_how_far()

    _crash(server)
    juliet, romeo, chamber = [await resumed(server, session) for session in (juliet, romeo, chamber)]

    await romeo.message(juliet.jid, "to the old address")
    await _hears(juliet, "to the old address")
    assert (await chamber.hears()).has("received", CARBONS)
    await romeo.presence("<show>away</show>")
    shown = await juliet.take(lambda s: s.name == "presence" and s.has("show"), "Romeo's presence")
    assert shown["from"] == romeo.jid
    await juliet.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query>")
    await juliet.push("nurse@example.com")


async def test_what_nobody_comes_back_for_waits_for_the_next_session(start):
    server = await start(resume_seconds=1)
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one", "two")
    await _hears(juliet, "one", "two")

    _crash(server)

    again = await server.session(juliet.account)
    await _hears(again, "one", "two")
    await _hears_no_more(again)


async def test_what_was_not_acknowledged_without_resumption_waits_too(server):
    juliet, romeo = await server.session("juliet", type=Unresumable), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one", "two", "three")
    await _hears(juliet, "one", "two", "three")
    await juliet.acknowledges(juliet.management.got - 1)
    await juliet.settled()

    _crash(server)

    again = await server.session(juliet.account)
    waited = [m.text_of("body") for m in await again.all_that_waited()]
    assert waited[-1:] == ["three"]
    assert waited == ["one", "two", "three"][-len(waited) :]


async def test_a_session_that_was_closed_before_is_not_resumed_after(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo", type=Managed)
    await juliet.leaves()
    await _says(romeo, juliet.bare, "good night")  # so that is on disk, and what went before

    _crash(server)

    late = await logged_in(server, juliet.account)
    assert condition_of(await late.resume(juliet.management.id, 0)) == "item-not-found"
    assert condition_of(await late.resume(romeo.management.id, 0)) == "item-not-found"
    assert (await late.bind())["type"] == "result"
    await (await resumed(server, romeo)).settled()


async def test_ids_are_new_after_a_crash(server):
    account = await server.account("juliet")
    before = [(await server.session(account, type=Managed)).management.id for _ in range(3)]

    _crash(server)

    after = [(await server.session(account, type=Managed)).management.id for _ in range(3)]
    assert len({*before, *after}) == 6


async def test_an_orderly_stop_loses_nothing_either(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    before = juliet.management.got
    await _says(romeo, juliet.bare, "one", "two")
    await _hears(juliet, "one", "two")

    assert server.house.stop() == 0
    server.house.start()

    session = await logged_in(server, juliet.account)
    answer = await session.resume(juliet.management.id, before)
    if answer.name == "failed":
        await session.bind()
        await session.available()
    await _hears(session, "one", "two")


async def test_nothing_comes_again_after_two_crashes_and_half_an_acknowledgement(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, *_numbers(20))
    await _hears(juliet, *_numbers(20))
    await juliet.acknowledges(juliet.management.got - 7)
    await juliet.asks_how_far()

    _crash(server)
    again = await resumed(server, juliet, handled=juliet.management.got - 4)
    again.answers_requests = False
    await _hears(again, *_numbers(16, 20))
    _crash(server)

    once_more = await resumed(server, again)
    await _hears_no_more(once_more)
    romeo = await server.session("romeo")
    await _says(romeo, once_more.bare, "and now")
    await _hears(once_more, "and now")
    await once_more.acknowledges()
    await once_more.leaves()
    await _hears_no_more(await server.session(juliet.account))


async def test_two_crashes_before_anybody_comes_back_lose_nothing(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await _says(romeo, juliet.bare, "one")

    _crash(server)
    romeo = await server.session(romeo.account)
    await _says(romeo, juliet.bare, "two")
    _crash(server)

    again = await resumed(server, juliet)
    await _hears(again, "one", "two")
    await _hears_no_more(again)


async def test_what_one_device_confirmed_does_not_come_to_it_again(start):
    """The other never comes back, and what it had not confirmed is nobody's concern any more."""
    server = await start(resume_seconds=IN_TIME)
    phone, romeo = await server.session("juliet", "phone", type=Managed), await server.session("romeo")
    desk = await server.session(phone.account, "desk", type=Managed)
    desk.answers_requests = False
    await _says(romeo, phone.bare, "one", "two")
    for device in (phone, desk):
        await _hears(device, "one", "two")
    await phone.acknowledges()
    await phone.asks_how_far()
    await desk.asks_how_far()

    _crash(server)

    again = await resumed(server, phone)
    await again.take(lambda s: s.name == "presence" and s["type"] == "unavailable", "the end of the other device")
    await _hears_no_more(again)


async def test_each_device_has_what_the_other_has_sent(server):
    phone, account = await server.session("juliet", "phone", type=Managed), await server.account("romeo")
    desk = await server.session(phone.account, "desk", type=Managed)
    desk.answers_requests = False
    await desk.set(f"<enable xmlns='{CARBONS}'/>")
    await desk.asks_how_far()
    said = _numbers(100)
    for body in said:
        await phone.message(account, body)

    _crash(server)

    await (await resumed(server, phone)).all_handled()
    copies = [m for m in desk.heard("message") if m.has("sent", CARBONS)]
    while True:
        try:
            element = await desk.next()
        except (Gone, OSError):
            break
        copies += [element] if element.name == "message" else []
    again = await resumed(server, desk)
    while len(copies) < len(said):
        copies.append(await again.hears())
    assert [c.child("sent", CARBONS).child("forwarded").child("message").text_of("body") for c in copies] == said
    await _hears_no_more(again)


async def test_a_number_that_cannot_be_is_refused_and_harms_nobody(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo", type=Managed)
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one")
    await _hears(juliet, "one")

    _crash(server)

    for handled in (4_294_967_000, 3_000_000):
        late = await logged_in(server, juliet.account)
        await late.send(f"<resume xmlns='{SM}' h='{handled}' previd='{juliet.management.id}'/>")
        error = await stream_error(late)
        assert error.has("handled-count-too-high")
    again = await resumed(server, juliet, handled=juliet.management.got - 1)
    await _hears(again, "one")
    await (await resumed(server, romeo)).settled()


async def test_who_has_the_name_next_gets_nothing_of_the_old_session(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "for the first Juliet")
    await _hears(juliet, "for the first Juliet")
    await juliet.asks_how_far()

    server.house.kill()
    assert server.house.tool("user", "delete", juliet.bare).returncode == 0
    server.house.start()

    await server.register(juliet.account)
    late = await logged_in(server, juliet.account)
    assert condition_of(await late.resume(juliet.management.id, 0)) == "item-not-found"
    assert (await late.bind())["type"] == "result"
    await late.available()
    await _hears_no_more(late)
