"""Bind 2 (XEP-0386) byte for byte: resources, earlier sessions, stream management inline (0198 section 9)."""

import re
import uuid

import pytest

from support.door import BIND_PLAY, authenticate, hashed, plain_of
from support.xml import BIND, BIND2, FAST, SASL2, SM

pytestmark = pytest.mark.anser_only("what is asked here, Debian's ejabberd and Prosody do not speak")


async def test_one_request_logs_in_and_binds(server, door):
    account = await server.account("romeo")
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", plain_of(account), BIND_PLAY)

    assert answer.has("bound", BIND2)
    assert re.fullmatch(re.escape(account.jid) + r"/Play/[\w-]{12,}", wire.jid)
    assert not wire.after.has("bind", BIND)
    await wire.available()


async def test_a_resource_is_stable_for_a_client_and_a_tag(server, door, agent):
    account = await server.account("romeo")

    async def resource(tag: str, who: str | None) -> str:
        wire = await door.opens()
        await door.says(wire, "PLAIN", plain_of(account), f"<bind xmlns='{BIND2}'>{tag}</bind>", who)
        return wire.resource

    first = await resource("<tag>Play</tag>", agent)
    assert agent not in first and agent.replace("-", "") not in first
    assert await resource("<tag>Play</tag>", agent.upper()) == first
    assert await resource("<tag>Other</tag>", agent) != first
    assert await resource("<tag>Play</tag>", str(uuid.uuid4())) != first
    assert await resource("<tag>Play</tag>", None) != await resource("<tag>Play</tag>", None)
    assert "/" not in await resource("", agent)


async def test_a_tag_that_no_resource_can_have_is_left_out(server, door):
    account = await server.account("romeo")
    for tag in ("x" * 2000, "soft\u00adhyphen"):
        wire = await door.opens()
        answer = await door.says(wire, "PLAIN", plain_of(account), f"<bind xmlns='{BIND2}'><tag>{tag}</tag></bind>")
        assert answer.name == "success" and "/" not in wire.resource


async def test_earlier_sessions_of_the_same_client_end(server, door, agent):
    account = await server.account("romeo")
    first, other = await door.opens(), await door.opens()
    await door.says(first, "PLAIN", plain_of(account), BIND_PLAY, agent)
    await door.says(other, "PLAIN", plain_of(account), BIND_PLAY, str(uuid.uuid4()))

    second = await door.opens()
    await door.says(second, "PLAIN", plain_of(account), f"<bind xmlns='{BIND2}'><tag>Another</tag></bind>", agent)

    error = await first.next()
    assert error.name == "error" and error.has("conflict")
    assert (await other.ask("<ping xmlns='urn:xmpp:ping'/>"))["type"] == "result"


async def test_what_waited_and_is_in_no_archive_is_handed_over_after_bind_2_too(server, door):
    """adr 0012: only what the archive holds is cleared."""
    romeo, juliet = await server.session("romeo"), await server.account("juliet")
    await romeo.message(juliet, "it is not yet near day")
    await romeo.message(juliet, "wilt thou be gone?", more="<no-permanent-store xmlns='urn:xmpp:hints'/>")
    await romeo.ask("<ping xmlns='urn:xmpp:ping'/>")

    wire = await door.opens()
    await door.says(wire, "PLAIN", plain_of(juliet), BIND_PLAY)
    await wire.available()

    message = await wire.take(lambda s: s.name == "message", "the message that waited")
    assert message.text_of("body") == "wilt thou be gone?"
    assert message.has("delay", "urn:xmpp:delay")


async def test_carbons_are_on_from_the_first_moment(server, door):
    account, juliet = await server.account("romeo"), await server.session("juliet")
    wire = await door.opens()
    enables = "<enable xmlns='urn:xmpp:carbons:2'/><inactive xmlns='urn:xmpp:csi:0'/>"
    assert (await door.says(wire, "PLAIN", plain_of(account), f"<bind xmlns='{BIND2}'>{enables}</bind>")).has("bound")
    desk = await server.session(account)

    await desk.message(juliet.bare, "wilt thou be gone?")

    copy = await wire.take(lambda s: s.name == "message", "a copy")
    assert copy.has("sent", "urn:xmpp:carbons:2")


# ---- stream management inline (XEP-0198 section 9) ------------------------------------------------------------------

MANAGED = f"<bind xmlns='{BIND2}'><tag>Play</tag><enable xmlns='{SM}' resume='true'/></bind>"


def resume(session_id: str, handled: int = 0) -> str:
    return f"<resume xmlns='{SM}' previd='{session_id}' h='{handled}'/>"


async def lost_session(server, door, account) -> tuple[str, str]:
    """Bound with stream management, given one message, and gone. Its id and its address."""
    wire = await door.opens()
    answer = await door.says(wire, "PLAIN", plain_of(account), MANAGED)
    enabled = answer.child("bound", BIND2).child("enabled", SM)
    await wire.available()
    sender = await server.session("mercutio")
    wire.hang_up()
    await sender.message(wire.jid, "a plague on both your houses")
    await sender.ask("<ping xmlns='urn:xmpp:ping'/>")
    return enabled["id"], wire.jid


async def test_stream_management_is_announced_where_it_can_be_asked_for(door):
    wire = await door.opens()

    inline = wire.offer.child("authentication", SASL2).child("inline")
    assert inline.has("sm", SM)
    assert SM in [f["var"] for f in inline.child("bind", BIND2).child("inline").children]


async def test_a_session_is_resumed_with_the_login(server, door, agent):
    """One round trip: login by token, session resumed, what was missed comes at once."""
    account = await server.account("romeo")
    session_id, address = await lost_session(server, door, account)
    token = await door.gets_token(account, agent)
    wire = await door.opens(**{"from": account.jid})

    proof = account.local.encode() + b"\0" + hashed(token, b"Initiator")
    said = f"<fast xmlns='{FAST}'/>{resume(session_id, 1)}{MANAGED}"
    await wire.send(authenticate("HT-SHA-256-NONE", proof, said, agent))
    success = await wire.next()

    assert success.name == "success" and success.text_of("authorization-identifier") == address
    assert success.child("resumed", SM)["previd"] == session_id
    assert not success.has("bound", BIND2)
    message = await wire.next()  # no features in between
    assert message.name == "message" and message.text_of("body") == "a plague on both your houses"


@pytest.mark.parametrize("whose", ["nobody's", "another's"])
async def test_a_session_that_cannot_be_resumed_gives_way_to_a_new_one(server, door, whose):
    account = await server.account("romeo")
    session_id, _ = await lost_session(server, door, await server.account("juliet"))
    wire = await door.opens()

    session_id = session_id if whose == "another's" else "unheard-of"
    answer = await door.says(wire, "PLAIN", plain_of(account), resume(session_id) + MANAGED)

    assert answer.child("failed", SM).names == ["item-not-found"]
    assert answer.child("bound", BIND2).has("enabled", SM)
    await wire.available()


async def test_without_bind_a_failed_resumption_leaves_an_unbound_stream(server, door):
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), resume("unheard-of"))

    assert answer.has("failed", SM) and wire.after.has("bind", BIND)
    assert (await wire.bind("balcony"))["type"] == "result"


async def test_who_resumes_with_a_number_that_was_never_sent_is_told_so(server, door):
    account = await server.account("romeo")
    session_id, _ = await lost_session(server, door, account)
    wire = await door.opens()

    await wire.send(authenticate("PLAIN", plain_of(account), resume(session_id, 1000)))

    await wire.fails("undefined-condition")
