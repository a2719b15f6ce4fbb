"""XEP-0078: jabber:iq:auth, for programs older than SASL. Off unless switched on; the password form only."""

import pytest

from support.session import Session
from support.stage import Stage
from support.wire import failure_of

AUTH = "jabber:iq:auth"


@pytest.fixture(scope="module")
def house_of_old(new_server):
    return new_server(iq_auth=True)


@pytest.fixture
async def old(house_of_old, server_log):
    server_log.append(house_of_old)
    stage = Stage(house_of_old)
    yield stage
    await stage.close()


async def _stream(stage) -> Session:
    session = await stage.wire(type=Session)
    session.first_features = await session.opened()
    return session


def _login(user: str, password: str, resource: str | None = "globe") -> str:
    resource = "" if resource is None else f"<resource>{resource}</resource>"
    return f"<query xmlns='{AUTH}'><username>{user}</username><password>{password}</password>{resource}</query>"


async def test_the_old_login_is_off_unless_it_is_on(server):
    account = await server.account("romeo")
    session = await _stream(server)

    assert not session.first_features.has("auth", "http://jabber.org/features/iq-auth")
    await session.iq(f"<query xmlns='{AUTH}'/>", "get", id="auth1")
    answer = await session.next()
    assert answer.name == "error" or answer.error.condition == "service-unavailable"
    if answer.name == "iq":
        await session.iq(_login(account.local, account.password), "set", id="auth2")
        answer = await session.next()
        assert answer.name == "error" or answer["type"] == "error"


async def test_the_old_login_is_announced(old):
    session = await _stream(old)

    assert session.first_features.has("auth", "http://jabber.org/features/iq-auth")


async def test_the_old_login_asks_for_a_password_and_not_for_a_digest(old):
    account = await old.account("romeo")
    session = await _stream(old)

    for who in ("", f"<username>{account.local}</username>", "<username>nobody</username>"):
        answer = await session.ask(f"<query xmlns='{AUTH}'>{who}</query>", to=old.domain)
        assert answer["type"] == "result"
        query = answer.child("query", AUTH)
        assert query.has("username") and query.has("password") and query.has("resource")
        assert not query.has("digest")


async def test_an_old_program_logs_in(old):
    romeo = await _stream(old)
    romeo.account = account = await old.account("romeo")

    answer = await romeo.set(_login(account.local, account.password))

    assert answer["type"] == "result"
    juliet = await old.session("juliet")
    romeo.jid = f"{account.jid}/globe"
    await romeo.available()
    await romeo.message(juliet.jid, "It is I")
    assert (await juliet.hears())["from"] == romeo.jid


async def test_an_old_program_without_a_version_logs_in(old):
    romeo = await old.wire(type=Session)
    romeo.account = account = await old.account("romeo")
    await romeo.open(version=None)

    if (await romeo.header())["version"] is not None:
        return await romeo.fails("unsupported-version")
    answer = await romeo.set(_login(account.local, account.password))

    assert answer["type"] == "result"
    assert b"stream:features" not in romeo.received


@pytest.mark.parametrize("user", ["{local}", "nobody-at-all"])
async def test_a_wrong_old_login_is_not_authorized(old, user):
    account = await old.account("romeo")
    session = await _stream(old)

    answer = await session.set(_login(user.format(local=account.local), "wrong"))

    assert answer.error.condition == "not-authorized"
    assert (answer.error.type, answer.error.code) == ("auth", "401")
    assert not answer.has("query")  # the password does not come back


async def test_an_old_login_without_resource_is_not_acceptable(old):
    account = await old.account("romeo")
    session = await _stream(old)

    answer = await session.set(_login(account.local, account.password, None))

    assert answer.error.condition == "not-acceptable"
    assert (answer.error.type, answer.error.code) == ("modify", "406")


async def test_an_old_login_replaces_the_session_that_has_its_resource(old):
    account = await old.account("romeo")
    before = await old.session(account, "globe")

    session = await _stream(old)
    answer = await session.set(_login(account.local, account.password))

    assert answer["type"] == "result" or answer.error.condition == "conflict"
    if answer["type"] == "result":
        await before.fails("conflict")


async def test_no_old_login_after_a_failed_new_one(old):
    """Section 7: or a man in the middle could talk a client out of SASL."""
    account = await old.account("romeo")
    session = await _stream(old)
    assert failure_of(await session.plain(account.local, "wrong"))

    await session.iq(_login(account.local, account.password), "set", id="auth")

    answer = await session.next()
    assert answer.name == "error" or answer.error.condition == "policy-violation"


async def test_no_old_login_after_login(old):
    romeo = await old.session("romeo")

    answer = await romeo.set(_login(romeo.account.local, romeo.account.password))

    assert answer["type"] == "error"


async def test_a_digest_is_not_accepted(old):
    """Only SCRAM keys are kept, so nobody could check one."""
    account = await old.account("romeo")
    session = await _stream(old)

    answer = await session.set(
        f"<query xmlns='{AUTH}'><username>{account.local}</username><digest>{'0' * 40}</digest>"
        "<resource>r</resource></query>"
    )

    assert answer["type"] == "error" or answer.has("query")  # or asked again for what it needs
