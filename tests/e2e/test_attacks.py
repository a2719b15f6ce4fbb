"""What one client can do to a server by what it sends: the attacker gets its answer, and nobody else notices.

What attackers leave in storage is in test_attacks_storage.py."""

import asyncio
import time

import pytest

from support.attacks import (
    BIG,
    MANY_BIG,
    SMALL_OUTPUT,
    Deaf,
    Flooder,
    authenticated,
    deaf_session,
    hears_it_go,
    is_refused_a_resource,
    is_removed,
    new_owner,
    others_live,
    stream_error_of,
)
from support.scram import ScramClient
from support.session import Session, settle
from support.waits import patient, until, within
from support.wire import Gone, b64, failure_of
from support.xml import BLOCKING, DELAY, DISCO_INFO, PING, REGISTER, ROSTER, SASL, STREAM, TLS

pytestmark = pytest.mark.anser_only("the limits and their errors are ours")

ABORT = f"<abort xmlns='{SASL}'/>"
OLD_DELAY = "jabber:x:delay"


@pytest.fixture
async def attacked(start):
    """`server, nurse = await attacked(limits=...)`: a server of its own, and a bystander who must not notice."""
    seen = []

    async def make(**wishes):
        server = await start(**wishes)
        seen.append((server, await server.session("nurse")))
        return seen[-1]

    yield make
    for server, nurse in seen:
        assert server.house.process.poll() is None, f"the server ended with {server.house.process.returncode}"
        await nurse.settled()


# Exchanges that are begun and abandoned


async def _again(wire) -> None:
    """<auth/> while a challenge waits for its response: the answer is that of the next <auth/>."""


async def _abort(wire) -> None:
    await wire.send(ABORT)
    assert failure_of(await wire.sasl_answer()) == "aborted"


async def _bad_base64(wire) -> None:
    await wire.send(f"<response xmlns='{SASL}'>***</response>")
    assert failure_of(await wire.sasl_answer()) == "incorrect-encoding"


def _first(name: str) -> bytes:
    return ScramClient("SHA-1", name, "x").first()


ABANDONED = pytest.mark.parametrize("abandon", [_again, _abort, _bad_base64], ids=["again", "abort", "bad base64"])


@ABANDONED
@pytest.mark.parametrize("known", [True, False], ids=["known", "unknown"])
async def test_an_abandoned_exchange_leaves_nothing_behind(attacked, abandon, known):
    server, _ = await attacked()
    romeo = await server.account("romeo")
    wire = await server.wire()
    await wire.opened()
    name = romeo.local if known else "nobody-at-all"

    assert (await wire.auth("SCRAM-SHA-1", _first(name))).name in ("challenge", "failure")
    await abandon(wire)
    answer = await wire.auth("SCRAM-SHA-1", _first(name))

    assert answer.name in ("challenge", "failure"), answer
    if answer.name == "challenge":
        await _abort(wire)
    assert (await wire.scram("SHA-1", romeo.local, romeo.password)).name == "success"


@ABANDONED
async def test_an_abandoned_exchange_counts_as_an_attempt(attacked, abandon):
    server, _ = await attacked(limits={"login_attempts": 3})
    romeo = await server.account("romeo")
    wire = await server.wire()
    await wire.opened()

    async def attempts():
        for _ in range(20):
            await wire.send(f"<auth xmlns='{SASL}' mechanism='SCRAM-SHA-1'>{b64(_first(romeo.local))}</auth>")
            if (await wire.next()).ns == STREAM:
                return
            if abandon is not _again:
                await wire.send(ABORT if abandon is _abort else f"<response xmlns='{SASL}'>***</response>")
                if (await wire.next()).ns == STREAM:
                    return
        raise AssertionError("20 exchanges could be begun and abandoned")

    await attempts()
    await wire.ends()


# Attributes


@pytest.mark.parametrize("attribute", ["foo", "id"])
@pytest.mark.parametrize("character", ["'", "i"], ids=["apostrophes", "letters"])
@pytest.mark.parametrize("stanza", ["message", "subscription"])
async def test_a_huge_attribute_is_a_policy_violation(attacked, stanza, character, attribute):
    """Escaped, an apostrophe takes six times its room."""
    server, nurse = await attacked()
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    name, kind = ("message", "chat") if stanza == "message" else ("presence", "subscribe")

    mallory.post(f"<{name} to='{juliet.jid}' type='{kind}' {attribute}=\"{character * 250_000}\"/>")

    assert await stream_error_of(mallory) == "policy-violation"
    await others_live(server, nurse, juliet)


async def test_attributes_count_for_what_waits_for_a_slow_reader(attacked):
    server, nurse = await attacked(limits=SMALL_OUTPUT | {"output_bytes": 131_072})
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    deaf = await deaf_session(server, juliet, nurse)

    for _ in range(250):  # 500 KB of attributes around nothing
        mallory.post(f"<message to='{deaf.jid}' type='headline' foo='{'x' * 2000}'/>")

    await hears_it_go(nurse, deaf)
    await mallory.settled()


# Who does not read


@pytest.mark.parametrize("kind", ["headline", "chat", "presence"])
async def test_beside_a_deaf_resource_the_other_hears_everything_once(attacked, kind):
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    deaf = await deaf_session(server, juliet, nurse)
    reader = await server.session(juliet, "reader")
    name, inner = ("presence", "status") if kind == "presence" else ("message", "body")

    def ours(stanza):
        return stanza.name == name and stanza["from"] == mallory.jid and stanza.has(inner)

    for number in range(MANY_BIG):
        said = f"<{inner}>{number} {BIG}</{inner}>"
        await mallory.stanza(name, said, to=juliet.jid, type=None if kind == "presence" else kind)
        assert (await reader.take(ours, f"{name} {number}")).text_of(inner).split()[0] == str(number)
    deaf.hang_up()  # if it has not been disconnected yet

    await hears_it_go(nurse, deaf)
    await settle(nurse, reader)
    assert [s.text_of(inner).split()[0] for s in reader.heard(name) if ours(s)] == []


async def test_roster_pushes_to_a_deaf_session_have_an_end(attacked):
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    deaf = await deaf_session(server, juliet, nurse, roster=True, available=False)
    writer = await server.session(juliet, "writer", roster=True)
    groups = "".join(f"<group>{n} {'g' * 500}</group>" for n in range(16))

    for number in range(MANY_BIG):
        item = f"<item jid='romeo@{server.domain}' name='{number}'>{groups}</item>"
        assert (await writer.set(f"<query xmlns='{ROSTER}'>{item}</query>"))["type"] == "result"

    await hears_it_go(nurse, deaf)
    await writer.settled()
    assert len(writer.pushes()) == MANY_BIG


# Floods


async def _has_a_long_roster(session) -> None:
    for number in range(900):
        item = f"<item jid='contact{number}@{session.account.domain}' name='{'n' * 100}'/>"
        session.post(f"<iq type='set' id='r{number}'><query xmlns='{ROSTER}'>{item}</query></iq>")
    await session.take(lambda s: s["id"] == "r899", "the last contact", 30)


def _questions(about: str, victim, many: int) -> str:
    if about == "rosters":
        return f"<iq type='get' id='f'><query xmlns='{ROSTER}'/></iq>" * many
    if about == "resources":
        to = [f"{victim.jid}/r{number}" for number in range(many)]
    else:
        to = [f"no-{number}@{victim.domain}/r" for number in range(many)]
    return "".join(f"<iq type='get' id='f' to='{jid}'><ping xmlns='{PING}'/></iq>" for jid in to)


async def _asks_on(server, account, questions: str) -> None:
    """Whenever the server ends the stream, the flooder comes back."""
    while True:
        flooder = await server.wire(type=Flooder)
        try:
            await flooder.authenticate(account)
            await flooder.bind("flooder")
            hears = asyncio.ensure_future(flooder.hears_all())
            while not hears.done():
                await flooder.send(questions)
        except (AssertionError, Gone, OSError):
            pass
        finally:
            flooder.hang_up()


QUESTIONS = pytest.mark.parametrize("about", ["rosters", "resources", "the absent"])


@pytest.mark.slow
@QUESTIONS
async def test_a_flood_of_questions_holds_up_nobody(attacked, about):
    """The flooder reads all answers and asks on; the account database has little room for questions."""
    server, nurse = await attacked(limits={"storage_queue": 256, "cores": 1})
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    await _has_a_long_roster(mallory)
    flood = asyncio.ensure_future(_asks_on(server, mallory.account, _questions(about, juliet, 1000)))

    try:
        for _ in range(10):
            await others_live(server, nurse, juliet)
            assert not flood.done(), flood
    finally:
        flood.cancel()
        await asyncio.gather(flood, return_exceptions=True)


@pytest.mark.slow
@QUESTIONS
async def test_a_flood_of_questions_fills_no_memory(attacked, about):
    server, nurse = await attacked()
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    await _has_a_long_roster(mallory)
    flooder = await server.wire(type=Deaf)
    await flooder.authenticate(mallory.account)
    await flooder.bind("flooder")
    before = server.house.memory()

    flooder.post(_questions(about, juliet, 20_000))

    for _ in range(5):
        await others_live(server, nurse, juliet)
        assert server.house.memory() - before < 64_000_000


@pytest.mark.slow
async def test_a_flood_of_password_changes_holds_up_nobody(attacked):
    server, nurse = await attacked(limits={"cores": 1})
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    change = f"<username>{mallory.account.local}</username><password>{mallory.account.password}</password>"

    for number in range(4000):
        mallory.post(f"<iq type='set' id='c{number}'><query xmlns='{REGISTER}'>{change}</query></iq>")

    await mallory.answer_to("c0")
    for _ in range(3):
        await others_live(server, nurse, juliet)


@pytest.mark.slow
async def test_long_block_lists_hold_up_nobody(attacked):
    server, nurse = await attacked(limits={"cores": 1})
    juliet, mallory = await server.account("juliet"), await server.session("mallory")
    await _has_a_long_roster(mallory)
    items = "".join(f"<item jid='z{n}@{server.domain}'/>" for n in range(1000))

    for number in range(60):
        mallory.post(f"<iq type='set' id='b{number}'><block xmlns='{BLOCKING}'>{items}</block></iq>")
        mallory.post(f"<iq type='set' id='u{number}'><unblock xmlns='{BLOCKING}'/></iq>")
    turns = asyncio.ensure_future(mallory.take(lambda s: s["id"] == "u59", "the end of the turns", 60))
    began, slowest = time.monotonic(), 0.0
    while not turns.done():
        asked = time.monotonic()
        await nurse.settled()
        slowest = max(slowest, time.monotonic() - asked)

    assert (await turns)["type"] == "result"
    assert slowest < max(patient(2), (time.monotonic() - began) / 2)  # some of the turns, however slow they are
    await others_live(server, nurse, juliet)


# Before login

FLOODS = {
    "aborts": ABORT,
    "logins": f"<auth xmlns='{SASL}' mechanism='PLAIN'>AHgAeA==</auth>",
    "forms": f"<iq type='get' id='f'><query xmlns='{REGISTER}'/></iq>",
}


@pytest.mark.parametrize("tls", [False, True], ids=["without TLS", "before TLS"])
@pytest.mark.parametrize("flood", list(FLOODS))
async def test_a_flood_before_login_ends_the_stream(attacked, flood, tls):
    server, nurse = await attacked()
    if tls:
        server = await _with_tls_required(server)
    wire = await server.wire()
    assert (await wire.opened()).has("starttls", TLS)

    async def ask_on():
        for _ in range(2000):
            await wire.send(FLOODS[flood])
            answer = await wire.next()
            if answer.ns == STREAM:
                return answer
        raise AssertionError("2,000 requests were answered")

    error = await within(ask_on(), "the end of the stream", 30)
    assert error.name == "error", error
    await wire.ends()
    await nurse.settled()


async def _with_tls_required(server):
    """The same server, told to want TLS before anything else; who is logged in stays."""
    server.house.settings.plain_without_tls = False
    server.house.reload()

    async def it_is_required() -> bool:
        wire = await server.wire()
        starttls = (await wire.opened()).child("starttls", TLS)
        wire.hang_up()
        return starttls.has("required", TLS)

    await until(it_is_required, "TLS to be required")  # the signal has no answer
    return server


@pytest.mark.slow
@pytest.mark.parametrize("flood", list(FLOODS))
async def test_a_flood_before_login_fills_no_memory(attacked, flood):
    server, nurse = await attacked()
    wire = await server.wire(type=Deaf)
    await wire.opened()
    await nurse.settled()
    before = server.house.memory()

    for _ in range(200):
        wire.post(FLOODS[flood] * 500)
    for _ in range(20):
        await nurse.settled()
        await (await server.wire()).opened()

    assert server.house.memory() - before < 6_000_000


# A login that has become worthless


@pytest.mark.parametrize("how", ["in-band", "command"])
async def test_an_unbound_login_ends_with_the_password(attacked, how):
    server, _ = await attacked()
    juliet = await server.session("juliet")
    thief = await authenticated(server, juliet.account)

    if how == "in-band":
        fields = f"<username>{juliet.account.local}</username><password>changed</password>"
        assert (await juliet.set(f"<query xmlns='{REGISTER}'>{fields}</query>"))["type"] == "result"
    else:
        words = ("user", "passwd", juliet.bare, "--password-stdin")
        assert (await asyncio.to_thread(server.house.tool, *words, stdin="changed\n")).returncode == 0

    await is_refused_a_resource(thief)


@pytest.mark.parametrize("again", [True, False], ids=["registered again", "gone"])
@pytest.mark.parametrize("how", ["in-band", "command"])
async def test_an_unbound_login_ends_with_the_account(attacked, how, again):
    server, _ = await attacked()
    juliet = await server.account("juliet")
    ghost = await authenticated(server, juliet)

    await is_removed(server, juliet, how)
    owner = await new_owner(server, juliet) if again else None

    await is_refused_a_resource(ghost)
    if owner:
        await server.session(owner)


async def test_an_unbound_login_hears_of_the_end(start):
    server = await start()
    unbound = await authenticated(server, await server.account("juliet"))

    assert await asyncio.to_thread(server.house.stop) == 0

    await unbound.fails("system-shutdown")


# Names and lies


async def _cannot_reach(eva: Session, bob: Session) -> None:
    await eva.message(bob.bare, "still here")
    await eva.settled()
    await bob.settled()
    assert bob.heard("message") == []
    assert [m.error.condition for m in eva.heard("message", "error")] == ["service-unavailable"]


async def test_who_is_blocked_at_an_alias_is_blocked(attacked):
    server, _ = await attacked()
    bob, eva = await server.session("bob"), await server.session("eva")
    alias = server.house.settings.hosts[0].aliases[0]

    answer = await bob.set(f"<block xmlns='{BLOCKING}'><item jid='{eva.account.local}@{alias}'/></block>")

    assert answer["type"] == "result"
    await _cannot_reach(eva, bob)


@pytest.mark.parametrize("whom", ["the account", "the resource", "the domain", "an alias", "the account at an alias"])
async def test_nobody_blocks_the_server_or_itself(attacked, whom):
    server, nurse = await attacked()
    bob = await server.session("bob")
    alias = server.house.settings.hosts[0].aliases[0]
    jid = {
        "the account": bob.bare,
        "the resource": bob.jid,
        "the domain": server.domain,
        "an alias": alias,
        "the account at an alias": f"{bob.account.local}@{alias}",
    }[whom]

    answer = await bob.set(f"<block xmlns='{BLOCKING}'><item jid='{jid}'/></block>")

    assert answer["type"] == "error", answer
    assert (await bob.ask(f"<blocklist xmlns='{BLOCKING}'/>")).child("blocklist", BLOCKING).children == []
    for to in (server.domain, bob.bare):
        assert (await bob.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to))["type"] == "result"
    await nurse.message(bob.bare, "art thou there?")
    assert (await bob.hears()).text_of("body") == "art thou there?"


@pytest.mark.parametrize("name", ["a" * 1022 + "é", "a" * 1023 + "é", "é" * 2000], ids=["1024", "1025", "4000"])
async def test_a_long_name_is_accepted_and_shown(attacked, name):
    """Where it is cut off must not be in the middle of a letter."""
    server, _ = await attacked()
    bill = server.unregistered("bill")
    stranger = await server.wire(type=Session)
    await stranger.opened()
    fields = f"<username>{bill.local}</username><password>{bill.password}</password><name>{name}</name>"

    answer = await stranger.set(f"<query xmlns='{REGISTER}'>{fields}</query>")

    assert answer["type"] == "result", answer
    for words in (("user", "list"), ("user", "show", bill.jid)):
        said = await asyncio.to_thread(server.house.tool, *words)
        assert said.returncode == 0 and bill.jid in said.stdout, said
    assert (await server.session(bill)).bare == bill.jid


@pytest.mark.parametrize("bad", [b"\xff\xfe", b"\xc0\x80", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80"])
async def test_what_is_not_utf_8_is_an_unsupported_encoding(attacked, bad):
    """RFC 6120 section 4.9.3.22 names "violating the rules of the UTF-8 encoding", 4.9.3.13 only those of XML."""
    server, _ = await attacked()
    mallory = await server.session("mallory")

    await mallory.send(b"<message><body>" + bad + b"</body></message>")

    assert await stream_error_of(mallory) == "unsupported-encoding"


@pytest.mark.parametrize(
    "forged",
    [
        f"<delay xmlns='{DELAY}' stamp='2020-01-01T00:00:00Z'/>",
        f"<delay xmlns='{DELAY}' from='' stamp='2020-01-01T00:00:00Z'/>",
        f"<x xmlns='{OLD_DELAY}' from='localhost' stamp='20200101T00:00:00'/>",
        f"<x xmlns='{OLD_DELAY}' from='chat.localhost' stamp='20200101T00:00:00'/>",
        f"<x xmlns='{OLD_DELAY}' stamp='20200101T00:00:00'/>",
    ],
    ids=["of nobody", "of the empty", "old, of the host", "old, of an alias", "old, of nobody"],
)
async def test_a_delay_that_could_be_the_servers_is_taken_away(attacked, forged):
    server, nurse = await attacked()
    mallory = await server.session("mallory")

    await mallory.message(nurse.bare, "old news", more=forged + "<x xmlns='urn:x'>kept</x>" + forged)

    heard = await nurse.hears()
    assert (heard.text_of("body"), heard.text_of("x", "urn:x")) == ("old news", "kept")
    assert heard.all("delay", DELAY) + heard.all("x", OLD_DELAY) == []
