"""XEP-0424: what a retraction leaves in the archive of both sides."""

import pytest

from support.archive import STAMP, ask, conversation, features_of, form, rsm
from support.xml import HINTS, RETRACT


async def _retracts(sender, to, ident: str, own: str = "retract-1") -> None:
    await sender.message(
        to,
        "/me retracted a previous message, but it's unsupported by your client.",
        more=f"<retract id='{ident}' xmlns='{RETRACT}'/><fallback xmlns='urn:xmpp:fallback:0' for='{RETRACT}'/>"
        f"<store xmlns='{HINTS}'/>",
        id=own,
    )


TOMBSTONES = pytest.mark.anser_only("tombstones are optional")


@TOMBSTONES
async def test_a_retracted_message_leaves_a_tombstone(server):
    """Examples 3 to 7."""
    romeo, juliet = await conversation(server, 3)
    before = (await ask(juliet)).results

    await _retracts(romeo, juliet.bare, "m1")
    heard = await juliet.hears()

    assert heard.child("retract", RETRACT)["id"] == "m1"
    for session in (juliet, romeo):
        results = (await ask(session)).results
        assert [r.body for r in (results[0], results[2])] == ["0", "2"]
        tomb, retraction = results[1], results[3]
        assert tomb.body is None
        assert tomb.message.child("retracted", RETRACT)["id"] == "retract-1"
        assert STAMP.fullmatch(tomb.message.child("retracted", RETRACT)["stamp"])
        assert (tomb.message["from"], tomb.message["to"], tomb.message["id"]) == (romeo.jid, juliet.bare, "m1")
        assert retraction.message.child("retract", RETRACT)["id"] == "m1"
    after = (await ask(juliet)).results
    assert [(r.id, r.stamp) for r in after[:3]] == [(r.id, r.stamp) for r in before]


@TOMBSTONES
async def test_a_retraction_is_announced(server):
    juliet = await server.session("juliet")

    assert f"{RETRACT}#tombstone" in await features_of(juliet, juliet.bare)
    assert RETRACT in await features_of(juliet, juliet.bare) + await features_of(juliet, server.domain)


@TOMBSTONES
async def test_a_tombstone_may_be_found_in_each_way(server):
    romeo, juliet = await conversation(server, 3)
    ids = (await ask(juliet)).ids
    await _retracts(romeo, juliet.bare, "m1")
    await juliet.hears()

    for inner in (form({"ids": ids[1]}), form({"after-id": ids[0], "before-id": ids[2]}), rsm(max=1, after=ids[0])):
        (tomb,) = (await ask(juliet, inner)).results
        assert tomb.id == ids[1]
        assert tomb.message.has("retracted", RETRACT)


async def test_nobody_retracts_what_another_wrote(server):
    romeo, juliet = await conversation(server, 2)
    tybalt = await server.session("tybalt")

    await _retracts(tybalt, juliet.bare, "m1")
    await juliet.hears()
    await _retracts(juliet, romeo.bare, "m1", "retract-2")
    await romeo.hears()

    for session in (juliet, romeo):
        assert (await ask(session)).bodies[:2] == ["0", "1"]


async def test_to_retract_what_is_not_there_harms_nobody(server):
    romeo, juliet = await conversation(server, 2)

    await _retracts(romeo, juliet.bare, "never-said")
    await juliet.hears()

    assert (await ask(juliet)).bodies[:2] == ["0", "1"]


@TOMBSTONES
async def test_a_retraction_from_another_device_of_the_author_counts(server):
    romeo, juliet = await conversation(server, 2)
    orchard = await server.session(romeo.account, "orchard")

    await _retracts(orchard, juliet.bare, "m0")
    await juliet.hears()

    assert (await ask(juliet)).bodies[:2] == [None, "1"]


@TOMBSTONES
async def test_a_message_that_still_waited_is_not_delivered_after_its_retraction_with_its_words(server):
    """Whoever comes later finds a tombstone in the archive, whatever had waited."""
    romeo, account = await server.session("romeo"), await server.account("juliet")
    await romeo.message(account, "too soon", id="m0")
    await _retracts(romeo, account, "m0")
    await romeo.settled()

    juliet = await server.session(account)
    await juliet.all_that_waited()

    assert (await ask(juliet)).bodies[0] is None


@TOMBSTONES
async def test_a_retraction_survives_kill_9(start):
    server = await start()
    romeo, juliet = await conversation(server, 2)
    await _retracts(romeo, juliet.bare, "m1")
    await juliet.hears()
    await romeo.settled()

    server.house.kill()
    server.house.start()

    again = await server.session(juliet.account)
    results = (await ask(again)).results
    assert results[0].body == "0"
    assert results[1].body is None and results[1].message.has("retracted", RETRACT)
