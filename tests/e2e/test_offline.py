"""XEP-0160 and XEP-0203: what is sent to somebody who is away waits, in order, through crashes."""

import re
from dataclasses import replace

import pytest

from support.session import settle
from support.xml import CHAT_STATES, DELAY, DISCO_INFO


async def _bodies(session) -> list[str]:
    """All that had waited for this session."""
    return [m.text_of("body") for m in await session.all_that_waited()]


async def test_messages_wait_in_their_order(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    for number in range(30):
        await romeo.message(juliet, str(number))
    await romeo.settled()

    session = await server.session(juliet)

    assert [(await session.hears()).text_of("body") for _ in range(30)] == [str(n) for n in range(30)]


async def test_a_message_that_waited_says_since_when(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(juliet, "wilt thou be gone?", id="m1", more="<x xmlns='urn:x'>kept</x><thread>t1</thread>")
    await romeo.settled()

    heard = await (await server.session(juliet)).hears()

    assert (heard["from"], heard["to"], heard["id"], heard["type"]) == (romeo.jid, juliet.jid, "m1", "chat")
    assert (heard.text_of("x", "urn:x"), heard.text_of("thread")) == ("kept", "t1")
    delay = heard.child("delay", DELAY)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", delay["stamp"])
    assert delay["from"] in (server.domain, juliet.jid)


async def test_what_is_delivered_at_once_has_no_delay(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare)

    assert not (await juliet.hears()).has("delay")


async def test_a_forged_delay_of_the_server_is_taken_away(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    forged = "<delay xmlns='urn:xmpp:delay' from='{}' stamp='1999-01-01T00:00:00Z'/>"

    await romeo.message(juliet.bare, "old news", more=forged.format(server.domain) * 2 + forged.format(juliet.bare))

    assert (await juliet.hears()).all("delay") == []


async def test_messages_wait_only_once(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(juliet, "once")
    await romeo.settled()
    first = await server.session(juliet)
    assert await _bodies(first) == ["once"]
    await first.leaves()

    assert await _bodies(await server.session(juliet)) == []


async def test_messages_wait_until_a_resource_is_not_negative(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    negative = await server.session(juliet, priority=-1)
    await romeo.message(juliet, "not for machines")
    await romeo.settled()
    assert await _bodies(negative) == []

    await negative.presence("<priority>0</priority>")

    assert (await negative.hears()).text_of("body") == "not for machines"


async def test_messages_wait_until_there_is_presence(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    session = await server.session(juliet, available=False)
    await romeo.message(juliet, "art thou there?")
    await romeo.settled()
    assert await _bodies(session) == []

    await session.available()

    assert (await session.hears()).text_of("body") == "art thou there?"


@pytest.mark.parametrize(
    "kind, waits",
    [(None, True), ("normal", True), ("chat", True), ("headline", False), ("groupchat", False), ("error", False)],
)
async def test_only_what_is_meant_to_wait_waits(server, kind, waits):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    more = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>" if kind == "error" else ""

    await romeo.message(juliet, "hark", kind, more)
    await romeo.settled()

    assert await _bodies(await server.session(juliet)) == (["hark"] if waits else [])


@pytest.mark.parametrize("thread", ["", "<thread>t</thread>"], ids=["without thread", "with thread"])
@pytest.mark.parametrize("state", ["active", "composing", "paused", "inactive", "gone"])
async def test_a_lone_chat_state_does_not_wait(server, state, thread):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")

    await romeo.message(juliet, None, more=f"<{state} xmlns='{CHAT_STATES}'/>{thread}")
    await romeo.settled()

    assert await _bodies(await server.session(juliet)) == []
    assert all(e.error.condition == "service-unavailable" for e in romeo.heard("message", "error"))


async def test_a_chat_state_with_words_waits(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo")

    await romeo.message(juliet, "words", more=f"<active xmlns='{CHAT_STATES}'/>")
    await romeo.settled()

    assert await _bodies(await server.session(juliet)) == ["words"]


async def test_a_chat_message_to_a_resource_that_left_waits_for_the_person(server):
    juliet, romeo = await server.session("juliet", "balcony"), await server.session("romeo")
    await juliet.leaves()
    await romeo.settled()

    await romeo.message(juliet.jid, "still there?")
    await romeo.settled()

    assert await _bodies(await server.session(juliet.account, "chamber")) == ["still there?"]


async def test_the_server_says_that_messages_wait(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=server.domain)

    assert "msgoffline" in [f["var"] for f in answer.child("query").all("feature")]


async def test_a_full_mailbox_is_service_unavailable(start):
    server = await start(limits={"offline_messages": 10})
    juliet, romeo = await server.account("juliet"), await server.session("romeo")

    for number in range(12):
        await romeo.message(juliet, str(number), id=f"m{number}")
    await romeo.settled()

    errors = romeo.heard("message", "error")
    assert [e["id"] for e in errors] == ["m10", "m11"]
    assert {e.error.condition for e in errors} == {"service-unavailable"}
    assert await _bodies(await server.session(juliet)) == [str(n) for n in range(10)]


async def test_a_mailbox_that_was_emptied_takes_more(start):
    server = await start(limits={"offline_messages": 3})
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    for _ in range(2):
        for number in range(3):
            await romeo.message(juliet, str(number))
        await romeo.settled()
        session = await server.session(juliet)
        assert await _bodies(session) == ["0", "1", "2"]
        await session.leaves()

    assert romeo.heard("message", "error") == []


# Faults


async def test_what_waits_survives_a_stop_and_a_start(start):
    server = await start()
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(juliet, "good night")
    await romeo.settled()

    server.house.stop()
    server.house.start()

    heard = await (await server.session(juliet)).hears()
    assert heard.text_of("body") == "good night"
    assert heard.has("delay", DELAY)


async def test_what_was_sent_before_an_answered_ping_survives_kill_9(start):
    server = await start()
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    for number in range(50):
        await romeo.message(juliet, str(number))
    await romeo.settled()

    server.house.kill()
    server.house.start()

    assert await _bodies(await server.session(juliet)) == [str(number) for number in range(50)]


async def test_kill_9_in_the_middle_of_a_load_loses_nothing_that_was_answered(start):
    """Several senders write without waiting; the server dies while they do. Whatever each had sent before its last
    answered ping is there after the restart, in order, once, with nothing in between lost."""
    server = await start(limits={"offline_messages": 10_000})
    juliet = await server.account("juliet")
    senders = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]
    answered = dict.fromkeys(senders, 0)
    for batch in range(1, 9):
        for sender in senders:
            for number in range((batch - 1) * 20, batch * 20):
                sender.post(
                    f"<message to='{juliet}' type='chat'><body>{sender.account.local} {number}</body></message>"
                )
            sender.post(f"<iq type='get' id='ping{batch}' to='{server.domain}'><ping xmlns='urn:xmpp:ping'/></iq>")
        if batch > 2:
            for sender in senders:
                await sender.answer_to(f"ping{batch - 2}")
                answered[sender] = (batch - 2) * 20

    server.house.kill()
    server.house.start()

    heard = await _bodies(await server.session(juliet))
    for sender in senders:
        mine = [int(body.split()[1]) for body in heard if body.split()[0] == sender.account.local]
        assert mine == list(range(len(mine))), "in order, once, nothing left out"
        assert len(mine) >= answered[sender]


async def test_a_roster_and_a_password_survive_kill_9(start):
    server = await start()
    juliet = await server.session("juliet")
    await juliet.set("<query xmlns='jabber:iq:roster'><item jid='nurse@example.com' name='Nurse'/></query>")
    await juliet.set(
        f"<query xmlns='jabber:iq:register'><username>{juliet.account.local}</username><password>new</password></query>"
    )

    server.house.kill()
    server.house.start()

    again = await server.wire()
    await again.opened()
    assert (await again.plain(juliet.account.local, "new")).name == "success"
    session = await server.session(replace(juliet.account, password="new"))
    assert set(await session.roster()) == {"nurse@example.com"}


async def test_what_was_read_by_a_client_that_answers_pings_is_not_sent_again_after_kill_9(start):
    server = await start()
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(juliet, "once")
    await romeo.settled()
    session = await server.session(juliet)
    assert (await session.hears()).text_of("body") == "once"
    await settle(session, romeo)
    await session.leaves()

    server.house.kill()
    server.house.start()

    assert await _bodies(await server.session(juliet)) == []


async def test_messages_that_waited_all_come_whatever_their_size(server):
    """A server that sends piece by piece must go on after a piece of any size: here pieces end at powers of two."""
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(juliet, "measure")
    await romeo.settled()
    session = await server.session(juliet)
    await session.hears()
    await settle(session)
    size = len(re.search(rb"<message[^>]*><body>measure</body>.*?</message>", session.received)[0])
    await session.leaves()
    bodies = [f"{number:03}".ljust(1024 - size + len("measure"), ".") for number in range(300)]
    for body in bodies:
        await romeo.message(juliet, body)
    await romeo.settled()

    assert await _bodies(await server.session(juliet)) == bodies
