"""XEP-0184 and XEP-0333: receipts and markers go from client to client; the server passes them on and copies them."""

import pytest

from support.archive import ask
from support.session import settle
from support.xml import CARBONS, CHAT_STATES, FORWARD, HINTS, MARKERS, RECEIPTS

RECEIPT = f"<received xmlns='{RECEIPTS}' id='richard2-4.1.247'/>"
MARKS = {
    "received": RECEIPT,
    "displayed": f"<displayed xmlns='{MARKERS}' id='message-1'/>",
    "received marker": f"<received xmlns='{MARKERS}' id='message-1'/>",
    "acknowledged": f"<acknowledged xmlns='{MARKERS}' id='message-1'/>",
}


async def test_a_message_that_wants_a_receipt_arrives_with_its_wish(server):
    """XEP-0184 examples 3 and 4: and the server does not answer in the client's place."""
    richard, kingrichard = await server.session("northumberland", "shakespeare"), await server.session("kingrichard")
    wish = f"<request xmlns='{RECEIPTS}'/><markable xmlns='{MARKERS}'/>"

    await richard.message(kingrichard.jid, "My lord, dispatch", more=wish, id="richard2-4.1.247")

    heard = await kingrichard.hears()
    assert heard["id"] == "richard2-4.1.247"
    assert heard.has("request", RECEIPTS) and heard.has("markable", MARKERS)
    await settle(richard, kingrichard)
    assert richard.heard("message") == []


@pytest.mark.parametrize("kind", [None, "normal", "chat"])
@pytest.mark.parametrize("mark", MARKS)
async def test_a_receipt_arrives_as_it_was_sent(server, kind, mark):
    """XEP-0184 example 4, XEP-0333 example 4."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await juliet.message(romeo.jid, None, kind, MARKS[mark], id="bi29sg183b4v")

    heard = await romeo.hears()
    assert (heard["from"], heard["to"], heard["id"]) == (juliet.jid, romeo.jid, "bi29sg183b4v")
    (child,) = [c for c in heard.children if c.ns in (RECEIPTS, MARKERS)]
    assert child["id"] in MARKS[mark] and child.name == mark.split()[0]


@pytest.mark.parametrize("mark", MARKS)
async def test_a_receipt_to_a_person_arrives(server, mark):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await juliet.message(romeo.bare, None, "chat", MARKS[mark], id="r1")

    assert (await romeo.hears())["id"] == "r1"


async def test_a_receipt_comes_behind_the_message_that_went_before(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for number in range(20):
        await juliet.message(romeo.jid, "words", id=f"w{number}")
        await juliet.message(romeo.jid, None, "chat", RECEIPT, id=f"r{number}")

    heard = [(await romeo.hears())["id"] for _ in range(40)]
    assert heard == [f"{kind}{number}" for number in range(20) for kind in "wr"]


@pytest.mark.parametrize("mark", MARKS)
async def test_receipts_are_copied_to_the_other_devices_of_both(server, mark):
    """So that what was read on one device is read on all."""
    home, garden = await server.session("romeo", "home"), await server.session("romeo", "garden")
    balcony, chamber = await server.session("juliet", "balcony"), await server.session("juliet", "chamber")
    for session in (garden, chamber):
        await session.set(f"<enable xmlns='{CARBONS}'/>")

    await balcony.message(home.jid, None, "chat", MARKS[mark], id="r1")

    assert (await home.hears())["id"] == "r1"
    for session, direction in ((garden, "received"), (chamber, "sent")):
        copy = (await session.hears()).child(direction, CARBONS).child("forwarded", FORWARD).child("message")
        assert copy["id"] == "r1"
        assert any(child.ns in (RECEIPTS, MARKERS) for child in copy.children)


@pytest.mark.parametrize("mark", MARKS)
async def test_a_receipt_that_is_to_be_stored_waits_and_is_archived(server, mark):
    """XEP-0334 section 4.4."""
    romeo, juliet = await server.account("romeo"), await server.session("juliet")

    await juliet.message(romeo, None, "chat", MARKS[mark] + f"<store xmlns='{HINTS}'/>", id="r1")
    await juliet.settled()

    session = await server.session(romeo)
    assert (await session.hears())["id"] == "r1"
    assert [r.message["id"] for r in (await ask(session)).results] == ["r1"]


async def test_a_message_with_a_receipt_and_a_state_keeps_both(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await juliet.message(romeo.jid, "ay me", more=RECEIPT + f"<active xmlns='{CHAT_STATES}'/>")

    heard = await romeo.hears()
    assert heard.has("received", RECEIPTS) and heard.has("active", CHAT_STATES)
    assert heard.text_of("body") == "ay me"
    assert (await ask(romeo)).results[0].message.has("received", RECEIPTS)


async def test_receipts_of_blocked_people_do_not_arrive(server):
    romeo, tybalt = await server.session("romeo"), await server.session("tybalt")
    await romeo.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{tybalt.bare}'/></block>")

    for mark in MARKS.values():
        await tybalt.message(romeo.jid, None, "chat", mark)
    await tybalt.settled()

    await romeo.settled()
    assert romeo.heard("message") == []
