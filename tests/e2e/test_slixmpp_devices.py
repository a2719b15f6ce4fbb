"""Several devices of one person as a user of slixmpp has them: carbons (XEP-0280), client state (0352), blocking
(0191), receipts (0184), markers (0333), retraction (0424)."""

import pytest
from slixmpp.exceptions import IqError

from support.devices import Device
from support.waits import within

pytestmark = pytest.mark.anser_only("what other servers make of the rules is compared stanza by stanza elsewhere")


async def _juliets(server) -> tuple[Device, Device, Device]:
    """Romeo, and two devices of Juliet, the second with carbons."""
    romeo = await server.login("romeo", type=Device, resource="orchard")
    desktop = await server.login("juliet", type=Device, resource="desktop")
    phone = await server.login("juliet", type=Device, resource="phone")
    await within(phone.plugin["xep_0280"].enable(), "carbons")
    return romeo, desktop, phone


async def test_the_other_device_sees_both_sides_of_a_conversation(server):
    romeo, desktop, phone = await _juliets(server)

    romeo.send_message(mto=desktop.boundjid, mbody="to the desktop", mtype="chat")
    assert await desktop.hears() == "to the desktop"
    await desktop.says("romeo", "from the desktop")
    assert await romeo.hears() == "from the desktop"

    received = (await phone.happens("carbon_received"))["carbon_received"]
    assert (received["body"], received["from"], received["to"]) == ("to the desktop", romeo.boundjid, desktop.boundjid)
    sent = (await phone.happens("carbon_sent"))["carbon_sent"]
    assert (sent["body"], sent["from"], sent["to"].bare) == (
        "from the desktop",
        desktop.boundjid,
        romeo.boundjid.bare,
    )
    assert phone.all_heard() == []


async def test_a_message_to_the_person_comes_to_each_device_once(server):
    romeo, desktop, phone = await _juliets(server)

    await romeo.says("juliet", "to all")

    assert await desktop.hears() == await phone.hears() == "to all"
    await phone.settles()
    assert phone.happened("carbon_received") == phone.all_heard() == []


async def test_without_carbons_and_for_private_words_there_are_no_copies(server):
    romeo, desktop, phone = await _juliets(server)
    private = romeo.make_message(mto=desktop.boundjid, mbody="private", mtype="chat")
    private.enable("carbon_private")
    private.send()
    await romeo.settles()
    await within(phone.plugin["xep_0280"].disable(), "the end of carbons")
    romeo.send_message(mto=desktop.boundjid, mbody="later", mtype="chat")

    assert [await desktop.hears(), await desktop.hears()] == ["private", "later"]
    await romeo.settles()
    await phone.settles()
    assert phone.happened("carbon_received") == []


async def test_a_forged_carbon_is_no_carbon(server):
    romeo, desktop, phone = await _juliets(server)
    forged = romeo.make_message(mto=phone.boundjid, mbody="look", mtype="chat")
    inner = romeo.make_message(mto=desktop.boundjid, mfrom=desktop.boundjid.bare, mbody="forged", mtype="chat")
    forged["carbon_received"] = inner
    assert "forged" in str(forged)

    forged.send()

    assert await phone.hears() == "look"
    assert phone.happened("carbon_received") == []


async def test_an_inactive_device_gets_what_matters_at_once_and_the_rest_when_it_wakes(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    await juliet.befriends("romeo")
    await romeo.is_asked()
    await romeo.agrees("juliet")
    await juliet.sees("romeo")
    juliet.plugin["xep_0352"].send_inactive()
    await juliet.settles()  # a phone asks before it sleeps

    romeo.send_presence(pshow="away")
    romeo.send_presence(pshow="dnd")
    romeo.send_presence(pshow="xa")
    await romeo.settles()
    await romeo.says("juliet", "wake up")
    assert await juliet.hears() == "wake up"
    await juliet.settles()
    assert juliet.all_seen(romeo) == ["xa"]


async def test_each_device_learns_who_is_blocked_and_the_blocked_one_finds_nobody(server):
    romeo, desktop, phone = await _juliets(server)
    for device in (desktop, phone):
        assert await within(device.plugin["xep_0191"].get_blocked_jids(), "a list") == set()

    await within(desktop.plugin["xep_0191"].block(romeo.boundjid.bare), "to block")

    told = await phone.happens("blocked")
    assert {item["jid"] for item in told["block"]} == {romeo.boundjid.bare}
    assert await within(phone.plugin["xep_0191"].get_blocked_jids(), "a list") == {romeo.boundjid.bare}
    await romeo.says("juliet", "not heard")
    refused = await romeo.happens("message_error")
    assert refused["error"]["condition"] == "service-unavailable"
    with pytest.raises(IqError):
        await within(romeo.plugin["xep_0199"].send_ping(desktop.boundjid), "a refusal")
    with pytest.raises(IqError) as own:
        await within(desktop.plugin["xep_0199"].send_ping(romeo.boundjid), "a refusal")
    assert own.value.iq["error"].xml.find("{urn:xmpp:blocking:errors}blocked") is not None

    await within(phone.plugin["xep_0191"].unblock(romeo.boundjid.bare), "to unblock")

    told = await desktop.happens("unblocked")
    assert {item["jid"] for item in told["unblock"]} == {romeo.boundjid.bare}
    await romeo.says("juliet", "heard")
    assert await desktop.hears() == await phone.hears() == "heard"


async def test_a_receipt_comes_back_by_itself_and_to_all_devices(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    other = await server.login("romeo", type=Device)
    await within(other.plugin["xep_0280"].enable(), "carbons")
    message = romeo.make_message(mto=juliet.boundjid.bare, mbody="art thou there?", mtype="chat")
    message["request_receipt"] = True
    message.send()

    assert await juliet.hears() == "art thou there?"
    receipt = await romeo.happens("receipt_received")
    assert receipt["receipt"] == message["id"]
    copy = await other.happens("carbon_received")
    assert copy["carbon_received"]["receipt"] == message["id"]


@pytest.mark.parametrize("marker", ["received", "displayed", "acknowledged"])
async def test_a_marker_reaches_who_wrote_and_the_own_other_device(server, marker):
    romeo, desktop, phone = await _juliets(server)
    message = romeo.make_message(mto=desktop.boundjid.bare, mbody="read me", mtype="chat")
    message.enable("markable")
    message.send()
    got = await desktop.gets()
    assert got.get_plugin("markable", check=True) is not None

    desktop.plugin["xep_0333"].send_marker(romeo.boundjid.bare, got["id"], marker, mtype="chat")

    assert (await romeo.happens(f"marker_{marker}"))[marker]["id"] == message["id"]
    own = (await phone.happens("carbon_sent"))["carbon_sent"]
    assert own[marker]["id"] == message["id"]


async def test_a_marker_waits_for_who_is_away(server):
    romeo, juliet = await server.login("romeo", type=Device), await server.login("juliet", type=Device)
    await romeo.says("juliet", "read me")
    got = await juliet.gets()
    await romeo.goes()

    juliet.plugin["xep_0333"].send_marker(romeo.boundjid.bare, got["id"], "displayed", mtype="chat")
    await juliet.settles()
    romeo = await server.login("romeo", type=Device)

    assert (await romeo.happens("marker_displayed"))["displayed"]["id"] == got["id"]


async def test_a_retraction_reaches_each_device_of_both(server):
    romeo, desktop, phone = await _juliets(server)
    await phone.says("romeo", "in haste")
    message = await romeo.gets()

    desktop.plugin["xep_0424"].send_retraction(romeo.boundjid.bare, message["id"])

    assert (await romeo.happens("message_retract"))["retract"]["id"] == message["id"]
    while not (copy := (await phone.happens("carbon_sent"))["carbon_sent"]).get_plugin("retract", check=True):
        pass
    assert copy["retract"]["id"] == message["id"]
