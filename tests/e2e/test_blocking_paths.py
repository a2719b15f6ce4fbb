"""XEP-0191: each way on which something of a blocked person could come through, or something of one's own reach him."""

import pytest

from support.session import settle
from support.xml import BLOCKING, DISCO_INFO, DISCO_ITEMS, ROSTER


async def block(session, *jids):
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    answer = await session.set(f"<block xmlns='{BLOCKING}'>{items}</block>")
    assert answer["type"] == "result", answer


async def unblock(session, *jids):
    items = "".join(f"<item jid='{jid}'/>" for jid in jids)
    answer = await session.set(f"<unblock xmlns='{BLOCKING}'>{items}</unblock>")
    assert answer["type"] == "result", answer


async def settled(*sessions):
    for _ in range(2):
        for session in sessions:
            await session.settled()


def of(session, who):
    return [p["type"] for p in session.heard("presence") if p["from"] in (who.jid, who.bare)]


# In


async def test_what_waited_before_the_block_is_not_delivered(server):
    romeo, nurse = await server.session("romeo"), await server.session("nurse")
    juliet = await server.session("juliet", available=False)
    await romeo.message(juliet.bare, id="m1")
    await romeo.settled()
    await nurse.message(juliet.bare, id="m2")
    await nurse.settled()
    await block(juliet, romeo.bare)

    await juliet.available()

    assert [m["id"] for m in await juliet.all_that_waited()] == ["m2"]
    await juliet.leaves()
    await unblock(again := await server.session(juliet.account, available=False), romeo.bare)
    await again.available()
    assert await again.all_that_waited() == []


async def test_a_request_that_waited_before_the_block_is_not_shown(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", available=False)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await settled(romeo, juliet)
    await block(juliet, romeo.bare)

    await juliet.available()
    await settled(romeo, juliet)

    assert juliet.heard("presence", "subscribe") == []


@pytest.mark.parametrize("kind", ["chat", "normal", "headline", "groupchat", "error"])
async def test_no_type_of_message_comes_through(server, kind):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await block(juliet, romeo.bare)

    for to in (juliet.bare, juliet.jid):
        await romeo.message(to, kind=kind)
    await settled(romeo, juliet)

    assert juliet.heard("message") == []


async def test_directed_presence_does_not_come_through(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await block(juliet, romeo.bare)

    for kind in (None, "unavailable", "error"):
        await romeo.presence(kind=kind, to=juliet.jid)
    await settled(romeo, juliet)

    assert of(juliet, romeo) == []


# Out


_QUESTIONS = {
    "disco info": f"<query xmlns='{DISCO_INFO}'/>",
    "disco items": f"<query xmlns='{DISCO_ITEMS}'/>",
    "last activity": "<query xmlns='jabber:iq:last'/>",
    "vcard": "<vCard xmlns='vcard-temp'/>",
    "ping": "<ping xmlns='urn:xmpp:ping'/>",
}


@pytest.mark.parametrize("question", _QUESTIONS.values(), ids=_QUESTIONS)
async def test_the_account_answers_nothing(server, question):
    romeo, juliet = await server.friends("romeo", "juliet")
    await block(juliet, romeo.bare)

    answer = await romeo.ask(question, to=juliet.bare)

    assert answer.error.condition == "service-unavailable"


async def test_who_got_directed_presence_sees_one_go(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await juliet.presence(to=romeo.jid)
    assert (await romeo.hears("presence", None, juliet.jid))["type"] is None

    await block(juliet, romeo.bare)

    await romeo.hears("presence", "unavailable", juliet.jid)
    await juliet.leaves()
    await settled(romeo)
    assert of(romeo, juliet) == []  # once


async def test_a_blocked_device_sees_one_go_and_the_others_do_not(server):
    street, juliet = await server.friends("romeo", "juliet")
    orchard = await server.session(street.account, "orchard")
    await settle(street, orchard)
    street.heard("presence"), orchard.heard("presence")

    await block(juliet, street.jid)
    assert (await street.hears("presence", "unavailable"))["from"] == juliet.jid
    await juliet.presence("<show>away</show>")
    await settled(juliet, street, orchard)

    assert of(street, juliet) == []
    assert of(orchard, juliet) == [None]

    await unblock(juliet, street.jid)
    assert (await street.hears("presence", None, juliet.jid)).text_of("show") == "away"


async def test_a_blocked_device_that_logs_in_sees_nobody(server):
    street, juliet = await server.friends("romeo", "juliet")
    await block(juliet, street.jid)
    resource, account = street.resource, street.account
    await street.leaves()

    again = await server.session(account, resource)
    await settled(again, juliet, again)

    assert of(again, juliet) == []


@pytest.mark.parametrize("kind", [None, "probe", "subscribe", "subscribed"])
async def test_one_does_not_show_oneself_to_somebody_one_has_blocked(server, kind):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await block(juliet, romeo.bare)

    await juliet.presence(kind=kind, to=romeo.bare, id="p1")

    refused = await juliet.hears("presence", "error")
    assert (refused["id"], refused.error.condition, refused.error.by_application) == ("p1", "not-acceptable", ["blocked"])
    await settled(juliet, romeo)
    assert of(romeo, juliet) == []


async def test_a_blocked_contact_can_be_removed(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await block(juliet, romeo.bare)
    await romeo.hears("presence", "unavailable")

    answer = await juliet.set(f"<query xmlns='{ROSTER}'><item jid='{romeo.bare}' subscription='remove'/></query>")

    assert answer["type"] == "result"
    await romeo.hears("presence", "unsubscribed")
    assert romeo.bare not in await juliet.roster()
