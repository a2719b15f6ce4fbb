"""XEP-0198, sections 2 to 4: stream management is offered and enabled, and both sides confirm what they have."""

import asyncio

import pytest

from support.managed import Managed, Unmanaged, Unresumable, bodies_of, condition_of, hears, logged_in, stream_error
from support.session import Session, settle
from support.waits import wait_until, within
from support.wire import Gone, Wire
from support.xml import BIND, CSI, PING, ROSTER, SM, STREAM, STREAM_ERRORS


async def _lives(session) -> bool:
    try:
        await session.settled()
    except Gone:
        return False
    return not any((e.name, e.ns) == ("error", STREAM) for e in session._inbox)


# Sections 2 and 3: it is offered and enabled


async def test_management_is_offered_after_login_and_not_before(server):
    account = await server.account("juliet")
    session = await server.wire(type=Session, domain=account.domain)

    assert not (await session.opened()).has("sm", SM)
    await session.plain(account.local, account.password)
    assert (await session.opened()).has("sm", SM)


@pytest.mark.parametrize("resume", [None, "false", "0", "true", "1"])
async def test_management_is_enabled_with_resumption_or_without(server, resume):
    session = await server.session("juliet", type=Unmanaged)

    enabled = await session.asks_for_management(
        f"<enable xmlns='{SM}'/>" if resume is None else f"<enable xmlns='{SM}' resume='{resume}'/>"
    )

    assert enabled.name == "enabled"
    if resume in ("true", "1"):
        assert enabled["resume"] in ("true", "1")
        assert 0 < len(enabled["id"].encode()) <= 4000
    else:
        assert enabled["resume"] in (None, "false", "0")


async def test_no_two_sessions_have_the_same_id(server):
    account = await server.account("juliet")

    ids = [(await server.session(account, type=Managed)).management.id for _ in range(5)]

    assert len(set(ids)) == 5


async def test_management_before_binding_is_an_unexpected_request(server):
    session = await logged_in(server, await server.account("juliet"))

    failed = await session.asks_for_management(f"<enable xmlns='{SM}' resume='true'/>")

    assert condition_of(failed) == "unexpected-request"
    assert (await session.bind("balcony"))["type"] == "result"


@pytest.mark.parametrize("nonza", [f"<enable xmlns='{SM}'/>", f"<resume xmlns='{SM}' h='0' previd='x'/>"])
async def test_there_is_no_management_before_login(server, nonza):
    session = await server.wire()
    await session.opened()

    await session.send(nonza)

    answer = await session.next()
    assert (answer.name, answer.ns) in (("failed", SM), ("error", STREAM))


async def test_management_is_enabled_once(server):
    session = await server.session("juliet", type=Managed)

    await session.send(f"<enable xmlns='{SM}'/>")

    answer = await session.take(lambda e: e.name in ("failed", "error", "enabled"), "a refusal")
    if answer.name == "failed":
        assert condition_of(answer) == "unexpected-request"
    else:
        assert (answer.name, answer.ns) == ("error", STREAM)


@pytest.mark.parametrize("wish", ["30", "4000000000"])
async def test_a_client_may_wish_for_a_shorter_time_and_not_for_a_longer_one(start, wish):
    server = await start(resume_seconds=60)
    session = await server.session("juliet", type=Unmanaged)

    enabled = await session.asks_for_management(f"<enable xmlns='{SM}' resume='true' max='{wish}'/>")

    assert enabled["resume"] in ("true", "1")
    assert enabled["max"] is None or 0 < int(enabled["max"]) <= min(60, int(wish))


@pytest.mark.parametrize("wish", ["0", "-1", "soon", "", "99999999999999999999999"])
async def test_a_wish_that_makes_no_sense_harms_nobody(server, wish):
    session = await server.session("juliet", type=Unmanaged)

    answer = await session.asks_for_management(f"<enable xmlns='{SM}' resume='true' max='{wish}'/>")

    assert answer.name in ("enabled", "failed")
    await session.settled()


# Section 4: what the server confirms


async def test_what_follows_enable_is_counted_before_enabled_has_come(server):
    """Example 7."""
    romeo = await server.session("romeo")
    juliet = await server.session("juliet", type=Unmanaged)

    await Wire.send(
        juliet, f"<enable xmlns='{SM}'/><message to='{romeo.jid}'><body>hark</body></message><r xmlns='{SM}'/>"
    )

    enabled = await juliet.nonza("enabled", "failed")
    answer = await juliet.nonza("a")
    while answer["h"] == "0":  # it is confirmed when it is committed
        answer = await juliet.nonza("a")
    assert (enabled.name, answer["h"]) == ("enabled", "1")
    await hears(romeo, "hark")


async def test_the_basic_scenario(server):
    """Section 8.1, examples 18 to 25."""
    romeo = await server.account("romeo")
    juliet = await server.session("juliet", type=Unresumable, available=False)

    await juliet.roster()
    assert await juliet.all_handled() == 1
    await juliet.acknowledges(1)
    await juliet.available()
    assert await juliet.all_handled() == 2
    await juliet.acknowledges(2)
    await juliet.message(romeo, "ciao!")
    assert await juliet.all_handled() == 3


async def test_the_efficient_scenario(server):
    """Section 8.2, example 26."""
    romeo = await server.account("romeo")
    juliet = await server.session("juliet", type=Unresumable, available=False)

    for batch in (5, 10):
        for _ in range(5):
            await juliet.message(romeo)
        assert await juliet.all_handled() == batch


async def test_each_stanza_counts_and_nothing_else(server):
    romeo = await server.session("romeo")
    juliet = await server.session("juliet", type=Unresumable, available=False)
    stanzas = [
        "<presence/>",
        "<presence><show>away</show></presence>",
        f"<presence to='{romeo.jid}'/>",
        f"<presence type='probe' to='{romeo.bare}'/>",
        f"<message to='{romeo.jid}'><body>to a resource</body></message>",
        f"<message to='{romeo.bare}' type='chat'><body>to a person</body></message>",
        f"<message to='{romeo.bare}' type='headline'><body>news</body></message>",
        f"<message to='nobody-of-that-name@{server.domain}' type='chat'><body>to nobody</body></message>",
        "<message to='somebody@remote.invalid' type='chat'><body>far away</body></message>",
        "<message><body>to myself</body></message>",
        "<message to='a@b@c'><body>to nowhere</body></message>",
        f"<iq type='get' id='i1'><query xmlns='{ROSTER}'/></iq>",
        f"<iq type='set' id='i2'><query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query></iq>",
        "<iq type='get' id='i3'><unheard-of xmlns='urn:x'/></iq>",
        f"<iq type='get' id='i4' to='{romeo.jid}'><ping xmlns='{PING}'/></iq>",
        f"<iq type='result' id='i5' to='{romeo.jid}'/>",
        "<iq type='error' id='i6'/>",
        "<iq type='get' id='i7'/>",
    ]
    nothing = ["", " ", "\n\n", f"<r xmlns='{SM}'/>", f"<a xmlns='{SM}' h='{{}}'/>", f"<inactive xmlns='{CSI}'/>"]
    nothing += [f"<active xmlns='{CSI}'/>"]
    if not juliet.bound_features.has("csi", CSI):
        nothing = [nonza for nonza in nothing if CSI not in nonza]

    for number, stanza in enumerate(stanzas, 1):
        await juliet.send(stanza)
        await juliet.send(nothing[number % len(nothing)].format(juliet.management.got))
        assert await juliet.all_handled() == number

    for nonza in nothing:
        await juliet.send(nonza.format(juliet.management.got))
    assert await juliet.asks_how_far() == len(stanzas)


async def test_what_came_before_enable_is_not_counted(server):
    session = await server.session("juliet", type=Unmanaged)
    await session.settled()

    await session.asks_for_management(f"<enable xmlns='{SM}'/>")

    assert await session.asks_how_far() == 0


@pytest.mark.parametrize(
    "request_",
    [
        f"<iq type='set' id='{{}}'><query xmlns='{ROSTER}'><item jid='nurse{{}}@example.com'/></query></iq>",
        f"<iq type='get' id='{{}}'><query xmlns='{ROSTER}'/></iq>",
        "<iq type='get' id='{}'><unheard-of xmlns='urn:x'/></iq>",
        "<iq type='set' id='{}'><query xmlns='jabber:iq:private'><n xmlns='urn:x'>{}</n></query></iq>",
    ],
    ids=["roster set", "roster get", "unknown", "private"],
)
async def test_a_request_is_confirmed_when_its_answer_has_been_sent(server, request_):
    juliet = await server.session("juliet", type=Unresumable, available=False)
    answered = set()

    for number in range(1, 11):
        text = request_.format(f"q{number}", number)
        await juliet.send(text + f"<r xmlns='{SM}'/>")
        confirmed = 0
        while confirmed < number:
            element = await Wire.next(juliet)
            if element.name == "iq" and element["type"] in ("result", "error"):
                answered.add(element["id"])
            if element.name == "a":
                confirmed = int(element["h"])
                assert {f"q{n}" for n in range(1, confirmed + 1)} <= answered


async def test_confirmations_come_through_a_busy_stream_in_order(server):
    """Managed checks that none goes back and none is too high."""
    romeo = await server.account("romeo")
    juliet = await server.session("juliet", type=Unresumable)

    for number in range(90):
        await juliet.message(romeo, str(number))
        await juliet.send(f"<r xmlns='{SM}'/>")

    assert await juliet.all_handled() == 91
    assert await bodies_of(await server.session(romeo)) == [str(n) for n in range(90)]


# Section 4: what the client confirms


async def test_the_client_counts_what_the_server_counts(server):
    """One more than came is too many, and all that came is not: so the counts are the same."""
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    await romeo.message(juliet.jid, "one")
    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="p1")
    await romeo.presence(to=juliet.jid)
    await juliet.hears()
    await juliet.hears("iq", "get")
    await juliet.hears("presence", None, romeo.jid)
    await juliet.asks_how_far()
    await juliet.acknowledges()
    await juliet.settled()

    await juliet.acknowledges(juliet.management.got + 1)

    assert (await stream_error(juliet)).has("undefined-condition", STREAM_ERRORS)


@pytest.mark.parametrize("more", [1, 10, 1000000])
async def test_to_confirm_what_was_never_sent_ends_the_stream(server, more):
    """Example 17."""
    juliet = await server.session("juliet", type=Unresumable)
    await juliet.settled()
    got = juliet.management.got

    await juliet.acknowledges(got + more)

    error = await stream_error(juliet)
    assert [c.name for c in error.children if c.ns == STREAM_ERRORS][0] == "undefined-condition"
    too_high = error.child("handled-count-too-high", SM)
    assert (too_high["h"], too_high["send-count"]) == (str(got + more), str(got))
    await juliet.is_cut()


@pytest.mark.parametrize(
    "h", [None, "", "many", "-1", "4294967296", "1.5", "0x1", "99999999999999999999"], ids=lambda h: f"h={h}"
)
async def test_a_malformed_confirmation_confirms_nothing(server, h):
    juliet = await server.session("juliet", type=Managed)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    before = juliet.management.got
    await romeo.message(juliet.bare, "hark")
    await hears(juliet, "hark")

    await juliet.send(f"<a xmlns='{SM}'/>" if h is None else f"<a xmlns='{SM}' h='{h}'/>")

    await _lives(juliet)
    session = await logged_in(server, juliet.cut().account)
    answer = await session.resume(juliet.management.id, before)
    if answer.name == "failed":  # it was the end of the session
        await session.bind()
        await session.available()
    await hears(session, "hark")


# Everybody else


async def test_who_has_not_asked_for_management_sees_nothing_of_it(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    managed = await server.session("juliet", type=Managed)

    for number in range(30):
        await romeo.message(juliet.jid, str(number))
    await settle(juliet, romeo)
    await managed.settled()

    for session in (juliet, romeo):
        after_features = session.received.rpartition(b"features>")[2]
        assert b"urn:xmpp:sm:3" not in after_features


async def test_without_management_a_lost_connection_is_the_end(server):
    juliet, romeo = await server.friends("juliet", "romeo")

    juliet.hang_up()

    assert (await romeo.hears("presence", from_=juliet.jid))["type"] == "unavailable"


async def test_binding_is_offered_beside_resumption(server):
    session = await logged_in(server, await server.account("juliet"))

    assert session.bound_features.has("bind", BIND)
    assert session.bound_features.has("sm", SM)


# Found by reading the code


async def test_a_request_to_the_own_account_by_an_alias_counts_as_any_other(server):
    """The first of all on its stream; it once was looked for among requests that there were none of."""
    juliet = await server.session("juliet", type=Managed)

    answer = await juliet.ask("<ping xmlns='urn:xmpp:ping'/>", to=f"{juliet.account.local}@chat.localhost")

    assert answer["type"] == "result", answer
    assert await juliet.all_handled() == len(juliet.management.sent)


async def test_who_asks_and_never_reads_is_not_answered_for_ever(start):
    server = await start(limits={"write_seconds": 1})
    account = await server.account("juliet")
    session = await logged_in(server, account)
    await session.bind()
    try:
        for _ in range(2000):
            session.post(f"<r xmlns='{SM}'/>" * 2000)
            await within(session._writer.drain(), "the server to read", 5)
    except (ConnectionError, AssertionError):
        pass
    romeo = await server.session("romeo")
    await romeo.settled()
    said = ("does not read", "policy-violation")
    await asyncio.to_thread(wait_until, lambda: any(map(server.house.logged, said)), "a line about it", 10)
