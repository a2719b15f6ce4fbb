"""Whoever guesses passwords is slowed down, per address and per account, and nobody else is."""

import asyncio
import socket
import time

import pytest

from support.session import Account, Session
from support.waits import within
from support.wire import Wire, failure_of

pytestmark = pytest.mark.anser_only("the others count and slow down differently")

FREE = 3  # failures of an account that are answered at once
BURST = 6  # failures of an address before it is refused
SLOWEST = 3.2  # seconds, of the last of all _guessers


class _Elsewhere(Session):
    """Somebody who comes from another address of this machine."""

    @classmethod
    async def connect(cls, port: int, domain: str, **how):
        sock = socket.socket()
        sock.setblocking(False)
        sock.bind(("127.0.0.2", 0))
        await within(asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port)), "a TCP connection")
        reader, writer = await asyncio.open_connection(sock=sock)
        return cls(reader, writer, domain, **how)


async def _opened(stage, type=Wire) -> Wire:
    wire = await stage.wire(type=type)
    await wire.opened()
    return wire


async def _guesses(wire: Wire, account: Account) -> str:
    return failure_of(await wire.plain(account.local, "a guess"))


async def _guess_takes(wire: Wire, account: Account) -> float:
    began = time.monotonic()
    assert await _guesses(wire, account) == "not-authorized"
    return time.monotonic() - began


async def _guessers(stage, account: Account) -> asyncio.Future:
    """So many guesses at once that the last answer comes after SLOWEST."""
    wires = [await _opened(stage) for _ in range(FREE + 5)]
    return asyncio.gather(*(_guesses(wire, account) for wire in wires))


def _lines(stage, *words: str) -> list[str]:
    log = stage.house.log_path.read_text(errors="replace")
    return [line for line in log.splitlines() if all(word in line for word in words)]


# Per address


async def test_an_address_with_too_many_failures_is_refused_whatever_it_knows(start):
    server = await start(limits={"failures_per_address": BURST, "login_attempts": 100})
    romeo, juliet = await server.session("romeo"), await server.account("juliet")
    guesser = await _opened(server)

    said = [await _guesses(guesser, server.unregistered("nobody")) for _ in range(BURST + 3)]

    assert said == ["not-authorized"] * BURST + ["temporary-auth-failure"] * 3
    honest = await _opened(server)
    assert failure_of(await honest.plain(juliet.local, juliet.password)) == "temporary-auth-failure"
    scram = await _opened(server)
    assert failure_of(await scram.scram("SHA-256", juliet.local, juliet.password)) == "temporary-auth-failure"
    await romeo.settled()


async def test_other_addresses_log_in_as_before(start):
    server = await start(limits={"failures_per_address": BURST, "login_attempts": 100})
    juliet = await server.account("juliet")
    guesser = await _opened(server)
    for _ in range(BURST):
        await _guesses(guesser, server.unregistered("nobody"))
    assert await _guesses(guesser, juliet) == "temporary-auth-failure"

    elsewhere = await _opened(server, _Elsewhere)

    assert (await elsewhere.plain(juliet.local, juliet.password)).name == "success"


async def test_success_does_not_buy_an_address_more_guesses(start):
    server = await start(limits={"failures_per_address": BURST, "login_attempts": 100})
    guesser, own = await _opened(server), await server.account("tybalt")
    for _ in range(BURST):
        await _guesses(guesser, server.unregistered("nobody"))
        wire = await _opened(server)
        answer = await wire.plain(own.local, own.password)

    assert failure_of(answer) == "temporary-auth-failure"


# Per account


@pytest.mark.parametrize("known", [True, False], ids=["an account", "no account"])
async def test_failures_of_one_account_are_answered_later_and_later(start, known):
    server = await start(limits={"failures_per_account": FREE, "login_attempts": 100})
    target = await server.account("juliet") if known else server.unregistered("nobody")
    guessers = [await _opened(server), await _opened(server, _Elsewhere)]

    waits = [await _guess_takes(guessers[n % 2], target) for n in range(FREE + 3)]

    assert all(took >= least for took, least in zip(waits[FREE:], (0.2, 0.4, 0.8)))
    assert min(waits[:FREE]) < max(waits[FREE:])


async def test_nobody_waits_behind_a_slowed_guesser(start):
    server = await start(limits={"failures_per_account": FREE, "login_attempts": 100})
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    nurse = await server.account("nurse")

    slowed = await _guessers(server, juliet)
    nurse = await server.session(nurse)
    await romeo.message(nurse.jid, "hark")
    await nurse.hears()

    assert not slowed.done()
    assert set(await slowed) == {"not-authorized"}


async def test_who_knows_the_password_is_not_slowed_and_wipes_the_slate(start):
    server = await start(limits={"failures_per_account": FREE, "login_attempts": 100})
    juliet = await server.account("juliet")

    slowed = await _guessers(server, juliet)
    session = await server.session(juliet)
    await session.settled()

    assert not slowed.done()
    assert set(await slowed) == {"not-authorized"}
    assert (await (await _opened(server)).plain(juliet.local, juliet.password)).name == "success"
    assert min([await _guess_takes(await _opened(server), juliet) for _ in range(FREE)]) < SLOWEST


async def test_the_log_names_who_is_guessed_and_from_where_once_for_each_failure(start):
    server = await start(limits={"failures_per_address": BURST, "login_attempts": 100})
    juliet = await server.account("juliet")
    guesser = await _opened(server, _Elsewhere)
    for _ in range(BURST + 5):
        await _guesses(guesser, juliet)
    guesser.hang_up()

    assert server.house.stop() == 0
    assert len(_lines(server, "127.0.0.2", juliet.local, "failed")) == BURST
    assert _lines(server, "a guess") == []
