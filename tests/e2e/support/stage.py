"""The stage of one test: a running server, fresh accounts with the names of the play, and everybody's connections."""

import asyncio
import itertools

from .apps import App
from .people import Person
from .servers import Server
from .session import Account, Session, settle
from .wire import Wire
from .xml import REGISTER

_people = itertools.count(1)


class Stage:
    """Names like "romeo" stand for accounts that only this test has: the first use of a name registers it."""

    def __init__(self, house: Server):
        self.house = house
        self._accounts: dict[tuple[str, str], Account] = {}
        self._wires: list[Wire] = []
        self._people: list[Person] = []
        self._apps: list[App] = []

    @property
    def domain(self) -> str:
        return self.house.domain

    @property
    def kind(self) -> str:
        return self.house.kind

    async def wire(self, *, domain: str | None = None, type=Wire, tls_port: bool = False, **how) -> Wire:
        """A connection on which nothing has been said yet."""
        settings = self.house.settings
        wire = await type.connect(settings.tls_port if tls_port else settings.port, domain or self.domain, **how)
        self._wires.append(wire)
        return wire

    def unregistered(self, name: str, domain: str | None = None, password: str | None = None) -> Account:
        """What could become an account: nobody else has the name."""
        return Account(f"{name}{next(_people)}", domain or self.domain, password or f"the secret of {name}")

    async def account(self, name: str, domain: str | None = None, password: str | None = None) -> Account:
        known = name, domain or self.domain
        if known not in self._accounts:
            account = self.unregistered(name, domain, password)
            await self.register(account)
            self._accounts[known] = account
        return self._accounts[known]

    async def register(self, account: Account) -> None:
        session = await self.wire(type=Session, domain=account.domain)
        await session.opened()
        answer = await session.set(
            f"<query xmlns='{REGISTER}'><username>{account.local}</username>"
            f"<password>{account.password}</password></query>",
            to=account.domain,
        )
        assert answer["type"] == "result", answer
        session.hang_up()

    async def session(
        self,
        name: str | Account,
        resource: str | None = None,
        *,
        priority: int | None = 0,
        available: bool = True,
        roster: bool = False,
        domain: str | None = None,
        type: type[Session] = Session,
        **how,
    ) -> Session:
        """Logged in and, unless told otherwise, available; with `roster`, also interested in roster pushes."""
        account = name if isinstance(name, Account) else await self.account(name, domain)
        session = await self.wire(type=type, domain=account.domain, **how)
        await session.authenticate(account)
        answer = await session.bind(resource)
        assert answer["type"] == "result", answer
        if roster:
            await session.roster()
        if available:
            await session.available(priority)
        return session

    async def app(self, name: str | Account | None, **how) -> App:
        """A client of the WebSocket door, signed in unless `how` says otherwise; nobody's if there is no name."""
        account = await self.account(name) if isinstance(name, str) else name
        app = await App.opens(self.house.settings, account, **how)
        self._apps.append(app)
        return app

    async def friends(self, one: str, other: str, **how) -> tuple[Session, Session]:
        """Two sessions that see each other's presence, with nothing left to hear."""
        a = await self.session(one, roster=True, **how)
        b = await self.session(other, roster=True, **how)
        for asks, agrees in ((a, b), (b, a)):
            await asks.presence(kind="subscribe", to=agrees.bare)
            await agrees.hears("presence", "subscribe")
            await agrees.presence(kind="subscribed", to=asks.bare)
            await asks.hears("presence", "subscribed")
            await asks.hears("presence", None, agrees.jid)
        await settle(a, b)
        for session in (a, b):
            session.pushes()
            session.heard("presence")
        return a, b

    async def login(self, name: str, *, type: type[Person] = Person, resource: str | None = None, **how) -> Person:
        """A person with somebody else's client library."""
        person = type(await self.account(name), self.house.settings, self._address_of, resource)
        self._people.append(person)
        return await person.comes(**how)

    async def _address_of(self, name: str) -> str:
        return name if "@" in name else (await self.account(name)).jid

    async def close(self) -> None:
        for wire in self._wires:
            wire.hang_up()
        for app in self._apps:
            app.vanishes()
        await asyncio.gather(*(person.vanishes() for person in self._people))
