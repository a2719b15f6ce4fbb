"""Stream management (XEP-0198) as a user of slixmpp has it: what was acknowledged, what a lost connection costs."""

import pytest

from support.devices import Device

pytestmark = pytest.mark.anser_only("what other servers make of the rules is compared stanza by stanza elsewhere")


async def _two(server) -> tuple[Device, Device]:
    return await server.login("romeo", type=Device), await server.login("juliet", type=Device)


def _writes(writer: Device, to: Device, *said: str) -> None:
    """Without waiting for anything."""
    for words in said:
        writer.send_message(mto=to.boundjid.bare, mbody=words, mtype="chat")


def _messages(*stanzas) -> list[str]:
    """The words of those that are messages: pings are acknowledged too."""
    return [stanza["body"] for stanza in stanzas if stanza.name == "message"]


async def _hears(listener: Device, *said: str) -> None:
    """These, in this order, and then nothing more."""
    assert [await listener.hears() for _ in said] == list(said)
    await listener.settles()
    assert listener.all_heard() == []


async def test_each_message_is_acknowledged_once(server):
    romeo, juliet = await _two(server)
    await romeo.settles()
    romeo.happened("stanza_acked")
    said = [f"line {number}" for number in range(20)]

    _writes(romeo, juliet, *said)
    await romeo.settles()

    acknowledged = []
    while len(acknowledged) < len(said):
        acknowledged += _messages(await romeo.happens("stanza_acked"))
    await romeo.settles()
    assert acknowledged + _messages(*romeo.happened("stanza_acked")) == said
    await _hears(juliet, *said)


async def test_what_was_said_meanwhile_comes_to_who_comes_back(server):
    romeo, juliet = await _two(server)
    address = juliet.boundjid.full
    await juliet.is_cut_off()

    await romeo.says("juliet", "one")
    await romeo.says("juliet", "two")
    await juliet.comes_back()

    await _hears(juliet, "one", "two")
    assert juliet.boundjid.full == address


async def test_what_was_heard_before_does_not_come_again(server):
    romeo, juliet = await _two(server)
    await romeo.says("juliet", "one")
    assert await juliet.hears() == "one"

    await juliet.is_cut_off()
    await romeo.says("juliet", "two")
    await juliet.comes_back()

    await _hears(juliet, "two")


async def test_what_never_left_is_sent_again_and_arrives_once(server):
    romeo, juliet = await _two(server)
    said = [f"line {number}" for number in range(20)]

    _writes(romeo, juliet, *said)
    await romeo.is_cut_off()
    assert juliet.all_heard() == []
    await romeo.comes_back()

    await romeo.settles()
    await _hears(juliet, *said)


async def test_what_arrived_and_was_acknowledged_in_vain_does_not_arrive_again(server):
    romeo, juliet = await _two(server)
    said = [f"line {number}" for number in range(20)]

    await romeo.settles()
    romeo.transport.pause_reading()  # whatever the server answers is lost
    _writes(romeo, juliet, *said)
    assert [await juliet.hears() for _ in said] == said
    assert len(romeo.plugin["xep_0198"].unacked_queue) >= len(said)
    await romeo.is_cut_off()
    await romeo.comes_back()

    await romeo.says("juliet", "the end")
    await _hears(juliet, "the end")


async def test_a_long_talk_over_a_bad_network_is_whole(server):
    romeo, juliet = await _two(server)
    lines = {person: [f"{person.boundjid.local} {number}" for number in range(60)] for person in (romeo, juliet)}

    for number in range(0, 60, 10):
        lost = (romeo, juliet)[number // 10 % 2]
        await lost.settles()
        lost.happened("stanza_acked")
        _writes(romeo, juliet, *lines[romeo][number : number + 10])
        _writes(juliet, romeo, *lines[juliet][number : number + 10])
        for _ in range(5):  # somewhere in the middle of it
            await lost.happens("stanza_acked")
        await lost.is_cut_off()
        await lost.comes_back()

    for speaker, listener in ((romeo, juliet), (juliet, romeo)):
        await speaker.settles()
        await _hears(listener, *lines[speaker])


async def test_friends_do_not_see_a_short_absence(server):
    romeo, juliet = await _two(server)
    await romeo.befriends("juliet")
    await juliet.is_asked()
    await juliet.agrees("romeo")
    await romeo.sees("juliet")

    await juliet.is_cut_off()
    await juliet.comes_back()
    juliet.send_presence(pshow="away")

    await romeo.settles()
    await juliet.settles()
    await romeo.settles()
    assert romeo.all_seen(juliet) == ["away"]


async def test_carbons_and_presence_are_still_on_after_the_return(server):
    romeo, juliet = await _two(server)
    phone = await server.login("juliet", type=Device)
    await phone.plugin["xep_0280"].enable()

    await phone.is_cut_off()
    await phone.comes_back()
    romeo.send_message(mto=juliet.boundjid, mbody="to the desktop", mtype="chat")

    copy = await phone.happens("carbon_received")
    assert copy["carbon_received"]["body"] == "to the desktop"


async def test_who_cannot_come_back_starts_anew_and_gets_what_waited(server):
    romeo, juliet = await _two(server)
    await juliet.is_cut_off()
    await romeo.says("juliet", "wilt thou be gone?")

    # It asks for a session that is not there, and then binds its resource anew, which ends the old one.
    juliet.plugin["xep_0198"].sm_id = "another"
    juliet.requested_jid.resource = juliet.boundjid.resource
    juliet.knocks()
    await juliet.happens("sm_failed")
    await juliet.happens("session_start")
    await juliet.happens("sm_enabled")
    juliet.send_presence()

    await _hears(juliet, "wilt thou be gone?")


async def test_a_crash_of_the_server_is_a_lost_connection_and_no_more(start):
    server = await start()
    romeo, juliet = await _two(server)
    await romeo.says("juliet", "one")
    assert await juliet.hears() == "one"
    await juliet.is_cut_off()
    await romeo.says("juliet", "two")

    server.house.kill()
    server.house.start()
    await romeo.happens("disconnected")
    for person in (romeo, juliet):
        await person.comes_back()

    await _hears(juliet, "two")
    await romeo.says("juliet", "three")
    await _hears(juliet, "three")
