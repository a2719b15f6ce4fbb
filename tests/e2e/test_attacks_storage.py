"""What attackers leave in storage, or make it refuse: nothing of anybody is lost, locked or handed to somebody else.

What attackers do with what they send is in test_attacks.py."""

import asyncio
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from support.attacks import (
    BIG,
    MANY_BIG,
    SMALL_OUTPUT,
    bodies,
    deaf_session,
    hears_it_go,
    is_removed,
    new_owner,
    removes_itself,
)
from support.faults import FaultyAnser, build_shim
from support.session import fresh_id, settle
from support.stage import Stage
from support.waits import free_port
from support.xml import BLOCKING, PING, ROSTER

pytestmark = pytest.mark.anser_only("the limits and the storage are ours")

NICK = "http://jabber.org/protocol/nick"

REMOVED = pytest.mark.parametrize("how", ["in-band", "command"])


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


@pytest.fixture
async def faulty(house, folder, server_log):
    """A server on a disk that breaks when told to."""
    ports = {name: free_port() for name in ("port", "tls_port", "http_port", "https_port")}
    settings = replace(house.settings, **ports, limits={})
    server = FaultyAnser(Path(tempfile.mkdtemp(prefix="attacked-", dir=folder)), settings, build_shim(folder))
    server_log.append(server)
    stage = Stage(server.start())
    yield stage
    await stage.close()
    ended = server.process.poll()
    server.kill()
    assert ended is None, f"the server ended with {ended}"


# More waits than a client may be written at once


async def _sends_many_big(sender, to) -> list[str]:
    for number in range(MANY_BIG):
        await sender.message(to, f"{number} {BIG}")
    await sender.settled()
    assert sender.heard("message", "error") == []
    return [str(number) for number in range(MANY_BIG)]


async def _hears_all(session, said: list[str]) -> None:
    assert [(await session.hears()).text_of("body").split()[0] for _ in said] == said
    assert await bodies(session) == []


async def test_all_that_waited_comes_however_much_it_is(attacked):
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    said = await _sends_many_big(nurse, juliet)

    session = await server.session(juliet)

    await _hears_all(session, said)
    await session.leaves()
    assert await bodies(await server.session(juliet)) == []


async def test_what_comes_while_the_waiting_is_read_comes_after_it(attacked):
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    said = await _sends_many_big(nurse, juliet)

    session = await server.session(juliet)
    for number in range(20):
        await nurse.message(juliet, f"later{number}")

    await _hears_all(session, said + [f"later{number}" for number in range(20)])


async def test_who_does_not_read_what_waited_gets_it_later(attacked):
    """No more than a page is written to it, so it is not even behind; it just never confirms."""
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    said = await _sends_many_big(nurse, juliet)

    deaf = await deaf_session(server, juliet, nurse, available=False)
    deaf.post("<presence/>")
    await nurse.message(juliet, "and this")
    await nurse.settled()
    deaf.hang_up()

    await _hears_all(await server.session(juliet), said + ["and"])


async def test_who_dies_over_what_waited_gets_it_later(attacked):
    server, nurse = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    said = await _sends_many_big(nurse, juliet)

    for _ in range(3):
        reader = await server.session(juliet)
        reader.answers_pings = False  # nor anything else from now on
        assert (await reader.hears()).text_of("body").split()[0] == "0"
        reader.hang_up()

    await _hears_all(await server.session(juliet), said)


# Requests of strangers


async def test_large_requests_lock_nobody_out(attacked):
    """They are refused whole: what is kept has to be kept as it was written (RFC 6121, 3.1.3)."""
    server, _ = await attacked(limits=SMALL_OUTPUT)
    juliet = await server.account("juliet")
    for number in range(10):
        stranger = await server.session(f"stranger{number}", roster=True)
        await stranger.presence(f"<status>{'z' * 9_000}</status>", "subscribe", juliet.jid)
        assert (await stranger.hears("presence", "error")).error.condition == "policy-violation"
        assert await stranger.roster() == {}
        stranger.hang_up()

    session = await server.session(juliet, roster=True)
    await session.settled()


async def test_a_request_is_kept_as_it_was_written(attacked):
    server, _ = await attacked()
    juliet, romeo = await server.account("juliet"), await server.session("romeo", roster=True)

    said = f"<status>It is I</status><x xmlns='urn:x'>{'z' * 3000}</x><nick xmlns='{NICK}'>Romeo</nick>"
    await romeo.presence(said, "subscribe", juliet.jid)
    await romeo.settled()

    request = await (await server.session(juliet)).hears("presence", "subscribe")
    assert (request["from"], request.text_of("status"), request.text_of("nick", NICK)) == (
        romeo.bare,
        "It is I",
        "Romeo",
    )
    assert len(request.text_of("x", "urn:x")) == 3000


async def test_many_requests_leave_room_for_contacts(attacked):
    server, nurse = await attacked(limits={"roster_items": 10})
    juliet = await server.account("juliet")
    for number in range(14):
        stranger = await server.session(f"stranger{number}", roster=True)
        await stranger.presence("", "subscribe", juliet.jid)
        await stranger.settled()
        stranger.hang_up()

    session = await server.session(juliet, roster=True)
    for number in range(10):
        item = f"<item jid='contact{number}@{server.domain}'/>"
        assert (await session.set(f"<query xmlns='{ROSTER}'>{item}</query>"))["type"] == "result"

    assert len(await session.roster()) == 10


# A storage that says "later"

TINY = {"storage_queue": 16, "idle_accounts": 16}
FLOOD = 400


def _flood(to: list[str], domain: str) -> str:
    """Messages to `to` among many to names that nobody has: each has to be looked up."""
    lines = []
    every = max(1, FLOOD // max(1, len(to)))
    for number in range(FLOOD):
        lines.append(f"<message to='no-{fresh_id()}@{domain}' type='chat'><body>x</body></message>")
        if number % every == 0 and number // every < len(to):
            jid = to[number // every]
            lines.append(f"<message to='{jid}' type='chat' id='to-{jid}'><body>hello</body></message>")
    return "".join(lines)


async def test_whom_a_busy_storage_cannot_look_up_is_not_missing(start):
    server = await start(limits=TINY)
    people = [await server.account(f"person{number}") for number in range(12)]
    mallory = await server.account("mallory")
    assert server.house.stop() == 0  # nobody is in memory then
    server.house.start()

    attacker = await server.session(mallory, available=False)
    attacker.post(_flood([account.jid for account in people], server.domain))
    await attacker.settled()

    errors = {e["id"]: e.error for e in attacker.heard("message", "error") if e["id"]}
    assert {error.type for error in errors.values()} <= {"wait"}, errors
    for account in people:
        session = await server.session(account)
        assert await bodies(session) == ([] if f"to-{account}" in errors else ["hello"])


async def test_a_busy_storage_ends_no_subscription(start):
    server = await start(limits=TINY)
    romeo, juliet = await server.friends("romeo", "juliet")
    mallory = await server.account("mallory")
    for session in (romeo, juliet):
        await session.leaves()

    for _ in range(10):
        assert server.house.stop() == 0
        server.house.start()
        attacker = await server.session(mallory, available=False)
        again = await server.session(romeo.account, available=False, roster=True)
        attacker.post(_flood([], server.domain))
        attacker.post(f"<iq type='get' id='end'><ping xmlns='{PING}'/></iq>")
        again.post("<presence/>")
        again.post(f"<presence to='{juliet.bare}' type='probe'/>")
        await attacker.answer_to("end")
        await again.settled()
        assert again.heard("presence", "unsubscribed") == []

    other = await server.session(juliet.account, roster=True)
    for session, contact in ((again, romeo), (other, juliet)):
        roster = await session.roster()
        assert [item["subscription"] for item in roster.values()] == ["both"]
    await again.presence("<status>still here</status>")
    await other.take(lambda s: s.name == "presence" and s.text_of("status") == "still here", "presence of a friend")


# Accounts that are removed, and names that somebody else takes


@REMOVED
async def test_a_preapproval_ends_with_the_account(attacked, how):
    """RFC 6121 section 3.4: it was for the one who had the name then."""
    server, _ = await attacked()
    bo, ali = await server.session("bo", roster=True), await server.account("ali")
    await bo.presence(kind="subscribed", to=ali.jid)
    await bo.settled()

    await is_removed(server, ali, how)
    other = await server.session(await new_owner(server, ali), roster=True)
    await other.presence(kind="subscribe", to=bo.bare)

    await bo.hears("presence", "subscribe", ali.jid)
    await settle(bo, other)
    assert [p for p in other.heard("presence") if p["from"].startswith(bo.bare)] == []
    assert (await other.roster())[bo.bare]["subscription"] == "none"


@REMOVED
async def test_a_preapproval_of_somebody_away_ends_with_the_account(attacked, how):
    server, _ = await attacked()
    bo, ali = await server.session("bo", roster=True), await server.account("ali")
    await bo.presence(kind="subscribed", to=ali.jid)
    await bo.settled()
    await bo.leaves()

    await is_removed(server, ali, how)
    other = await server.session(await new_owner(server, ali), roster=True)
    await other.presence(kind="subscribe", to=bo.bare)
    await other.settled()

    again = await server.session(bo.account, roster=True)
    await again.hears("presence", "subscribe", ali.jid)
    await settle(again, other)
    assert [p for p in other.heard("presence") if p["from"].startswith(bo.bare)] == []


@REMOVED
async def test_the_subscription_of_a_blocked_contact_ends_with_its_account(attacked, how):
    server, _ = await attacked()
    romeo, ali = await server.friends("romeo", "ali")
    await romeo.set(f"<block xmlns='{BLOCKING}'><item jid='{ali.bare}'/></block>")
    await ali.leaves()

    await is_removed(server, ali.account, how)
    other = await server.session(await new_owner(server, ali.account), roster=True)
    await romeo.set(f"<unblock xmlns='{BLOCKING}'><item jid='{ali.bare}'/></unblock>")
    await romeo.presence("<status>for my friends</status>")
    await settle(romeo, other)

    item = (await romeo.roster()).get(ali.bare)
    assert item is None or item["subscription"] == "none", item
    assert [p for p in other.heard("presence") if p["from"].startswith(romeo.bare)] == []


@REMOVED
async def test_messages_that_wait_end_with_the_account(attacked, how):
    server, nurse = await attacked()
    juliet = await server.account("juliet")
    for number in range(5):
        await nurse.message(juliet, f"a secret {number}")
    await nurse.settled()

    await is_removed(server, juliet, how)
    other = await server.session(await new_owner(server, juliet))

    assert await bodies(other) == []
    await nurse.message(other.bare, "who art thou?")
    assert (await other.hears()).text_of("body") == "who art thou?"


@REMOVED
async def test_messages_that_wait_end_with_the_account_even_in_a_crash(start, how):
    server = await start()
    nurse, juliet = await server.session("nurse"), await server.account("juliet")
    for number in range(5):
        await nurse.message(juliet, f"a secret {number}")
    await nurse.settled()

    if how == "in-band":
        await removes_itself(await server.session(juliet, available=False))
    else:
        await is_removed(server, juliet, how)
    server.house.kill()
    server.house.start()
    other = await server.session(await new_owner(server, juliet))

    assert await bodies(other) == []


async def test_an_answered_removal_is_one_even_if_the_log_was_slow(faulty):
    """While the log's fsync hangs, nothing that the removal needs can be stored: it must not be answered."""
    server, house = faulty, faulty.house
    nurse, bystander = await server.session("nurse"), await server.session("bystander")
    juliet, other = await server.account("juliet"), await server.account("other")
    for number in range(5):
        await nurse.message(juliet, f"a secret {number}")
    await nurse.settled()
    session = await server.session(juliet, available=False)

    house.breaks("hangs", "log.db")
    await nurse.message(other, "what the log is busy with")
    await bystander.settled()
    removal = asyncio.ensure_future(removes_itself(session))
    for _ in range(100):
        await bystander.settled()
    answered_too_early = removal.done()
    if not answered_too_early:
        house.heals("hangs")
    await removal
    house.kill()
    if answered_too_early:
        house.heals("hangs")
    house.start()
    owner = await server.session(await new_owner(server, juliet))

    assert await bodies(owner) == []


# A log that takes no more


async def _all_come_back(romeo, many: int) -> None:
    """Messages to oneself, all in one go: each is an error, or was stored after all."""
    for number in range(many):
        romeo.post(f"<message to='{romeo.bare}' type='chat' id='self{number}'><body>note</body></message>")
    for number in range(many):
        answer = await romeo.take(lambda s, ident=f"self{number}": s["id"] == ident, f"the note {number} or its error")
        if answer["type"] == "error":
            assert (answer.error.condition, answer.error.type) == ("resource-constraint", "wait")


@pytest.mark.parametrize("priority", [0, -1], ids=["available", "negative"])
async def test_on_a_full_disk_messages_to_oneself_come_back(faulty, priority):
    server = faulty
    nurse, romeo = await server.session("nurse"), await server.session("romeo", priority=priority)
    server.house.breaks("full", "/data/")

    await _all_come_back(romeo, 50)

    for session in (romeo, nurse):
        await session.settled()


async def test_messages_to_oneself_that_a_full_queue_refuses_come_back(attacked):
    server, _ = await attacked(limits={"log_queue": 16, "cores": 1})
    romeo = await server.session("romeo")

    await _all_come_back(romeo, 200)
    await romeo.settled()
