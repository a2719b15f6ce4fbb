"""XEP-0352: a client says that nobody looks; what can wait may wait, and what cannot never does."""

import pytest

from support.managed import Managed, resumed
from support.session import Session, settle
from support.wire import Gone
from support.xml import CHAT_STATES, CSI, PING, ROSTER, STREAM

INACTIVE, ACTIVE = f"<inactive xmlns='{CSI}'/>", f"<active xmlns='{CSI}'/>"


async def _wakes_up(session) -> None:
    """Active, and all that was held back has come: it comes before the answer to what is asked afterwards."""
    await session.send(ACTIVE)
    await session.settled()


def _shown(session, who) -> list[str | None]:
    """What has been seen of somebody so far, in order."""
    presences = [p for p in session.heard("presence") if p["from"] == who.jid]
    return [p["type"] or p.text_of("status") for p in presences]


async def test_client_state_is_offered_after_login_and_not_before(server):
    """Example 1."""
    account = await server.account("juliet")
    session = await server.wire(type=Session, domain=account.domain)

    assert not (await session.opened()).has("csi", CSI)
    await session.plain(account.local, account.password)
    assert (await session.opened()).has("csi", CSI)


async def test_a_state_has_no_answer(server):
    """Examples 2 and 3."""
    juliet = await server.session("juliet")
    juliet.heard("presence")

    for state in (INACTIVE, INACTIVE, ACTIVE, ACTIVE, INACTIVE, ACTIVE):
        await juliet.send(state)
    await juliet.settled()

    assert juliet._inbox == []


async def test_a_state_that_does_not_exist_is_refused_or_ignored(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo")

    await juliet.send(f"<asleep xmlns='{CSI}'/>")

    try:
        await juliet.settled()
    except Gone:
        assert any((e.name, e.ns) == ("error", STREAM) for e in juliet._inbox)
    await romeo.settled()


@pytest.mark.parametrize(
    "message",
    [
        ("chat", "hark", ""),
        ("normal", "hark", ""),
        ("headline", "hark", ""),
        ("chat", None, "<received xmlns='urn:xmpp:receipts' id='m1'/>"),
    ],
    ids=["chat", "normal", "headline", "receipt"],
)
async def test_an_inactive_client_gets_messages(server, message):
    kind, body, more = message
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()

    await romeo.message(juliet.jid, body, kind, more, id="m7")
    if kind == "headline" or body is None:
        await settle(romeo)
        await _wakes_up(juliet)

    assert (await juliet.hears())["id"] == "m7"


async def test_an_inactive_client_gets_a_message_behind_what_was_held_back(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()
    await romeo.presence("<status>here</status>")
    await romeo.message(juliet.jid, None, more=f"<composing xmlns='{CHAT_STATES}'/>")

    await romeo.message(juliet.jid, "now")

    assert (await juliet.take(lambda s: s.text_of("body") == "now", "the message"))["from"] == romeo.jid


async def test_an_inactive_client_gets_requests_and_pushes(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    chamber = await server.session(juliet.account, "chamber")
    await juliet.send(INACTIVE)
    await juliet.settled()

    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="p1")
    await chamber.set(f"<query xmlns='{ROSTER}'><item jid='nurse@example.com'/></query>")

    assert (await juliet.hears("iq", "get"))["id"] == "p1"
    assert (await juliet.push("nurse@example.com"))["jid"] == "nurse@example.com"
    assert (await juliet.ask(f"<query xmlns='{ROSTER}'/>"))["type"] == "result"


async def test_an_inactive_client_gets_subscription_requests(server):
    juliet, romeo = await server.session("juliet", roster=True), await server.session("romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()

    await romeo.presence(kind="subscribe", to=juliet.bare)

    assert (await juliet.hears("presence", "subscribe"))["from"] == romeo.bare


async def test_an_inactive_client_gets_errors(server):
    juliet = await server.session("juliet")
    await juliet.send(INACTIVE)

    await juliet.message(f"nobody-of-that-name@{server.domain}/nowhere", id="m1", kind="normal")

    assert (await juliet.hears("message", "error"))["id"] == "m1"


@pytest.mark.anser_only("XEP-0352 leaves to the server what it holds back")
async def test_presence_and_chat_states_wait_while_nobody_looks(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()

    await romeo.presence("<status>away</status>")
    await romeo.message(juliet.jid, None, more=f"<composing xmlns='{CHAT_STATES}'/>")
    await romeo.settled()
    await juliet.settled()

    assert _shown(juliet, romeo) == []
    assert juliet.heard("message") == []


async def test_who_looks_again_sees_the_last_presence_first(server):
    """Example 4: all that was held back comes before the answer to a ping that follows."""
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()
    for number in range(10):
        await romeo.presence(f"<status>{number}</status>")
    await romeo.settled()

    await _wakes_up(juliet)

    assert _shown(juliet, romeo)[-1:] == ["9"]


async def test_who_looks_again_sees_who_went_and_who_came(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE)
    await juliet.settled()
    orchard = await server.session(romeo.account, "orchard")
    await romeo.presence("<status>going</status>")
    await romeo.leaves()
    await orchard.hears("presence", "unavailable", romeo.jid)
    await orchard.settled()

    await _wakes_up(juliet)

    presences = juliet.heard("presence")
    last = {who: [p["type"] for p in presences if p["from"] == who][-1:] for who in (romeo.jid, orchard.jid)}
    assert last == {romeo.jid: ["unavailable"], orchard.jid: [None]}


async def test_each_of_several_contacts_is_seen_in_the_end(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    others = [await server.session(romeo.account, f"r{number}") for number in range(5)]
    await settle(juliet, romeo)
    juliet.heard("presence")
    await juliet.send(INACTIVE)
    await juliet.settled()
    for number, other in enumerate(others):
        await other.presence(f"<status>first {number}</status>")
        await other.presence(f"<status>last {number}</status>")
        await other.settled()

    await _wakes_up(juliet)

    presences = juliet.heard("presence")
    for number, other in enumerate(others):
        assert [p.text_of("status") for p in presences if p["from"] == other.jid][-1] == f"last {number}"


async def test_who_looks_sees_presence_at_once(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE + ACTIVE)
    await juliet.settled()

    await romeo.presence("<status>here</status>")

    assert (await juliet.hears("presence", None, romeo.jid)).text_of("status") == "here"


async def test_nobody_else_learns_of_the_state(server):
    juliet, romeo = await server.friends("juliet", "romeo")

    await juliet.send(INACTIVE)
    await settle(juliet, romeo)
    await juliet.send(ACTIVE)
    await settle(juliet, romeo)

    assert romeo._inbox == []


async def test_a_device_that_sleeps_does_not_hold_back_what_another_gets(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    chamber = await server.session(juliet.account, "chamber")
    await settle(chamber, romeo)
    chamber.heard("presence")
    await juliet.send(INACTIVE)
    await juliet.settled()

    await romeo.presence("<status>here</status>")

    assert (await chamber.hears("presence", None, romeo.jid)).text_of("status") == "here"


async def test_a_sleeping_client_that_goes_away_is_seen_to_go(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    await juliet.send(INACTIVE)

    await juliet.leaves()

    assert (await romeo.hears("presence", from_=juliet.jid))["type"] == "unavailable"


# With stream management


async def test_what_is_held_back_does_not_count_before_it_is_sent(server):
    juliet, romeo = await server.friends("juliet", "romeo", type=Managed)
    await juliet.send(INACTIVE)
    await juliet.settled()
    await romeo.presence("<status>here</status>")
    await romeo.settled()

    await juliet.acknowledges()
    await juliet.asks_how_far()
    await _wakes_up(juliet)
    await juliet.acknowledges()

    await juliet.settled()
    assert _shown(juliet, romeo) == ["here"]


async def test_a_resumed_session_is_active(server):
    """Section 5.2; what had been held back comes with the rest."""
    juliet, romeo = await server.friends("juliet", "romeo", type=Managed)
    await juliet.send(INACTIVE)
    await juliet.settled()
    await romeo.presence("<status>held back</status>")
    await romeo.settled()

    again = await resumed(server, juliet.cut())

    await again.settled()
    assert _shown(again, romeo)[-1:] == ["held back"]
    await romeo.presence("<status>seen at once</status>")
    assert (await again.hears("presence", None, romeo.jid)).text_of("status") == "seen at once"
