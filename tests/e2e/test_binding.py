"""RFC 6120 section 7: resources, asked for or made by the server, and who wins a conflict."""

import pytest

from support.session import Session, settle
from support.wire import Gone
from support.xml import BIND


async def test_the_server_makes_a_resource_for_who_asks_for_none(server):
    romeo = await server.session("romeo")

    assert romeo.jid.startswith(romeo.bare + "/")
    assert len(romeo.resource) >= 8


async def test_the_server_makes_a_resource_for_who_asks_for_an_empty_one(server):
    romeo = await server.wire(type=Session)
    await romeo.authenticate(await server.account("romeo"))

    answer = await romeo.bind("")

    assert answer["type"] == "result" and romeo.resource or answer.error.condition == "bad-request"


async def test_made_resources_differ(server):
    account = await server.account("romeo")

    resources = {(await server.session(account)).resource for _ in range(5)}

    assert len(resources) == 5


@pytest.mark.parametrize("wish", ["balcony", "Balcony Ünder the ☾", "a/b@c", "inside  blanks", "山", "x" * 1023])
async def test_a_resource_that_was_asked_for_is_given(server, wish):
    romeo = await server.session("romeo", wish)

    # RFC 7622 section 3.4: OpaqueString keeps case and blanks.
    assert romeo.jid == f"{romeo.bare}/{wish}"


@pytest.mark.parametrize("wish", ["x" * 1024, "new\nline", "a\u007fb", "tab\tbed", " foo"])
async def test_a_resource_that_cannot_be_is_refused_or_replaced(server, wish):
    romeo = await server.wire(type=Session)
    await romeo.authenticate(await server.account("romeo"))

    answer = await romeo.bind(wish)

    if answer["type"] == "error":
        assert answer.error.condition in ("bad-request", "jid-malformed", "not-acceptable")
    else:
        assert romeo.resource and romeo.resource != wish


async def test_who_was_refused_a_resource_may_ask_again(server):
    romeo = await server.wire(type=Session)
    await romeo.authenticate(await server.account("romeo"))
    if (await romeo.bind("x" * 1024))["type"] == "result":
        return

    answer = await romeo.bind("balcony")

    assert answer["type"] == "result"
    assert romeo.resource == "balcony"


async def test_a_second_resource_on_the_same_stream_is_refused(server):
    romeo = await server.session("romeo", "balcony")

    answer = await romeo.set(f"<bind xmlns='{BIND}'><resource>chamber</resource></bind>")

    assert answer["type"] == "error"
    await romeo.settled()


async def test_the_newer_session_wins_the_resource(server):
    account = await server.account("romeo")
    old = await server.session(account, "orchard")

    new = await server.session(account, "orchard")

    assert new.resource == "orchard"
    await old.fails("conflict")
    juliet = await server.session("juliet")
    await juliet.message(f"{account.jid}/orchard", "to whom?")
    assert (await new.hears()).text_of("body") == "to whom?"


async def test_after_a_conflict_friends_see_the_new_session(server):
    """They may see the old one go, but before the new one comes."""
    romeo, juliet = await server.friends("romeo", "juliet")

    again = await server.session(romeo.account, romeo.resource)

    await romeo.fails("conflict")
    await settle(again, juliet)
    assert [p["type"] for p in juliet.heard("presence") if p["from"] == again.jid][-1:] == [None]


async def test_sessions_with_different_resources_live_side_by_side(server):
    account = await server.account("romeo")
    one, other = await server.session(account, "orchard"), await server.session(account, "street")
    juliet = await server.session("juliet")

    await juliet.message(one.jid, "to the orchard")
    await juliet.message(other.jid, "to the street")

    assert (await one.hears()).text_of("body") == "to the orchard"
    assert (await other.hears()).text_of("body") == "to the street"


async def test_resources_differ_in_capitals(server):
    account = await server.account("romeo")
    one = await server.session(account, "Orchard")

    other = await server.session(account, "orchard")

    assert (one.resource, other.resource) == ("Orchard", "orchard")
    await one.settled()


async def test_a_session_can_be_opened_again_and_again(server):
    account = await server.account("romeo")
    for _ in range(5):
        romeo = await server.session(account, "orchard")
        await romeo.leaves()
        with pytest.raises(Gone):
            await romeo.next()
