"""Faster logins, byte for byte: SASL2 (XEP-0388), Bind 2 (0386), FAST (0484), upgrade tasks (0480), stream limits (0478)."""

import asyncio
import base64
import hashlib
import hmac
import re
import sqlite3
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from support.scram import ScramClient
from support.session import Session
from support.wire import Wire, b64, header
from support.xml import BIND, SASL, STREAM, Node

SASL2 = "urn:xmpp:sasl:2"
BIND2 = "urn:xmpp:bind:0"
FAST = "urn:xmpp:fast:0"
UPGRADE = "urn:xmpp:sasl:upgrade:0"
SCRAM_UPGRADE = "urn:xmpp:scram-upgrade:0"
LIMITS = "urn:xmpp:stream-limits:0"
MANAGEMENT = "urn:xmpp:sm:3"
BINDINGS = {"NONE": None, "ENDP": "tls-server-end-point", "EXPR": "tls-exporter", "UNIQ": "tls-unique"}

only_anser = pytest.mark.anser_only("what is asked here, Debian's ejabberd and Prosody do not speak")
pytestmark = only_anser


def authenticate(mechanism: str, initial: str | bytes | None, more: str = "", agent: str | None = None) -> str:
    said = "" if initial is None else f"<initial-response>{b64(initial)}</initial-response>"
    who = f"<user-agent id='{agent}'><software>Play</software><device>Stage</device></user-agent>" if agent else ""
    return f"<authenticate xmlns='{SASL2}' mechanism='{mechanism}'>{said}{who}{more}</authenticate>"


def plain_of(account) -> str:
    return f"\0{account.local}\0{account.password}"


def hashed(token: str, role: bytes, bound: bytes = b"") -> bytes:
    return hmac.new(token.encode(), role + bound, hashlib.sha256).digest()


def token_of(answer: Node) -> str:
    return answer.child("token", FAST)["token"]


def condition_of(answer: Node) -> str:
    assert (answer.name, answer.ns) == ("failure", SASL2), answer
    (condition,) = [child.name for child in answer.children if child.ns == SASL]
    return condition


BIND_PLAY = f"<bind xmlns='{BIND2}'><tag>Play</tag></bind>"


class Door:
    """Opens streams to the point where a login is due, and logs in by SASL2."""

    def __init__(self, server):
        self.server = server

    async def opens(self, tls: str | None = None, **attributes) -> Session:
        wire = await self.server.wire(type=Session)
        wire.offer = await wire.opened(**attributes)
        await wire.starttls(**({"version": tls} if tls else {}))
        wire.offer = await wire.opened(**attributes)
        return wire

    async def says(self, wire: Wire, mechanism: str, initial, more: str = "", agent=None) -> Node:
        await wire.send(authenticate(mechanism, initial, more, agent))
        answer = await wire.next()
        if answer.name == "success":
            wire.jid = answer.text_of("authorization-identifier")
            wire.after = await wire.next()
            assert (wire.after.name, wire.after.ns) == ("features", STREAM)
        return answer

    async def gets_token(self, account, agent, kind="NONE", tls=None, more="") -> str:
        """By its password; the connection is gone afterwards."""
        wire = await self.opens(tls)
        asks = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-{kind}'/>{more}"
        answer = await self.says(wire, "PLAIN", plain_of(account), asks, agent)
        assert answer.name == "success", answer
        wire.hang_up()
        return token_of(answer)

    async def shows_token(self, account, token, agent, kind="NONE", tls=None, fast="", more=BIND_PLAY):
        wire = await self.opens(tls, **{"from": account.jid})
        bound = wire.tls.binding(BINDINGS[kind]) if BINDINGS[kind] else b""
        proof = account.local.encode() + b"\0" + hashed(token, b"Initiator", bound)
        answer = await self.says(wire, f"HT-SHA-256-{kind}", proof, f"<fast xmlns='{FAST}'{fast}/>{more}", agent)
        if answer.name == "success":
            said = base64.b64decode(answer.text_of("additional-data"))
            assert said == hashed(token, b"Responder", bound)
        return wire, answer


@pytest.fixture
def door(server):
    return Door(server)


@pytest.fixture
def agent():
    return str(uuid.uuid4())


# ---- the offer ------------------------------------------------------------------------------------------------------


async def test_sasl2_is_offered_beside_sasl(door):
    wire = await door.opens("1.3")

    offer = wire.offer.child("authentication", SASL2)
    said = [m.text for m in offer.all("mechanism")]
    assert said == [m.text for m in wire.offer.child("mechanisms", SASL).children]
    assert {"SCRAM-SHA-256-PLUS", "PLAIN"} <= set(said)
    assert offer.child("inline").has("bind", BIND2)
    assert [u.text for u in offer.all("upgrade", UPGRADE)] == ["UPGR-SCRAM-SHA-256", "UPGR-SCRAM-SHA-512"]


@pytest.mark.parametrize("tls, kinds", [("1.2", ["UNIQ", "ENDP", "NONE"]), ("1.3", ["EXPR", "ENDP", "NONE"])])
async def test_tokens_are_offered_for_what_the_connection_can_be_bound_to(door, tls, kinds):
    wire = await door.opens(tls)

    fast = wire.offer.child("authentication", SASL2).child("inline").child("fast", FAST)
    offered = [m.text.removeprefix("HT-SHA-256-") for m in fast.children]
    assert [kind for kind in offered if kind in kinds] == kinds
    assert set(offered) <= {*kinds, "EXPR"}
    assert fast["tls-0rtt"] is None


async def test_without_tls_there_is_no_sasl2(start):
    server = await start(plain_without_tls=False)
    wire = await server.wire()
    features = await wire.opened()
    assert not features.has("authentication", SASL2)

    answer = await Door(server).says(wire, "PLAIN", "\0romeo\0secret")

    assert condition_of(answer) == "encryption-required"


async def test_the_offer_does_not_tell_whether_an_account_exists(server, door):
    account = await server.account("romeo")

    known = await door.opens(**{"from": account.jid})
    unknown = await door.opens(**{"from": f"nobody@{server.domain}"})

    assert known.offer.same_as(unknown.offer)


async def test_limits_are_told_before_and_after_login(server, door):
    wire = await door.opens()
    before = wire.offer.child("limits", LIMITS)
    await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), BIND_PLAY)
    after = wire.after.child("limits", LIMITS)

    assert (before.text_of("max-bytes"), before.text_of("idle-seconds")) == ("10240", "60")
    assert (after.text_of("max-bytes"), after.text_of("idle-seconds")) == ("262144", "300")


async def test_the_limits_told_are_those_that_hold(start):
    server = await start(limits={"stanza_bytes": 20000, "stanza_bytes_before_login": 15000, "login_seconds": 30})
    door = Door(server)
    wire = await door.opens()
    assert wire.offer.child("limits", LIMITS).text_of("max-bytes") == "15000"
    assert wire.offer.child("limits", LIMITS).text_of("idle-seconds") == "30"
    await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), BIND_PLAY)
    assert wire.after.child("limits", LIMITS).text_of("max-bytes") == "20000"

    # A ping of exactly that size is answered; one byte more ends the stream.
    def ping(size: int) -> str:
        bare = f"<iq type='get' id='p'><ping xmlns='urn:xmpp:ping' a='{{}}'/></iq>"
        return bare.format("x" * (size - len(bare.format(""))))

    await wire.send(ping(20000))
    assert (await wire.next())["type"] == "result"
    await wire.send(ping(20001))
    await wire.fails("policy-violation")


# ---- SASL2 ----------------------------------------------------------------------------------------------------------


async def test_plain_logs_in_without_a_restart(server, door):
    account = await server.account("romeo")
    wire = await door.opens(**{"from": account.jid})

    answer = await door.says(wire, "PLAIN", plain_of(account))

    assert answer.text_of("authorization-identifier") == account.jid
    assert not answer.has("additional-data") and not answer.has("bound", BIND2)
    assert wire.after.has("bind", BIND)
    assert (await wire.bind("balcony"))["type"] == "result"
    assert wire.jid == f"{account.jid}/balcony"


@pytest.mark.parametrize("tls, binding", [(None, None), ("1.2", "tls-unique"), ("1.3", "tls-exporter")])
async def test_scram_proves_the_server_in_the_success(server, door, tls, binding):
    account = await server.account("romeo")
    wire = await door.opens(tls)
    data = (binding, wire.tls.binding(binding)) if binding else None
    client = ScramClient("SHA-256", account.local, account.password, binding=data)

    challenge = await door.says(wire, "SCRAM-SHA-256" + ("-PLUS" if binding else ""), client.first())
    await wire.send(f"<response xmlns='{SASL2}'>\n  {b64(client.final(base64.b64decode(challenge.text)))}\n</response>")
    success = await wire.next()

    assert (success.name, success.ns) == ("success", SASL2)
    client.verify(base64.b64decode(success.text_of("additional-data")))
    assert success.text_of("authorization-identifier") == account.jid


async def test_a_mechanism_may_begin_without_an_initial_response(server, door):
    account = await server.account("romeo")
    wire = await door.opens()

    challenge = await door.says(wire, "PLAIN", None)
    assert (challenge.name, challenge.text) == ("challenge", "")
    await wire.send(f"<response xmlns='{SASL2}'>{b64(plain_of(account))}</response>")

    assert (await wire.next()).name == "success"


async def test_a_failed_login_can_be_followed_by_another(server, door):
    account = await server.account("romeo")
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", f"\0{account.local}\0wrong", BIND_PLAY)
    assert condition_of(answer) == "not-authorized"

    assert (await door.says(wire, "PLAIN", plain_of(account))).name == "success"


async def test_failed_logins_of_both_kinds_are_counted_together(start):
    server = await start(limits={"login_attempts": 3, "failures_per_account": 0})
    door = Door(server)
    wire = await door.opens()

    for _ in range(2):
        await door.says(wire, "PLAIN", "\0romeo\0wrong")
    await wire.plain("romeo", "wrong")

    await wire.fails("policy-violation")


UUID = "d4565fa7-4d72-4749-b3d3-740edbf87770"
OF_SASL2 = f"xmlns='{SASL2}'"


@pytest.mark.parametrize(
    "said, condition",
    [
        (f"<authenticate {OF_SASL2}/>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='BLURDYBLOOP'/>", "invalid-mechanism"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><initial-response>=</initial-response></authenticate>", "incorrect-encoding"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><initial-response/></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><initial-response/><initial-response/></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><user-agent id='me'/></authenticate>", "malformed-request"),
        # A UUID of version 1.
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><user-agent id='c232ab00-9414-11ec-b3c8-9f6bdeced846'/></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><fast xmlns='{FAST}' count='-1'/></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='PLAIN'><fast xmlns='{FAST}'/></authenticate>", "invalid-mechanism"),
        (f"<authenticate {OF_SASL2} mechanism='HT-SHA-256-NONE'><initial-response>AGE=</initial-response></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='HT-SHA-256-NONE'><user-agent id='{UUID}'/><fast xmlns='{FAST}'/></authenticate>", "malformed-request"),
        (f"<authenticate {OF_SASL2} mechanism='HT-SHA-256-UNIQ'><initial-response>YQBi</initial-response><fast xmlns='{FAST}'/></authenticate>", "invalid-mechanism"),
        (f"<response {OF_SASL2}>AAAA</response>", "malformed-request"),
        (f"<abort {OF_SASL2}><text>changed my mind</text></abort>", "aborted"),
    ],
)
async def test_what_is_wrong_is_named(door, said, condition):
    wire = await door.opens()

    await wire.send(said)

    assert condition_of(await wire.next()) == condition


async def test_an_exchange_can_be_aborted(server, door):
    account = await server.account("romeo")
    wire = await door.opens()
    assert (await door.says(wire, "SCRAM-SHA-1", "n,,n=romeo,r=abc")).name == "challenge"

    await wire.send(f"<abort {OF_SASL2}/>")

    assert condition_of(await wire.next()) == "aborted"
    assert (await door.says(wire, "PLAIN", plain_of(account))).name == "success"


@pytest.mark.parametrize(
    "said",
    [
        " ",
        "<presence/>",
        "<iq type='get' id='p'><ping xmlns='urn:xmpp:ping'/></iq>",
        f"<auth xmlns='{SASL}' mechanism='PLAIN'/>",
        authenticate("PLAIN", "\0romeo\0secret"),
        f"<next {OF_SASL2} task='UPGR-SCRAM-SHA-256'/>",
        "<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    ],
)
async def test_whoever_talks_during_the_exchange_is_disconnected(door, said):
    wire = await door.opens()
    assert (await door.says(wire, "SCRAM-SHA-1", "n,,n=romeo,r=abc")).name == "challenge"

    await wire.send(said)

    await wire.fails("policy-violation")


async def test_nothing_may_be_sent_behind_a_login_before_its_outcome(server, door):
    account = await server.account("romeo")
    wire = await door.opens()

    await wire.send(authenticate("PLAIN", plain_of(account), BIND_PLAY) + "<presence/>")

    await wire.fails("policy-violation")


async def test_a_second_login_ends_the_stream(server, door):
    account = await server.account("romeo")
    for more in ("", BIND_PLAY):
        wire = await door.opens()
        assert (await door.says(wire, "PLAIN", plain_of(account), more)).name == "success"

        await wire.send(authenticate("PLAIN", plain_of(account)))

        await wire.fails("unsupported-stanza-type")


async def test_from_must_be_of_the_host(server, door):
    wire = await server.wire()

    await wire.send(header(server.domain, **{"from": "romeo@capulet.test"}))

    await wire.fails("invalid-from")


async def test_from_at_an_alias_is_of_the_host(server, door):
    account = await server.account("romeo")
    wire = await door.opens(**{"from": f"{account.local}@chat.localhost"})

    assert (await door.says(wire, "PLAIN", plain_of(account))).name == "success"


@pytest.mark.parametrize("authzid", ["", "{}"])
async def test_nobody_else_than_from_announced_may_log_in(server, door, authzid):
    romeo, juliet = await server.account("romeo"), await server.account("juliet")
    wire = await door.opens(**{"from": juliet.jid})

    answer = await door.says(wire, "PLAIN", authzid.format(romeo.jid) + plain_of(romeo))

    assert condition_of(answer) == "invalid-authzid"


# ---- Bind 2 ---------------------------------------------------------------------------------------------------------


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

MANAGED = f"<bind xmlns='{BIND2}'><tag>Play</tag><enable xmlns='{MANAGEMENT}' resume='true'/></bind>"


def resume(session_id: str, handled: int = 0) -> str:
    return f"<resume xmlns='{MANAGEMENT}' previd='{session_id}' h='{handled}'/>"


async def lost_session(server, door, account) -> tuple[str, str]:
    """Bound with stream management, given one message, and gone. Its id and its address."""
    wire = await door.opens()
    answer = await door.says(wire, "PLAIN", plain_of(account), MANAGED)
    enabled = answer.child("bound", BIND2).child("enabled", MANAGEMENT)
    await wire.available()
    sender = await server.session("mercutio")
    wire.hang_up()
    await sender.message(wire.jid, "a plague on both your houses")
    await sender.ask("<ping xmlns='urn:xmpp:ping'/>")
    return enabled["id"], wire.jid


async def test_stream_management_is_announced_where_it_can_be_asked_for(door):
    wire = await door.opens()

    inline = wire.offer.child("authentication", SASL2).child("inline")
    assert inline.has("sm", MANAGEMENT)
    assert MANAGEMENT in [f["var"] for f in inline.child("bind", BIND2).child("inline").children]


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
    assert success.child("resumed", MANAGEMENT)["previd"] == session_id
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

    assert answer.child("failed", MANAGEMENT).names == ["item-not-found"]
    assert answer.child("bound", BIND2).has("enabled", MANAGEMENT)
    await wire.available()


async def test_without_bind_a_failed_resumption_leaves_an_unbound_stream(server, door):
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), resume("unheard-of"))

    assert answer.has("failed", MANAGEMENT) and wire.after.has("bind", BIND)
    assert (await wire.bind("balcony"))["type"] == "result"


async def test_who_resumes_with_a_number_that_was_never_sent_is_told_so(server, door):
    account = await server.account("romeo")
    session_id, _ = await lost_session(server, door, account)
    wire = await door.opens()

    await wire.send(authenticate("PLAIN", plain_of(account), resume(session_id, 1000)))

    await wire.fails("undefined-condition")


# ---- FAST -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "tls, kind", [(None, "NONE"), ("1.2", "NONE"), ("1.3", "NONE"), ("1.2", "ENDP"), ("1.3", "ENDP"), ("1.3", "EXPR"), ("1.2", "UNIQ")]
)
async def test_a_token_logs_in(server, door, agent, tls, kind):
    account = await server.account("romeo")
    token = await door.gets_token(account, agent, kind, tls)

    wire, answer = await door.shows_token(account, token, agent, kind, tls)

    assert answer.name == "success" and answer.has("bound", BIND2)
    assert not answer.has("token", FAST)
    await wire.available()


async def test_a_token_expires_when_it_says(server, door, agent):
    account = await server.account("romeo")
    wire = await door.opens()
    answer = await door.says(
        wire, "PLAIN", plain_of(account), f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-NONE'/>", agent
    )

    token = answer.child("token", FAST)
    expiry = datetime.strptime(token["expiry"], "%Y-%m-%dT%H:%M:%S.%f%z")
    assert timedelta(days=27, hours=23) < expiry - datetime.now(timezone.utc) <= timedelta(days=28)
    assert len(token["token"]) >= 22  # 128 bits and more


async def test_everything_can_be_said_in_one_piece(server, door, agent):
    """One round trip: header and login go out together."""
    account = await server.account("romeo")
    token = await door.gets_token(account, agent)
    wire = await server.wire(type=Session, tls_port=True)
    await wire.encrypt()

    proof = account.local.encode() + b"\0" + hashed(token, b"Initiator")
    said = authenticate("HT-SHA-256-NONE", proof, f"<fast xmlns='{FAST}'/>{BIND_PLAY}", agent)
    await wire.send(header(server.domain, **{"from": account.jid}) + said)

    assert (await wire.next()).name == "features"
    success = await wire.next()
    assert success.name == "success" and success.has("bound", BIND2)


@pytest.mark.parametrize("what", ["token", "agent", "account", "mechanism", "unknown account", "no agent"])
async def test_a_token_is_of_one_client_one_account_and_one_mechanism(server, door, agent, what):
    account, other = await server.account("romeo"), await server.account("juliet")
    token = await door.gets_token(account, agent, tls="1.3")
    shown = {
        "token": (account, token[:-1] + ("A" if token[-1] != "A" else "B"), agent),
        "agent": (account, token, str(uuid.uuid4())),
        "account": (other, token, agent),
        "mechanism": (account, token, agent, "ENDP"),
        "unknown account": (server.unregistered("nobody"), token, agent),
        "no agent": (account, token, None),
    }[what]

    _, answer = await door.shows_token(*shown, tls="1.3")

    assert condition_of(answer) == ("malformed-request" if what == "no agent" else "not-authorized")
    assert answer.text_of("text") == (
        "a token is used with the id of its user-agent" if what == "no agent" else "the name or the token is wrong"
    )
    assert (await door.shows_token(account, token, agent, tls="1.3"))[1].name == "success"


async def test_a_token_rotates_when_half_of_its_life_is_over(start, agent):
    server = await start(limits={"token_seconds": 6})
    door, account = Door(server), await server.account("romeo")
    old = await door.gets_token(account, agent)

    async def shown_until(token: str, wanted) -> Node:
        while not wanted(answer := (await door.shows_token(account, token, agent))[1]):
            await asyncio.sleep(0.1)
        return answer

    given = await shown_until(old, lambda answer: answer.has("token", FAST))
    fresh = token_of(given)
    assert fresh != old
    assert (await door.shows_token(account, old, agent))[1].name == "success"  # the new one may have been lost
    renewed = (await door.shows_token(account, old, agent))[1].child("token", FAST)
    newest = renewed["token"]
    assert condition_of((await door.shows_token(account, fresh, agent))[1]) == "not-authorized"
    assert (await door.shows_token(account, newest, agent))[1].name == "success"
    assert condition_of((await door.shows_token(account, old, agent))[1]) == "not-authorized"

    expired = await shown_until(newest, lambda answer: answer.name == "failure")
    assert condition_of(expired) == "credentials-expired"


async def test_a_logout_ends_the_token(server, door, agent):
    account = await server.account("romeo")
    token = await door.gets_token(account, agent)

    _, answer = await door.shows_token(account, token, agent, fast=" invalidate='true'", more="")
    assert answer.name == "success" and not answer.has("token", FAST)

    assert condition_of((await door.shows_token(account, token, agent))[1]) == "not-authorized"


async def test_a_logout_may_ask_for_another_token(server, door, agent):
    account = await server.account("romeo")
    token = await door.gets_token(account, agent)
    asks = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-NONE'/>"

    _, answer = await door.shows_token(account, token, agent, fast=" invalidate='1'", more=asks)

    assert condition_of((await door.shows_token(account, token, agent))[1]) == "not-authorized"
    assert (await door.shows_token(account, token_of(answer), agent))[1].name == "success"


async def test_a_count_is_not_taken_twice(server, door, agent):
    account = await server.account("romeo")
    token = await door.gets_token(account, agent)

    assert (await door.shows_token(account, token, agent, fast=" count='7'"))[1].name == "success"
    for count in (7, 6, 0):
        _, answer = await door.shows_token(account, token, agent, fast=f" count='{count}'")
        assert condition_of(answer) == "not-authorized"
    assert (await door.shows_token(account, token, agent, fast=" count='8'"))[1].name == "success"


async def test_a_password_change_ends_tokens(server, door, agent):
    account = await server.account("romeo")
    token = await door.gets_token(account, agent)
    session = await server.session(account)

    changed = await session.set(
        f"<query xmlns='jabber:iq:register'><username>{account.local}</username><password>another</password></query>"
    )
    assert changed["type"] == "result"

    assert condition_of((await door.shows_token(account, token, agent))[1]) == "not-authorized"


async def test_a_name_registered_again_has_no_tokens(server, door, agent):
    account = server.unregistered("mercutio")
    await server.register(account)
    token = await door.gets_token(account, agent)
    session = await server.session(account)
    await session.set("<query xmlns='jabber:iq:register'><remove/></query>")
    session.hang_up()
    await server.register(account)

    assert condition_of((await door.shows_token(account, token, agent))[1]) == "not-authorized"


async def test_so_many_clients_have_tokens(start, agent):
    server = await start(limits={"tokens_per_account": 2})
    door, account = Door(server), await server.account("romeo")
    agents = [str(uuid.uuid4()) for _ in range(3)]
    tokens = [await door.gets_token(account, who) for who in agents]

    outcomes = [(await door.shows_token(account, token, who))[1].name for token, who in zip(tokens, agents)]

    assert outcomes == ["failure", "success", "success"]


async def test_tokens_outlive_the_server_and_end_with_their_key(start, agent):
    server = await start()
    door, account = Door(server), await server.account("romeo")
    token = await door.gets_token(account, agent)
    server.house.kill()
    server.house.start()
    assert (await door.shows_token(account, token, agent))[1].name == "success"

    server.house.kill()
    (server.house.folder / "data" / "tokens.key").unlink()
    server.house.start()
    assert condition_of((await door.shows_token(account, token, agent))[1]) == "not-authorized"


async def test_what_is_stored_is_not_the_token(start, agent):
    server = await start()
    door, account = Door(server), await server.account("romeo")
    token = await door.gets_token(account, agent)
    server.house.stop()

    for file in (server.house.folder / "data").glob("accounts.db*"):
        content = file.read_bytes()
        assert token.encode() not in content
        assert base64.urlsafe_b64decode(token + "=") not in content
        assert agent.encode() not in content


async def test_who_does_not_say_what_it_is_gets_no_token(server, door):
    wire = await door.opens()
    asks = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-NONE'/>"

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), asks)

    assert answer.name == "success" and not answer.has("token", FAST)


async def test_a_token_can_only_be_asked_for_what_is_offered(server, door, agent):
    wire = await door.opens()
    asks = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-UNIQ'/>"

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), asks, agent)

    assert answer.name == "success" and not answer.has("token", FAST)


async def test_tokens_can_be_switched_off(start):
    server = await start(limits={"token_seconds": 0})
    wire = await Door(server).opens()

    assert not wire.offer.child("authentication", SASL2).child("inline").has("fast", FAST)


# ---- upgrades -------------------------------------------------------------------------------------------------------


def forget_keys(server, account, *hashes: int) -> None:
    """As an account from before those hashes has it; the server must not run."""
    with sqlite3.connect(server.house.folder / "data" / "accounts.db") as database:
        for hash_number in hashes:
            gone = database.execute(
                "DELETE FROM account_key WHERE hash=? AND account=(SELECT id FROM account WHERE address=?)",
                (hash_number, account.jid),
            )
            assert gone.rowcount == 1
    database.close()


SHA1, SHA256, SHA512 = range(3)


def wishes(*names: str) -> str:
    return "".join(f"<upgrade xmlns='{UPGRADE}'>UPGR-SCRAM-{name}</upgrade>" for name in names)


def salted(hash_name: str, password: str, answer: Node) -> str:
    salt = answer.child("salt", SCRAM_UPGRADE)
    assert int(salt["iterations"]) >= 4096
    return b64(hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(salt.text), int(salt["iterations"])))


async def old_account(start):
    """An account with SHA-1 keys alone."""
    server = await start()
    account = await server.account("romeo")
    server.house.stop()
    forget_keys(server, account, SHA256, SHA512)
    server.house.start()
    return server, account


async def test_missing_keys_are_added_task_by_task(start):
    server, account = await old_account(start)
    door = Door(server)
    assert (await (await door.opens()).scram("SHA-256", account.local, account.password)).name == "failure"
    wire, client = await door.opens(), ScramClient("SHA-1", account.local, account.password)

    challenge = await door.says(wire, "SCRAM-SHA-1", client.first(), wishes("SHA-512", "SHA-256") + BIND_PLAY)
    await wire.send(f"<response xmlns='{SASL2}'>{b64(client.final(base64.b64decode(challenge.text)))}</response>")
    for name, hash_name, first in (("SHA-512", "sha512", True), ("SHA-256", "sha256", False)):
        answer = await wire.next()
        assert answer.name == "continue"
        assert [task.text for task in answer.child("tasks").children] == [f"UPGR-SCRAM-{name}"]
        assert answer.has("additional-data") == first
        if first:
            client.verify(base64.b64decode(answer.text_of("additional-data")))
        await wire.send(f"<next xmlns='{SASL2}' task='UPGR-SCRAM-{name}'/>")
        hashed_password = salted(hash_name, account.password, await wire.next())
        await wire.send(
            f"<task-data xmlns='{SASL2}'><hash xmlns='{SCRAM_UPGRADE}'>{hashed_password}</hash></task-data>"
        )
    success = await wire.next()

    assert success.name == "success" and success.has("bound", BIND2) and not success.has("additional-data")
    for name in ("SHA-1", "SHA-256", "SHA-512"):
        assert (await (await door.opens()).scram(name, account.local, account.password)).name == "success"


async def test_keys_that_are_there_need_no_task(server, door):
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), wishes("SHA-256", "SHA-512"))

    assert answer.name == "success"


async def test_a_token_cannot_become_a_password(start, agent):
    server, account = await old_account(start)
    door = Door(server)
    token = await door.gets_token(account, agent)

    _, answer = await door.shows_token(account, token, agent, more=wishes("SHA-256"))

    assert answer.name == "success"
    assert (await (await door.opens()).scram("SHA-256", account.local, account.password)).name == "failure"


@pytest.mark.parametrize(
    "said, ends",
    [
        (f"<next {OF_SASL2} task='UPGR-SCRAM-SHA-512'/>", "malformed-request"),
        (f"<abort {OF_SASL2}/>", "aborted"),
        (f"<response {OF_SASL2}>AAAA</response>", None),
        (authenticate("PLAIN", "\0romeo\0secret"), None),
        (f"<task-data {OF_SASL2}><hash xmlns='{SCRAM_UPGRADE}'>AAAA</hash></task-data>", None),
        ("<presence/>", None),
    ],
)
async def test_a_task_that_goes_wrong_is_no_login(start, said, ends):
    server, account = await old_account(start)
    wire = await Door(server).opens()
    answer = await Door(server).says(wire, "PLAIN", plain_of(account), wishes("SHA-256"))
    assert answer.name == "continue"

    await wire.send(said)

    if ends is None:
        await wire.fails("policy-violation")
        return
    assert condition_of(await wire.next()) == ends
    await wire.send("<presence/>")
    await wire.fails("not-authorized")


@pytest.mark.parametrize("said", ["", "AAAA", "no base64"])
async def test_a_hash_of_another_size_is_refused(start, said):
    server, account = await old_account(start)
    wire = await Door(server).opens()
    await Door(server).says(wire, "PLAIN", plain_of(account), wishes("SHA-256"))
    await wire.send(f"<next {OF_SASL2} task='UPGR-SCRAM-SHA-256'/>")
    await wire.next()

    await wire.send(f"<task-data {OF_SASL2}><hash xmlns='{SCRAM_UPGRADE}'>{said}</hash></task-data>")

    assert condition_of(await wire.next()) == "malformed-request"


