"""The disk is full, slow or broken, a database is locked or damaged, the process is killed. Each time: the protocol's
own error for whom it concerns, nobody else is disturbed, nothing is lost that was sent before an answered ping, and the
log says it once."""

import asyncio
import os
import random
import signal
import sqlite3
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest

from support.faults import FaultyAnser, FullByShim, SmallDisk, build_shim, locked
from support.session import Session, fresh_id
from support.stage import Stage
from support.waits import free_port, within
from support.wire import Gone
from support.xml import PING, ROSTER, STREAM, STREAM_ERRORS, Node

pytestmark = pytest.mark.anser_only("the others have other disks")

DATABASES = ["accounts.db", "log.db", "archive.db"]
LOCK_SECONDS = 5  # how long the server waits for a database that somebody else has locked
AFTER_LOCK = LOCK_SECONDS + 10


@pytest.fixture(scope="session")
def shim(folder) -> Path:
    return build_shim(folder)


@pytest.fixture
async def faulty(house, folder, shim, server_log):
    """`stage = faulty()`: a server whose disk can break. With start=False it has not been started."""
    stages, disks = [], []

    def make(*, start: bool = True, disk=None) -> Stage:
        ports = {name: free_port() for name in ("port", "tls_port", "http_port", "https_port")}
        settings = replace(house.settings, **ports, limits={"offline_messages": 10_000})
        server = FaultyAnser(Path(tempfile.mkdtemp(prefix="faulty-", dir=folder)), settings, shim)
        server_log.append(server)
        stages.append(Stage(server))
        if disk is not None:
            try:
                server.disk = disk(server)
            except PermissionError as error:
                pytest.skip(f"no file system of its own: {error}")
            disks.append(server.disk)
        if start:
            server.start()
        return stages[-1]

    yield make
    for stage in stages:
        await stage.close()
        stage.house.kill()
    for disk in disks:
        disk.remove()


async def _bodies(session: Session) -> list[str]:
    """All that had waited for this session."""
    return [m.text_of("body") for m in await session.all_that_waited()]


async def _confirmed(sender: Session, to, count: int, word: str = "kept") -> list[str]:
    """Sends, and returns when a ping after it is answered."""
    said = [f"{word} {number}" for number in range(count)]
    for body in said:
        await sender.message(to, body)
    await sender.settled()
    assert sender.heard("message", "error") == []
    return said


async def _live_on(*sessions: Session) -> None:
    """Streams are open, pings are answered, and what is not stored goes through, in a ring."""
    for session in sessions:
        await session.settled()
    for one, other in zip(sessions, sessions[1:] + sessions[:1]):
        token = fresh_id("news")
        await one.message(other.jid, None, "headline", f"<x xmlns='urn:anser:e2e'>{token}</x>", id=token)
        await other.take(lambda s: s.name == "message" and s["id"] == token, f"news from {one.jid}")


async def _is_refused(sender: Session, to, seconds: float | None = None) -> Node:
    """A message that has to be stored comes back with resource-constraint."""
    ident = fresh_id("refused")
    await sender.message(to, "not now", id=ident)
    answer = await sender.take(lambda s: s.name == "message" and s["id"] == ident, "the message's error", seconds)
    assert (answer["type"], answer.error.condition, answer.error.type) == ("error", "resource-constraint", "wait")
    return answer


async def _adds_to_roster(session: Session, contact: str, seconds: float | None = None) -> Node:
    ident = fresh_id("roster")
    await session.iq(f"<query xmlns='{ROSTER}'><item jid='{contact}'/></query>", "set", id=ident)
    return await session.take(lambda s: s.name == "iq" and s["id"] == ident, "the answer to a roster set", seconds)


async def _until_the_stream_fails(session: Session) -> list[Node]:
    """All that came before the stream ended with internal-server-error."""
    before = []

    async def arrive():
        while True:
            element = await session.next()
            if (element.name, element.ns) == ("error", STREAM):
                return element
            before.append(element)

    error = await within(arrive(), "a stream error", 15)
    assert [c.name for c in error.children if c.ns == STREAM_ERRORS][0] == "internal-server-error", error
    await session.ends(15)
    return before


# A full disk


@pytest.fixture(params=[SmallDisk, FullByShim], ids=["small disk", "failing writes"])
def full_disk(request):
    return request.param


async def test_on_a_full_disk_the_sender_is_told_and_everything_else_goes_on(faulty, full_disk):
    server = faulty(disk=full_disk)
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]
    kept = await _confirmed(romeo, juliet, 20)

    house.disk.fill()

    for _ in range(30):
        await _is_refused(romeo, juliet)
    await _is_refused(romeo, nurse.bare)
    await _live_on(romeo, nurse, tybalt)
    answer = await _adds_to_roster(nurse, "peter@example.com")
    assert (answer["type"], answer.error.condition) == ("error", "resource-constraint")
    later = await server.session(tybalt.account, "sword")
    await _live_on(later, tybalt)
    await house.one_line("messages are refused")
    await house.one_line("changes of accounts are refused")

    house.disk.free()

    kept += await _confirmed(romeo, juliet, 5, "again")
    assert (await _adds_to_roster(nurse, "peter@example.com"))["type"] == "result"
    assert await _bodies(await server.session(juliet)) == kept
    assert nurse.heard("message") == []
    await house.one_line("messages are stored again")
    await house.one_line("changes of accounts are stored again")
    assert house.process.poll() is None


async def test_the_archive_waits_for_room_and_goes_on(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo = await server.session("romeo")

    house.breaks("full", "archive.db")
    kept = await _confirmed(romeo, juliet, 20)
    await house.one_line("the archive waits")
    kept += await _confirmed(romeo, juliet, 20, "more")
    house.heals("full")

    await house.one_line("the archive goes on")
    await house.one_line("the archive waits")
    assert await _bodies(await server.session(juliet)) == kept


async def test_kill_9_on_a_full_disk_loses_nothing_that_was_answered(faulty, full_disk):
    server = faulty(disk=full_disk)
    house, juliet = server.house, await server.account("juliet")
    romeo = await server.session("romeo")
    kept = await _confirmed(romeo, juliet, 20)
    house.disk.fill()
    await _is_refused(romeo, juliet)

    house.kill()
    house.disk.free()
    house.start()

    assert await _bodies(await server.session(juliet)) == kept


async def test_a_disk_that_is_full_at_start_is_one_clear_sentence(faulty):
    server = faulty(disk=SmallDisk)
    house, juliet = server.house, await server.account("juliet")
    kept = await _confirmed(await server.session("romeo"), juliet, 5)
    assert house.stop() == 0
    house.disk.fill()

    said = await asyncio.to_thread(house.refuses_to_start)

    assert len(said.splitlines()) == 1
    assert str(house.data) in said and ("full" in said or "No space left" in said)
    house.disk.free()
    house.start()
    assert await _bodies(await server.session(juliet)) == kept


# A disk that does not sync


async def test_a_failed_fsync_of_the_log_ends_the_server_and_loses_nothing_that_was_answered(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse = await server.session("romeo"), await server.session("nurse")
    kept = await _confirmed(romeo, juliet, 20)

    house.breaks("fails", "log.db")
    await romeo.message(juliet, "never confirmed")
    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", server.domain, id="never")

    assert [s for s in await _until_the_stream_fails(romeo) if s["id"] == "never"] == [], "nothing is acknowledged"
    await _until_the_stream_fails(nurse)
    assert await house.ended() == 1
    assert house.broke("fails")
    (line,) = house.logged("storage failed")
    assert "log.db" in line
    house.start()
    assert (await _bodies(await server.session(juliet)))[: len(kept)] == kept


async def test_a_failed_fsync_of_the_archive_ends_the_server_and_loses_nothing_that_was_answered(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo = await server.session("romeo")

    kept = await _confirmed(romeo, juliet, 20)
    house.breaks("fails", "archive.db")
    await romeo.message(juliet, "perhaps kept")  # what is placed next will fail, whatever has been placed before

    await _until_the_stream_fails(romeo)
    assert await house.ended() == 1
    (line,) = house.logged("storage failed")
    assert "archive.db" in line
    house.start()
    assert (await _bodies(await server.session(juliet)))[: len(kept)] == kept


async def test_a_failed_fsync_of_the_accounts_ends_the_server_and_confirms_nothing(faulty):
    server = faulty()
    house = server.house
    romeo, nurse = await server.session("romeo"), await server.session("nurse")
    assert (await _adds_to_roster(romeo, "juliet@example.com"))["type"] == "result"

    house.breaks("fails", "accounts.db")
    await romeo.iq(f"<query xmlns='{ROSTER}'><item jid='rosaline@example.com'/></query>", "set", id="never")

    answers = [s for s in await _until_the_stream_fails(romeo) if s["id"] == "never"]
    assert all(answer["type"] == "error" for answer in answers), answers
    await _until_the_stream_fails(nurse)
    assert await house.ended() == 1
    (line,) = house.logged("storage failed")
    assert "accounts.db" in line
    house.start()
    assert "juliet@example.com" in await (await server.session(romeo.account)).roster()


async def test_while_the_log_syncs_slowly_only_who_waits_for_it_waits(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt, paris = [await server.session(name) for name in ("romeo", "nurse", "tybalt", "paris")]

    house.breaks("hangs", "log.db")
    await romeo.message(juliet, "on its way")
    answered = asyncio.create_task(romeo.settled())

    await _live_on(nurse, tybalt)
    await (await server.session(tybalt.account, "sword")).settled()
    assert (await _adds_to_roster(paris, "peter@example.com"))["type"] == "result"
    await paris.settled()
    assert not answered.done()
    house.heals("hangs")
    await answered
    assert await _bodies(await server.session(juliet)) == ["on its way"]


async def test_while_accounts_sync_slowly_messages_go_on(faulty):
    server = faulty()
    house = server.house
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]

    house.breaks("hangs", "accounts.db")
    answered = asyncio.create_task(_adds_to_roster(romeo, "rosaline@example.com"))

    await _live_on(nurse, tybalt)
    for body in await _confirmed(nurse, tybalt.bare, 5):
        assert (await tybalt.hears()).text_of("body") == body
    assert not answered.done()
    house.heals("hangs")
    assert (await answered)["type"] == "result"


async def test_a_server_that_waits_for_the_disk_to_stop_survives_more_signals(faulty):
    server = faulty()
    house = server.house
    romeo = await server.session("romeo")
    house.breaks("hangs", "log.db")
    await romeo.message(romeo.bare, "a note")  # his own core stores it
    await romeo.presence()
    await romeo.hears("presence", None, romeo.jid)  # so the message has been read

    house.process.send_signal(signal.SIGTERM)
    await house.one_line("stopping")
    for again in (signal.SIGHUP, signal.SIGTERM, signal.SIGINT):
        house.process.send_signal(again)
    await romeo.is_cut()
    assert house.process.poll() is None
    house.heals("hangs")

    assert await house.ended() == 0
    assert len(house.logged("stopped")) == 1


# A database that is locked


async def test_messages_wait_for_a_short_lock_of_the_log(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]

    with locked(house.database("log.db")):
        await romeo.message(juliet, "patience")
        answered = asyncio.create_task(romeo.settled())
        await _live_on(nurse, tybalt)
        assert not answered.done()
    await answered

    assert romeo.heard("message", "error") == []
    assert await _bodies(await server.session(juliet)) == ["patience"]


async def test_a_lock_of_the_log_that_stays_is_told_to_the_senders(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]
    kept = await _confirmed(romeo, juliet, 20)

    with locked(house.database("log.db")):
        await _is_refused(romeo, juliet, AFTER_LOCK)
        for _ in range(10):
            await _is_refused(romeo, juliet)
        await _live_on(romeo, nurse, tybalt)
        await _live_on(await server.session("benvolio"), nurse)
    kept += await _confirmed(romeo, juliet, 5, "again")

    assert await _bodies(await server.session(juliet)) == kept
    line = await house.one_line("messages are refused")
    assert "log.db" in line and "locked" in line
    await house.one_line("messages are stored again")
    assert house.process.poll() is None


async def test_changes_wait_for_a_short_lock_of_the_accounts(faulty):
    server = faulty()
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]

    with locked(server.house.database("accounts.db")):
        answered = asyncio.create_task(_adds_to_roster(romeo, "juliet@example.com"))
        await _live_on(nurse, tybalt)
        assert not answered.done()

    assert (await answered)["type"] == "result"


async def test_a_lock_of_the_accounts_that_stays_refuses_changes_and_nothing_else(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]

    with locked(house.database("accounts.db")):
        first = await _adds_to_roster(romeo, "rosaline@example.com", AFTER_LOCK)
        second = await _adds_to_roster(romeo, "rosaline@example.com")
        assert [(a["type"], a.error.condition) for a in (first, second)] == [("error", "resource-constraint")] * 2
        await _live_on(await server.session(tybalt.account, "sword"), nurse)
        kept = await _confirmed(romeo, juliet, 5)
    assert (await _adds_to_roster(romeo, "rosaline@example.com"))["type"] == "result"

    assert await _bodies(await server.session(juliet)) == kept
    line = await house.one_line("changes of accounts are refused")
    assert "accounts.db" in line and "locked" in line
    assert house.process.poll() is None


async def test_a_lock_of_the_archive_disturbs_nobody(faulty):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo, nurse, tybalt = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]

    with locked(house.database("archive.db")):
        kept = await _confirmed(romeo, juliet, 20)
        await house.one_line("the archive waits", AFTER_LOCK)
        await _live_on(nurse, tybalt)
        first = await server.session(juliet)
        assert await _bodies(first) == kept
        await first.leaves()
        kept = await _confirmed(romeo, juliet, 5, "again")

    await house.one_line("the archive goes on")
    await house.one_line("the archive waits")
    assert await _bodies(await server.session(juliet)) == kept


@pytest.mark.parametrize("name", DATABASES)
async def test_a_server_starts_while_somebody_writes_to_a_database(faulty, name):
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    romeo = await server.session("romeo")
    kept = await _confirmed(romeo, juliet, 20)
    house.kill()

    with locked(house.database(name)):
        await asyncio.to_thread(house.start)
        assert house.process.poll() is None
    again = await server.session(romeo.account)
    kept += await _confirmed(again, juliet, 5, "again")

    assert await _bodies(await server.session(juliet)) == kept


@pytest.mark.parametrize("name", DATABASES)
async def test_a_database_that_nobody_may_read_at_start_is_one_clear_sentence(faulty, name):
    house = faulty().house
    assert house.stop() == 0

    with locked(house.database(name), entirely=True):
        said = await asyncio.to_thread(house.refuses_to_start)

    assert len(said.splitlines()) == 1
    assert str(house.database(name)) in said and "locked" in said
    house.start()


# A database that is broken


def _spoil_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"\xde\xad\xbe\xef" * 1024)


def _spoil_all_but_header(path: Path) -> None:
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(os.urandom(size - 4096))


def _newer(path: Path) -> None:
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA user_version=4711")
    database.close()


def _another_programs(path: Path) -> None:
    path.unlink()
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE bookmarks(url TEXT)")
    database.close()


@pytest.mark.parametrize("name", DATABASES)
@pytest.mark.parametrize(
    "spoil, words",
    [
        (_spoil_header, "damaged"),
        (_spoil_all_but_header, "damaged"),
        (_newer, "newer version"),
        (_another_programs, "not the database that belongs there"),
    ],
    ids=["header", "pages", "newer", "another program's"],
)
async def test_a_broken_database_is_one_clear_sentence_and_is_left_as_it_is(faulty, name, spoil, words):
    server = faulty()
    house = server.house
    await _confirmed(await server.session("romeo"), await server.account("juliet"), 20)
    assert house.stop() == 0
    spoil(house.database(name))
    before = house.database(name).read_bytes()

    said = await asyncio.to_thread(house.refuses_to_start)

    assert str(house.database(name)) in said.splitlines()[-1] and words in said.splitlines()[-1]
    assert house.database(name).read_bytes() == before


# kill -9


async def test_kill_9_at_any_moment_of_a_load_loses_nothing_that_was_answered(faulty):
    """Three times, each time at another moment; offline messages and rosters alike."""
    server = faulty()
    house, juliet = server.house, await server.account("juliet")
    accounts = [await server.account(name) for name in ("romeo", "nurse", "tybalt", "benvolio")]
    chance = random.Random()
    answered: dict[str, list[str]] = {account.jid: [] for account in accounts}
    contacts: dict[str, list[str]] = {account.jid: [] for account in accounts}

    async def load(session: Session, life: int, hurry: asyncio.Event) -> None:
        mine, count = answered[session.bare], 0
        try:
            while True:
                batch = [f"{session.account.local} {life} {count + n}" for n in range(20)]
                for body in batch:
                    session.post(f"<message to='{juliet}' type='chat'><body>{body}</body></message>")
                contact = f"friend{life}.{count}@example.com"
                count += len(batch)
                if count % 5 == 0 and (await _adds_to_roster(session, contact))["type"] == "result":
                    contacts[session.bare].append(contact)
                await session.settled()
                mine.extend(batch)
                if hurry.is_set():
                    return
        except (Gone, ConnectionError):
            return

    for life in range(3):
        sessions = [await server.session(account) for account in accounts]
        over = asyncio.Event()
        loads = [asyncio.create_task(load(session, life, over)) for session in sessions]
        wanted = sum(map(len, answered.values())) + chance.randint(20, 1_000)

        async def enough():
            while sum(map(len, answered.values())) < wanted:
                await asyncio.sleep(chance.random() / 200)

        await within(enough(), "the load to go on", 60)
        house.kill()
        over.set()
        await within(asyncio.gather(*loads), "everybody to notice", 30)
        house.start()

    heard = await _bodies(await server.session(juliet))
    assert len(heard) == len(set(heard)), "each once"
    for account in accounts:
        mine = [body for body in heard if body.split()[0] == account.local]
        assert mine == sorted(mine, key=lambda body: [int(n) for n in body.split()[1:]]), "in order"
        assert set(answered[account.jid]) <= set(mine)
        assert set(contacts[account.jid]) <= set(await (await server.session(account)).roster())
