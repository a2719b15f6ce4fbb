"""Scenes: people with slixmpp, the way most people will meet the server."""

from dataclasses import replace

import pytest

from support.people import Person
from support.waits import PATIENCE


async def test_a_message_reaches_juliet(server):
    romeo = await server.login("romeo")
    juliet = await server.login("juliet")

    await romeo.says("juliet", "it is the east")

    assert await juliet.hears() == "it is the east"


async def test_a_message_waits_until_juliet_comes_back(server):
    romeo = await server.login("romeo")
    await romeo.says("juliet", "wilt thou be gone?")

    juliet = await server.login("juliet")

    assert await juliet.hears() == "wilt thou be gone?"


async def test_they_become_friends_and_see_each_other_come_and_go(server):
    romeo = await server.login("romeo")
    juliet = await server.login("juliet")

    await romeo.befriends("juliet")
    assert await juliet.is_asked() == romeo.boundjid.bare
    await juliet.agrees("romeo")
    await juliet.befriends("romeo")
    assert await romeo.is_asked() == juliet.boundjid.bare
    await romeo.agrees("juliet")

    await romeo.sees("juliet")
    await juliet.sees("romeo")
    await juliet.goes()
    await romeo.sees("juliet", "unavailable")


async def test_they_talk_back_and_forth(server):
    romeo = await server.login("romeo")
    juliet = await server.login("juliet")

    for number in range(10):
        await romeo.says("juliet", f"line {number}")
        assert await juliet.hears() == f"line {number}"
        await juliet.says("romeo", f"answer {number}")
        assert await romeo.hears() == f"answer {number}"


@pytest.mark.parametrize("mechanism", ["SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-512", "PLAIN"])
async def test_a_person_logs_in_with_each_mechanism(server, mechanism):
    romeo = await server.login("romeo", mechanism=mechanism)

    await romeo.says("romeo", "to myself")

    assert await romeo.hears() == "to myself"


async def test_a_person_logs_in_with_direct_tls(server):
    romeo = await server.login("romeo", direct_tls=True)

    await romeo.says("romeo", "behind the wall")

    assert await romeo.hears() == "behind the wall"


async def test_a_person_with_a_wrong_password_stays_outside(server):
    account = replace(await server.account("romeo"), password="wrong")
    impostor = Person(account, server.house.settings, None)

    with pytest.raises(PermissionError):
        await impostor.comes()
    await impostor.vanishes()


async def test_a_person_finds_out_what_the_server_can_do(server):
    romeo = await server.login("romeo")

    info = await romeo.plugin["xep_0030"].get_info(jid=server.domain, timeout=PATIENCE)

    assert ("server", "im") in [identity[:2] for identity in info["disco_info"]["identities"]]
    assert "urn:xmpp:ping" in info["disco_info"]["features"]


async def test_a_person_blocks_another(server):
    romeo = await server.login("romeo")
    juliet = await server.login("juliet")
    await juliet.plugin["xep_0191"].block(romeo.boundjid.bare)

    await romeo.says("juliet", "not heard")
    await juliet.plugin["xep_0191"].unblock(romeo.boundjid.bare)
    await romeo.says("juliet", "heard")

    assert await juliet.hears() == "heard"


async def test_a_person_keeps_a_card(server):
    juliet = await server.login("juliet")
    card = juliet.plugin["xep_0054"].make_vcard()
    card["FN"] = "Juliet Capulet"

    await juliet.plugin["xep_0054"].publish_vcard(card)
    found = await juliet.plugin["xep_0054"].get_vcard(timeout=PATIENCE)

    assert found["vcard_temp"]["FN"] == "Juliet Capulet"


async def test_a_person_asks_for_the_version(server):
    romeo = await server.login("romeo")

    version = await romeo.plugin["xep_0092"].get_version(server.domain, timeout=PATIENCE)

    assert version["software_version"]["name"]
