"""Between clients and their server: passes bytes on, and breaks connections in all the ways that networks do.

A seed makes the plan of a door: what happens, and after how much traffic. The traffic's clock stands still while nothing
is passed, so a slow machine gets as far between two faults as a fast one. The plan says nothing about when bytes arrive:
a seed repeats the kinds of faults, not each of their moments.

    delay     both directions wait
    cut       both ends see a FIN or an RST, what was on the way is lost
    late end  the client's connection is gone; the server hears of it when the next one has come and got somewhere, and
              before that, perhaps, what the old one still had to say
    silence   one direction or both swallow everything, the sockets stay
"""

import asyncio
import random
import socket
import struct
import time
from collections import Counter
from dataclasses import dataclass, field

LONGEST_GAP = 0.005  # of silence that counts as traffic
QUEUED = 256  # chunks on their way in one direction; beyond that the sender has to wait
UP, DOWN = "up", "down"
RST, FIN = "rst", "fin"


@dataclass
class Fault:
    kind: str
    seconds: float = 0.0
    client_end: str = RST
    server_end: str = RST
    directions: tuple = (UP, DOWN)
    chunks: int = 0  # of the next connection, before the server hears of this one's end
    late: bool = False
    speaks: bool = False  # what was on its way to the server still gets there

    def __str__(self):
        return self.kind if self.kind != "silence" else f"silence {' and '.join(self.directions)}"


def plan(seed: str, patience: float = 1.0):
    """Endless pairs: after so many seconds of traffic, this."""
    chance = random.Random(seed)
    while True:
        gap = chance.uniform(0.05, 0.5)
        kind = chance.choices(["delay", "cut", "late end", "silence"], [4, 6, 6, 3])[0]
        fault = Fault(
            kind,
            seconds=chance.uniform(0.02, 0.2) if kind == "delay" else patience * 2.5,
            client_end=chance.choice([RST, FIN]),
            server_end=chance.choice([RST, FIN]),
            directions=chance.choice([(UP, DOWN), (UP, DOWN), (DOWN,), (UP,)]),
            chunks=chance.choice([0, 1, 4, 8, 12, 16, 24]),
            late=kind == "late end" or chance.random() < 0.5,
            speaks=chance.random() < 0.6,
        )
        yield gap, fault


def end(writer, how: str) -> None:
    """What waits in the transport is lost with an RST, and goes out before a FIN."""
    if how == RST:
        sock = writer.get_extra_info("socket")
        if sock is not None and sock.fileno() >= 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        writer.transport.abort()
    else:
        writer.close()


@dataclass(eq=False)
class Link:
    """A client's connection and ours to the server for it."""

    number: int
    client: tuple
    server: tuple
    held_until: float = 0.0
    swallows: set = field(default_factory=set)
    chunks: int = 0
    fault: Fault | None = None  # the last; after it the link does not recover
    parked: bool = False  # on its way to the server nothing moves
    client_is_gone: bool = False
    over: asyncio.Event = field(default_factory=asyncio.Event)
    freed: asyncio.Event = field(default_factory=asyncio.Event)
    queues: dict = field(default_factory=lambda: {way: asyncio.Queue(QUEUED) for way in (UP, DOWN)})

    def end_client(self, how: str) -> None:
        self.client_is_gone = True
        end(self.client[1], how)

    def end_server(self, how: str) -> None:
        end(self.server[1], how)
        self.over.set()


class Door:
    """One side's way to the server."""

    def __init__(self, server_port: int, seed: str, latency: float, patience: float):
        self.seed, self.latency, self.patience = seed, latency, patience
        self.struck: Counter = Counter()
        self.connections = 0
        self._server_port = server_port
        self._plan = plan(seed, patience)
        self._traffic, self._last = 0.0, 0.0
        self._due, self._next = next(self._plan)
        self._links: list[Link] = []
        self._tasks: set[asyncio.Task] = set()
        self._listener = None
        self.breaks = True

    async def opens(self) -> "Door":
        self._listener = await asyncio.start_server(self._comes, "127.0.0.1", 0)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    async def closes(self) -> None:
        self._listener.close()
        for link in self._links:
            link.end_client(RST)
            link.end_server(RST)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _runs(self, work) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _comes(self, reader, writer) -> None:
        try:
            server = await asyncio.open_connection("127.0.0.1", self._server_port)
        except OSError:
            return end(writer, RST)
        for side in (writer, server[1]):
            side.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.connections += 1
        link = Link(self.connections, (reader, writer), server)
        self._links.append(link)
        self._runs(self._lives(link))
        self._look_after_the_old()

    async def _lives(self, link: Link) -> None:
        works = [
            asyncio.create_task(work)
            for work in (
                self._reads(link, UP, link.client[0]),
                self._reads(link, DOWN, link.server[0]),
                self._writes(link, UP, link.server[1]),
                self._writes(link, DOWN, link.client[1]),
            )
        ]
        await link.over.wait()
        for work in works:
            work.cancel()
        await asyncio.gather(*works, return_exceptions=True)
        link.end_client(RST)
        self._links.remove(link)

    async def _reads(self, link: Link, way: str, reader) -> None:
        while True:
            try:
                data = await reader.read(65536)
            except OSError:
                data = b""
            if data:
                self._passes(link)
            if way == UP and not data:
                return self._client_left(link)
            if way in link.swallows and data:
                continue
            if data and way == DOWN and link.client_is_gone:
                continue  # read, so that the server notices nothing
            await link.queues[way].put((time.monotonic() + self.latency, data))
            if not data:
                return

    async def _writes(self, link: Link, way: str, writer) -> None:
        while True:
            due, data = await link.queues[way].get()
            while (wait := max(due, link.held_until) - time.monotonic()) > 0:
                await asyncio.sleep(wait)
            if way == UP and link.parked:
                await link.freed.wait()
            if way in link.swallows and data:
                continue
            if way == DOWN and link.client_is_gone:
                if not data:
                    return link.end_server(RST)
                continue
            if not data:  # it has said all
                link.end_client(FIN)
                return link.end_server(FIN)
            try:
                writer.write(data)
                await writer.drain()
            except OSError:
                if way == DOWN:
                    continue  # reading tells that the client is gone
                return link.end_server(RST)

    def _client_left(self, link: Link) -> None:
        """By itself, or because we have ended it."""
        was_gone, link.client_is_gone = link.client_is_gone, True
        if link.parked or link.over.is_set() or was_gone:
            return
        if link.fault and link.fault.late:
            link.parked = True
            return
        # What is on its way to the server gets there before the end.
        self._runs(self._follows(link))

    async def _follows(self, link: Link) -> None:
        if UP not in link.swallows:
            await link.queues[UP].put((0.0, b""))
        else:
            link.end_server(FIN)

    # Faults

    def _passes(self, link: Link) -> None:
        link.chunks += 1
        now = time.monotonic()
        self._traffic += min(now - self._last, LONGEST_GAP)
        self._last = now
        self._look_after_the_old()
        newest = link is self._links[-1]
        if self.breaks and newest and not link.fault and self._traffic >= self._due:
            self._strikes(link, self._next)
            gap, self._next = next(self._plan)
            self._due = self._traffic + gap

    def _strikes(self, link: Link, fault: Fault) -> None:
        self.struck[str(fault)] += 1
        if fault.kind == "delay":
            link.held_until = time.monotonic() + fault.seconds
            return
        link.fault = fault
        if fault.kind == "cut":
            link.end_client(fault.client_end)
            link.end_server(fault.server_end)
        elif fault.kind == "late end":
            link.parked = True
            link.end_client(fault.client_end)
        else:
            link.swallows = set(fault.directions)
            # Nobody may notice: a client that hears all the time does not ask, and a server may never.
            self._runs(self._ends_silence(link, fault))

    async def _ends_silence(self, link: Link, fault: Fault) -> None:
        await asyncio.sleep(fault.seconds)
        if not link.over.is_set() and not link.client_is_gone:
            link.end_client(fault.client_end)
            link.end_server(fault.server_end)

    def _look_after_the_old(self) -> None:
        """The ends that the server is to see late are due when the newest connection has got so far."""
        newest = self._links[-1]
        for link in self._links[:-1]:
            if not link.parked or link.freed.is_set():
                continue
            if newest.chunks < link.fault.chunks and link is self._links[-2]:
                continue
            if link.fault.speaks:
                link.freed.set()
                self._runs(link.queues[UP].put((0.0, b"")))
            else:
                link.end_server(link.fault.server_end)


class FaultProxy:
    """`doors` has one for each name."""

    def __init__(self, server_port: int, seed: int, names, *, latency: float = 0.004, patience: float = 1.0):
        self.doors = {name: Door(server_port, f"{seed} {name}", latency, patience) for name in names}

    async def __aenter__(self) -> "FaultProxy":
        for door in self.doors.values():
            await door.opens()
        return self

    async def __aexit__(self, *_) -> None:
        for door in self.doors.values():
            await door.closes()

    def told(self) -> str:
        lines = []
        for name, door in self.doors.items():
            faults = ", ".join(f"{count} × {kind}" for kind, count in sorted(door.struck.items()))
            lines.append(f"{name}: {door.connections} connections; {faults}")
        return "\n".join(lines)
