"""Every wait in these tests ends: `within` for what must come, never a sleep for what might."""

import asyncio
import itertools
import os
import socket
import time

# How long we wait for what must come. Sanitizer builds ask for more in ANSER_E2E_PATIENCE.
PATIENCE = float(os.environ.get("ANSER_E2E_PATIENCE", "6"))


async def within(awaitable, what: str, seconds: float | None = None):
    try:
        async with asyncio.timeout(seconds or PATIENCE):  # not wait_for, which may swallow that its task is cancelled
            return await awaitable
    except TimeoutError:
        raise AssertionError(f"waited {seconds or PATIENCE} s in vain for {what}") from None


# Below the range from which the kernel gives ports to clients, and elsewhere for each process that runs tests.
_ports = itertools.cycle(range(10_000, 32_000))
for _ in range(os.getpid() * 2_003 % 22_000):  # processes that are made together are far apart
    next(_ports)


def free_port() -> int:
    for port in _ports:
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
    """For processes that start or stop: they tell us nothing, so we look again until the time is up."""
    deadline = time.monotonic() + seconds
    while not true():
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s in vain for {what}")
        time.sleep(0.02)
