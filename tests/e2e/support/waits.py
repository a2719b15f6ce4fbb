"""Every wait in these tests ends: `within` for what must come, never a sleep for what might."""

import asyncio
import functools
import itertools
import os
import socket
import time

# How long we wait for what must come. Slow machines and sanitizer builds ask for more in ANSER_E2E_PATIENCE.
_USUAL = 6
PATIENCE = float(os.environ.get("ANSER_E2E_PATIENCE", _USUAL))


def patient(seconds: float) -> float:
    """What takes so many seconds at most on a usual machine may take as long here."""
    return seconds * max(1.0, PATIENCE / _USUAL)


async def within(awaitable, what: str, seconds: float | None = None):
    limit = PATIENCE if seconds is None else patient(seconds)
    try:
        async with asyncio.timeout(limit):  # not wait_for, which may swallow that its task is cancelled
            return await awaitable
    except TimeoutError:
        raise AssertionError(f"waited {limit:.0f} s in vain for {what}") from None


async def until(true, what: str, seconds: float | None = None) -> None:
    """For what nobody tells us: asks the coroutine `true` again until it says so."""

    async def ask():
        while not await true():
            await asyncio.sleep(0.02)

    await within(ask(), what, seconds)


_BLOCK = 500
_claim = socket.socket(socket.AF_UNIX)


@functools.cache
def _ports() -> itertools.cycle:
    """Below the range from which the kernel gives ports to clients. Each process that runs tests has a block of its own:
    it is the owner of a name, which is free again when it ends."""
    for first in range(10_000, 32_000, _BLOCK):
        try:
            _claim.bind(f"\0anser-tests-ports-{first}")
        except OSError:
            continue
        return itertools.cycle(range(first, first + _BLOCK))
    raise AssertionError("too many processes run tests")


def free_port() -> int:
    for port in itertools.islice(_ports(), _BLOCK):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue
    raise AssertionError("every port is taken")


def listens(port: int, host: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.settimeout(0.2)
        return probe.connect_ex((host, port)) == 0


def wait_until(true, what: str, seconds: float) -> None:
    """For processes: they tell us nothing, so we look again until the time is up."""
    limit = patient(seconds)
    deadline = time.monotonic() + limit
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {limit:.0f} s in vain for {what}")
        time.sleep(0.02)
