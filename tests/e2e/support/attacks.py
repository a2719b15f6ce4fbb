"""What attackers have: clients that never read, floods, and small limits to run into."""

import asyncio
import socket

from . import config
from .session import Account, Session, fresh_id
from .stage import Stage
from .waits import within
from .wire import Wire
from .xml import BIND, REGISTER, STREAM, STREAM_ERRORS, Node

config._LIMIT_KEYS.update(
    {
        "output_bytes": ("limits", "output_queue_bytes", "{}"),
        "roster_items": ("limits", "roster_items", "{}"),
        "idle_accounts": ("limits", "idle_accounts", "{}"),
        "cores": ("server", "cores", "{}"),  # 1 when somebody might hold up others on the same core only
        "uncommitted_stanzas": ("limits", "uncommitted_stanzas", "{}"),
        "log_queue": ("storage", "log_queue", "{}"),
        "storage_queue": ("storage", "queue", "{}"),
    }
)

# The least that the server lets wait for a client, and stanzas that fit in.
SMALL_OUTPUT = {"output_bytes": 65_536, "stanza_bytes": 32_768}
BIG = "x" * 8_000
MANY_BIG = 60  # far more than SMALL_OUTPUT and what the kernel takes for a Deaf

_SEGMENT = 536  # the kernel lets a connection of large segments have megabytes on their way, whoever reads


class Deaf(Session):
    """Reads nothing but what it waits for, and little of what comes fits between the server and it."""

    @classmethod
    async def connect(cls, port: int, domain: str, **how):
        sock = socket.socket()
        sock.setblocking(False)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, _SEGMENT)
        await within(asyncio.get_running_loop().sock_connect(sock, ("127.0.0.1", port)), "a TCP connection")
        reader, writer = await asyncio.open_connection(sock=sock, limit=4096)
        return cls(reader, writer, domain, **how)


class Flooder(Session):
    """Reads whatever comes, but does not look at it."""

    async def hears_all(self) -> None:
        """Returns when the connection has ended."""
        try:
            while await self._reader.read(1 << 20):
                pass
        except OSError:
            pass


async def deaf_session(
    stage: Stage, account: Account, watcher: Session, *, roster: bool = False, available: bool = True
) -> Session:
    """`watcher` has its presence, and so is told when it goes."""
    deaf = await stage.wire(type=Deaf, domain=account.domain)
    await deaf.authenticate(account)
    assert (await deaf.bind("deaf"))["type"] == "result"
    if roster:
        await deaf.roster()
    await deaf.presence(to=watcher.jid)
    await watcher.hears("presence", None, deaf.jid)
    if available:
        await deaf.available()
    return deaf


async def hears_it_go(watcher: Session, gone: Session, seconds: float = 15) -> None:
    await watcher.take(
        lambda s: s.name == "presence" and s["type"] == "unavailable" and s["from"] == gone.jid,
        f"{gone.jid} to be disconnected",
        seconds,
    )


async def others_live(stage: Stage, bystander: Session, account: Account) -> None:
    """Somebody logs in, everybody's pings are answered; each step within the usual patience."""
    await bystander.settled()
    newcomer = await stage.session(account, "newcomer")
    await newcomer.settled()
    newcomer.hang_up()
    await bystander.settled()


async def authenticated(stage: Stage, account: Account) -> Session:
    """Logged in but without a resource."""
    session = await stage.wire(type=Session, domain=account.domain)
    await session.authenticate(account)
    return session


async def stream_error_of(wire: Wire, seconds: float | None = None) -> str:
    """Reads on until the stream ends with an error; returns its condition."""

    async def arrive() -> Node:
        while (element := await wire.next(seconds)).ns != STREAM or element.name != "error":
            pass
        return element

    error = await within(arrive(), "a stream error", seconds)
    return condition_of(error)


def condition_of(stream_error: Node) -> str:
    return next(c.name for c in stream_error.children if c.ns == STREAM_ERRORS and c.name != "text")


async def is_refused_a_resource(session: Session) -> None:
    """A binding that is answered with not-authorized, or that ends the stream with it."""
    await session.iq(f"<bind xmlns='{BIND}'/>", "set", id=fresh_id("bind"))
    answer = await session.next()
    if (answer.name, answer.ns) == ("error", STREAM):
        assert condition_of(answer) == "not-authorized", answer
        return
    assert (answer["type"], answer.error and answer.error.condition) == ("error", "not-authorized"), answer


async def removes_itself(session: Session) -> None:
    """In-band; returns when the server has answered."""
    ident = fresh_id("remove")
    await session.iq(f"<query xmlns='{REGISTER}'><remove/></query>", "set", id=ident)
    answer = await session.take(lambda s: s.name == "error" or s["id"] == ident, "an answer to the removal")
    assert answer.name == "error" or answer["type"] == "result", answer


async def is_removed(stage: Stage, account: Account, how: str) -> None:
    """`how` is "in-band" or "command"; nobody is logged in afterwards."""
    if how == "in-band":
        session = await stage.session(account, "farewell", available=False)
        await removes_itself(session)
        await session.is_cut()
    else:
        deleted = await asyncio.to_thread(stage.house.tool, "user", "delete", account.jid)
        assert deleted.returncode == 0, deleted


async def new_owner(stage: Stage, account: Account) -> Account:
    """Somebody else registers the name again."""
    other = Account(account.local, account.domain, "the password of somebody else")
    await stage.register(other)
    return other


async def bodies(session: Session) -> list[str | None]:
    """Of all messages that have come by now."""
    return [m.text_of("body") for m in await session.all_that_waited()]
