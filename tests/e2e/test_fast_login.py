"""FAST (XEP-0484) byte for byte: tokens, what they are good for, and how they end."""

import base64
import uuid
from datetime import datetime, timedelta, timezone

import pytest

from support.door import BIND_PLAY, Door, authenticate, condition_of, hashed, plain_of, token_of
from support.session import Session
from support.waits import patient, until
from support.wire import header
from support.xml import BIND2, FAST, SASL2, Node

pytestmark = pytest.mark.anser_only("what is asked here, Debian's ejabberd and Prosody do not speak")


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


async def _shown_until(door, account, token: str, agent, wanted, seconds: float) -> Node:
    """Shows the token again and again; the first answer that is wanted."""
    answers = []

    async def is_wanted() -> bool:
        wire, answer = await door.shows_token(account, token, agent)
        wire.hang_up()
        answers.append(answer)
        return wanted(answer)

    await until(is_wanted, "another answer to a token", seconds)
    return answers[-1]


async def test_a_token_rotates_when_half_of_its_life_is_over(start, agent):
    life = round(patient(10))  # so half of it is enough for what follows, on a slow machine too
    server = await start(limits={"token_seconds": life})
    door, account = Door(server), await server.account("romeo")
    old = await door.gets_token(account, agent)

    given = await _shown_until(door, account, old, agent, lambda answer: answer.has("token", FAST), life)
    fresh = token_of(given)
    assert fresh != old
    assert (await door.shows_token(account, old, agent))[1].name == "success"  # the new one may have been lost
    renewed = (await door.shows_token(account, old, agent))[1].child("token", FAST)
    newest = renewed["token"]
    assert condition_of((await door.shows_token(account, fresh, agent))[1]) == "not-authorized"
    assert (await door.shows_token(account, newest, agent))[1].name == "success"
    assert condition_of((await door.shows_token(account, old, agent))[1]) == "not-authorized"


async def test_a_token_is_good_for_nothing_when_its_life_is_over(start, agent):
    server = await start(limits={"token_seconds": 2})
    door, account = Door(server), await server.account("romeo")
    token = await door.gets_token(account, agent)

    answer = await _shown_until(door, account, token, agent, lambda answer: answer.name == "failure", 20)

    assert condition_of(answer) == "credentials-expired"


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
