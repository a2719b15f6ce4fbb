"""XEP-0280: which messages all devices of an account see (rules:0 of its section 6.1), and that none comes twice."""

import pytest

from support.xml import CHAT_STATES, DISCO_INFO, PING

CARBONS = "urn:xmpp:carbons:2"
RULES = "urn:xmpp:carbons:rules:0"
FORWARD = "urn:xmpp:forward:0"
RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
HINTS = "urn:xmpp:hints"
ROOM_USER = "http://jabber.org/protocol/muc#user"


async def carbons(session, how: str = "enable"):
    answer = await session.set(f"<{how} xmlns='{CARBONS}'/>")
    assert answer["type"] == "result", answer
    return session


async def device(server, name, resource, **how):
    return await carbons(await server.session(name, resource, **how))


def copy_in(message):
    """How a copy came ("sent", "received") and the message in it; None for a message that is none."""
    for how in ("sent", "received"):
        if frame := message.child(how, CARBONS):
            return how, frame.child("forwarded", FORWARD).child("message", "jabber:client")
    return None


async def seen(*sessions):
    """What has come to the last of them when all others' words have reached it: (how, id) each."""
    for session in sessions:
        await session.settled()
    found = []
    for message in sessions[-1].heard("message"):
        copy = copy_in(message)
        found.append((copy[0], copy[1]["id"]) if copy else ("", message["id"]))
    return found


async def test_hosts_and_accounts_say_that_they_copy(server):
    juliet = await server.session("juliet")

    for to in (server.domain, None):
        info = (await juliet.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to)).child("query", DISCO_INFO)
        assert {CARBONS, RULES} <= {feature["var"] for feature in info.all("feature")}


async def test_copies_are_turned_on_and_off_any_number_of_times(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", "phone", priority=-1)
    await server.session("juliet", "desk")
    for how in ("disable", "enable", "enable"):
        await carbons(juliet, how)
    await romeo.message(juliet.bare, id="on")
    assert await seen(romeo, juliet) == [("received", "on")]

    for how in ("disable", "disable"):
        await carbons(juliet, how)
    await romeo.message(juliet.bare, id="off")

    assert await seen(romeo, juliet) == []


async def test_nobody_turns_on_copies_for_others(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.set(f"<enable xmlns='{CARBONS}'/>", to=juliet.bare)

    assert answer["type"] == "error"


async def test_a_received_copy_is_framed_as_the_standard_says(server):
    romeo = await server.session("romeo", "garden")
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")

    await romeo.message(phone.jid, "What man art thou", id="m1", more="<thread>t</thread>", xml_lang="en")

    copy = await desk.hears()
    assert (copy["from"], copy["to"], copy["type"]) == (desk.bare, desk.jid, "chat")
    how, message = copy_in(copy)
    assert how == "received"
    assert (message["from"], message["to"], message["type"], message["id"]) == (romeo.jid, phone.jid, "chat", "m1")
    assert (message.text_of("body"), message.text_of("thread")) == ("What man art thou", "t")
    assert (await phone.hears()).text_of("body") == "What man art thou"


async def test_a_sent_copy_is_framed_as_the_standard_says(server):
    romeo = await server.session("romeo")
    phone, desk = await server.session("juliet", "phone"), await device(server, "juliet", "desk")

    await phone.message(romeo.bare, "Art thou not Romeo", id="m1")

    copy = await desk.hears()
    assert (copy["from"], copy["to"], copy["type"]) == (desk.bare, desk.jid, "chat")
    how, message = copy_in(copy)
    assert how == "sent"
    assert (message["from"], message["to"], message["id"]) == (phone.jid, romeo.bare, "m1")
    assert message.text_of("body") == "Art thou not Romeo"
    assert await seen(phone) == []


_BODY = "<body>hark</body>"
_CONVERSATION = {
    "chat": ("chat", _BODY),
    "chat without a body": ("chat", "<x xmlns='urn:example'/>"),
    "normal with a body": (None, _BODY),
    "chat state": ("normal", f"<composing xmlns='{CHAT_STATES}'/>"),
    "receipt": (None, f"<received xmlns='{RECEIPTS}' id='r1'/>"),
    "marker": (None, f"<displayed xmlns='{MARKERS}' id='d1'/>"),
    "receipt in a headline": ("headline", f"<received xmlns='{RECEIPTS}' id='r1'/>"),
    "direct invitation": (None, "<x xmlns='jabber:x:conference' jid='hall@rooms.example'/>"),
    "mediated invitation": (None, f"<x xmlns='{ROOM_USER}'><invite to='x@example.com'/></x>"),
    "error": ("error", "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"),
}
_REST = {
    "normal without a body": (None, "<x xmlns='urn:example'/>"),
    "headline": ("headline", _BODY),
    "private": ("chat", f"{_BODY}<private xmlns='{CARBONS}'/><no-copy xmlns='{HINTS}'/>"),
    "private without the hint": ("chat", f"{_BODY}<private xmlns='{CARBONS}'/>"),
    "the hint, to one device": ("chat", f"{_BODY}<no-copy xmlns='{HINTS}'/>"),
}


@pytest.mark.parametrize("kind, content", _CONVERSATION.values(), ids=_CONVERSATION)
async def test_what_belongs_to_a_conversation_is_copied_both_ways(server, kind, content):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    garden, street = await device(server, "romeo", "garden"), await device(server, "romeo", "street")

    await phone.stanza("message", content, type=kind, to=garden.jid, id="m1")

    assert await seen(phone, garden) == [("", "m1")]
    assert await seen(phone, desk) == [("sent", "m1")]
    assert await seen(street) == [("received", "m1")]
    assert await seen(phone) == []


@pytest.mark.parametrize("kind, content", _REST.values(), ids=_REST)
async def test_nothing_else_is_copied(server, kind, content):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    garden, street = await device(server, "romeo", "garden"), await device(server, "romeo", "street")

    await phone.stanza("message", content, type=kind, to=garden.jid, id="m1")

    assert await seen(phone, garden) == [("", "m1")]
    assert await seen(phone, desk) == []
    assert await seen(street) == []


async def test_the_private_element_is_passed_on(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, more=f"<private xmlns='{CARBONS}'/>")

    assert (await juliet.hears()).has("private", CARBONS)


async def test_a_private_word_in_a_room_is_copied_for_its_sender_only(server):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    garden, street = await device(server, "romeo", "garden"), await device(server, "romeo", "street")

    await phone.message(garden.jid, more=f"<x xmlns='{ROOM_USER}'/>", id="m1")

    assert await seen(phone, garden) == [("", "m1")]
    assert await seen(phone, desk) == [("sent", "m1")]
    assert await seen(street) == []


async def test_devices_that_are_silent_or_not_available_get_copies(server):
    romeo = await server.session("romeo")
    await server.session("juliet", "desk")
    silent = await device(server, "juliet", "silent", priority=-1)
    away = await device(server, "juliet", "away", available=False)

    await romeo.message(silent.bare, id="m1")

    assert await seen(romeo, silent) == [("received", "m1")]
    assert await seen(away) == [("received", "m1")]


async def test_a_message_that_is_kept_comes_once_to_whoever_comes(server):
    romeo = await server.session("romeo")
    away = await device(server, "juliet", "away", available=False)
    await romeo.message(away.bare, id="m1")
    assert await seen(romeo, away) == []

    await away.available()

    assert [m["id"] for m in await away.all_that_waited()] == ["m1"]


async def test_what_is_sent_to_somebody_away_is_copied_to_the_own_devices_once(server):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    romeo = await server.account("romeo")

    await phone.message(romeo.jid, id="m1")

    assert await seen(phone, desk) == [("sent", "m1")]


async def test_a_refused_message_and_its_refusal_are_seen_on_all_devices(server):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    nobody = server.unregistered("nobody")

    for number, to in enumerate((nobody.jid, "paris@verona.example", server.domain)):
        await phone.message(to, id=f"m{number}")

        assert await seen(phone, desk) == [("sent", f"m{number}"), ("received", f"m{number}")]
        assert [(e["type"], e["id"]) for e in phone.heard("message")] == [("error", f"m{number}")]


async def test_a_refusal_of_what_is_not_copied_is_not_copied(server):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    nobody = server.unregistered("nobody")

    await phone.stanza("message", "<x xmlns='urn:example'/>", to=nobody.jid, id="m1")

    assert (await phone.hears("message", "error"))["id"] == "m1"
    assert await seen(phone, desk) == []


async def test_a_contacts_error_is_seen_on_all_devices(server):
    romeo = await server.session("romeo")
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")

    await romeo.stanza(
        "message",
        "<error type='cancel'><not-acceptable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        type="error",
        to=phone.jid,
        id="m1",
    )

    assert (await phone.hears("message", "error"))["id"] == "m1"
    copy = await desk.hears("message", "error")
    assert copy_in(copy)[0] == "received" and copy_in(copy)[1].error.condition == "not-acceptable"


async def test_a_copy_that_a_device_refuses_troubles_nobody(server):
    romeo = await device(server, "romeo", "garden")
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    await romeo.message(phone.jid, id="m1")
    copy = await desk.hears()

    await desk.stanza("message", "<error type='cancel'/>", type="error", to=copy["from"], id="m1")

    assert await seen(desk, romeo) == []
    assert await seen(desk, phone) == [("", "m1")]


@pytest.mark.parametrize("to", ("bare", "device", "own device", "nobody"))
async def test_a_note_to_oneself_comes_once_to_each_device(server, to):
    phone = await device(server, "juliet", "phone", priority=1)
    desk = await device(server, "juliet", "desk", priority=5)
    address = {"bare": phone.bare, "device": desk.jid, "own device": phone.jid, "nobody": None}[to]

    await phone.stanza("message", _BODY, type="chat", to=address, id="m1")

    on_phone, on_desk = await seen(phone), await seen(phone, desk)
    if to == "own device":
        assert (on_phone, on_desk) == ([("", "m1")], [("received", "m1")])
    else:
        assert (on_phone, on_desk) == ([], [("", "m1")])


async def test_copies_keep_the_order_of_a_conversation(server):
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    romeo = await server.account("romeo")

    for number in range(100):
        # some are kept, some are chat states that nobody keeps
        content = _BODY if number % 3 else f"<composing xmlns='{CHAT_STATES}'/>"
        await phone.stanza("message", content, type="chat", to=romeo.jid, id=f"m{number}")

    assert await seen(phone, desk) == [("sent", f"m{number}") for number in range(100)]


@pytest.mark.parametrize("how", ("sent", "received"))
async def test_forged_copies_are_taken_out(server, how):
    tybalt, phone = await server.session("tybalt"), await device(server, "juliet", "phone")
    desk = await device(server, "juliet", "desk")
    forged = (
        f"<{how} xmlns='{CARBONS}'><forwarded xmlns='{FORWARD}'><message xmlns='jabber:client' "
        f"from='romeo@localhost/garden' to='{phone.jid}'><body>meet me</body></message></forwarded></{how}>"
    )

    await tybalt.message(phone.jid, "hm", more=forged, id="m1")

    assert copy_in(await phone.hears()) is None
    _, copied = copy_in(await desk.hears())
    assert copy_in(copied) is None and copied.text_of("body") == "hm"


async def test_a_blocked_senders_words_are_not_copied(server):
    romeo = await server.session("romeo")
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")
    await phone.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")

    await romeo.message(phone.jid)
    await romeo.message(phone.bare)

    assert await seen(romeo, phone) == []
    assert await seen(desk) == []


async def test_an_answered_ping_says_that_the_copies_are_there(server):
    romeo = await server.account("romeo")
    phone, desk = await device(server, "juliet", "phone"), await device(server, "juliet", "desk")

    await phone.message(romeo.jid, id="m1")
    await phone.ask(f"<ping xmlns='{PING}'/>", to=server.domain)

    assert await seen(desk) == [("sent", "m1")]
