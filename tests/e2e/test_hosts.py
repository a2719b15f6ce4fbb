"""Several virtual hosts on one server, and other names for them."""

import pytest

from support.session import Session, settle
from support.xml import DISCO_INFO

ALIASES = ["chat.localhost", "127.0.0.1", "192.168.8.32"]


async def test_hosts_have_people_of_their_own(server):
    here, there = await server.session("romeo"), await server.session("romeo", domain="capulet.test")

    assert here.jid.partition("@")[2].startswith("localhost/")
    assert there.jid.partition("@")[2].startswith("capulet.test/")


async def test_people_of_different_hosts_talk(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", domain="capulet.test")

    await romeo.message(juliet.bare, "across the wall")
    await juliet.message(romeo.bare, "and back")

    assert (await juliet.hears())["from"] == romeo.jid
    assert (await romeo.hears())["from"] == juliet.jid


async def test_people_of_different_hosts_become_friends(server):
    romeo = await server.session("romeo", roster=True)
    juliet = await server.session("juliet", domain="capulet.test", roster=True)

    await romeo.presence(kind="subscribe", to=juliet.bare)
    await juliet.hears("presence", "subscribe", romeo.bare)
    await juliet.presence(kind="subscribed", to=romeo.bare)

    await romeo.hears("presence", "subscribed")
    await romeo.hears("presence", None, juliet.jid)


async def test_each_host_describes_itself(server):
    romeo = await server.session("romeo")

    for host in ("localhost", "capulet.test"):
        answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=host)
        assert (answer["type"], answer["from"]) == ("result", host)


@pytest.mark.anser_only("the peers have no aliases")
@pytest.mark.parametrize("alias", ALIASES)
async def test_a_stream_to_an_alias_is_answered_with_the_real_name(server, alias):
    wire = await server.wire()

    opening = await wire.open(alias)

    assert opening["from"] == "localhost"
    await wire.features()


@pytest.mark.anser_only("the peers have no aliases")
@pytest.mark.parametrize("alias", ALIASES)
async def test_a_login_to_an_alias_is_a_login_to_the_host(server, alias):
    account = await server.account("romeo")
    romeo = await server.wire(type=Session)
    romeo.account = account
    await romeo.opened(alias)
    assert (await romeo.plain(account.local, account.password)).name == "success"
    await romeo.opened(alias)
    await romeo.bind("x")

    assert romeo.jid == f"{account.jid}/x"


@pytest.mark.anser_only("the peers have no aliases")
@pytest.mark.parametrize("alias", ALIASES)
async def test_a_message_to_an_alias_goes_to_the_host(server, alias):
    """The seed writes to jojo@192.168.8.32."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(f"{juliet.account.local}@{alias}", "to the person")
    await romeo.message(f"{juliet.account.local}@{alias}/{juliet.resource}", "to the resource")

    assert (await juliet.hears()).text_of("body") == "to the person"
    assert (await juliet.hears()).text_of("body") == "to the resource"


@pytest.mark.anser_only("the peers have no aliases")
async def test_a_contact_added_by_an_alias_is_the_contact(server):
    romeo, juliet = await server.session("romeo", roster=True), await server.session("juliet", roster=True)

    await romeo.presence(kind="subscribe", to=f"{juliet.account.local}@chat.localhost")
    asked = await juliet.hears("presence", "subscribe")
    await juliet.presence(kind="subscribed", to=asked["from"])
    await romeo.hears("presence", "subscribed")
    await settle(romeo, juliet)

    assert set(await romeo.roster()) == {juliet.bare}


@pytest.mark.anser_only("the peers have no aliases")
async def test_a_request_to_an_alias_is_a_request_to_the_server(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to="chat.localhost")

    assert answer["type"] == "result"


@pytest.mark.anser_only("the peers have no aliases")
async def test_an_address_of_another_machine_is_not_ours(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to="198.51.100.7")

    assert answer.error.condition == "remote-server-not-found"
