"""People who use slixmpp, a library that we did not write, with its certificate checks on."""

import asyncio
import ssl

import slixmpp

from .waits import PATIENCE, within


class Person(slixmpp.ClientXMPP):
    """`hears` is what somebody said, `sees` waits for who comes or goes. A name of the play stands for its account."""

    authority = None  # a file; set once per run
    extensions = ("xep_0030", "xep_0054", "xep_0092", "xep_0191", "xep_0199", "xep_0202", "xep_0085")

    def __init__(self, account, settings, address_of, resource: str | None = None):
        context = ssl.create_default_context(cafile=str(self.authority))
        address = f"{account.jid}/{resource}" if resource else account.jid
        super().__init__(address, account.password, ssl_context=context)
        self.account = account
        self._settings, self._address_of = settings, address_of
        self.enable_direct_tls = False
        self.auto_authorize = self.auto_subscribe = None
        self.whitespace_keepalive = False
        self._said: asyncio.Queue = asyncio.Queue()
        self._seen: asyncio.Queue = asyncio.Queue()
        self._asked: asyncio.Queue = asyncio.Queue()
        self._started = asyncio.get_running_loop().create_future()
        self.add_event_handler("session_start", lambda _: self._settle(None))
        self.add_event_handler("failed_all_auth", lambda _: self._settle(PermissionError("login was refused")))
        self.add_event_handler("message", self._said.put_nowait)
        for how in ("available", "chat", "away", "xa", "dnd", "unavailable"):
            self.add_event_handler(f"presence_{how}", self._seen.put_nowait)
        self.add_event_handler("presence_subscribe", self._asked.put_nowait)
        for extension in self.extensions:
            self.register_plugin(extension)

    def _settle(self, problem) -> None:
        if not self._started.done():
            self._started.set_exception(problem) if problem else self._started.set_result(None)

    async def comes(self, *, mechanism: str | None = None, direct_tls: bool = False) -> "Person":
        if mechanism:
            self.plugin["feature_mechanisms"].use_mech = mechanism
        self.enable_direct_tls, self.enable_starttls = direct_tls, not direct_tls
        self.knocks()
        await within(self._started, f"{self.account} to log in")
        self.send_presence()
        await within(self.get_roster(), "a roster")
        return self

    def knocks(self) -> None:
        """Begins to log in; what comes of it is an event."""
        self.connect("127.0.0.1", self._settings.tls_port if self.enable_direct_tls else self._settings.port)

    async def says(self, to, text: str, kind: str = "chat") -> None:
        """Returns when the server has it: it has answered a ping that followed."""
        self.send_message(mto=await self._jid(to), mbody=text, mtype=kind)
        await within(self.plugin["xep_0199"].send_ping(self.account.domain), "an answered ping")

    async def hears(self) -> str:
        return (await self.gets())["body"]

    async def gets(self):
        """The next message, whole."""
        return await within(self._said.get(), f"a message for {self.account}")

    async def sees(self, whom, how: str = "available") -> None:
        """Waits until a resource of somebody else is "available", "unavailable", or has one of the shows."""
        bare = str(await self._jid(whom))
        while True:
            presence = await within(self._seen.get(), f"{bare} to be {how} for {self.account}")
            if presence["from"].bare == bare and presence["from"].resource and presence["type"] == how:
                return

    async def befriends(self, whom) -> None:
        self.send_presence_subscription(await self._jid(whom), ptype="subscribe")

    async def is_asked(self) -> str:
        return (await within(self._asked.get(), f"a subscription request for {self.account}"))["from"].bare

    async def agrees(self, whom) -> None:
        self.send_presence_subscription(await self._jid(whom), ptype="subscribed")

    async def goes(self) -> None:
        """An orderly goodbye."""
        await within(self.disconnect(wait=PATIENCE), f"{self.account} to leave", 12)

    async def vanishes(self) -> None:
        """What may be left of the connection goes without a word."""
        self.abort()

    async def _jid(self, who):
        return who.boundjid.bare if isinstance(who, Person) else await self._address_of(who)
