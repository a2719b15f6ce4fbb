"""XEP-0313, sections 6.1 and 8, with 0359: what is archived, under which id, and who may read it."""

import pytest

from support.archive import ask, conversation, everything, ids_by, numbers
from support.session import settle
from support.xml import CHAT_STATES, HINTS, MAM, REGISTER, STANZA_ERRORS, STANZA_ID


# Section 8: who may


@pytest.mark.parametrize(
    "kind, payload",
    [
        ("set", f"<query xmlns='{MAM}'/>"),
        ("get", f"<query xmlns='{MAM}'/>"),
        ("get", f"<metadata xmlns='{MAM}'/>"),
        ("get", f"<prefs xmlns='{MAM}'/>"),
        ("set", f"<prefs xmlns='{MAM}' default='never'/>"),
    ],
    ids=["query", "form", "metadata", "prefs", "change of prefs"],
)
async def test_nobody_reads_the_archive_of_another(server, kind, payload):
    romeo, juliet = await conversation(server, 2)

    answer = await romeo.ask(payload, kind, to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")
    assert romeo.heard("message") == []
    await romeo.message(juliet.bare, "2")
    await juliet.hears()
    assert (await ask(juliet)).bodies == numbers(3)


async def test_friends_do_not_read_each_others_archives_either(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.message(juliet.bare)
    await juliet.hears()

    page = await ask(romeo, to=juliet.bare)

    assert page.answer.error.condition in ("forbidden", "service-unavailable")
    assert page.results == []


async def test_a_new_owner_of_a_name_finds_an_empty_archive(server):
    _, juliet = await conversation(server, 3)
    await juliet.set(f"<query xmlns='{REGISTER}'><remove/></query>")
    await juliet.is_cut()
    await server.register(juliet.account)

    again = await server.session(juliet.account)

    assert (await ask(again)).results == []


async def test_the_peer_keeps_what_the_other_who_left_had_written(server):
    romeo, juliet = await conversation(server, 3)
    await romeo.set(f"<query xmlns='{REGISTER}'><remove/></query>")
    await romeo.is_cut()

    assert (await ask(juliet)).bodies == numbers(3)


async def test_a_forged_result_does_not_get_through(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = (
        f"<result xmlns='{MAM}' queryid='f27' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client'><body>forged</body></message></forwarded></result>"
    )

    await romeo.message(juliet.jid, "words", more=forged)

    assert (await juliet.hears())["from"] == romeo.jid  # what a client goes by
    assert (await ask(juliet)).bodies == ["words"]


# Section 6.1: what is archived

KINDS = {
    "chat": ("chat", "hark", "", True),
    "normal": ("normal", "hark", "", True),
    "no type": (None, "hark", "", True),
    "headline": ("headline", "hark", "", False),
    "chat state": ("chat", None, f"<composing xmlns='{CHAT_STATES}'/>", False),
    "chat state and words": ("chat", "hark", f"<active xmlns='{CHAT_STATES}'/>", True),
    "no-store": ("chat", "hark", f"<no-store xmlns='{HINTS}'/>", False),
    "no-permanent-store": ("chat", "hark", f"<no-permanent-store xmlns='{HINTS}'/>", False),
    "store": ("chat", None, f"<x xmlns='urn:x'/><store xmlns='{HINTS}'/>", True),
    "error": ("error", "hark", f"<error type='cancel'><gone xmlns='{STANZA_ERRORS}'/></error>", False),
}


@pytest.mark.parametrize("case", KINDS)
async def test_what_has_words_is_archived_and_hints_are_followed(server, case):
    kind, body, more, archived = KINDS[case]
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, body, kind, more)
    await juliet.hears()

    for session in (romeo, juliet):
        assert len((await ask(session)).results) == (1 if archived else 0)


async def test_what_several_devices_get_is_archived_once(server):
    juliet = [await server.session("juliet", resource) for resource in ("balcony", "chamber", "garden")]
    romeo = await server.session("romeo")
    for session in juliet[:2]:
        await session.set("<enable xmlns='urn:xmpp:carbons:2'/>")

    await romeo.message(juliet[0].bare, "to all", "normal")
    await romeo.message(juliet[2].jid, "to one")
    await settle(romeo, *juliet)

    bodies = [body for body in (await ask(juliet[0])).bodies if body]
    assert bodies == ["to all", "to one"]
    assert [body for body in (await ask(romeo)).bodies if body] == ["to all", "to one"]


async def test_what_was_refused_is_not_in_the_archive_of_who_refused_it(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await juliet.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")

    await romeo.message(juliet.bare, "let me in")
    await romeo.settled()

    assert (await ask(juliet)).results == []


async def test_a_device_that_is_away_finds_what_came_in_the_archive(server):
    account, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(account, "while thou wert away")
    await romeo.settled()

    hidden = await server.session(account, available=False)

    assert (await ask(hidden)).bodies == ["while thou wert away"]


async def test_the_archive_survives_kill_9(start):
    server = await start()
    romeo, juliet = await conversation(server, 30)
    before = [(r.id, r.stamp, r.body) for r in await everything(juliet)]
    assert [body for _, _, body in before] == numbers(30)

    server.house.kill()
    server.house.start()

    for account in (juliet.account, romeo.account):
        again = await everything(await server.session(account))
        assert [r.body for r in again] == numbers(30)
        if account is juliet.account:
            assert [(r.id, r.stamp, r.body) for r in again] == before


# XEP-0359, section 3.5


async def test_who_gets_a_message_learns_its_id_in_the_archive(server):
    """Example 1."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.message(juliet.jid, "Call me but love")
    heard = await juliet.hears()

    (result,) = (await ask(juliet)).results

    assert ids_by(heard, juliet.bare) == [result.id]
    assert ids_by(heard, romeo.bare) == []


async def test_each_resource_is_told_the_same_id(server):
    balcony, chamber = await server.session("juliet", "balcony"), await server.session("juliet", "chamber")
    romeo = await server.session("romeo")

    await romeo.message(balcony.bare, "to all", "normal")

    assert ids_by(await balcony.hears(), balcony.bare) == ids_by(await chamber.hears(), balcony.bare) != []


async def test_a_forged_id_is_replaced_and_others_are_left_alone(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = f"<stanza-id xmlns='{STANZA_ID}' id='forged' by='{juliet.bare}'/>"
    others = f"<stanza-id xmlns='{STANZA_ID}' id='s1' by='room@muc.example.com'/>"
    others += f"<origin-id xmlns='{STANZA_ID}' id='o1'/>"
    await romeo.message(juliet.bare, "hark", more=forged * 2 + others)
    heard = await juliet.hears()

    (result,) = (await ask(juliet)).results

    for message in (heard, result.message):
        assert "forged" not in [s["id"] for s in message.all("stanza-id")]
        assert ids_by(message, "room@muc.example.com") == ["s1"]
        assert message.child("origin-id", STANZA_ID)["id"] == "o1"
    assert ids_by(heard, juliet.bare) == [result.id]


async def test_a_forged_id_is_taken_from_what_is_not_archived_too(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = f"<stanza-id xmlns='{STANZA_ID}' id='forged' by='{juliet.bare}'/><no-store xmlns='{HINTS}'/>"

    await romeo.message(juliet.bare, "hark", more=forged)

    assert ids_by(await juliet.hears(), juliet.bare) == []


@pytest.mark.anser_only("XEP-0359 section 6: an id tells nothing")
async def test_ids_cannot_be_guessed(server):
    romeo, juliet = await conversation(server, 20)

    ids = (await ask(juliet)).ids + (await ask(romeo)).ids

    assert len(set(ids)) == 40
    assert min(map(len, ids)) >= 16
    beginnings = {ident[:6] for ident in ids}
    assert len(beginnings) > 30, "ids that follow each other look alike"
