"""Contacts, presence, typing and receipts: people with an app among people with XMPP."""

import pytest

from support.apps import JSON, PROTOBUF
from support.frames import Contact, Presence, Receipt, Roster, SetContact, Typing
from support.xml import CHAT_STATES, MARKERS, RECEIPTS

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")


async def _sees(app, whom: str, kind: str = "", **fields):
    """The next presence of a session of somebody else."""

    def wanted(frame) -> bool:
        return (
            frame.name == "Presence"
            and frame.message.type == kind
            and getattr(frame.message, "from").partition("/")[::2][0] == whom
            and ("/" in getattr(frame.message, "from") or kind not in ("", "unavailable"))
        )

    presence = (await app.take(wanted, f"presence {kind!r} of {whom}")).message
    for field, value in fields.items():
        assert getattr(presence, field) == value, presence
    return presence


async def _contacts(app) -> dict:
    answer = await app.asks(Roster())
    assert answer.DESCRIPTOR.name == "Roster", answer
    return {contact.address: contact for contact in answer.contacts}


async def _friends(one, other) -> None:
    """Two apps that see each other."""
    for asks, agrees in ((one, other), (other, one)):
        await asks.send(Presence(to=agrees.bare, type="subscribe"))
        await _sees(agrees, asks.bare, "subscribe")
        await agrees.send(Presence(to=asks.bare, type="subscribed"))
        await _sees(asks, agrees.bare)


# Presence


async def test_an_app_is_online_for_xmpp_contacts_and_they_for_it(server):
    """With slixmpp at the other end."""
    romeo, juliet = await server.app("romeo"), await server.login("juliet")
    await juliet.befriends(romeo.bare)
    await _sees(romeo, juliet.account.jid, "subscribe")
    await romeo.send(Presence(to=juliet.account.jid, type="subscribed"))
    await juliet.sees(romeo.bare)

    await romeo.send(Presence(to=juliet.account.jid, type="subscribe"))
    assert await juliet.is_asked() == romeo.bare
    await juliet.agrees(romeo.bare)
    await _sees(romeo, juliet.account.jid)

    await romeo.send(Presence(show="away", status="in exile"))
    await juliet.sees(romeo.bare, "away")
    juliet.send_presence(pshow="dnd", pstatus="asleep")
    await romeo.take(lambda f: f.name == "Presence" and f.message.show == "dnd" and f.message.status == "asleep", "dnd")

    await romeo.leaves()
    await juliet.sees(romeo.bare, "unavailable")
    romeo = await server.app(romeo.account)
    await juliet.sees(romeo.bare)
    await romeo.asks(Roster())  # an app that has asked for anything newer is shown who is there
    romeo.vanishes()
    await juliet.sees(romeo.bare, "unavailable")


async def test_apps_see_each_other(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await _friends(romeo, juliet)

    await juliet.send(Presence(show="xa", status="不在", priority=3))
    await romeo.take(
        lambda f: f.name == "Presence" and (f.message.show, f.message.status, f.message.priority) == ("xa", "不在", 3), "xa"
    )
    await juliet.send(Presence(type="unavailable"))
    await _sees(romeo, juliet.bare, "unavailable")
    await juliet.send(Presence())
    await _sees(romeo, juliet.bare)
    await juliet.leaves()
    await _sees(romeo, juliet.bare, "unavailable")


async def test_who_comes_later_is_shown_who_is_there(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await _friends(romeo, juliet)
    await romeo.leaves()

    romeo = await server.app(romeo.account)

    await _sees(romeo, juliet.bare)


async def test_a_subscription_ends(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await _friends(romeo, juliet)

    await juliet.send(Presence(to=romeo.bare, type="unsubscribed"))

    await _sees(romeo, juliet.bare, "unsubscribed")
    await juliet.send(Presence(show="away"))
    await juliet.tells(romeo.bare, "thou shalt not see it")
    await romeo.hears("thou shalt not see it")
    assert [p for p in romeo.came("Presence") if p.show == "away"] == []


@pytest.mark.parametrize(
    "presence", [{"show": "busy"}, {"type": "probe"}, {"type": "nonsense"}, {"priority": 128}, {"priority": -129}]
)
async def test_presence_that_there_is_not(server, presence):
    romeo = await server.app("romeo")

    await romeo.send(Presence(**presence))

    assert (await romeo.gets("Error")).code in ("bad-request", "not-allowed")
    await romeo.tells(body="still here")


async def test_presence_for_an_address_that_is_none(server):
    romeo = await server.app("romeo")

    await romeo.send(Presence(to="a@b@c", type="subscribe"))

    assert (await romeo.gets("Error")).code == "bad-request"


async def test_the_seeds_app_hears_of_none_of_it(server):
    """Until it uses something newer."""
    old, juliet = await server.app("romeo", protocol=None), await server.app("juliet")
    await juliet.send(Presence(to=old.bare, type="subscribe"))
    await juliet.send(Typing(to=old.bare, state="composing"))
    await juliet.tells(old.bare, "I call")

    await old.hears("I call")
    assert old.came("Presence", "Typing", "Roster") == []
    assert await _contacts(old) == {}
    await juliet.tells(old.bare, "again")
    await old.hears("again")
    await juliet.send(Typing(to=old.bare, state="paused"))
    assert (await old.gets("Typing")).state == "paused"


# Contacts


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_contacts_are_added_changed_and_removed(server, protocol):
    romeo, juliet = await server.app("romeo", protocol=protocol), await server.account("juliet")
    assert await _contacts(romeo) == {}

    await romeo.does(SetContact(contact=Contact(address=juliet.jid, name="朱丽叶", groups=["Capulets", "Verona"])))
    (pushed,) = (await romeo.gets("Roster", request="")).contacts
    assert (pushed.address, pushed.name, sorted(pushed.groups)) == (juliet.jid, "朱丽叶", ["Capulets", "Verona"])
    assert pushed.subscription == "none"
    assert await _contacts(romeo) == {juliet.jid: pushed}
    await romeo.does(SetContact(contact=Contact(address=juliet.jid, name="Juliet")))
    (pushed,) = (await romeo.gets("Roster", request="")).contacts
    assert (pushed.name, list(pushed.groups)) == ("Juliet", [])
    await romeo.does(SetContact(contact=Contact(address=juliet.jid, subscription="remove")))

    (pushed,) = (await romeo.gets("Roster", request="")).contacts
    assert (pushed.address, pushed.subscription) == (juliet.jid, "remove")
    assert await _contacts(romeo) == {}


async def test_contacts_are_those_of_xmpp(server):
    phone = await server.app("romeo")
    desk = await server.session(phone.account, roster=True)
    juliet = await server.account("juliet")
    await _contacts(phone)

    await phone.does(SetContact(contact=Contact(address=juliet.jid, name="Juliet", groups=["Capulets"])))
    item = await desk.push(juliet.jid)
    assert (item["name"], item.text_of("group")) == ("Juliet", "Capulets")
    await phone.gets("Roster", request="")
    await desk.set(f"<query xmlns='jabber:iq:roster'><item jid='{juliet.jid}' name='J.'/></query>")

    (pushed,) = (await phone.gets("Roster", request="")).contacts
    assert (pushed.address, pushed.name) == (juliet.jid, "J.")


async def test_a_request_stands_in_the_contacts(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await _contacts(romeo)

    await romeo.send(Presence(to=juliet.bare, type="subscribe"))
    (asked,) = (await romeo.gets("Roster", request="")).contacts
    assert (asked.address, asked.subscription, asked.ask) == (juliet.bare, "none", "subscribe")
    await _sees(juliet, romeo.bare, "subscribe")
    await juliet.send(Presence(to=romeo.bare, type="subscribed"))

    (agreed,) = (await romeo.gets("Roster", request="")).contacts
    assert (agreed.subscription, agreed.ask) == ("to", "")
    assert (await _contacts(juliet))[romeo.bare].subscription == "from"


async def test_who_has_not_asked_for_contacts_is_not_told_of_changes(server):
    phone, tablet, juliet = await server.app("romeo"), await server.app("romeo"), await server.account("juliet")
    await _contacts(tablet)

    await phone.does(SetContact(contact=Contact(address=juliet.jid)))

    await tablet.gets("Roster", request="")
    await phone.hears_from(tablet)
    assert phone.came("Roster") == []


@pytest.mark.parametrize(
    "contact",
    [
        {"address": ""},
        {"address": "a@b@c"},
        {"address": "x@localhost", "name": "a\x01"},
        {"address": "x" * 5000},
    ],
)
async def test_contacts_that_cannot_be(server, contact):
    romeo = await server.app("romeo")

    error = await romeo.asks(SetContact(contact=Contact(**contact)))

    assert (error.DESCRIPTOR.name, error.code) == ("Error", "bad-request")


async def test_who_removes_a_stranger(server):
    romeo, juliet = await server.app("romeo"), await server.account("juliet")

    error = await romeo.asks(SetContact(contact=Contact(address=juliet.jid, subscription="remove")))

    assert (error.DESCRIPTOR.name, error.code) == ("Error", "not-found")


# Typing


@pytest.mark.parametrize("state", ["composing", "paused", "active", "inactive", "gone"])
async def test_somebody_is_writing(server, state):
    romeo, juliet, nurse = await server.app("romeo"), await server.app("juliet"), await server.session("nurse")

    await romeo.send(Typing(to=juliet.bare, state=state))
    await romeo.send(Typing(to=nurse.bare, state=state))

    typing = await juliet.gets("Typing")
    assert (typing.state, getattr(typing, "from").partition("/")[0]) == (state, romeo.bare)
    stanza = await nurse.hears()
    assert stanza.has(state, CHAT_STATES) and not stanza.has("body")
    await nurse.message(romeo.bare, None, more=f"<{state} xmlns='{CHAT_STATES}'/>")
    typing = await romeo.gets("Typing")
    assert (typing.state, getattr(typing, "from").partition("/")[0]) == (state, nurse.bare)


async def test_a_state_that_there_is_not(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    await romeo.send(Typing(to=juliet.bare, state="singing"))

    error = await romeo.gets("Error")
    assert (error.code, error.type) == ("bad-request", 18)


async def test_typing_waits_for_nobody(server):
    romeo, juliet = await server.app("romeo"), await server.account("juliet")

    await romeo.send(Typing(to=juliet.jid, state="composing"))
    await romeo.tells(juliet.jid, "words")

    app = await server.app(juliet)
    await app.hears("words")
    assert app.came("Typing") == []


# Receipts


@pytest.mark.parametrize("kind", ["delivered", "read"])
async def test_receipts_go_both_ways(server, kind):
    romeo, juliet, nurse = await server.app("romeo"), await server.app("juliet"), await server.session("nurse")
    event = await romeo.tells(juliet.bare, "hast thou it?")
    await juliet.hears()
    await nurse.message(romeo.bare, "and thou?", id="n1", more=f"<request xmlns='{RECEIPTS}'/><markable xmlns='{MARKERS}'/>")
    await romeo.hears("and thou?")

    await juliet.send(Receipt(to=romeo.bare, kind=kind, eventId=event))
    await romeo.send(Receipt(to=nurse.bare, kind=kind, eventId="n1"))

    receipt = await romeo.gets("Receipt")
    assert (receipt.kind, receipt.eventId) == (kind, event)
    assert getattr(receipt, "from").partition("/")[0] == juliet.bare
    stanza = await nurse.hears()
    element = stanza.child("received", RECEIPTS) if kind == "delivered" else stanza.child("displayed", MARKERS)
    assert element["id"] == "n1"
    said = f"<received xmlns='{RECEIPTS}' id='e9'/>" if kind == "delivered" else f"<displayed xmlns='{MARKERS}' id='e9'/>"
    await nurse.message(romeo.bare, None, more=said)
    receipt = await romeo.gets("Receipt")
    assert (receipt.kind, receipt.eventId, getattr(receipt, "from").partition("/")[0]) == (kind, "e9", nurse.bare)


@pytest.mark.parametrize("receipt", [{"kind": "eaten", "eventId": "1"}, {"kind": "read"}])
async def test_receipts_that_cannot_be(server, receipt):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    await romeo.send(Receipt(to=juliet.bare, **receipt))

    assert (await romeo.gets("Error")).code == "bad-request"
