"""Attacks and accidents: each gets its error, and nobody else notices."""

import asyncio
import functools
import random

import pytest

from support.session import Session
from support.stage import Stage
from support.waits import patient
from support.wire import Gone, header
from support.xml import PING

# Small limits, so that a test need not send much or wait long.
LIMITS = {"stanza_bytes": 65_536, "stanza_bytes_before_login": 16_384, "depth": 64, "stanza_seconds": round(patient(3))}


@pytest.fixture(scope="module")
def houses(new_server):
    """Servers with these limits, by how many seconds a login may take."""
    return functools.cache(lambda seconds: new_server(limits={**LIMITS, "login_seconds": seconds}))


@pytest.fixture
def hasty() -> None:
    """For tests that wait until a login has taken too long. In the others none may, however slow the machine is."""


@pytest.fixture
async def narrow(houses, request, server_log):
    narrow_house = houses(round(patient(5)) if "hasty" in request.fixturenames else 60)
    server_log.append(narrow_house)
    stage = Stage(narrow_house)
    yield stage
    await stage.close()
    assert narrow_house.process.poll() is None


@pytest.fixture
async def bystanders(narrow):
    """Two people who chat all the while; at the end they must not have noticed anything."""
    romeo, juliet = await narrow.session("romeo"), await narrow.session("juliet")
    yield romeo, juliet
    await romeo.message(juliet.jid, "art thou well?")
    await juliet.message(romeo.jid, "I am")
    assert (await juliet.hears()).text_of("body") == "art thou well?"
    assert (await romeo.hears()).text_of("body") == "I am"


async def _until_cut(wire, seconds: float | None = None) -> None:
    try:
        await wire.is_cut(seconds)
    except ConnectionError:
        pass


# Too large


async def test_a_stanza_that_is_too_large_is_a_policy_violation(narrow, bystanders):
    romeo, juliet = bystanders
    bully = await narrow.session("tybalt")

    bully.post(f"<message to='{juliet.bare}'><body>{'x' * 100_000}</body></message>")

    await bully.fails("policy-violation")
    await romeo.message(juliet.jid, "in peace")
    assert (await juliet.hears()).text_of("body") == "in peace"


async def test_a_stanza_just_below_the_limit_passes(narrow, bystanders):
    _, juliet = bystanders
    tybalt = await narrow.session("tybalt")
    frame = len(f"<message type='chat' to='{juliet.bare}'><body></body></message>")

    await tybalt.message(juliet.bare, "x" * (LIMITS["stanza_bytes"] - frame - 100))

    assert len((await juliet.hears()).text_of("body")) > 60_000


@pytest.mark.parametrize(
    "flood",
    [
        "<message a='" + "x" * 300_000,
        "<" + "m" * 300_000,
        "<message " + " ".join(f"a{n}='1'" for n in range(40_000)),
        "<message " + " ".join(f"xmlns:a{n}='urn:{n}'" for n in range(20_000)),
        "<message><body>" + "&amp;" * 60_000,
        "<message>" + "<a/>" * 80_000,
        "<!--" + "x" * 300_000,
        "<?" + "x" * 300_000,
        "<message><body><![CDATA[" + "x" * 300_000,
    ],
    ids=["attribute", "name", "attributes", "namespaces", "text", "children", "comment", "instruction", "cdata"],
)
@pytest.mark.parametrize("logged_in", [False, True], ids=["before login", "after login"])
async def test_a_stanza_that_never_ends_ends_the_stream(narrow, bystanders, logged_in, flood):
    if logged_in:
        bully = await narrow.session("tybalt")
    else:
        bully = await narrow.wire()
        await bully.opened()

    bully.post(flood)

    try:
        await bully.fails("policy-violation", "not-well-formed", "restricted-xml", "bad-format", "not-authorized")
    except Gone:
        pass  # a reset, since we were still sending: the error was lost with it


@pytest.mark.anser_only("the limit is ours")
async def test_all_unfinished_stanzas_together_have_a_limit(start):
    """Each is within its own limit. Small ones are welcome even then, and what was finished in time has arrived."""
    server = await start(limits={"unfinished_bytes": 1_048_576})
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    crowd = [await server.session("mob", available=False) for _ in range(16)]

    for one in crowd:
        one.post(f"<message to='{juliet.bare}'><body>{'x' * 200_000}")
    ends = [asyncio.ensure_future(one.fails("resource-constraint", seconds=20)) for one in crowd]
    done, _ = await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
    for one in done:
        one.result()
    await romeo.message(juliet.jid, "x" * 9_000)

    assert len((await juliet.hears()).text_of("body")) == 9_000
    for one in ends:
        one.cancel()


async def test_the_limit_before_login_is_smaller(narrow, bystanders):
    bully = await narrow.wire()
    await bully.opened()

    bully.post(f"<auth xmlns='urn:ietf:params:xml:ns:xmpp-sasl' mechanism='PLAIN'>{'A' * 40_000}</auth>")

    await bully.fails("policy-violation")


async def test_a_stream_header_that_is_too_large_is_refused(narrow, bystanders):
    bully = await narrow.wire()

    bully.post(header(narrow.domain)[:-1] + " " + " ".join(f"a{n}='{n}'" for n in range(20_000)) + ">")

    await _until_cut(bully)
    assert b"<stream:features" not in bully.received


@pytest.mark.parametrize("logged_in", [False, True], ids=["before login", "after login"])
async def test_elements_that_are_too_deep_end_the_stream(narrow, bystanders, logged_in):
    if logged_in:
        bully = await narrow.session("tybalt")
    else:
        bully = await narrow.wire()
        await bully.opened()

    bully.post("<message>" + "<a>" * 3_000 + "</a>" * 3_000 + "</message>")

    await bully.fails("policy-violation", "not-authorized", "bad-format")


async def test_elements_of_common_depth_pass(narrow, bystanders):
    _, juliet = bystanders
    tybalt = await narrow.session("tybalt")

    await tybalt.message(juliet.bare, "deep", more="<a xmlns='urn:a'>" * 30 + "</a>" * 30)

    assert (await juliet.hears()).text_of("body") == "deep"


@pytest.mark.slow
async def test_a_billion_laughs_are_not_laughed(narrow, bystanders):
    bully = await narrow.wire()
    lol = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))

    await bully.send(f"<?xml version='1.0'?><!DOCTYPE l [<!ENTITY l0 'lol'>{lol}]><stream:stream a='&l9;'>")

    await _until_cut(bully)
    assert narrow.house.memory() < 500_000_000


# Too slow


@pytest.mark.slow
async def test_who_says_nothing_is_sent_away(hasty, narrow, bystanders):
    wire = await narrow.wire()

    await _until_cut(wire, 15)


@pytest.mark.slow
async def test_who_opens_a_stream_and_says_nothing_is_sent_away(hasty, narrow, bystanders):
    wire = await narrow.wire()
    await wire.opened()

    await wire.fails("connection-timeout", "policy-violation", "not-authorized", seconds=15)


@pytest.mark.slow
async def test_who_dribbles_before_login_is_sent_away(hasty, narrow, bystanders):
    """A byte now and then is no progress: the time limit is on the login, not on silence."""
    wire = await narrow.wire()
    await wire.opened()
    ended = asyncio.ensure_future(_until_cut(wire, 20))

    while not ended.done():
        wire.post(" ")
        await asyncio.wait([ended], timeout=0.5)

    await ended


@pytest.mark.slow
async def test_who_never_finishes_the_tls_handshake_is_sent_away(hasty, narrow, bystanders):
    wire = await narrow.wire(tls_port=True)

    await wire.send(b"\x16\x03\x01")

    await _until_cut(wire, 15)


@pytest.mark.slow
@pytest.mark.anser_only("the peers wait for ever")
async def test_who_never_finishes_a_stanza_is_sent_away(narrow, bystanders):
    tybalt = await narrow.session("tybalt")
    await tybalt.send("<message to='")
    ended = asyncio.ensure_future(tybalt.fails("policy-violation", "connection-timeout", seconds=20))

    while not ended.done():
        tybalt.post("x")
        await asyncio.wait([ended], timeout=0.5)

    await ended


@pytest.mark.slow
async def test_an_idle_session_may_stay(hasty, narrow, bystanders):
    """The limits of time are for logins and for stanzas, not for people who think."""
    tybalt = await narrow.session("tybalt")
    other = await narrow.wire()
    await other.opened()

    await _until_cut(other, 15)  # longer than any limit here

    await tybalt.settled()


# Too much


@pytest.mark.slow
async def test_a_flood_of_connections_that_drop_is_survived(narrow, bystanders):
    before = narrow.house.memory()

    for _ in range(10):
        wires = [await narrow.wire() for _ in range(20)]
        for number, wire in enumerate(wires):
            if number % 2:
                await wire.send(header(narrow.domain))
            wire.hang_up()

    assert narrow.house.memory() - before < 30_000_000


async def test_a_flood_of_logins_that_fail_is_survived(narrow, bystanders):
    wires = [await narrow.wire() for _ in range(20)]
    for wire in wires:
        await wire.opened()

    answers = await asyncio.gather(
        *(wire.plain(f"nobody{n}", "guess") for n, wire in enumerate(wires)), return_exceptions=True
    )

    # Refused, or cut because the queue was longer than the time for a login.
    assert all(isinstance(answer, Gone) or answer.name in ("failure", "error") for answer in answers), answers


@pytest.mark.slow
async def test_a_flood_of_stanzas_delays_nobody_else(narrow, bystanders):
    romeo, juliet = bystanders
    tybalt = await narrow.session("tybalt")
    for number in range(3000):
        tybalt.post(f"<iq type='get' id='f{number}'><ping xmlns='{PING}'/></iq>")

    await romeo.message(juliet.jid, "through the noise")

    assert (await juliet.hears()).text_of("body") == "through the noise"
    for number in range(3000):
        assert (await tybalt.next())["id"] == f"f{number}"


@pytest.mark.slow
async def test_a_client_that_never_reads_does_not_hold_up_the_others(narrow, bystanders):
    """What is for it has a limit; then it is disconnected, or its sender waits or is told. Nobody else is concerned."""
    romeo, juliet = bystanders
    deaf = await narrow.session("tybalt", receive_buffer=4096)
    before = narrow.house.memory()
    speaker = await narrow.session("nurse")

    for number in range(2000):
        speaker.post(f"<message to='{deaf.jid}' type='headline' id='h{number}'><body>{'x' * 10_000}</body></message>")
    for number in range(20):
        await romeo.message(juliet.jid, str(number))
        assert (await juliet.hears()).text_of("body") == str(number)

    assert narrow.house.memory() - before < 64_000_000


@pytest.mark.slow
async def test_a_client_that_asks_and_never_reads_is_stopped(narrow, bystanders):
    """Answers pile up; the server stops reading or ends the stream, and does not grow."""
    deaf = await narrow.session("tybalt", receive_buffer=4096)
    before = narrow.house.memory()

    ask = "".join(
        f"<iq type='get' id='a{n}' to='{narrow.domain}'><query xmlns='jabber:iq:version'/></iq>" for n in range(100)
    )
    for _ in range(1000):
        deaf.post(ask)
    romeo, juliet = bystanders
    for number in range(20):
        await romeo.message(juliet.jid, str(number))
        assert (await juliet.hears()).text_of("body") == str(number)

    assert narrow.house.memory() - before < 64_000_000


async def test_many_subscription_requests_to_one_person_do_not_fill_the_memory(narrow, bystanders):
    """RFC 6121 section 3.1.3, security warning: complete stanzas are kept, so they have a limit."""
    _, juliet = bystanders
    for number in range(10):
        session = await narrow.session(f"bot{number}", roster=True)
        await session.presence(f"<status>{'x' * 20_000}</status>", "subscribe", juliet.bare)
        await session.settled()

    await juliet.settled()


# Rubbish


@pytest.mark.slow
async def test_random_bytes_are_survived(narrow, bystanders):
    dice = random.Random(1595)
    for _ in range(30):
        wire = await narrow.wire()
        if dice.random() < 0.5:
            await wire.opened()
        wire.post(bytes(dice.randrange(256) for _ in range(2000)))
        wire.post(b"<>")
        await _until_cut(wire)


@pytest.mark.slow
async def test_mutated_stanzas_are_survived(narrow, bystanders):
    _, juliet = bystanders
    dice = random.Random(1597)
    good = (
        f"<message to='{juliet.bare}' type='headline' id='m1'><body>x &amp; y</body><a xmlns='urn:a' b='c'/></message>"
    )
    for _ in range(30):
        tybalt = await narrow.session("tybalt", "street", available=False)
        bad = bytearray(good.encode())
        for _ in range(dice.randrange(1, 4)):
            bad[dice.randrange(len(bad))] = dice.randrange(256)
        tybalt.post(bytes(bad))
        try:
            await tybalt.send(f"<iq type='get' id='end'><ping xmlns='{PING}'/></iq></stream:stream>")
            while True:
                await tybalt.next(3)
        except (Gone, ConnectionError, AssertionError):
            tybalt.hang_up()
    await juliet.settled()
    juliet.heard("message")


async def test_server_owned_elements_are_taken_from_what_clients_send(server):
    """All copies: delays of the server, ids by the server, carbons and archive results of others."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    mine = f"<delay xmlns='urn:xmpp:delay' from='{server.domain}' stamp='1999-01-01T00:00:00Z'/>"
    ids = f"<stanza-id xmlns='urn:xmpp:sid:0' by='{juliet.bare}' id='forged'/>"

    await romeo.message(juliet.bare, "forged", more=(mine + ids) * 3)

    heard = await juliet.hears()
    assert heard.all("delay") == []
    assert [s["id"] for s in heard.all("stanza-id") if s["id"] == "forged"] == []


async def test_markup_in_attributes_does_not_become_markup(server):
    """What the server puts into its answers it escapes."""
    romeo = await server.session("romeo")
    nasty = "x' foo='bar\"&lt;iq/&gt;&amp;"

    await romeo.send(f"<iq type='get' id=\"{nasty.replace(chr(34), '&quot;')}\"><ping xmlns='{PING}'/></iq>")

    answer = await romeo.next()
    assert answer["id"] == "x' foo='bar\"<iq/>&"
    assert answer["foo"] is None


async def test_markup_in_the_stream_header_does_not_become_markup(server):
    wire = await server.wire()

    await wire.restart(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        "to=\"x'/&gt;&lt;evil a='&quot;\" from=\"y'&lt;&quot;@localhost\" xml:lang=\"e'n&quot;\" version='1.0'>"
    )

    await wire.fails("host-unknown", "improper-addressing", "bad-format", "invalid-xml")


@pytest.mark.parametrize("half", ["<message><body>half", "<", "<iq type='set' id='1'", " ", "<message/>"])
async def test_a_client_that_dies_in_the_middle_is_forgotten(server, half):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.send(half)
    romeo.hang_up()

    await juliet.hears("presence", "unavailable", romeo.jid)


async def test_every_step_of_a_login_can_be_the_last(server):
    """Hanging up anywhere leaves nothing that stands in the way of the next login."""
    account = await server.account("romeo")
    for steps in range(5):
        session = await server.wire(type=Session)
        session.account = account
        if steps > 0:
            await session.opened()
        if steps > 1:
            await session.plain(account.local, account.password)
        if steps > 2:
            await session.opened()
        if steps > 3:
            await session.bind("orchard")
        session.hang_up()

    romeo = await server.session(account, "orchard")

    assert romeo.resource == "orchard"
    await romeo.settled()
