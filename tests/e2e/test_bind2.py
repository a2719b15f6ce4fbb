"""XEP-0386 with 0198 section 9.2: a login that binds or resumes on the way, so that a phone is online at once."""

import uuid

import pytest

from support.archive import ask
from support.managed import Managed, resumed
from support.sasl2 import EVERYTHING, bind2, door, is_online, new_agent, resumption_of, stream_fails, why
from support.session import settle
from support.xml import BIND, BIND2, CARBONS, CSI, MAM, SM

pytestmark = pytest.mark.anser_only("neither Prosody 0.12 nor ejabberd 23.01 knows it")


# XEP-0386


async def test_a_login_that_binds_is_online_at_once(server):
    """Examples 2 and 4."""
    account = await server.account("juliet")
    session = await door(server, account)

    success = await session.scram2(account, bind2())

    assert success.has("bound", BIND2)
    assert session.jid.startswith(f"{account.jid}/AwesomeXMPP/")
    assert not (await session.features()).has("bind")
    await session.available()
    await is_online(session)


async def test_a_tag_is_not_needed(server):
    account = await server.account("juliet")
    session = await door(server, account)

    await session.plain2(account, bind2(tag=None))

    assert session.resource
    await session.features()
    await session.available()
    await is_online(session)


@pytest.mark.parametrize("tag", ["x" * 5000, "bad\tname", "ロミオ", "a/b", "  ", "&lt;&amp;"], ids=len)
async def test_a_tag_that_cannot_be_harms_nobody(server, tag):
    account = await server.account("juliet")
    session = await door(server, account)

    answer = await session.plain2(account, bind2(tag=tag))

    if answer.name == "success" and answer.has("bound", BIND2):
        assert 0 < len(session.resource.encode()) < 1024
        await session.features()
        await session.available()
        await is_online(session)
    else:
        assert answer.name in ("success", "failure")


async def test_an_installation_keeps_its_resource_and_tells_nobody_its_id(server):
    account, agent = await server.account("juliet"), new_agent()
    resources = []
    for _ in range(2):
        session = await door(server, account)
        await session.plain2(account, bind2(), agent=agent)
        resources.append(session.resource)
        assert agent not in session.jid and uuid.UUID(agent).hex not in session.jid
        await session.features()
        await session.leaves()
    other = await door(server, account)
    await other.plain2(account, bind2())

    assert resources[0] == resources[1]
    assert other.resource not in resources


async def test_an_installation_that_comes_again_ends_its_earlier_session(server):
    account, agent = await server.account("juliet"), new_agent()
    first, second, third = [await door(server, account) for _ in range(3)]
    await first.plain2(account, bind2(), agent=agent)
    await first.features()
    await third.plain2(account, bind2())
    await third.features()

    await second.plain2(account, bind2(), agent=agent)

    await second.features()
    await stream_fails(first, "conflict")
    await second.settled()
    await third.settled()


async def test_carbons_are_on_from_the_first_moment(server):
    """Example 3."""
    balcony, romeo = await server.session("juliet", "balcony"), await server.session("romeo")
    session = await door(server, balcony.account)

    success = await session.scram2(balcony.account, bind2(f"<enable xmlns='{CARBONS}'/>"))
    assert success.has("bound", BIND2)
    await romeo.message(balcony.jid, "hark")

    await session.features()
    assert (await session.hears()).has("received", CARBONS)


async def test_a_session_may_begin_inactive(server):
    juliet, romeo = await server.friends("juliet", "romeo")
    session = await door(server, juliet.account)
    await session.scram2(juliet.account, bind2(f"<inactive xmlns='{CSI}'/>"))
    await session.features()
    await session.available()
    await settle(session, romeo)
    session.heard("presence")

    await romeo.presence("<status>later</status>")
    await romeo.settled()
    await session.settled()

    assert session.heard("presence") == []
    await session.send(f"<active xmlns='{CSI}'/>")
    await session.settled()
    assert [p.text_of("status") for p in session.heard("presence") if p["from"] == romeo.jid] == ["later"]


async def test_management_is_enabled_on_the_way(server):
    """XEP-0386 example 3, XEP-0198 section 9.1."""
    account, romeo = await server.account("juliet"), await server.session("romeo")
    session = await door(server, account)
    success = await session.scram2(account, bind2(EVERYTHING))
    enabled = success.child("bound", BIND2).child("enabled", SM)
    assert enabled["resume"] in ("true", "1") and enabled["id"]
    await session.features()
    await session.available()

    assert await session.all_handled() == 1
    await romeo.message(session.jid, "hark")
    assert (await session.hears()).text_of("body") == "hark"
    session.cut()
    await romeo.message(session.jid, "later")

    again = await resumed(server, session)
    assert (await again.hears()).text_of("body") == "later"


async def test_unknown_wishes_are_ignored(server):
    account = await server.account("juliet")
    session = await door(server, account)

    wishes = bind2("<enable xmlns='urn:x'/><y xmlns='urn:y'>z</y>") + "<w xmlns='urn:w'/>"
    success = await session.plain2(account, wishes)

    assert success.has("bound", BIND2)
    await session.features()
    await session.settled()


async def test_the_state_of_the_archive_comes_with_the_address(server):
    """Example 4."""
    account, romeo = await server.account("juliet"), await server.session("romeo")
    empty = await door(server, account)
    metadata = (await empty.plain2(account, bind2())).child("bound", BIND2).child("metadata", MAM)
    assert metadata is None or metadata.children == []
    for number in range(3):
        await romeo.message(account, str(number))
    await romeo.settled()

    session = await door(server, account)
    metadata = (await session.plain2(account, bind2())).child("bound", BIND2).child("metadata", MAM)

    await session.features()
    page = await ask(session)
    assert page.bodies == ["0", "1", "2"]
    assert (metadata.child("start")["id"], metadata.child("end")["id"]) == (page.ids[0], page.ids[-1])
    assert metadata.child("end")["timestamp"][:19] == page.results[-1].stamp[:19]


async def test_what_waited_and_is_archived_is_not_sent_to_who_reads_the_archive(server):
    account, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(account, "read me there")
    await romeo.settled()
    session = await door(server, account)
    await session.scram2(account, bind2())
    await session.features()

    await session.available()

    assert await session.all_that_waited() == []
    assert (await ask(session)).bodies == ["read me there"]
    await session.leaves()
    assert await (await server.session(account)).all_that_waited() == []


async def test_what_waited_and_is_not_archived_is_sent_all_the_same(server):
    """The archive does not hold it, so it may not be cleared."""
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    await juliet.set(f"<prefs xmlns='{MAM}' default='never'><always/><never/></prefs>")
    await juliet.leaves()
    await romeo.message(juliet.bare, "only here")
    await romeo.settled()
    session = await door(server, juliet.account)
    await session.scram2(juliet.account, bind2())
    await session.features()

    await session.available()

    assert [m.text_of("body") for m in await session.all_that_waited()] == ["only here"]


# XEP-0198 section 9.2


async def test_a_session_is_resumed_on_the_way(server):
    """XEP-0388 example 9: the stream is there behind the success, without features, and a wish to bind is ignored."""
    juliet, romeo = await server.session("juliet", "balcony", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await romeo.message(juliet.jid, "while thou wert away")
    await romeo.settled()
    session = await door(server, juliet.account)

    success = await session.scram2(juliet.account, resumption_of(juliet) + bind2(EVERYTHING))

    answer = success.child("resumed", SM)
    assert (answer["previd"], answer["h"]) == (juliet.management.id, str(len(juliet.management.sent)))
    assert success.text_of("authorization-identifier") in (juliet.jid, juliet.bare)
    assert not success.has("bound") and not success.has("failed")
    element = await session.next()
    while element.ns == SM:
        element = await session.next()
    assert (element.name, element.text_of("body")) == ("message", "while thou wert away")
    session.jid = juliet.jid
    await is_online(session)


async def test_a_resumption_that_fails_binds_anew(server):
    """XEP-0198 example 30."""
    account = await server.account("juliet")
    session = await door(server, account)

    success = await session.scram2(
        account, f"<resume xmlns='{SM}' h='0' previd='no-such-session'/>" + bind2(EVERYTHING)
    )

    assert success.child("failed", SM).names[0] == "item-not-found"
    assert success.child("bound", BIND2).has("enabled", SM)
    assert success.text_of("authorization-identifier").startswith(f"{account.jid}/AwesomeXMPP")
    await session.features()
    await session.available()
    await is_online(session)


async def test_a_resumption_that_fails_without_a_wish_to_bind_may_bind_later(server):
    account = await server.account("juliet")
    session = await door(server, account)

    success = await session.plain2(account, f"<resume xmlns='{SM}' h='0' previd='no-such-session'/>")

    assert success.child("failed", SM).names[0] == "item-not-found"
    assert success.text_of("authorization-identifier") == account.jid
    assert (await session.features()).has("bind", BIND)
    assert (await session.bind())["type"] == "result"


async def test_a_login_that_fails_resumes_nothing(server):
    """XEP-0388 section 2.6.2."""
    juliet, romeo = await server.session("juliet", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    session = await door(server, juliet.account)

    assert why(await session.plain2(juliet.account, resumption_of(juliet), password="wrong")) == "not-authorized"

    await romeo.message(juliet.jid, "still here")
    assert (await juliet.hears()).text_of("body") == "still here"


async def test_nobody_resumes_the_session_of_another_on_the_way(server):
    juliet, tybalt = await server.session("juliet", type=Managed), await server.account("tybalt")
    await juliet.asks_how_far()
    session = await door(server, tybalt)

    success = await session.plain2(tybalt, resumption_of(juliet) + bind2())

    assert success.child("failed", SM).names[0] == "item-not-found"
    assert session.bare == tybalt.jid
    await juliet.settled()
