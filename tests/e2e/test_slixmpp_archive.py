"""The archive (XEP-0313, 0059, 0441, 0359, 0424) as a user of slixmpp has it."""

from datetime import datetime, timedelta, timezone

import pytest
from slixmpp.exceptions import IqError

from support.devices import Device
from support.waits import within

pytestmark = pytest.mark.anser_only("what other servers make of the rules is compared stanza by stanza elsewhere")

LINES = [f"line {number}" for number in range(25)]
WHOLE = LINES[:10] + ["Madam!"] + LINES[10:]


@pytest.fixture
async def talk(server):
    """Juliet, who has heard all lines of Romeo and one of the nurse in their midst."""
    juliet = await server.login("juliet", type=Device)
    romeo = await server.login("romeo", type=Device)
    nurse = await server.login("nurse", type=Device)
    for line in LINES[:10]:
        await romeo.says("juliet", line)
    await nurse.says("juliet", "Madam!")
    for line in LINES[10:]:
        await romeo.says("juliet", line)
    for _ in range(len(LINES) + 1):
        await juliet.hears()
    return juliet, romeo, nurse


def _archived(message):
    return message["mam_result"]["forwarded"]["stanza"]


def _bodies(messages) -> list[str]:
    return [_archived(message)["body"] for message in messages]


def _stamp(message) -> datetime:
    return message["mam_result"]["forwarded"]["delay"]["stamp"]


async def _all(device: Device, **what) -> list:
    async def collect():
        return [message async for message in device.plugin["xep_0313"].iterate(**what)]

    return await within(collect(), "the archive")


@pytest.mark.parametrize("size", [1, 10, 13, 26, 100])
async def test_the_whole_archive_forwards_page_by_page(talk, size):
    juliet, _, _ = talk

    assert _bodies(await _all(juliet, rsm={"max": size})) == WHOLE


@pytest.mark.parametrize("size", [1, 10, 13, 26, 100])
async def test_the_whole_archive_backwards_page_by_page(talk, size):
    juliet, _, _ = talk

    assert _bodies(await _all(juliet, reverse=True, rsm={"max": size})) == WHOLE[::-1]


async def test_as_many_as_one_asks_for(talk):
    juliet, _, _ = talk

    assert _bodies(await _all(juliet, rsm={"max": 4}, total=7)) == WHOLE[:7]
    assert _bodies(await _all(juliet, reverse=True, rsm={"max": 4}, total=7)) == WHOLE[: -8 : -1]


async def test_a_conversation_with_one_person(talk):
    juliet, romeo, nurse = talk

    assert _bodies(await _all(juliet, with_jid=nurse.boundjid.bare)) == ["Madam!"]
    assert _bodies(await _all(juliet, with_jid=romeo.boundjid.bare, rsm={"max": 7})) == LINES
    assert _bodies(await _all(romeo, with_jid=juliet.boundjid.bare, reverse=True, rsm={"max": 7})) == LINES[::-1]
    assert await _all(nurse, with_jid=romeo.boundjid.bare) == []


async def test_a_time_has_a_start_and_an_end(talk):
    juliet, _, _ = talk
    whole = await _all(juliet)
    stamps = [_stamp(message) for message in whole]
    assert stamps == sorted(stamps)

    between = [words for words, stamp in zip(WHOLE, stamps, strict=True) if stamps[5] <= stamp <= stamps[19]]
    assert _bodies(await _all(juliet, start=stamps[5], end=stamps[19])) == between
    assert _bodies(await _all(juliet, start=stamps[0] - timedelta(days=1))) == WHOLE
    assert await _all(juliet, end=datetime(2001, 1, 1, tzinfo=timezone.utc)) == []


async def _answers(device: Device, **fields) -> list:
    """The results of one query that says these fields: the library's stanza has them, its method has no parameters."""

    def say(stanza):
        if stanza.name == "iq" and stanza.get_plugin("mam", check=True):
            for name, value in fields.items():
                stanza["mam"][name] = value
        return stanza

    device.add_filter("out", say)
    try:
        answer = await within(device.plugin["xep_0313"].retrieve(rsm={"max": 50}), "the archive")
    finally:
        device.del_filter("out", say)
    return answer["mam"]["results"]


async def test_known_messages_are_found_and_those_around_them(talk):
    """urn:xmpp:mam:2#extended"""
    juliet, _, _ = talk
    ids = [message["mam_result"]["id"] for message in await _all(juliet)]

    assert _bodies(await _answers(juliet, ids=[ids[3], ids[10], ids[20]])) == [WHOLE[3], WHOLE[10], WHOLE[20]]
    assert _bodies(await _answers(juliet, after_id=ids[3], before_id=ids[7])) == WHOLE[4:7]
    with pytest.raises(IqError) as refused:
        await _answers(juliet, ids=["no-such-id"])
    assert refused.value.condition == "item-not-found"


async def test_the_archive_says_what_may_be_asked(talk):
    juliet, _, _ = talk

    form = await within(juliet.plugin["xep_0313"].get_fields(), "a form")
    features = (await within(juliet.plugin["xep_0030"].get_info(jid=juliet.boundjid.bare), "features"))["disco_info"]

    assert {"with", "start", "end", "before-id", "after-id", "ids"} <= set(form.get_fields())
    assert {"urn:xmpp:mam:2", "urn:xmpp:mam:2#extended", "urn:xmpp:sid:0"} <= features["features"]


async def test_metadata_name_the_first_and_the_last(talk):
    juliet, _, _ = talk
    whole = await _all(juliet)

    metadata = (await within(juliet.plugin["xep_0313"].get_archive_metadata(), "metadata"))["mam_metadata"]

    for end, message in ((metadata["start"], whole[0]), (metadata["end"], whole[-1])):
        assert end["id"] == message["mam_result"]["id"]
        assert end["timestamp"] == _stamp(message)


async def test_a_message_comes_with_its_id_in_the_archive(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    said = romeo.make_message(mto=juliet.boundjid.bare, mbody="one", mtype="chat")
    said["origin_id"]["id"] = "of the sender"

    said.send()
    message = await juliet.gets()

    (found,) = await _all(juliet)
    assert message["stanza_id"]["id"] == found["mam_result"]["id"]
    assert message["stanza_id"]["by"] == juliet.boundjid.bare
    assert message["origin_id"]["id"] == _archived(found)["origin_id"]["id"] == "of the sender"


async def test_who_was_away_reads_what_is_behind_the_last_message(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    await romeo.says("juliet", "one")
    last = (await juliet.gets())["stanza_id"]["id"]
    await juliet.goes()
    await romeo.says("juliet", "two")
    await romeo.says("juliet", "three")

    juliet = await server.login("juliet", type=Device)

    assert _bodies(await _answers(juliet, after_id=last)) == ["two", "three"]


async def test_a_retracted_message_leaves_a_tombstone_at_both_sides(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    await romeo.says("juliet", "O happy dagger")
    message = await juliet.gets()

    romeo.plugin["xep_0424"].send_retraction(juliet.boundjid.bare, message["id"], include_fallback=False)
    retraction = await juliet.happens("message_retract")

    assert retraction["retract"]["id"] == message["id"]
    for side in (romeo, juliet):
        tombstone, retracting = [_archived(found) for found in await _all(side)]
        assert tombstone.get_plugin("retracted", check=True) is not None
        assert tombstone["body"] == ""
        assert tombstone["retracted"]["id"] == retracting["id"]
        assert retracting["retract"]["id"] == message["id"]


async def test_preferences_are_kept_and_decide(server):
    juliet = await server.login("juliet", type=Device)
    romeo, paris = await server.login("romeo", type=Device), await server.login("paris", type=Device)
    preferences = juliet.plugin["xep_0441"]
    assert (await within(preferences.get_preferences(), "preferences"))[1:] == (set(), set())

    await within(
        preferences.set_preferences("always", always=[romeo.boundjid.bare], never=[paris.boundjid.bare]), "an answer"
    )

    kept = await within(preferences.get_preferences(), "preferences")
    assert kept == ("always", {romeo.boundjid.bare}, {paris.boundjid.bare})
    await romeo.says("juliet", "my love")
    await paris.says("juliet", "my lady")
    assert {await juliet.hears(), await juliet.hears()} == {"my love", "my lady"}
    assert _bodies(await _all(juliet)) == ["my love"]


async def test_results_come_once_though_the_connection_is_lost_among_them(server):
    juliet, romeo = await server.login("juliet", type=Device), await server.login("romeo", type=Device)
    said = [f"line {number}" for number in range(30)]
    for line in said:
        await romeo.says("juliet", line)
        await juliet.hears()

    pages = juliet.plugin["xep_0313"].iterate(rsm={"max": 10})
    first = [await within(anext(pages), "a message") for _ in range(10)]
    await juliet.is_cut_off()
    await juliet.comes_back()

    async def rest():
        return [message async for message in pages]

    assert _bodies(first + await within(rest(), "the other pages")) == said
