"""XEP-0388: what is offered over TLS, and logins by it."""

import pytest

from support.sasl2 import ENDP, EXPR, NONE, bind2, door, is_online, stream_fails, why
from support.wire import header
from support.xml import BIND, BIND2, CARBONS, CSI, FAST, SASL, SASL2, SM

pytestmark = pytest.mark.anser_only("neither Prosody 0.12 nor ejabberd 23.01 knows it")


async def _is_challenged(session, account) -> None:
    answer = await session.authenticates("SCRAM-SHA-256", f"n,,n={account.local},r=abcdefghijkl".encode())
    assert answer.name == "challenge", answer


# XEP-0388 section 2.1: what is offered


async def test_sasl2_is_offered_over_tls_only(server):
    """Section 3: it MUST only be used after TLS negotiation."""
    plain = await server.wire()
    assert not (await plain.opened()).has("authentication", SASL2)

    await plain.starttls()

    assert (await plain.opened()).has("authentication", SASL2)
    assert (await door(server)).authentication.has("mechanism", SASL2)


async def test_the_offer_names_what_goes_on_the_way(server):
    """XEP-0388 example 2, XEP-0386 example 1, XEP-0198 example 27, XEP-0484 example 1."""
    session = await door(server, await server.account("juliet"))

    inline = session.authentication.child("inline", SASL2)
    assert inline.has("sm", SM)
    bind = inline.child("bind", BIND2).child("inline", BIND2)
    assert {CARBONS, CSI, SM} <= {feature["var"] for feature in bind.all("feature", BIND2)}
    fast = {mechanism.text for mechanism in inline.child("fast", FAST).all("mechanism", FAST)}
    assert NONE in fast and fast & {ENDP, EXPR}
    assert not fast & {mechanism.text for mechanism in session.authentication.all("mechanism")}
    assert session.offered.has("sasl-channel-binding", "urn:xmpp:sasl-cb:0")


async def test_both_profiles_offer_the_same_mechanisms(server):
    session = await door(server)

    new = {mechanism.text for mechanism in session.authentication.all("mechanism", SASL2)}
    old = {mechanism.text for mechanism in session.offered.child("mechanisms", SASL).all("mechanism")}
    assert new and new <= old
    assert {"SCRAM-SHA-1", "SCRAM-SHA-256", "SCRAM-SHA-256-PLUS"} <= new


async def test_an_account_that_does_not_exist_is_offered_the_same(server):
    known = await door(server, await server.account("juliet"))
    unknown = await door(server, server.unregistered("nobody"))

    offers = [sorted(m.text for m in session.authentication.all("mechanism")) for session in (known, unknown)]
    assert offers[0] == offers[1]


async def test_the_answering_header_names_who_asked(server):
    account = await server.account("juliet")
    session = await server.wire(tls_port=True)
    await session.encrypt()

    answer = await session.open(**{"from": account.jid})

    assert answer["to"] in (None, account.jid)


async def test_a_header_from_another_domain_is_not_answered_with_an_offer(server):
    session = await server.wire(tls_port=True)
    await session.encrypt()

    await session.send(header(server.domain, **{"from": "juliet@elsewhere.example"}))

    await session.fails("invalid-from")


# Sections 2.3 to 2.6: logging in


async def test_a_login_with_plain(server):
    """Example 13: the address comes with the success, the features behind it, and no stream is restarted."""
    account = await server.account("juliet")
    session = await door(server, account)

    success = await session.plain2(account)

    assert success.name == "success"
    assert success.text_of("authorization-identifier") == account.jid
    assert not success.has("additional-data")
    features = await session.features()
    assert features.has("bind", BIND) and not features.has("authentication")
    assert (await session.bind("balcony"))["type"] == "result"
    assert session.jid == f"{account.jid}/balcony"
    await session.available()
    await is_online(session)


@pytest.mark.parametrize("binding", [None, "tls-exporter", "tls-server-end-point"])
@pytest.mark.parametrize("hash_name", ["SHA-1", "SHA-256", "SHA-512"])
async def test_a_login_with_scram(server, hash_name, binding):
    """Examples 3, 5 and 7; the server's proof is in the success."""
    account = await server.account("juliet")
    session = await door(server, account)

    success = await session.scram2(account, hash_name=hash_name, binding=binding)

    assert success.name == "success"
    assert success.text_of("authorization-identifier") == account.jid
    await session.features()


async def test_a_login_after_starttls(server):
    account = await server.account("juliet")
    session = await server.wire(type=type(await door(server)), domain=account.domain)
    await session.opened()
    await session.starttls()
    await session.opens(account.jid)

    assert (await session.scram2(account)).name == "success"


async def test_a_login_without_from_and_without_user_agent(server):
    account = await server.account("juliet")
    session = await door(server, account, from_=None)

    assert (await session.scram2(account, agent=None)).name == "success"


@pytest.mark.parametrize("how", ["plain2", "scram2"])
async def test_a_wrong_password_is_refused_and_may_be_put_right(server, how):
    """Example 10: nothing else changes."""
    account = await server.account("juliet")
    session = await door(server, account)

    failure = await getattr(session, how)(account, bind2(), password="wrong")

    assert why(failure) == "not-authorized"
    assert (await getattr(session, how)(account)).name == "success"


async def test_an_unknown_account_looks_like_a_wrong_password(server):
    nobody = server.unregistered("nobody")
    session = await door(server, nobody)

    assert why(await session.plain2(nobody)) == "not-authorized"
    assert why(await session.scram2(nobody)) == "not-authorized"


@pytest.mark.parametrize(
    "request_, condition",
    [
        (f"<authenticate xmlns='{SASL2}' mechanism='BLURDYBLOOP'/>", "invalid-mechanism"),
        (f"<authenticate xmlns='{SASL2}'/>", "invalid-mechanism malformed-request"),
        (
            f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'><initial-response>***</initial-response></authenticate>",
            "incorrect-encoding",
        ),
        (
            f"<authenticate xmlns='{SASL2}' mechanism='PLAIN'><initial-response>AAAA</initial-response></authenticate>",
            "malformed-request not-authorized",
        ),
        (
            f"<authenticate xmlns='{SASL2}' mechanism='HT-SHA-256-NONE'><initial-response>AAAA</initial-response>"
            f"<fast xmlns='{FAST}'/></authenticate>",
            "malformed-request not-authorized",
        ),
        (
            f"<authenticate xmlns='{SASL2}' mechanism='HT-SHA-256-NONE'><initial-response/></authenticate>",
            "malformed-request not-authorized invalid-mechanism",
        ),
    ],
    ids=["unknown", "no mechanism", "no base64", "bad plain", "bad token", "empty token"],
)
async def test_a_request_that_makes_no_sense_is_refused(server, request_, condition):
    account = await server.account("juliet")
    session = await door(server, account)

    await session.send(request_)

    assert why(await session.answer2()) in condition.split()
    assert (await session.plain2(account)).name == "success"


async def test_a_login_may_be_given_up(server):
    """Section 4.5."""
    account = await server.account("juliet")
    session = await door(server, account)
    await _is_challenged(session, account)

    await session.send(f"<abort xmlns='{SASL2}'><text>changed my mind</text></abort>")

    assert why(await session.answer2()) == "aborted"
    assert (await session.scram2(account)).name == "success"


async def test_a_challenge_may_come_first(server):
    """Section 2.2: no initial response is something else than an empty one."""
    session = await door(server, await server.account("juliet"))

    answer = await session.authenticates("SCRAM-SHA-256", None)

    assert answer.name in ("challenge", "failure")
    if answer.name == "challenge":
        assert answer.text == ""


async def test_who_claims_to_be_another_in_the_header_is_refused(server):
    """Sections 2.3 and 4.4."""
    juliet, romeo = await server.account("juliet"), await server.account("romeo")
    session = await door(server, romeo, from_=juliet.jid)
    authzid = f"{romeo.jid}\0{romeo.local}\0{romeo.password}".encode()

    assert why(await session.authenticates("PLAIN", authzid)) in ("invalid-authzid", "not-authorized")
    assert why(await session.plain2(juliet, password=romeo.password)) == "not-authorized"
    assert (await session.plain2(juliet)).name == "success"


@pytest.mark.parametrize(
    "between", ["<presence/>", f"<auth xmlns='{SASL}' mechanism='PLAIN'>AA==</auth>", "<x xmlns='y'/>"]
)
async def test_nothing_else_is_said_while_logging_in(server, between):
    """Section 2.4: the server disconnects at once."""
    account = await server.account("juliet")
    session = await door(server, account)
    await _is_challenged(session, account)

    await session.send(between)

    await stream_fails(session)


@pytest.mark.parametrize("bound", [False, True])
async def test_to_log_in_twice_ends_the_stream(server, bound):
    """Section 4.8."""
    account = await server.account("juliet")
    session = await door(server, account)
    await session.plain2(account, bind2() if bound else "")
    await session.features()

    await session.send(session.request("PLAIN", b"\0a\0b"))

    await stream_fails(session)


async def test_the_old_login_is_still_there(server):
    account = await server.account("juliet")
    session = await door(server, account)

    assert (await session.plain(account.local, account.password)).name == "success"
    session.account = account
    await session.opened()
    assert (await session.bind())["type"] == "result"
