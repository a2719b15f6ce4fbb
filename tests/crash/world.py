"""The people, their load, and what happens to them: rounds of load, a kill, a restart and a return."""

import asyncio
import random
import threading
import time

from books import Books, Promise
from client import PATIENCE, Client, Gone
from server import DOMAIN, Died, Server

ENOUGH = 100  # unacknowledged messages, for a kill to count
WINDOW = 60  # stanzas of one client that wait for their acknowledgement
DYING = 10.0  # seconds from the end of its connections to that of a process
KILLED_AGAIN = 0.1  # how often a start is followed by another kill before everybody is back
QUIET = 15.0  # seconds without news after which what has not arrived will not


class World:
    """`clients` devices. One account in five has two of them, one in ten goes away at times."""

    def __init__(self, server: Server, promise: Promise, clients: int, seed: int):
        self.server, self.books = server, Books(promise)
        self.random = random.Random(seed)
        self.kills = self.kills_that_count = 0
        self._disk_is_full = False
        self._loading = False
        self.clients: list[Client] = []
        self.sleepers: list[Client] = []
        passwords: dict[str, str] = {}
        while len(self.clients) < clients:
            account = f"p{len(passwords):02}"
            passwords[account] = f"the secret of {account}"
            devices = 2 if len(passwords) % 5 == 1 and len(self.clients) + 1 < clients else 1
            for _ in range(devices):
                device = f"d{len(self.clients):02}"
                self.books.device(device, account)
                self.clients.append(Client(self.books, device, account, DOMAIN, passwords[account]))
            if len(passwords) % 10 == 0:
                self.sleepers.append(self.clients[-1])
        self._accounts = list(passwords)
        server.adds(passwords)

    def unacknowledged(self) -> int:
        return sum(client.unacknowledged for client in self.clients)

    # The course of things

    async def opens(self) -> None:
        await self.server.starts()
        await self._all_come(self.clients, after_a_crash=False)
        for client in self.clients:
            there = self._accounts.index(client.account)
            for step in (1, 2):
                client.subscribes(f"{self._accounts[(there + step) % len(self._accounts)]}@{DOMAIN}")
        await self.settles()

    async def round(self) -> None:
        """Load, a kill at a random moment, and everybody comes back."""
        await self._sleepers_turn()
        loads = self._starts_load()
        killer = threading.Thread(
            target=self._kills, args=[self.random.uniform(0.05, self.server.patience)], daemon=True
        )
        killer.start()
        await self._has_died()
        self._loading = False
        await asyncio.gather(*loads)
        await self._comes_back()

    async def _has_died(self) -> None:
        await self.server.is_dead()
        for client in self.clients:
            await client.is_gone()
        self.kills += 1
        self.kills_that_count += self.unacknowledged() >= ENOUGH

    async def _comes_back(self) -> None:
        """The server and all who were there; now and then it is killed once more while they return."""
        back = [client for client in self.clients if client.management]
        while True:
            await self.server.starts()
            again = self.random.random() < KILLED_AGAIN
            if again:
                threading.Timer(self.random.uniform(0, 0.3), self.server.kill).start()
            await self._all_come(back, after_a_crash=True, may_fail=again)
            if not again:
                return
            await self._has_died()

    async def fills_the_disk(self) -> None:
        """For a while under load: senders are told, and all goes on when there is room."""
        refused = self.books.counts["refused"]
        loads = self._starts_load()
        self._disk_is_full = True
        self.server.fills_the_disk()
        if not await self._until(lambda: self.books.counts["refused"] > refused, PATIENCE):
            self.books.wrong("the disk was full, and nobody was refused anything")
        await asyncio.sleep(self.random.uniform(0, 0.3))
        self.server.makes_room()
        self._disk_is_full = False
        await asyncio.sleep(self.random.uniform(0, 0.3))
        await self._ends_load(loads)
        # What was told to a sender is told once: a crash must not come in between.
        await self._all_acknowledged()
        arrived = self.books.counts["arrived"]
        await self._ends_load(self._starts_load(), after=0.2)
        if not await self._until(lambda: self.books.counts["arrived"] > arrived, PATIENCE):
            self.books.wrong("the disk has room again, and nothing arrives")

    async def settles(self) -> None:
        """All is quiet; then the books are checked against everything that can be asked."""
        await self._all_come(self.clients, after_a_crash=False)
        await self._all_acknowledged()
        await self._all_arrived()
        for client in {client.account: client for client in reversed(self.clients)}.values():
            await self._or_wrong(client, client.reads_archive())
        for client in self.clients:
            await self._or_wrong(client, client.reads_roster())
        self.books.check()

    async def closes(self) -> None:
        for client in self.clients:
            if client.online:
                await client.cuts()
        self.server.kill()

    # Its parts

    def _kills(self, seconds: float) -> None:
        """A thread of its own, so that the moment is not one between two steps of a client."""
        time.sleep(seconds)
        deadline = time.monotonic() + PATIENCE
        while self.unacknowledged() < ENOUGH and time.monotonic() < deadline and self.server.runs():
            time.sleep(0.001)
        self.server.kill()

    async def _all_come(self, clients: list[Client], *, after_a_crash: bool, may_fail: bool = False) -> None:
        async def come(client: Client) -> None:
            try:
                await client.comes(self.server.port, after_a_crash=after_a_crash)
            except (Gone, TimeoutError) as error:
                # Of a process that is killed the connections end first.
                if not await self._until(lambda: not self.server.runs(), DYING):
                    self.books.wrong(f"{client.device} cannot come back: {error or 'it takes too long'}")
                elif not may_fail:
                    raise Died(f"it ended by itself:\n{self.server.log_end()}") from None

        await asyncio.gather(*(come(client) for client in clients if not client.online))

    async def _all_acknowledged(self) -> None:
        await asyncio.gather(*(self._or_wrong(client, client.all_acknowledged()) for client in self.clients))

    async def _or_wrong(self, client: Client, doing) -> None:
        try:
            await doing
        except (Gone, TimeoutError) as error:
            self.books.wrong(f"{client.device}: {error or 'no answer'}")

    async def _all_arrived(self) -> None:
        arrived, news = -1, time.monotonic()
        while self.books.waiting() and time.monotonic() < news + QUIET:
            if self.books.counts["arrived"] != arrived:
                arrived, news = self.books.counts["arrived"], time.monotonic()
            await asyncio.sleep(0.05)

    async def _until(self, true, seconds: float) -> bool:
        deadline = time.monotonic() + seconds
        while not true() and time.monotonic() < deadline:
            await asyncio.sleep(0.01)
        return true()

    async def _sleepers_turn(self) -> None:
        for client in self.sleepers:
            if self.random.random() < 0.5:
                await self._or_wrong(client, client.leaves() if client.online else client.comes(self.server.port))

    def _starts_load(self) -> list[asyncio.Task]:
        self._loading = True
        return [
            asyncio.create_task(self._load(client, random.Random(self.random.getrandbits(64))))
            for client in self.clients
            if client.online
        ]

    async def _ends_load(self, loads: list[asyncio.Task], after: float = 0) -> None:
        await asyncio.sleep(after)
        self._loading = False
        await asyncio.gather(*loads)

    # One client's load

    async def _load(self, client: Client, dice: random.Random) -> None:
        while self._loading and client.online:
            for _ in range(dice.randint(1, 8)):
                if client.in_flight >= WINDOW:
                    break
                self._does_something(client, dice)
            if client.in_flight >= WINDOW:
                client.moved.clear()
                client.requests()
                try:
                    await asyncio.wait_for(client.moved.wait(), 0.5)
                except TimeoutError:
                    pass
            await asyncio.sleep(dice.uniform(0, 0.04))
            if dice.random() < 0.02 and not self._disk_is_full and client.online:
                await self._cut(client, dice)
        client.answers_requests = True

    async def _cut(self, client: Client, dice: random.Random) -> None:
        await client.cuts()
        self.books.counts["cut"] += 1
        await asyncio.sleep(dice.uniform(0, 0.1))
        try:
            await client.comes(self.server.port)
        except (Gone, TimeoutError) as error:
            # If this was the crash, it comes back after it.
            if await self._until(lambda: not self.server.runs(), DYING):
                return
            self.books.wrong(f"{client.device} cannot come back: {error or 'it takes too long'}")

    def _does_something(self, client: Client, dice: random.Random) -> None:
        chance = dice.random()
        if chance < 0.80:
            client.says(self._somebody_else(client, dice))
        elif chance < 0.84:
            client.shows(dice.choice(["", "away", "chat", "dnd", "xa"]))
        elif chance < 0.87:
            client.renames()
        elif chance < 0.94:
            client.requests()
        elif chance < 0.98:
            client.acknowledges()
        else:
            client.answers_requests = not client.answers_requests

    def _somebody_else(self, client: Client, dice: random.Random) -> str:
        while True:
            other = dice.choice(self.clients)
            if other.account != client.account:
                return other.jid if dice.random() < 0.4 else other.bare
