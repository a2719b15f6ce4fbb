"""XEP-0280: every device of a person has both sides of every conversation."""

import pytest

from support.managed import Managed, Unresumable, resumed
from support.session import settle
from support.xml import CARBONS, CHAT_STATES, CLIENT, DISCO_INFO, FORWARD, HINTS, MARKERS, RECEIPTS, STANZA_ID

MUC_USER = "http://jabber.org/protocol/muc#user"


async def _enables(session) -> None:
    answer = await session.set(f"<enable xmlns='{CARBONS}'/>")
    assert (answer["type"], answer.children) == ("result", [])


async def _with_carbons(server, name, resource, **how):
    session = await server.session(name, resource, **how)
    await _enables(session)
    return session


def _copied(message, direction: str, session):
    """The message inside a copy that came to this session."""
    assert (message["from"], message["to"]) == (session.bare, session.jid)
    (carbon,) = [child for child in message.children if child.ns == CARBONS]
    assert carbon.name == direction
    (forwarded,) = carbon.children
    assert (forwarded.name, forwarded.ns) == ("forwarded", FORWARD)
    return forwarded.child("message", CLIENT)


async def _copies(session, *others) -> list:
    """What has come to the session besides its own business."""
    await settle(*others, session)
    return [m for m in session.heard("message") if not m.has("note")]


# Sections 3 to 5


async def test_the_server_says_that_it_makes_copies(server):
    """Examples 1 and 2."""
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=server.domain)

    features = {feature["var"] for feature in answer.child("query").all("feature")}
    assert {CARBONS, "urn:xmpp:carbons:rules:0"} <= features


@pytest.mark.parametrize("what", ["enable", "disable"])
async def test_carbons_may_be_switched_again_and_again(server, what):
    """Examples 3, 4, 6 and 7, section 10.1."""
    romeo = await server.session("romeo")

    for _ in range(2):
        answer = await romeo.set(f"<{what} xmlns='{CARBONS}'/>")
        assert (answer["type"], answer["to"], answer.children) == ("result", romeo.jid, [])
        assert answer["from"] in (None, romeo.bare)


@pytest.mark.parametrize("what", ["enable", "disable"])
async def test_nobody_switches_the_carbons_of_another(server, what):
    romeo, juliet = await server.session("romeo"), await _with_carbons(server, "juliet", "chamber")
    balcony = await server.session("juliet", "balcony", priority=5)

    answer = await romeo.set(f"<{what} xmlns='{CARBONS}'/>", to=juliet.bare)

    assert answer["type"] == "error"
    await romeo.message(balcony.jid, "hark")
    assert (await juliet.hears()).has("received", CARBONS)


async def test_only_sets_switch_carbons(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<enable xmlns='{CARBONS}'/>")

    assert answer["type"] == "error"


async def test_a_session_starts_without_carbons(server):
    first = await _with_carbons(server, "romeo", "garden")
    await first.leaves()
    juliet = await server.session("juliet")
    garden, home = await server.session("romeo", "garden"), await server.session("romeo", "home", priority=1)

    await juliet.message(home.jid)

    assert await _copies(garden, juliet, home) == []


async def test_there_are_no_copies_after_carbons_are_disabled(server):
    garden = await _with_carbons(server, "romeo", "garden")
    home, juliet = await server.session("romeo", "home"), await server.session("juliet")
    await garden.set(f"<disable xmlns='{CARBONS}'/>")

    await juliet.message(home.jid)
    await home.message(juliet.jid)

    assert await _copies(garden, juliet, home) == []


# Section 7: received


async def test_what_one_device_gets_the_others_get_a_copy_of(server):
    """Examples 9 and 10."""
    garden, home = await server.session("romeo", "garden"), await _with_carbons(server, "romeo", "home")
    juliet = await server.session("juliet", "balcony")

    await juliet.message(garden.jid, "What man art thou", more="<thread>0e31</thread>", id="m1", xml_lang="en")

    assert (await garden.hears()).text_of("body") == "What man art thou"
    copy = await home.hears()
    assert copy["type"] == "chat"
    message = _copied(copy, "received", home)
    assert (message["from"], message["to"], message["type"], message["id"]) == (juliet.jid, garden.jid, "chat", "m1")
    assert (message.text_of("body"), message.text_of("thread")) == ("What man art thou", "0e31")
    assert await _copies(home, juliet, garden) == []


async def test_who_has_the_message_gets_no_copy(server):
    """To the bare address: each device hears it once, as itself or as a copy."""
    garden, home = [await _with_carbons(server, "romeo", where, priority=5) for where in ("garden", "home")]
    street = await _with_carbons(server, "romeo", "street", priority=1)
    juliet = await server.session("juliet")

    await juliet.message(garden.bare, "hark")

    heard = [await session.hears() for session in (garden, home, street)]
    originals = [m for m in heard if m.text_of("body") == "hark"]
    assert 1 <= len(originals) <= 3
    for session, message in zip((garden, home, street), heard):
        if message not in originals:
            assert _copied(message, "received", session).text_of("body") == "hark"
    for session in (garden, home, street):
        assert await _copies(session, juliet) == []


async def test_a_device_that_wants_no_messages_of_its_own_gets_copies(server):
    garden = await server.session("romeo", "garden")
    machine = await _with_carbons(server, "romeo", "machine", priority=-1)
    juliet = await server.session("juliet")

    await juliet.message(garden.bare, "hark")

    assert (await garden.hears()).text_of("body") == "hark"
    assert _copied(await machine.hears(), "received", machine).text_of("body") == "hark"


async def test_a_device_without_carbons_gets_no_copies(server):
    garden, home = await server.session("romeo", "garden"), await server.session("romeo", "home")
    juliet = await server.session("juliet")

    await juliet.message(garden.jid)
    await garden.message(juliet.jid)

    assert await _copies(home, juliet, garden) == []


async def test_a_forged_copy_is_no_copy(server):
    """Example 11: what comes is from Tybalt, or does not come."""
    romeo, tybalt = await _with_carbons(server, "romeo", "garden"), await server.session("tybalt")
    forged = (
        f"<received xmlns='{CARBONS}'><forwarded xmlns='{FORWARD}'><message xmlns='jabber:client' "
        "from='juliet@capulet.example/balcony' to='romeo@montague.example/garden' type='chat'>"
        "<body>Thou shall meet me tonite</body></message></forwarded></received>"
    )

    await tybalt.message(romeo.bare, "look", more=forged)

    heard = await romeo.hears()
    assert heard["from"] == tybalt.jid
    assert heard.text_of("body") == "look"


# Section 8: sent


@pytest.mark.parametrize("sender_too", [False, True], ids=["without carbons itself", "with carbons itself"])
async def test_what_one_device_sends_the_others_get_a_copy_of(server, sender_too):
    """Examples 12 and 13."""
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    juliet = await server.session("juliet", "balcony")
    if sender_too:
        await _enables(home)

    await home.message(juliet.jid, "Neither, fair saint", more="<thread>0e31</thread>", id="m2")

    copy = await garden.hears()
    assert copy["type"] == "chat"
    message = _copied(copy, "sent", garden)
    assert (message["from"], message["to"], message["type"], message["id"]) == (home.jid, juliet.jid, "chat", "m2")
    assert (message.text_of("body"), message.text_of("thread")) == ("Neither, fair saint", "0e31")
    assert await _copies(home, juliet, garden) == []
    assert await _copies(garden, juliet, home) == []


async def test_what_is_sent_to_somebody_away_is_copied(server):
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    juliet = await server.account("juliet")

    await home.message(juliet, "good night")

    message = _copied(await garden.hears(), "sent", garden)
    assert (message["to"], message.text_of("body")) == (juliet.jid, "good night")


async def test_both_sides_have_copies_of_one_message(server):
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    balcony, chamber = await server.session("juliet", "balcony"), await _with_carbons(server, "juliet", "chamber")

    await home.message(balcony.jid, "hark")

    assert _copied(await garden.hears(), "sent", garden).text_of("body") == "hark"
    assert _copied(await chamber.hears(), "received", chamber).text_of("body") == "hark"
    assert (await balcony.hears()).text_of("body") == "hark"


async def test_copies_come_in_the_order_of_the_conversation(server):
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    juliet = await server.session("juliet")
    for number in range(0, 20, 2):
        await home.message(juliet.jid, str(number))
        await juliet.hears()
        await juliet.message(home.jid, str(number + 1))
        await home.hears()

    heard = [await garden.hears() for _ in range(20)]

    directions = [_copied(m, ("sent", "received")[n % 2], garden).text_of("body") for n, m in enumerate(heard)]
    assert directions == [str(n) for n in range(20)]


# Section 6.1: which messages

RECEIPT = f"<received xmlns='{RECEIPTS}' id='m1'/>"
MARKER = f"<displayed xmlns='{MARKERS}' id='m1'/>"
STATE = f"<composing xmlns='{CHAT_STATES}'/>"
DIRECT_INVITATION = "<x xmlns='jabber:x:conference' jid='darkcave@macbeth.shakespeare.lit'/>"
MEDIATED_INVITATION = f"<x xmlns='{MUC_USER}'><invite from='crone1@shakespeare.lit/desktop'/></x>"
RULES = {
    "chat": ("chat", "words", "", True),
    "chat without words": ("chat", None, "<x xmlns='urn:x'/>", True),
    "normal": ("normal", "words", "", True),
    "no type": (None, "words", "", True),
    "normal without words": ("normal", None, "<x xmlns='urn:x'/>", False),
    "receipt": ("normal", None, RECEIPT, True),
    "marker": ("normal", None, MARKER, True),
    "chat state": ("normal", None, STATE, True),
    "headline": ("headline", "words", "", False),
    "groupchat": ("groupchat", "words", "", False),
    "direct invitation": ("normal", None, DIRECT_INVITATION, True),
    "mediated invitation": ("normal", None, MEDIATED_INVITATION, True),
    "private": ("chat", "words", f"<private xmlns='{CARBONS}'/><no-copy xmlns='{HINTS}'/>", False),
    "private alone": ("chat", "words", f"<private xmlns='{CARBONS}'/>", False),
    "no-copy alone": ("chat", "words", f"<no-copy xmlns='{HINTS}'/>", False),
    "no-store": ("chat", "words", f"<no-store xmlns='{HINTS}'/>", True),
}


@pytest.mark.parametrize("case", RULES)
async def test_the_rules_say_what_is_copied_on_both_sides(server, case):
    kind, body, more, copied = RULES[case]
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    balcony, chamber = await server.session("juliet", "balcony"), await _with_carbons(server, "juliet", "chamber")

    await home.message(balcony.jid, body, kind, more, id="m1")
    await balcony.hears()

    for session, direction, other in ((chamber, "received", home), (garden, "sent", balcony)):
        copies = await _copies(session, other)
        assert len(copies) == (1 if copied else 0), (direction, copies)
        if copied:
            assert _copied(copies[0], direction, session)["id"] == "m1"


async def test_a_private_message_arrives_as_it_was_sent(server):
    """Examples 14 and 15."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet", "home")
    more = f"<thread>0e31</thread><private xmlns='{CARBONS}'/><no-copy xmlns='{HINTS}'/>"

    await romeo.message(juliet.jid, "Neither, fair saint", more=more)

    heard = await juliet.hears()
    assert heard.text_of("body") == "Neither, fair saint"
    assert heard.has("private", CARBONS) and heard.has("no-copy", HINTS)


async def test_an_error_to_what_was_copied_is_copied(server):
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    juliet = await server.session("juliet")
    await home.message(juliet.jid, "hark", id="m1")
    await juliet.hears()
    assert _copied(await garden.hears(), "sent", garden)["id"] == "m1"

    await juliet.message(
        home.jid,
        None,
        "error",
        "<body>hark</body>"
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        id="m1",
    )

    assert (await home.hears())["type"] == "error"
    copy = await garden.hears()
    assert copy["type"] == "error" or _copied(copy, "received", garden)["type"] == "error"


async def test_what_a_participant_of_a_room_says_in_private_is_not_copied(server):
    """The room sends it to every device that is there; it is known by its mark."""
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    room = await server.session("coven", "firstwitch")

    await room.message(home.jid, "hail", more=f"<x xmlns='{MUC_USER}'/>")
    await home.hears()

    assert await _copies(garden, home) == []


async def test_what_is_said_to_a_participant_of_a_room_in_private_is_copied(server):
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    room = await server.session("coven", "firstwitch")

    await home.message(room.jid, "hail", more=f"<x xmlns='{MUC_USER}'/>")

    assert _copied(await garden.hears(), "sent", garden).text_of("body") == "hail"


# Section 10 and other business


async def test_a_copy_that_bounces_is_not_held_against_the_sender(server):
    home, garden = await server.session("romeo", "home"), await _with_carbons(server, "romeo", "garden")
    juliet = await server.session("juliet")
    await juliet.message(home.jid, "hark", id="m1")
    copy = await garden.hears()

    await garden.message(
        copy["from"],
        None,
        "error",
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        id=copy["id"] or "m1",
    )
    await settle(garden, juliet, home)

    assert juliet.heard("message") == []


async def test_there_are_no_copies_of_what_was_blocked(server):
    home, garden = await server.session("romeo", "home"), await _with_carbons(server, "romeo", "garden")
    tybalt = await server.session("tybalt")
    await home.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{tybalt.bare}'/></block>")

    await tybalt.message(home.jid, "villain")
    await tybalt.settled()

    await settle(home, garden)
    assert home.heard("message") == garden.heard("message") == []


async def test_a_copy_tells_the_id_in_ones_own_archive_and_no_other(server):
    """XEP-0313 section 3.5."""
    garden, home = await _with_carbons(server, "romeo", "garden"), await server.session("romeo", "home")
    balcony, chamber = await server.session("juliet", "balcony"), await _with_carbons(server, "juliet", "chamber")

    await home.message(balcony.jid, "hark")

    received = _copied(await chamber.hears(), "received", chamber)
    assert [s["by"] for s in received.all("stanza-id", STANZA_ID)] == [balcony.bare]
    original = await balcony.hears()
    assert received.child("stanza-id")["id"] == original.child("stanza-id", STANZA_ID)["id"]
    sent = _copied(await garden.hears(), "sent", garden)
    assert {s["by"] for s in sent.all("stanza-id", STANZA_ID)} <= {home.bare}


# With stream management


async def test_copies_that_were_lost_do_not_wait_as_messages(server):
    """The message itself has arrived at another device."""
    home = await server.session("romeo", "home")
    garden = await _with_carbons(server, "romeo", "garden", type=Unresumable)
    juliet = await server.session("juliet")
    garden.answers_requests = False
    await juliet.message(home.jid, "hark")
    await home.hears()
    await garden.hears()
    await settle(home, juliet)

    garden.cut()

    await home.hears("presence", "unavailable")
    assert [m.text_of("body") for m in await home.all_that_waited()] == []
    again = await server.session("romeo", "garden")
    assert [m for m in await again.all_that_waited()] == []


async def test_carbons_stay_with_a_resumed_session_and_come_again(server):
    home = await server.session("romeo", "home")
    garden = await _with_carbons(server, "romeo", "garden", type=Managed)
    juliet = await server.session("juliet")
    await garden.asks_how_far()
    garden.cut()
    await juliet.message(home.jid, "while thou wert away")
    await home.hears()
    await home.message(juliet.jid, "answer")
    await juliet.hears()

    garden = await resumed(server, garden)

    assert _copied(await garden.hears(), "received", garden).text_of("body") == "while thou wert away"
    assert _copied(await garden.hears(), "sent", garden).text_of("body") == "answer"
    await juliet.message(home.jid, "and now")
    assert _copied(await garden.hears(), "received", garden).text_of("body") == "and now"
