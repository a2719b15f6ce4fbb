"""SASL2 (XEP-0388) byte for byte: what is offered, what is wrong, what may be said when; limits (0478)."""

import base64

import pytest

from support.door import BIND_PLAY, Door, authenticate, condition_of, plain_of
from support.scram import ScramClient
from support.wire import b64, header
from support.xml import BIND, BIND2, FAST, LIMITS, SASL, SASL2, UPGRADE

pytestmark = pytest.mark.anser_only("what is asked here, Debian's ejabberd and Prosody do not speak")


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
