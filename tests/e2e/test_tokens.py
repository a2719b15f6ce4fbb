"""XEP-0484: a token instead of a password, so that who comes back is online in one round trip."""

import datetime

import pytest

from support.managed import Managed
from support.sasl2 import (
    ENDP,
    EVERYTHING,
    EXPR,
    NONE,
    Token,
    bind2,
    door,
    is_online,
    new_agent,
    request_token,
    resumption_of,
    token_of,
    why,
)
from support.wire import header
from support.xml import BIND2, FAST, REGISTER, SASL, SM

pytestmark = pytest.mark.anser_only("neither Prosody 0.12 nor ejabberd 23.01 knows it")


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
        await is_online(session)


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
    await is_online(session)


async def test_who_comes_back_resumes_with_a_token(server):
    account, agent, token = await _with_token(server)
    juliet, romeo = await server.session(account, type=Managed), await server.session("romeo")
    await juliet.asks_how_far()
    juliet.cut()
    await romeo.message(juliet.jid, "while thou wert away")
    session = await door(server, account)

    success = await session.fast(account, token, agent, resumption_of(juliet) + bind2())

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
