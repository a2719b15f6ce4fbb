"""kill -9 under load: every message that was acknowledged is in both archives once, and reached its reader."""

import asyncio
import random

import pytest
from websockets.exceptions import ConnectionClosed

from support.apps import App, Ended
from support.frames import HistoryRequest
from support.waits import wait_until, within

pytestmark = [pytest.mark.anser_only("it is Anser's own protocol"), pytest.mark.slow]

DEVICES, KILLS, WINDOW, ENOUGH = 6, 3, 16, 150
PATIENT = 30  # seconds, for what a loaded machine may take long for


class Actor:
    """One account with an app. It talks to the others, repeats what was not acknowledged, acknowledges what it hears."""

    def __init__(self, stage, account, dice: random.Random):
        self.stage, self.account, self.dice = stage, account, dice
        self.others: list = []
        self.sent: dict[str, tuple[str, str]] = {}  # eventId: to and body
        self.open: dict[str, None] = {}  # not acknowledged yet, oldest first
        self.acknowledged: set[str] = set()
        self.heard: list[str] = []
        self.app: App | None = None
        self._moved = asyncio.Event()

    async def comes(self) -> None:
        self.app = await self.stage.app(self.account, acknowledges=True)
        for event in list(self.open):
            await self._says(event)

    async def _says(self, event: str) -> None:
        to, body = self.sent[event]
        await self.app.says(to, body, event=event)

    async def talks(self) -> None:
        """Until the connection ends."""
        reading = asyncio.create_task(self.listens())
        try:
            while not reading.done():
                if len(self.open) < WINDOW:
                    event = f"{self.account.local}-{len(self.sent)}"
                    self.sent[event] = self.dice.choice(self.others).jid, f"body of {event}"
                    self.open[event] = None
                    await self._says(event)
                else:
                    self._moved.clear()
                    await self._moved.wait()
        except ConnectionClosed:
            pass
        await reading

    async def listens(self) -> None:
        """Until the connection ends."""
        try:
            while True:
                frame = await self.app.next()
                if frame.name == "AckMessage":
                    self.acknowledged.add(frame.message.eventId)
                    self.open.pop(frame.message.eventId, None)
                elif frame.name == "Message":
                    self.heard.append(frame.message.eventId)
                    await self.app.acknowledges(frame.message)
                else:
                    assert frame.name == "Presence", frame
                self._moved.set()
        except (Ended, ConnectionClosed):  # the latter when it acknowledges
            pass
        finally:
            self._moved.set()

    async def history(self) -> list:
        found, after = [], ""
        while True:
            page = await self.app.asks(HistoryRequest(after=after, limit=100))
            found += page.messages
            if page.complete:
                return found
            after = page.after


async def test_what_is_acknowledged_is_there_once_whatever_happens(start):
    stage = await start(limits={"offline_messages": 100_000})
    seed = random.SystemRandom().getrandbits(32)
    print(f"seed {seed}")
    dice = random.Random(seed)
    actors = [Actor(stage, await stage.account(f"actor{n}"), random.Random(dice.random())) for n in range(DEVICES)]
    for actor in actors:
        actor.others = [other.account for other in actors if other is not actor]

    in_doubt = 0
    for _ in range(KILLS):
        await asyncio.gather(*(actor.comes() for actor in actors))
        talking = asyncio.gather(*(actor.talks() for actor in actors))
        goal = sum(len(actor.acknowledged) for actor in actors) + ENOUGH + dice.randrange(ENOUGH)
        killer = asyncio.create_task(asyncio.to_thread(_kills, stage.house, actors, goal))
        await within(talking, "all connections to end", PATIENT)
        await killer
        in_doubt += sum(len(actor.open) for actor in actors)
        stage.house.start()

    assert in_doubt, "no kill came while something was under way"
    await asyncio.gather(*(actor.comes() for actor in actors))
    listening = [asyncio.create_task(actor.listens()) for actor in actors]
    wanted = {event for actor in actors for event in actor.sent}
    await within(_all_arrived(actors, wanted), "all to be acknowledged and heard", PATIENT)
    for task in listening:
        task.cancel()
    await asyncio.gather(*listening, return_exceptions=True)

    for actor in actors:
        actor.app.vanishes()
        actor.app = await stage.app(actor.account)
        mine = {e for e in wanted if e in actor.sent}
        theirs = {e for other in actors for e, (to, _) in other.sent.items() if to == actor.account.jid}
        found = [message.eventId for message in await actor.history()]
        assert sorted(found) == sorted(mine | theirs)  # each once
        for other in actors:
            pair = [e for e in found if e in other.sent and other.sent[e][0] == actor.account.jid]
            assert pair == [e for e in other.sent if e in pair]  # in the order in which it was said
            first_heard = list(dict.fromkeys(e for e in actor.heard if e in pair))
            assert first_heard == pair


def _kills(house, actors: list[Actor], goal: int) -> None:
    """In a thread of its own, so that the moment is not one between two steps of a client."""
    wait_until(lambda: sum(len(actor.acknowledged) for actor in actors) >= goal, "enough to be acknowledged", PATIENT)
    house.kill()


async def _all_arrived(actors: list[Actor], wanted: set[str]) -> None:
    while any(actor.open for actor in actors) or not wanted <= {e for actor in actors for e in actor.heard}:
        await asyncio.sleep(0.02)
