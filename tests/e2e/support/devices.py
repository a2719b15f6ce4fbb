"""People with several devices on a bad network: slixmpp with its plugins for acknowledgements, archive and carbons."""

import asyncio

from .people import Person
from .waits import within


class Device(Person):
    """`happens` waits for an event of the library and gives what came with it; each is taken once. `is_cut_off` and
    `comes_back` are a network that goes and returns; what the library does with its session is up to the library."""

    extensions = Person.extensions + tuple(
        f"xep_{number:04}" for number in (59, 184, 198, 280, 313, 333, 334, 352, 359, 424, 441)
    )
    events = (
        "blocked",
        "carbon_received",
        "carbon_sent",
        "disconnected",
        "marker_acknowledged",
        "marker_displayed",
        "marker_received",
        "message_error",
        "message_retract",
        "receipt_received",
        "session_resumed",
        "session_start",
        "sm_enabled",
        "sm_failed",
        "stanza_acked",
        "unblocked",
    )

    def __init__(self, *who):
        super().__init__(*who)
        self._happened: dict[str, asyncio.Queue] = {event: asyncio.Queue() for event in self.events}
        for event, queue in self._happened.items():
            self.add_event_handler(event, queue.put_nowait)

    async def comes(self, **how) -> "Device":
        self.plugin["xep_0198"].window = self.plugin["xep_0198"].window_counter = 1  # asks after each stanza
        await super().comes(**how)
        await self.happens("session_start")
        await self.happens("sm_enabled")
        return self

    async def happens(self, event: str):
        return await within(self._happened[event].get(), f"{event} at {self.boundjid}")

    def happened(self, event: str) -> list:
        """Takes what has happened so far."""
        queue, found = self._happened[event], []
        while not queue.empty():
            found.append(queue.get_nowait())
        return found

    async def is_cut_off(self) -> None:
        """The connection is gone at once and without a word, and with it what was about to be written."""
        self.happened("disconnected")
        self.transport.abort()
        await self.happens("disconnected")

    async def comes_back(self) -> None:
        """Connects again; fails unless the session goes on."""
        self.knocks()
        await self.happens("session_resumed")
        assert not self.happened("session_start"), "the session is another one"

    async def settles(self) -> None:
        """All that the server owed us before it answers has come and been handled."""
        await within(self.plugin["xep_0199"].send_ping(self.account.domain), "an answered ping")

    def all_seen(self, whom: Person) -> list[str]:
        """Takes what the presence of somebody has been so far."""
        found = []
        while not self._seen.empty():
            presence = self._seen.get_nowait()
            if presence["from"] == whom.boundjid:
                found.append(presence["type"])
        return found

    def all_heard(self) -> list[str]:
        """Takes the words of the messages so far."""
        found = []
        while not self._said.empty():
            found.append(self._said.get_nowait()["body"])
        return found
