"""The WebSocket door: who one is, and what the door says to those it does not know."""

import base64
import hashlib
import hmac
import json

import jwt
import pytest
from websockets.exceptions import InvalidStatus

from support.apps import JSON, PROTOBUF, App, Ended, basic, bearer
from support.frames import Auth, Message
from support.waits import patient
from support.web_tokens import HOUR, PUBLIC, SECRET, STRANGER, keys, token
from support.xml import REGISTER

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

TOKENS = ["HS256", "EdDSA"]


@pytest.fixture(scope="module")
def house(new_server, folder):
    return new_server(
        token_keys=keys(folder), origins=("https://shop.example",), limits={"failures_per_account": 0}
    )


async def _refused(server, account, **how) -> int:
    with pytest.raises(InvalidStatus) as refusal:
        await server.app(account, **how)
    return refusal.value.response.status_code


async def _turned_away(app: App) -> int:
    return (await app.ended()).code


# Whom it knows


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_a_password_in_a_header(server, protocol):
    account = await server.account("romeo")

    for name in (account.local, account.jid):
        app = await server.app(account, headers=basic(name, account.password), protocol=protocol)
        assert app.address.startswith(f"{account.jid}/")


async def test_a_password_in_the_address(server):
    account = await server.account("romeo")

    for name in (account.local, account.jid):
        app = await server.app(account, headers={}, query={"user": name, "password": account.password})
        assert app.address.startswith(f"{account.jid}/")


async def test_a_password_with_every_kind_of_character(server):
    account = server.unregistered("romeo", password="päß:wörd 100% +?= 😀")
    await server.register(account)

    await server.app(account)
    await server.app(account, headers={}, query={"user": account.local, "password": account.password})
    app = await server.app(account, headers={}, signed_in=False)

    assert (await app.signs_in(user=account.local, password=account.password)).ok


@pytest.mark.parametrize("algorithm", TOKENS)
@pytest.mark.parametrize("where", ["header", "address", "frame"])
async def test_a_token(server, algorithm, where):
    account = await server.account("romeo")

    for name in (account.local, account.jid):
        said = token(algorithm, name)
        if where == "header":
            app = await server.app(account, headers=bearer(said))
        elif where == "address":
            app = await server.app(account, headers={}, query={"token": said})
        else:
            app = await server.app(account, headers={}, signed_in=False)
            assert (await app.signs_in(token=said)).ok
        assert app.address.startswith(f"{account.jid}/")


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
async def test_a_password_in_the_first_frame(server, protocol):
    account = await server.account("romeo")
    app = await server.app(account, headers={}, protocol=protocol, signed_in=False)

    result = await app.signs_in(user=account.local, password=account.password)

    assert (result.ok, result.error) == (True, "")
    assert result.address.startswith(f"{account.jid}/")
    await app.tells(body="note to self")


async def test_an_account_of_another_host(server):
    account = await server.account("romeo", domain="capulet.test")

    app = await server.app(account, headers=basic(account.jid, account.password))

    assert app.address.startswith(f"{account.jid}/")


async def test_over_tls(server):
    romeo, juliet = await server.app("romeo", tls=True), await server.app("juliet")

    await romeo.tells(juliet.bare, "who's there?")

    await juliet.hears("who's there?")


async def test_what_is_said_first_counts(server):
    """A header goes before the address."""
    romeo = await server.account("romeo")
    wrong = {"user": romeo.local, "password": "wrong"}
    right = {"user": romeo.local, "password": romeo.password}

    assert (await server.app(romeo, query=wrong)).address.startswith(romeo.jid)
    assert await _refused(server, romeo, headers=basic(romeo.local, "wrong"), query=right) == 401


# Whom it does not


@pytest.mark.parametrize("who", ["the account", "nobody", "another host's", "an empty name"])
async def test_wrong_passwords(server, who):
    account = await server.account("romeo")
    name = {
        "the account": account.local,
        "nobody": "nobody-of-this-name",
        "another host's": f"{account.local}@capulet.test",
        "an empty name": "",
    }[who]
    password = "wrong" if who == "the account" else account.password

    assert await _refused(server, account, headers=basic(name, password)) == 401
    app = await server.app(account, headers={}, query={"user": name, "password": password}, signed_in=False)
    assert await _turned_away(app) == 4401
    app = await server.app(account, headers={}, signed_in=False)
    result = await app.signs_in(user=name, password=password)
    assert (result.ok, result.error, result.address) == (False, "not-authorized", "")
    assert await _turned_away(app) == 4401


async def test_a_header_that_makes_no_sense(server):
    account = await server.account("romeo")

    for said in ("Basic !!!", "Basic cm9tZW8=", "Basic", "Digest username=romeo", "Bearer", "Bearer a.b", "x" * 1000):
        assert await _refused(server, account, headers={"Authorization": said}) in (400, 401), said


BAD_TOKENS = {
    "expired": lambda name: token("HS256", name, valid=-HOUR),
    "expired, EdDSA": lambda name: token("EdDSA", name, valid=-HOUR),
    "not valid yet": lambda name: token("HS256", name, nbf=4_000_000_000, valid=4_100_000_000),
    "another secret": lambda name: token("HS256", name, key=SECRET[::-1]),
    "another key": lambda name: token("EdDSA", name, key=STRANGER),
    "unsigned": lambda name: token("none", name),
    "without its signature": lambda name: token("HS256", name).rpartition(".")[0] + ".",
    "another's claims": lambda name: _with_claims_of(token("HS256", name), token("HS256", "nobody-of-this-name")),
    "another algorithm": lambda name: token("HS512", name, key=SECRET * 2),
    "nobody's": lambda name: token("HS256", "nobody-of-this-name"),
    "a foreign address": lambda name: token("HS256", f"{name}@elsewhere.example"),
    "a number": lambda name: _token_of_a_number(),
    "not a token": lambda name: "not.a.token",
    "empty": lambda name: "",
}


def _with_claims_of(one: str, other: str) -> str:
    head, _, signature = one.split(".")
    return f"{head}.{other.split('.')[1]}.{signature}"


def _token_of_a_number() -> str:
    return jwt.encode({"sub": 7, "exp": 4_000_000_000}, SECRET, algorithm="HS256")


@pytest.mark.parametrize("which", BAD_TOKENS)
async def test_bad_tokens(server, which):
    account = await server.account("romeo")
    said = BAD_TOKENS[which](account.local)

    assert await _refused(server, account, headers=bearer(said)) in ((401,) if said else (400, 401))
    app = await server.app(account, headers={}, query={"token": said}, signed_in=False)
    assert await _turned_away(app) == 4401


async def test_a_public_key_is_no_secret(server):
    """The old attack: a token signed by HMAC with the public key as its secret."""
    def part(said) -> str:
        return base64.urlsafe_b64encode(json.dumps(said).encode()).rstrip(b"=").decode()

    account = await server.account("romeo")
    signed = f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': account.local, 'exp': 4_000_000_000})}"
    mac = hmac.new(PUBLIC.encode(), signed.encode(), hashlib.sha256).digest()
    forged = f"{signed}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"

    assert await _refused(server, account, headers=bearer(forged)) == 401


async def test_another_claim_may_name_the_account(start, folder):
    server = await start(token_keys=keys(folder), token_claim="user")
    romeo = await server.account("romeo")

    app = await server.app(romeo, headers=bearer(token("HS256", "somebody", user=romeo.local)))

    assert app.address.startswith(f"{romeo.jid}/")
    assert await _refused(server, romeo, headers=bearer(token("HS256", romeo.local))) == 401


async def test_who_says_nothing_is_not_waited_for(start):
    server = await start(limits={"header_seconds": round(patient(1))})
    app = await server.app(await server.account("romeo"), headers={}, signed_in=False)

    assert await _turned_away(app) == 4401


async def test_who_begins_with_something_else_is_not_heard(server):
    """Neither is what it said."""
    account = await server.account("romeo")
    juliet = await server.app("juliet")
    app = await server.app(account, headers={}, signed_in=False)

    await app.send(Message(eventId="1", to=juliet.bare, body="I am nobody"))

    assert await _turned_away(app) == 4401
    assert await juliet.hears_from(await server.app(account)) == []


async def test_a_second_sign_in_changes_nobody(server):
    romeo, juliet = await server.app("romeo"), await server.account("juliet")
    nurse = await server.app("nurse")

    await romeo.send(Auth(user=juliet.local, password=juliet.password))

    try:
        await romeo.tells(nurse.bare, "who am I?")
    except Ended as end:
        assert end.code in (1002, 1007, 4401)
    else:
        assert getattr(await nurse.hears(), "from").startswith(romeo.bare)


# Pages in browsers


async def test_pages_of_the_same_server_and_of_those_it_names(server):
    account = await server.account("romeo")

    for origin in (f"http://127.0.0.1:{server.house.settings.http_port}", "https://shop.example"):
        assert (await server.app(account, origin=origin)).address


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "https://shop.example.evil.example", "http://shop.example", "null", "http://127.0.0.1"]
)
async def test_pages_of_others(server, origin):
    assert await _refused(server, await server.account("romeo"), origin=origin) == 403


async def test_the_same_host_at_another_port_is_another_page(server):
    settings = server.house.settings

    origin = f"http://127.0.0.1:{settings.port}"

    assert await _refused(server, await server.account("romeo"), origin=origin) == 403


# Subprotocols


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_the_subprotocol_is_confirmed(server, protocol):
    app = await server.app("romeo", protocol=protocol)

    assert app.link.subprotocol == protocol


async def test_a_subprotocol_that_nobody_knows(server):
    """It is not confirmed, or the handshake is refused."""
    account = await server.account("romeo")

    try:
        app = await server.app(account, protocol="chat", signed_in=False)
    except InvalidStatus as refusal:
        assert refusal.response.status_code == 400
    else:
        assert app.link.subprotocol is None
        await app.tells(body="binary, then")


# What ends a session from elsewhere


async def test_another_connection_with_the_same_resource_replaces_it(server):
    app = await server.app("romeo")

    await server.session(app.account, app.address.partition("/")[2])

    assert await _turned_away(app) == 4409


@pytest.mark.parametrize("change", ["<password>a new secret of romeo</password>", None])
async def test_who_changes_the_password_or_leaves_for_good_ends_it(server, change):
    app = await server.app("romeo")
    xmpp = await server.session(app.account)
    inner = f"<username>{app.account.local}</username>{change}" if change else "<remove/>"

    answer = await xmpp.set(f"<query xmlns='{REGISTER}'>{inner}</query>", xmpp.account.domain)

    assert answer["type"] == "result", answer
    assert await _turned_away(app) == 4401


async def test_a_server_that_stops_says_so(start):
    server = await start()
    app = await server.app("romeo")

    server.house.process.terminate()

    assert await _turned_away(app) == 1001
    assert await server.house.ended() == 0
