"""XEP-0198, sections 5 to 7: sessions that outlive their connections."""

import asyncio

import pytest

from support.managed import (
    IN_TIME,
    Managed,
    Unmanaged,
    Unresumable,
    bodies_of,
    condition_of,
    hears,
    logged_in,
    resumed,
    says,
    stream_error,
)
from support.session import settle
from support.wire import Gone
from support.xml import DELAY, PING, ROSTER, SM, STREAM, STREAM_ERRORS


async def _friends(server) -> tuple[Managed, Managed]:
    """Juliet and Romeo, who have confirmed all that made them friends."""
    friends = await server.friends("juliet", "romeo", type=Managed)
    for session in friends:
        await session.acknowledges()
        await session.asks_how_far()
    return friends


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
    await says(romeo, juliet.bare, "1", "2", "3", "4", "5")
    await hears(juliet, "1", "2", "3", "4", "5")
    juliet.cut()
    await says(romeo, juliet.bare, "6", "7")
    await says(romeo, juliet.jid, "8")

    session = await logged_in(server, account, tls=tls)
    await session.takes_over(juliet, handled=before + 2)

    await hears(session, "3", "4", "5", "6", "7", "8")
    assert await bodies_of(session) == []


async def test_a_resumed_session_goes_on_as_if_nothing_had_been(server):
    """It has its address, its presence and its roster pushes; nothing has to be said again."""
    juliet, romeo = await _friends(server)

    back = await resumed(server, juliet.cut())

    await romeo.message(back.jid, "to the old address")
    await romeo.message(back.bare, "to the person")
    await hears(back, "to the old address", "to the person")
    await back.message(romeo.bare, "from the old address")
    assert (await romeo.hears())["from"] == juliet.jid
    await back.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query>")
    await back.push("nurse@example.com")
    await back.all_handled()


async def test_counts_are_carried_over_again_and_again(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")

    for number in range(4):
        await says(romeo, juliet.bare, f"before {number}")
        await hears(juliet, f"before {number}")
        await juliet.message(romeo.jid, f"answer {number}")
        await hears(romeo, f"answer {number}")
        juliet.cut()
        await says(romeo, juliet.bare, f"behind {number}")
        juliet = await resumed(server, juliet)
        await hears(juliet, f"behind {number}")

    await juliet.all_handled()
    assert await bodies_of(juliet) == []


async def test_what_the_server_never_got_is_sent_again_by_the_client_and_comes_once(server):
    """The connection breaks while the client writes. What arrived is in h, the rest is sent again."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    said = [str(number) for number in range(60)]
    for body in said[:50]:
        await juliet.message(romeo.jid, body)
    for body in said[50:]:  # these are lost with the connection
        juliet.management.sent.append(f"<message to='{romeo.jid}' type='chat'><body>{body}</body></message>")

    await (await resumed(server, juliet.cut())).all_handled()

    await hears(romeo, *said)
    await romeo.settled()
    assert romeo.heard("message") == []


async def test_an_old_connection_that_is_still_open_gets_a_conflict(server):
    """Example 15."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()

    session = await resumed(server, juliet)

    error = await stream_error(juliet)
    assert [c.name for c in error.children if c.ns == STREAM_ERRORS][0] == "conflict"
    await juliet.is_cut()
    await says(romeo, session.jid, "to the new one")
    await hears(session, "to the new one")


async def test_nobody_sees_a_detached_session_go(server):
    juliet, romeo = await _friends(server)

    juliet.cut()
    await says(romeo, juliet.jid, "art thou there?")
    session = await resumed(server, juliet)

    await hears(session, "art thou there?")
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
    await says(romeo, juliet.bare, "to one of you")
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
    await hears(winner, "to one of you")


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
    await says(romeo, juliet.bare, "one")
    await hears(juliet, "one")
    juliet.cut()
    await says(romeo, juliet.jid, "two")

    again = await server.session(juliet.account, "balcony", type=Managed)

    await hears(again, "one", "two")
    assert await bodies_of(again) == []
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
    await hears(session, "still here")


@pytest.mark.parametrize("previd", ["no-such-session", "0", "x" * 3000, "&amp;&lt;&gt;", "ロミオ"], ids=len)
async def test_what_is_no_session_cannot_be_resumed(server, previd):
    """Example 14."""
    await _is_not_found_and_binds(await logged_in(server, await server.account("juliet")), previd)


async def test_nobody_resumes_the_session_of_another(server):
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    tybalt = await logged_in(server, await server.account("tybalt"))

    await _is_not_found_and_binds(tybalt, juliet.management.id, juliet.management.got)

    await says(romeo, juliet.bare, "only for Juliet")
    await hears(juliet, "only for Juliet")
    juliet.cut()
    await says(romeo, juliet.bare, "only for her")
    sword = await logged_in(server, tybalt.account)
    await _is_not_found_and_binds(sword, juliet.management.id, juliet.management.got)
    await hears(await resumed(server, juliet), "only for her")
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
    await says(romeo, juliet.bare, "hark")
    await hears(juliet, "hark")
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
    await hears(session, "hark")


# Sections 5 and 7: the time is over


async def test_a_session_that_nobody_resumes_goes_and_what_it_had_waits(start):
    server = await start(resume_seconds=1)
    juliet, romeo = await _friends(server)
    juliet.answers_requests = False
    await says(romeo, juliet.bare, "one")
    await hears(juliet, "one")
    sent = len(juliet.management.sent)
    juliet.cut()
    await says(romeo, juliet.bare, "two")
    await says(romeo, juliet.jid, "three")

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
    assert await bodies_of(late) == []


async def test_a_session_whose_client_is_back_does_not_end_with_the_first_time(start):
    """The time of the first loss must not end the session after it was resumed; a later session's end is the clock."""
    server = await start(resume_seconds=IN_TIME)
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

    await says(romeo, juliet.bare, *said)

    session = await logged_in(server, juliet.account)
    answer = await session.resume(juliet.management.id, juliet.management.got)
    assert condition_of(answer) == "item-not-found"
    await session.bind()
    await session.available()
    assert await bodies_of(session) == said
    assert romeo.heard("message", "error") == []
