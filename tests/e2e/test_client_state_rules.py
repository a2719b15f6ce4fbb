"""XEP-0352: what waits while nobody looks at a client, what does not, and in which order it comes then."""

import pytest

from support.session import settle
from support.xml import BLOCKING, CHAT_STATES, PING

CSI = "urn:xmpp:csi:0"
CARBONS = "urn:xmpp:carbons:2"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"


async def inactive(session):
    await session.send(f"<inactive xmlns='{CSI}'/>")
    await session.settled()
    return session


async def active(session):
    await session.send(f"<active xmlns='{CSI}'/>")
    return await session.settled()


async def came(*sessions):
    """What has come to the last one once the others' words have reached it; kinds and ids."""
    for session in sessions:
        await session.settled()
    found = [s for s in sessions[-1]._inbox if s.name in ("message", "presence")]
    for kind in ("message", "presence"):
        sessions[-1].heard(kind)
    return [stanza["id"] for stanza in found]


async def chat_state(session, to, state, **attributes):
    await session.stanza("message", f"<{state} xmlns='{CHAT_STATES}'/>", type="chat", to=to, **attributes)


async def test_the_server_says_that_it_listens(server):
    juliet = await server.session("juliet")

    assert juliet.bound_features.has("csi", CSI)


async def test_presence_waits_and_the_last_of_each_resource_comes(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)

    for number, show in enumerate(("away", "xa", "dnd")):
        await romeo.presence(f"<show>{show}</show>", id=f"p{number}")
    assert await came(romeo, juliet) == []

    await active(juliet)
    assert [(p["id"], p.text_of("show")) for p in juliet.heard("presence")] == [("p2", "dnd")]


async def test_who_left_has_left(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)

    await romeo.presence("<show>away</show>", id="p1")
    await romeo.presence(kind="unavailable")

    assert await came(romeo, juliet) == []
    await active(juliet)
    assert (await juliet.hears("presence"))["type"] == "unavailable"


async def test_a_waiting_presence_comes_before_its_senders_next_words(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)

    await romeo.presence("<show>away</show>", id="p1")
    await romeo.message(juliet.bare, "hark", id="m1")
    await romeo.presence(id="p2")

    assert await came(romeo, juliet) == ["p1", "m1"]
    await active(juliet)
    assert await came(juliet) == ["p2"]


async def test_others_keep_waiting_while_one_speaks(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    nurse = await server.session("nurse")
    await inactive(juliet)

    await romeo.presence("<show>away</show>", id="p1")
    await romeo.settled()
    await nurse.message(juliet.bare, "Madam!", id="m1")

    assert await came(nurse, juliet) == ["m1"]


async def test_the_last_chat_state_waits(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await inactive(juliet)

    await chat_state(romeo, juliet.bare, "composing", id="s1")
    await chat_state(romeo, juliet.bare, "paused", id="s2")

    assert await came(romeo, juliet) == []
    await active(juliet)
    assert await came(juliet) == ["s2"]


_RECEIPT = f"<received xmlns='{RECEIPTS}' id='r1'/>"
_MARKER = f"<displayed xmlns='{MARKERS}' id='d1'/>"
_MATTERS = {
    "words": f"<body>hark</body><active xmlns='{CHAT_STATES}'/>",
    "receipt": _RECEIPT,
    "marker": _MARKER,
    "anything else": "<x xmlns='urn:example'/>",
}


@pytest.mark.parametrize("content", _MATTERS.values(), ids=_MATTERS)
async def test_what_matters_does_not_wait(server, content):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await inactive(juliet)

    await romeo.stanza("message", content, type="chat", to=juliet.bare, id="m1")

    assert await came(romeo, juliet) == ["m1"]


async def test_errors_and_requests_do_not_wait(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)

    await romeo.stanza("message", "<error type='cancel'/>", type="error", to=juliet.jid, id="e1")
    assert (await juliet.hears("message", "error"))["id"] == "e1"
    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="q1")
    assert (await juliet.hears("iq", "get"))["id"] == "q1"


async def test_a_request_to_subscribe_does_not_wait(server):
    romeo, juliet = await server.session("romeo"), await inactive(await server.session("juliet", roster=True))

    await romeo.presence(kind="subscribe", to=juliet.bare)

    await juliet.hears("presence", "subscribe")


async def test_copies_of_words_do_not_wait_and_those_of_chat_states_do(server):
    romeo, phone = await server.session("romeo"), await server.session("juliet", "phone")
    desk = await server.session("juliet", "desk")
    await desk.set(f"<enable xmlns='{CARBONS}'/>")
    await phone.settled()
    phone.heard("presence"), desk.heard("presence")
    await inactive(desk)

    await chat_state(phone, romeo.bare, "composing")
    await phone.settled()
    assert (await desk.settled()).heard("message") == []
    await phone.message(romeo.bare, "ay me")
    await phone.settled()

    await desk.settled()
    state, words = desk.heard("message")  # of one sender, in his order
    assert state.child("sent", CARBONS) and words.child("sent", CARBONS)


async def test_what_the_client_does_itself_is_answered_at_once(server):
    juliet = await inactive(await server.session("juliet", "phone"))

    await juliet.presence("<show>away</show>", id="p1")

    assert (await juliet.hears("presence", None, juliet.jid))["id"] == "p1"


async def test_all_that_waited_comes_before_the_answer_to_the_next_request(server):
    """Example 4."""
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)
    await romeo.presence("<show>away</show>", id="p1")
    await romeo.settled()

    await juliet.send(f"<active xmlns='{CSI}'/>")
    await juliet.iq(f"<ping xmlns='{PING}'/>", "get", server.domain, id="ping1")

    assert (await juliet.next())["id"] == "p1"
    assert (await juliet.next())["id"] == "ping1"


async def test_saying_it_twice_changes_nothing(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await active(juliet)
    await inactive(juliet)
    await romeo.presence("<show>away</show>", id="p1")
    await romeo.settled()
    await inactive(juliet)
    assert await came(juliet) == []

    await active(juliet)
    await active(juliet)

    assert await came(juliet) == ["p1"]


async def test_others_do_not_learn_of_it(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await inactive(juliet)
    await active(juliet)

    assert await came(juliet, romeo) == []


async def test_a_session_that_ends_takes_what_waited_with_it(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)
    await romeo.presence("<show>away</show>", id="p1")
    await chat_state(romeo, juliet.bare, "composing", id="s1")
    await romeo.settled()

    await juliet.leaves()

    again = await server.session(juliet.account)
    await settle(romeo, again)
    assert [p["id"] for p in again.heard("presence") if p["from"] == romeo.jid] == ["p1"]  # the probe's answer
    assert [m["id"] for m in again.heard("message") if m["id"] == "s1"] == []


async def test_what_waits_is_sent_when_it_is_too_much(start):
    stage = await start(limits={"held_back_stanzas": 2})
    juliet = await stage.session("juliet")
    others = [await stage.session("romeo", f"r{number}") for number in range(3)]
    await inactive(juliet)

    for number, romeo in enumerate(others):
        assert await came(juliet) == []
        await chat_state(romeo, juliet.bare, "composing", id=f"s{number}")
        await romeo.settled()

    assert await came(juliet) == ["s0", "s1", "s2"]


async def test_a_held_presence_of_somebody_blocked_since_is_not_shown(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await inactive(juliet)
    await romeo.presence("<show>away</show>", id="p1")
    await romeo.settled()

    await juliet.set(f"<block xmlns='{BLOCKING}'><item jid='{romeo.bare}'/></block>")
    await active(juliet)

    assert await came(juliet) == []
