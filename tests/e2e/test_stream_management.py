"""XEP-0198: acknowledgements both ways, and sessions that outlive their connections."""

import asyncio

import pytest

from support.managed import Managed, Unmanaged, Unresumable, condition_of, logged_in, resumed
from support.session import Session, settle
from support.wire import Gone, Wire
from support.xml import BIND, CSI, DELAY, PING, ROSTER, SM, STREAM, STREAM_ERRORS


async def _bodies(session) -> list[str]:
    """All that had waited for this session, or comes while we look."""
    return [m.text_of("body") for m in await session.all_that_waited()]


async def _hears(session, *said: str) -> None:
    assert [(await session.hears()).text_of("body") for _ in said] == list(said)


async def _says(sender, to, *said: str) -> None:
    """Returns when the server has them."""
    for body in said:
        await sender.message(to, body)
    await sender.settled()


async def _friends(server) -> tuple[Managed, Managed]:
    """Juliet and Romeo, who have confirmed all that made them friends."""
    friends = await server.friends("juliet", "romeo", type=Managed)
    for session in friends:
        await session.acknowledges()
        await session.asks_how_far()
    return friends


async def _stream_error(session):
    """The stream error that comes, whatever comes before."""
    while True:
        element = await Wire.next(session)
        if (element.name, element.ns) == ("error", STREAM):
            return element


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
    await _hears(romeo, "hark")


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
    assert await _bodies(await server.session(romeo)) == [str(n) for n in range(90)]


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

    assert (await _stream_error(juliet)).has("undefined-condition", STREAM_ERRORS)


@pytest.mark.parametrize("more", [1, 10, 1000000])
async def test_to_confirm_what_was_never_sent_ends_the_stream(server, more):
    """Example 17."""
    juliet = await server.session("juliet", type=Unresumable)
    await juliet.settled()
    got = juliet.management.got

    await juliet.acknowledges(got + more)

    error = await _stream_error(juliet)
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
    await _hears(juliet, "hark")

    await juliet.send(f"<a xmlns='{SM}'/>" if h is None else f"<a xmlns='{SM}' h='{h}'/>")

    await _lives(juliet)
    session = await logged_in(server, juliet.cut().account)
    answer = await session.resume(juliet.management.id, before)
    if answer.name == "failed":  # it was the end of the session
        await session.bind()
        await session.available()
    await _hears(session, "hark")


# Section 4: what happens to what was never confirmed


async def test_what_was_not_confirmed_waits_for_the_next_session(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.message(juliet.bare, "wilt thou be gone?", id="m1")
    await _hears(juliet, "wilt thou be gone?")

    juliet.cut()

    heard = await (await server.session(juliet.account)).hears()
    assert (heard.text_of("body"), heard["id"], heard["from"]) == ("wilt thou be gone?", "m1", romeo.jid)
    assert heard.has("delay", DELAY)


async def test_what_was_confirmed_does_not_come_again(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one", "two", "three")
    await _hears(juliet, "one", "two", "three")
    await juliet.acknowledges(juliet.management.got - 1)
    await juliet.asks_how_far()

    juliet.cut()

    session = await server.session(juliet.account)
    await _hears(session, "three")
    assert await _bodies(session) == []


async def test_what_was_not_confirmed_goes_to_another_device(server):
    balcony = await server.session("juliet", "balcony", type=Unresumable, priority=5)
    chamber = await server.session("juliet", "chamber", priority=1)
    romeo = await server.session("romeo")
    balcony.answers_requests = False
    await _says(romeo, balcony.bare, "one", "two")
    await _hears(balcony, "one", "two")
    assert chamber.heard("message") == []

    balcony.cut()

    await _hears(chamber, "one", "two")


async def test_what_was_written_to_a_resource_is_not_lost_with_it(server):
    juliet = await server.session("juliet", "balcony", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.jid, "to the balcony")
    await _hears(juliet, "to the balcony")

    juliet.cut()

    await _hears(await server.session(juliet.account, "chamber"), "to the balcony")


async def test_only_what_is_meant_to_wait_waits(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.message(juliet.jid, "news", "headline")
    await romeo.message(juliet.jid, None, more="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    await romeo.message(juliet.jid, "words")
    for _ in range(3):
        await juliet.hears()

    juliet.cut()

    session = await server.session(juliet.account)
    await _hears(session, "words")
    assert await _bodies(session) == []


async def test_who_asked_something_is_told_that_nobody_will_answer(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="p1")
    await juliet.hears("iq", "get")

    juliet.cut()

    answer = await romeo.answer_to("p1")
    assert answer["type"] == "error"
    assert answer.error.condition in ("service-unavailable", "recipient-unavailable")


async def test_who_leaves_in_order_without_confirming_gets_it_again(server):
    juliet = await server.session("juliet", type=Managed)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "heard?")
    await _hears(juliet, "heard?")

    await juliet.leaves()

    await _hears(await server.session(juliet.account), "heard?")


async def test_who_confirms_and_leaves_gets_nothing_again(server):
    juliet = await server.session("juliet", type=Managed)
    romeo = await server.session("romeo")
    await _says(romeo, juliet.bare, "heard")
    await _hears(juliet, "heard")
    await juliet.acknowledges()

    await juliet.leaves()

    assert await _bodies(await server.session(juliet.account)) == []


# Section 5: a session comes back


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "TLS"])
async def test_a_session_is_resumed_and_gets_exactly_what_it_had_not(server, tls):
    account, romeo = await server.account("juliet"), await server.session("romeo")
    juliet = await server.wire(type=Managed, domain=account.domain, tls_port=tls)
    if tls:
        await juliet.encrypt()
    await juliet.authenticate(account)
    await juliet.bind("balcony")
    await juliet.available()
    juliet.answers_requests = False
    before = juliet.management.got
    await _says(romeo, juliet.bare, "1", "2", "3", "4", "5")
    await _hears(juliet, "1", "2", "3", "4", "5")
    juliet.cut()
    await _says(romeo, juliet.bare, "6", "7")
    await _says(romeo, juliet.jid, "8")

    session = await logged_in(server, account, tls=tls)
    await session.takes_over(juliet, handled=before + 2)

    await _hears(session, "3", "4", "5", "6", "7", "8")
    assert await _bodies(session) == []


async def test_a_resumed_session_goes_on_as_if_nothing_had_been(server):
    """It has its address, its presence and its roster pushes; nothing has to be said again."""
    juliet, romeo = await _friends(server)

    back = await resumed(server, juliet.cut())

    await romeo.message(back.jid, "to the old address")
    await romeo.message(back.bare, "to the person")
    await _hears(back, "to the old address", "to the person")
    await back.message(romeo.bare, "from the old address")
    assert (await romeo.hears())["from"] == juliet.jid
    await back.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query>")
    await back.push("nurse@example.com")
    await back.all_handled()


async def test_counts_are_carried_over_again_and_again(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")

    for number in range(4):
        await _says(romeo, juliet.bare, f"before {number}")
        await _hears(juliet, f"before {number}")
        await juliet.message(romeo.jid, f"answer {number}")
        await _hears(romeo, f"answer {number}")
        juliet.cut()
        await _says(romeo, juliet.bare, f"behind {number}")
        juliet = await resumed(server, juliet)
        await _hears(juliet, f"behind {number}")

    await juliet.all_handled()
    assert await _bodies(juliet) == []


async def test_what_the_server_never_got_is_sent_again_by_the_client_and_comes_once(server):
    """The connection breaks while the client writes. What arrived is in h, the rest is sent again."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    said = [str(number) for number in range(60)]
    for body in said[:50]:
        await juliet.message(romeo.jid, body)
    for body in said[50:]:  # these are lost with the connection
        juliet.management.sent.append(f"<message to='{romeo.jid}' type='chat'><body>{body}</body></message>")

    await (await resumed(server, juliet.cut())).all_handled()

    await _hears(romeo, *said)
    await romeo.settled()
    assert romeo.heard("message") == []


async def test_an_old_connection_that_is_still_open_gets_a_conflict(server):
    """Example 15."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()

    session = await resumed(server, juliet)

    error = await _stream_error(juliet)
    assert [c.name for c in error.children if c.ns == STREAM_ERRORS][0] == "conflict"
    await juliet.is_cut()
    await _says(romeo, session.jid, "to the new one")
    await _hears(session, "to the new one")


async def test_nobody_sees_a_detached_session_go(server):
    juliet, romeo = await _friends(server)

    juliet.cut()
    await _says(romeo, juliet.jid, "art thou there?")
    session = await resumed(server, juliet)

    await _hears(session, "art thou there?")
    await settle(session, romeo)
    assert romeo.heard("presence") == []


async def test_what_comes_while_detached_comes_in_its_order(server):
    juliet, romeo = await _friends(server)
    juliet.cut()
    await romeo.message(juliet.jid, "first")
    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="second")
    await romeo.presence("<status>third</status>")
    await romeo.message(juliet.bare, "fourth")
    await romeo.iq("<x xmlns='urn:x'/>", "set", juliet.jid, id="fifth")
    await romeo.message(juliet.jid, "sixth")
    await romeo.settled()

    session = await resumed(server, juliet)

    got = []
    while len(got) < 6:
        element = await session.take(lambda e: e["from"] == romeo.jid, "what Romeo sent")
        got.append(element.text_of("body") or element.text_of("status") or element["id"])
    assert got == ["first", "second", "third", "fourth", "fifth", "sixth"]
    await session.iq("", "result", romeo.jid, id="second")
    assert (await romeo.answer_to("second"))["type"] == "result"


async def test_a_roster_that_changes_while_detached_is_pushed(server):
    juliet = await server.session("juliet", "balcony", type=Managed, roster=True)
    chamber = await server.session("juliet", "chamber")
    await juliet.asks_how_far()
    juliet.cut()
    await chamber.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com' name='Nurse'/></query>")

    session = await resumed(server, juliet)

    assert (await session.push("nurse@example.com"))["name"] == "Nurse"


async def test_two_that_resume_the_same_session_are_one_in_the_end(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await _says(romeo, juliet.bare, "to one of you")
    both = [await logged_in(server, juliet.account) for _ in range(2)]

    answers = await asyncio.gather(
        *(s.resume(juliet.management.id, juliet.management.got) for s in both), return_exceptions=True
    )

    winners = []
    for session, answer in zip(both, answers):
        if isinstance(answer, Gone):  # the other took the session from it before it had its answer
            assert any((e.name, e.ns) == ("error", STREAM) for e in session._inbox)
        elif answer.name == "failed":
            assert condition_of(answer) == "item-not-found"
            assert (await session.bind())["type"] == "result"
        elif await _lives_resumed(session, juliet):
            winners.append(session)
    (winner,) = winners
    await _hears(winner, "to one of you")


async def _lives_resumed(session, old) -> bool:
    session.jid = old.jid
    try:
        await session.settled()
    except Gone:
        return False
    return True


async def test_who_binds_the_same_resource_anew_gets_what_the_old_session_had_not(server):
    juliet, romeo = await server.session("juliet", "balcony", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one")
    await _hears(juliet, "one")
    juliet.cut()
    await _says(romeo, juliet.jid, "two")

    again = await server.session(juliet.account, "balcony", type=Managed)

    await _hears(again, "one", "two")
    assert await _bodies(again) == []
    late = await logged_in(server, juliet.account)
    assert condition_of(await late.resume(juliet.management.id, juliet.management.got)) == "item-not-found"


# Sections 5 and 6: what cannot be resumed


async def _is_not_found_and_binds(session, previd: str, handled: int = 0) -> None:
    """Neither tells whether there is or was such a session; the stream is good for a new one."""
    failed = await session.resume(previd, handled)
    assert condition_of(failed) == "item-not-found"
    assert failed["h"] is None or int(failed["h"]) >= 0
    assert (await session.bind())["type"] == "result"
    await session.available()
    await session.message(session.jid, "still here")
    await _hears(session, "still here")


@pytest.mark.parametrize("previd", ["no-such-session", "0", "x" * 3000, "&amp;&lt;&gt;", "ロミオ"], ids=len)
async def test_what_is_no_session_cannot_be_resumed(server, previd):
    """Example 14."""
    await _is_not_found_and_binds(await logged_in(server, await server.account("juliet")), previd)


async def test_nobody_resumes_the_session_of_another(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    tybalt = await logged_in(server, await server.account("tybalt"))

    await _is_not_found_and_binds(tybalt, juliet.management.id, juliet.management.got)

    await _says(romeo, juliet.bare, "only for Juliet")
    await _hears(juliet, "only for Juliet")
    juliet.cut()
    await _says(romeo, juliet.bare, "only for her")
    sword = await logged_in(server, tybalt.account)
    await _is_not_found_and_binds(sword, juliet.management.id, juliet.management.got)
    await _hears(await resumed(server, juliet), "only for her")
    for session in (tybalt, sword):
        await session.settled()
        assert session.heard("message") == []


async def test_a_session_that_was_closed_in_order_is_over(server):
    juliet, romeo = await _friends(server)

    await juliet.leaves()

    assert (await romeo.hears("presence", from_=juliet.jid))["type"] == "unavailable"
    await _is_not_found_and_binds(await logged_in(server, juliet.account), juliet.management.id)


async def test_a_session_that_may_not_be_resumed_is_not(server):
    juliet = await server.session("juliet", type=Unresumable)
    await juliet.settled()
    previd = juliet.management.id or "none"
    juliet.cut()

    await _is_not_found_and_binds(await logged_in(server, juliet.account), previd)


@pytest.mark.parametrize("attributes", ["h='0'", "previd='{}'", "h='many' previd='{}'", "h='-1' previd='{}'", "h='0' previd=''", ""])
async def test_a_malformed_resumption_is_refused(server, attributes):
    juliet = await server.session("juliet", type=Managed)
    await juliet.asks_how_far()
    session = await logged_in(server, juliet.cut().account)

    await session.send(f"<resume xmlns='{SM}' {attributes.format(juliet.management.id)}/>")

    assert (await session.nonza("resumed", "failed")).name == "failed"
    assert (await session.bind())["type"] == "result"


async def test_a_bound_stream_resumes_nothing(server):
    juliet = await server.session("juliet", "balcony", type=Managed)
    chamber = await server.session("juliet", "chamber", type=Unmanaged)
    await juliet.asks_how_far()

    failed = await chamber.resume(juliet.management.id, juliet.management.got)

    assert condition_of(failed) == "unexpected-request"
    await settle(juliet, chamber)


async def test_a_resumption_that_confirms_what_was_never_sent_loses_nothing(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "hark")
    await _hears(juliet, "hark")
    session = await logged_in(server, juliet.cut().account)

    await session.send(
        f"<resume xmlns='{SM}' h='{juliet.management.got + 100}' previd='{juliet.management.id}'/>"
    )

    answer = await session.take(lambda e: e.name in ("resumed", "failed", "error"), "a refusal")
    assert answer.name != "resumed"
    session = await logged_in(server, juliet.account)
    answer = await session.resume(juliet.management.id, juliet.management.got - 1)
    if answer.name == "failed":
        await session.bind()
        await session.available()
    await _hears(session, "hark")


# Sections 5 and 7: the time is over


async def test_a_session_that_nobody_resumes_goes_and_what_it_had_waits(start):
    server = await start(resume_seconds=1)
    juliet, romeo = await _friends(server)
    juliet.answers_requests = False
    await _says(romeo, juliet.bare, "one")
    await _hears(juliet, "one")
    sent = len(juliet.management.sent)
    juliet.cut()
    await _says(romeo, juliet.bare, "two")
    await _says(romeo, juliet.jid, "three")

    assert (await romeo.hears("presence", from_=juliet.jid))["type"] == "unavailable"

    late = await logged_in(server, juliet.account)
    failed = await late.resume(juliet.management.id, juliet.management.got)
    assert condition_of(failed) == "item-not-found"
    assert failed["h"] in (None, str(sent))
    await late.bind()
    await late.available()
    waited = [await late.hears() for _ in range(3)]
    assert [m.text_of("body") for m in waited] == ["one", "two", "three"]
    assert all(m.has("delay", DELAY) for m in waited)
    assert await _bodies(late) == []


async def test_a_session_whose_client_is_back_does_not_end_with_the_first_time(start):
    """The time of the first loss must not end the session after it was resumed; a later session's end is the clock."""
    server = await start(resume_seconds=1)
    juliet, romeo = await _friends(server)
    nurse = await server.session("romeo", "nursery", type=Managed)
    await settle(juliet, nurse)
    juliet.heard("presence")
    juliet = await resumed(server, juliet.cut())
    await juliet.asks_how_far()

    nurse.cut()  # after Juliet came back, so its time ends after hers would have

    assert (await juliet.hears("presence", from_=nurse.jid))["type"] == "unavailable"
    await settle(juliet, romeo)
    assert [p for p in romeo.heard("presence", "unavailable") if p["from"] == juliet.jid] == []


async def test_a_session_that_keeps_too_much_for_its_client_ends_and_loses_nothing(start):
    server = await start(queue_stanzas=100, limits={"offline_messages": 1000})
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    said = [str(number) for number in range(160)]
    await juliet.asks_how_far()
    juliet.cut()

    await _says(romeo, juliet.bare, *said)

    session = await logged_in(server, juliet.account)
    answer = await session.resume(juliet.management.id, juliet.management.got)
    assert condition_of(answer) == "item-not-found"
    await session.bind()
    await session.available()
    assert await _bodies(session) == said
    assert romeo.heard("message", "error") == []


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
            await asyncio.wait_for(session._writer.drain(), 5)
    except (ConnectionError, asyncio.TimeoutError):
        pass
    romeo = await server.session("romeo")
    await romeo.settled()
    assert "does not read" in server.house.log() or "policy-violation" in server.house.log()
