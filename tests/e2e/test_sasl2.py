"""XEP-0388 with 0386 and 0484, and the limits of 0478: a phone that comes back is online in one round trip."""

import datetime
import uuid

import pytest

from support.archive import ask
from support.managed import Managed, resumed
from support.sasl2 import EVERYTHING, Token, bind2, door, new_agent, request_token, token_of, why
from support.session import Session, settle
from support.wire import Wire, header
from support.xml import (
    BIND,
    BIND2,
    CARBONS,
    CSI,
    FAST,
    LIMITS,
    MAM,
    REGISTER,
    SASL,
    SASL2,
    SM,
    STREAM,
    STREAM_ERRORS,
)

pytestmark = pytest.mark.anser_only("neither Prosody 0.12 nor ejabberd 23.01 knows it")

NONE, ENDP, EXPR = "HT-SHA-256-NONE", "HT-SHA-256-ENDP", "HT-SHA-256-EXPR"


async def _stream_fails(session, *conditions: str) -> None:
    while True:
        element = await Wire.next(session)
        if (element.name, element.ns) == ("error", STREAM):
            break
        assert element.ns != "jabber:client" or element.name not in ("message", "presence"), element
    assert not conditions or any(element.has(condition, STREAM_ERRORS) for condition in conditions), element
    await session.is_cut()


async def _is_challenged(session, account) -> None:
    answer = await session.authenticates("SCRAM-SHA-256", f"n,,n={account.local},r=abcdefghijkl".encode())
    assert answer.name == "challenge", answer


async def _is_online(session) -> None:
    await session.settled()
    await session.message(session.jid, "an echo", id="echo")
    assert (await session.hears())["id"] == "echo"


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
    await _is_online(session)


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

    await _stream_fails(session)


@pytest.mark.parametrize("bound", [False, True])
async def test_to_log_in_twice_ends_the_stream(server, bound):
    """Section 4.8."""
    account = await server.account("juliet")
    session = await door(server, account)
    await session.plain2(account, bind2() if bound else "")
    await session.features()

    await session.send(session.request("PLAIN", b"\0a\0b"))

    await _stream_fails(session)


async def test_the_old_login_is_still_there(server):
    account = await server.account("juliet")
    session = await door(server, account)

    assert (await session.plain(account.local, account.password)).name == "success"
    session.account = account
    await session.opened()
    assert (await session.bind())["type"] == "result"


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
    await _is_online(session)


async def test_a_tag_is_not_needed(server):
    account = await server.account("juliet")
    session = await door(server, account)

    await session.plain2(account, bind2(tag=None))

    assert session.resource
    await session.features()
    await session.available()
    await _is_online(session)


@pytest.mark.parametrize("tag", ["x" * 5000, "bad\tname", "ロミオ", "a/b", "  ", "&lt;&amp;"], ids=len)
async def test_a_tag_that_cannot_be_harms_nobody(server, tag):
    account = await server.account("juliet")
    session = await door(server, account)

    answer = await session.plain2(account, bind2(tag=tag))

    if answer.name == "success" and answer.has("bound", BIND2):
        assert 0 < len(session.resource.encode()) < 1024
        await session.features()
        await session.available()
        await _is_online(session)
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
    await _stream_fails(first, "conflict")
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


def _resume(old: Managed, handled: int | None = None) -> str:
    handled = old.management.got if handled is None else handled
    return f"<resume xmlns='{SM}' h='{handled}' previd='{old.management.id}'/>"


async def test_a_session_is_resumed_on_the_way(server):
    """XEP-0388 example 9: the stream is there behind the success, without features, and a wish to bind is ignored."""
    juliet, romeo = await server.session("juliet", "balcony", type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await romeo.message(juliet.jid, "while thou wert away")
    await romeo.settled()
    session = await door(server, juliet.account)

    success = await session.scram2(juliet.account, _resume(juliet) + bind2(EVERYTHING))

    answer = success.child("resumed", SM)
    assert (answer["previd"], answer["h"]) == (juliet.management.id, str(len(juliet.management.sent)))
    assert success.text_of("authorization-identifier") in (juliet.jid, juliet.bare)
    assert not success.has("bound") and not success.has("failed")
    element = await session.next()
    while element.ns == SM:
        element = await session.next()
    assert (element.name, element.text_of("body")) == ("message", "while thou wert away")
    session.jid = juliet.jid
    await _is_online(session)


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
    await _is_online(session)


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

    assert why(await session.plain2(juliet.account, _resume(juliet), password="wrong")) == "not-authorized"

    await romeo.message(juliet.jid, "still here")
    assert (await juliet.hears()).text_of("body") == "still here"


async def test_nobody_resumes_the_session_of_another_on_the_way(server):
    juliet, tybalt = await server.session("juliet", type=Managed), await server.account("tybalt")
    await juliet.asks_how_far()
    session = await door(server, tybalt)

    success = await session.plain2(tybalt, _resume(juliet) + bind2())

    assert success.child("failed", SM).names[0] == "item-not-found"
    assert session.bare == tybalt.jid
    await juliet.settled()


# XEP-0484


async def _with_token(server, mechanism: str = NONE, name: str = "juliet"):
    """An account, the installation's id, and a token for it."""
    account, agent = await server.account(name), new_agent()
    session = await door(server, account)
    success = await session.scram2(account, request_token(mechanism), agent=agent)
    await session.features()
    await session.leaves()
    return account, agent, token_of(success, mechanism)


async def _works(server, account, token: Token, agent: str, **how) -> bool:
    session = await door(server, account)
    answer = await session.fast(account, token, agent, **how)
    session.hang_up()
    if answer.name == "failure":
        assert why(answer) in ("not-authorized", "credentials-expired", *(() if agent else ("malformed-request",)))
    return answer.name == "success"


async def test_a_token_is_given_to_who_asks_and_to_nobody_else(server):
    """Examples 2 and 3."""
    account = await server.account("juliet")
    session = await door(server, account)
    assert not (await session.scram2(account)).has("token", FAST)

    _, _, token = await _with_token(server)

    assert len(token.secret) >= 16
    expiry = datetime.datetime.fromisoformat(token.expiry)
    assert expiry > datetime.datetime.now(datetime.UTC)


@pytest.mark.parametrize("mechanism", [NONE, ENDP, EXPR])
async def test_a_token_is_good_for_a_login_and_for_the_next(server, mechanism):
    """Example 4; the server proves that it knows the token."""
    account, agent, token = await _with_token(server, mechanism)

    for _ in range(3):
        session = await door(server, account)
        success = await session.fast(account, token, agent, bind2())
        assert success.has("bound", BIND2)
        await session.features()
        await session.available()
        await _is_online(session)


async def test_a_login_with_a_token_is_one_round_trip(server):
    """Header, login and binding are said at once, before the server has said anything."""
    account, agent, token = await _with_token(server)
    session = await server.wire(type=type(await door(server)), tls_port=True, domain=account.domain)
    await session.encrypt()

    wishes = bind2(EVERYTHING) + f"<fast xmlns='{FAST}'/>"
    login = session.request(NONE, session.hashed(account.local, token), wishes, agent)
    await session.restart(header(account.domain, **{"from": account.jid}) + login)

    await session.header()
    await session.features()
    success = await session.answer2()
    assert success.child("bound", BIND2).has("enabled", SM)
    session.account, session.jid = account, success.text_of("authorization-identifier")
    await session.features()
    await session.available()
    await _is_online(session)


async def test_who_comes_back_resumes_with_a_token(server):
    account, agent, token = await _with_token(server)
    juliet, romeo = await server.session(account, type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await romeo.message(juliet.jid, "while thou wert away")
    session = await door(server, account)

    success = await session.fast(account, token, agent, _resume(juliet) + bind2())

    assert success.has("resumed", SM)
    assert (await session.hears()).text_of("body") == "while thou wert away"


@pytest.mark.parametrize("given, used", [(NONE, ENDP), (ENDP, NONE), (EXPR, NONE), (EXPR, ENDP), (ENDP, EXPR)])
async def test_a_token_is_bound_to_its_mechanism(server, given, used):
    account, agent, token = await _with_token(server, given)

    assert not await _works(server, account, token, agent, mechanism=used)
    assert await _works(server, account, token, agent)


@pytest.mark.parametrize("mechanism", [ENDP, EXPR])
async def test_a_token_that_was_bound_to_another_channel_is_refused(server, mechanism):
    account, agent, token = await _with_token(server, mechanism)
    session = await door(server, account)
    elsewhere = session.hashed(account.local, token, NONE)

    answer = await session.fast(account, token, agent, initial=elsewhere)

    assert why(answer) in ("not-authorized", "credentials-expired")


async def test_a_wrong_token_is_refused_and_a_password_helps(server):
    account, agent, token = await _with_token(server)
    session = await door(server, account)

    answer = await session.fast(account, Token(NONE, token.secret + "x", token.expiry), agent)

    assert why(answer) in ("not-authorized", "credentials-expired")
    assert (await session.scram2(account)).name == "success"


async def test_a_token_is_for_one_installation_of_one_account(server):
    account, agent, token = await _with_token(server)
    tybalt, other_agent, _ = await _with_token(server, name="tybalt")

    assert not await _works(server, account, token, new_agent())
    assert not await _works(server, account, token, None)
    assert not await _works(server, tybalt, token, agent)
    assert not await _works(server, tybalt, token, other_agent)
    assert await _works(server, account, token, agent)


async def test_each_installation_has_its_token(server):
    account, agent, token = await _with_token(server)
    _, other_agent, other = await _with_token(server)

    assert token.secret != other.secret
    assert await _works(server, account, token, agent)
    assert await _works(server, account, other, other_agent)


async def test_no_token_without_a_login(server):
    account = await server.account("juliet")
    session = await door(server, account)

    failure = await session.plain2(account, request_token(NONE), password="wrong")

    assert why(failure) == "not-authorized"
    assert not failure.has("token")


@pytest.mark.parametrize("mechanism", ["PLAIN", "BLURDYBLOOP", ""])
async def test_a_token_for_an_unknown_mechanism_is_not_given(server, mechanism):
    account = await server.account("juliet")
    session = await door(server, account)

    answer = await session.scram2(account, request_token(mechanism))

    assert not answer.has("token")
    assert answer.name in ("success", "failure")


async def test_no_token_without_an_installation(server):
    """Section 4.1: tokens belong to clients, which say who they are."""
    account = await server.account("juliet")
    session = await door(server, account)

    assert not (await session.scram2(account, request_token(NONE), agent=None)).has("token")


async def test_an_old_token_is_good_until_the_new_one_is_used(server):
    """Section 3.5."""
    account, agent, old = await _with_token(server)
    session = await door(server, account)
    new = token_of(await session.fast(account, old, agent, request_token(NONE)), NONE)
    assert new.secret != old.secret

    assert await _works(server, account, old, agent)
    assert await _works(server, account, new, agent)
    assert not await _works(server, account, old, agent)
    assert await _works(server, account, new, agent)


async def test_a_new_token_takes_the_place_of_one_that_was_never_used(server):
    """Section 5.1."""
    account, agent, current = await _with_token(server)
    assert await _works(server, account, current, agent)
    tokens = []
    for _ in range(2):
        session = await door(server, account)
        tokens.append(token_of(await session.fast(account, current, agent, request_token(NONE)), NONE))

    assert not await _works(server, account, tokens[0], agent)
    assert await _works(server, account, tokens[1], agent)


@pytest.mark.parametrize("said", ["invalidate='true'", "invalidate='1'"])
async def test_a_token_ends_when_its_client_says_so(server, said):
    """Example 6: this login works and is the last one."""
    account, agent, token = await _with_token(server)
    session = await door(server, account)

    success = await session.fast(account, token, agent, bind2(), said=said)

    assert success.name == "success" and not success.has("token")
    await session.features()
    await session.settled()
    assert not await _works(server, account, token, agent)


async def test_a_client_may_end_a_token_and_ask_for_another(server):
    account, agent, token = await _with_token(server)
    session = await door(server, account)

    new = token_of(await session.fast(account, token, agent, request_token(NONE), said="invalidate='true'"), NONE)

    assert not await _works(server, account, token, agent)
    assert await _works(server, account, new, agent)


async def test_invalidate_false_ends_nothing(server):
    account, agent, token = await _with_token(server)

    assert await _works(server, account, token, agent, said="invalidate='false'")
    assert await _works(server, account, token, agent)


async def test_a_failed_login_ends_no_token(server):
    account, agent, token = await _with_token(server)
    wrong = Token(NONE, "wrong", token.expiry)

    assert not await _works(server, account, wrong, agent, said="invalidate='true'")
    assert await _works(server, account, token, agent)


async def test_tokens_end_with_the_password(server):
    """Whoever changes a password because somebody else knows it wants that to be the end of it."""
    account, agent, token = await _with_token(server)
    session = await server.session(account)
    await session.set(
        f"<query xmlns='{REGISTER}'><username>{account.local}</username><password>new one</password></query>"
    )

    assert not await _works(server, account, token, agent)


async def test_tokens_end_with_the_account(server):
    account, agent, token = await _with_token(server)
    session = await server.session(account)
    await session.set(f"<query xmlns='{REGISTER}'><remove/></query>")
    await session.is_cut()
    assert not await _works(server, account, token, agent)
    await server.register(account)

    assert not await _works(server, account, token, agent)


async def test_tokens_survive_kill_9(start):
    server = await start()
    account, agent, token = await _with_token(server)

    server.house.kill()
    server.house.start()

    assert await _works(server, account, token, agent)


async def test_a_token_that_was_ended_stays_so_after_kill_9(start):
    server = await start()
    account, agent, token = await _with_token(server)
    assert await _works(server, account, token, agent, said="invalidate='true'")

    server.house.kill()
    server.house.start()

    assert not await _works(server, account, token, agent)


async def test_old_logins_take_no_tokens(server):
    """A token is not a password, and its mechanisms are not offered in the old profile."""
    account, _, token = await _with_token(server)
    session = await door(server, account)

    assert NONE not in {m.text for m in session.offered.child("mechanisms", SASL).all("mechanism")}
    assert why(await session.plain2(account, password=token.secret)) == "not-authorized"
    answer = await session.auth(NONE, session.hashed(account.local, token))
    assert answer.name == "failure"


# XEP-0478


async def test_limits_are_announced_before_login_and_after(start):
    """Example 1; they may change between."""
    server = await start(limits={"stanza_bytes": 20_000, "stanza_bytes_before_login": 11_000})
    account = await server.account("juliet")
    session = await server.wire(type=Session, domain=account.domain)

    before = (await session.opened()).child("limits", LIMITS)
    await session.plain(account.local, account.password)
    after = (await session.opened()).child("limits", LIMITS)

    assert (before.text_of("max-bytes"), after.text_of("max-bytes")) == ("11000", "20000")
    for limits in (before, after):
        idle = limits.text_of("idle-seconds")
        assert idle is None or int(idle) > 0


async def test_limits_are_announced_after_a_new_login_too(start):
    server = await start(limits={"stanza_bytes": 20_000})
    account = await server.account("juliet")
    session = await door(server, account)
    assert session.offered.has("limits", LIMITS)

    await session.plain2(account, bind2())

    assert (await session.features()).child("limits", LIMITS).text_of("max-bytes") == "20000"


async def test_the_limit_is_kept_to_the_byte(start):
    server = await start(limits={"stanza_bytes": 20_000})
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    limit = int(juliet.bound_features.child("limits", LIMITS).text_of("max-bytes"))
    empty = f"<message to='{romeo.jid}' type='chat'><body></body></message>"

    await juliet.send(empty.replace("<body>", "<body>" + "x" * (limit - len(empty))))

    assert len((await romeo.hears()).text_of("body")) == limit - len(empty)
    await juliet.send(empty.replace("<body>", "<body>" + "x" * (limit - len(empty) + 1)))
    await _stream_fails(juliet, "policy-violation")
