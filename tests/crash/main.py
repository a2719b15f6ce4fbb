"""The crash test: real clients load a server, kill -9 ends it at random moments, and a book-keeper knows what must be
there afterwards. Exit code 0 if all of it is (with --must-fail: if something is missing)."""

import argparse
import asyncio
import os
import random
import shutil
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PROGRAMS = ROOT / "build/release/bin"
sys.path.insert(0, str(ROOT / "tests/e2e"))

from books import Promise  # noqa: E402
from server import Died, Server  # noqa: E402
from world import ENOUGH, World  # noqa: E402

SHOWN, SHOWN_IF_WANTED = 20, 3  # problems

MODES = f"""
disks:
  plain  the machine's own; what the process has written survives its end
  slow   each fsync takes 50 to 300 ms longer
  full   before each kill the disk is full for a while: senders are refused, and all goes on when there is room
  power  with each kill the power fails: what was not synced is gone (disk.cpp says how this is done)

promises:
  exact   what is acknowledged is stored and arrives; who resumes gets nothing twice and misses nothing; what he sends
          again because it was not acknowledged is not doubled
  stored  what is acknowledged is in both archives, and arrives at least once; but sessions may be lost, and what was
          under way to one that is lost need not arrive

A kill counts if at least {ENOUGH} messages were unacknowledged after all that came had been read. With --must-fail the
server is one that breaks its promise (anser_unsafe): `early` acknowledges before it commits, `unsynced` has
synchronous=OFF, which only --disk power can tell. The first loss ends the test.
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="tests/crash/run", description=__doc__, epilog=MODES, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--kills", type=int, default=20, help="that count (%(default)s)")
    parser.add_argument("--check-every", type=int, default=5, help="rounds from one check to the next (%(default)s)")
    parser.add_argument("--clients", type=int, default=24, help="devices that are there (%(default)s)")
    parser.add_argument("--disk", choices=["plain", "slow", "full", "power"], default="plain")
    parser.add_argument("--promise", type=Promise, choices=list(Promise), default=Promise.EXACT)
    parser.add_argument("--must-fail", choices=["early", "unsynced"], help="break the promise, and demand a loss")
    parser.add_argument("--seed", type=int, help="of the load; what the machine adds to it is not in it")
    parser.add_argument("--keep", action="store_true", help="leave the server's folder behind")
    wishes = parser.parse_args()
    if wishes.must_fail == "unsynced" and wishes.disk != "power":
        parser.error(
            "--must-fail unsynced needs --disk power: a process that is killed loses nothing that it has written"
        )
    return wishes


async def play(world: World, wishes: argparse.Namespace) -> None:
    await world.opens()
    rounds = 0
    while world.kills_that_count < wishes.kills and rounds < 2 * wishes.kills:
        if wishes.disk == "full":
            await world.fills_the_disk()
        await world.round()
        rounds += 1
        if rounds % wishes.check_every == 0 or wishes.must_fail:
            await world.settles()
        if wishes.must_fail and world.books.counts["missing"]:
            return
    await world.settles()
    await world.closes()


def binary(wishes: argparse.Namespace) -> Path:
    return PROGRAMS / "anser_unsafe" if wishes.must_fail else Path(os.environ.get("ANSER_BIN", PROGRAMS / "anser"))


def main() -> int:
    wishes = arguments()
    seed = random.SystemRandom().getrandbits(32) if wishes.seed is None else wishes.seed
    print(f"{wishes.kills} kills, disk {wishes.disk}, promise {wishes.promise}, seed {seed}", flush=True)
    folder = Path(tempfile.mkdtemp(prefix="anser-crash-"))
    began = time.monotonic()
    died: Died | None = None
    server = Server(folder, binary(wishes), PROGRAMS / "crash_disk.so", wishes.disk, wishes.must_fail or "")
    world = World(server, wishes.promise, wishes.clients, seed)
    try:
        asyncio.run(play(world, wishes))
    except Died as error:
        died = error
    finally:
        server.kill()
    if wishes.keep:
        print(f"its folder is {folder}")
    else:
        shutil.rmtree(folder)

    problems = sorted(world.books.problems, key=lambda said: not said.startswith("missing"))
    shown = SHOWN_IF_WANTED if wishes.must_fail else SHOWN
    for problem in problems[:shown]:
        print(problem)
    if len(problems) > shown:
        print(f"... and {len(problems) - shown} more")
    if died:
        print(f"the server: {died}")
    counts = world.books.counts
    print(
        f"{world.kills} kills, {world.kills_that_count} of them count; {counts['messages']} messages, "
        f"{counts['acknowledged']} acknowledged, {counts['refused']} refused, {counts['arrived']} arrived, "
        f"{counts['archived']} archive entries; {counts['sent again']} sent again, "
        f"{counts['delivered again']} delivered again; {counts['cut']} cut and resumed, "
        f"{counts['sessions lost']} sessions lost in crashes, {counts['only archived']} messages with them; "
        f"{counts['missing']} missing, {counts['doubled']} doubled, {counts['unresumed']} unresumed, "
        f"{counts['disordered']} disordered, {counts['wrong']} wrong; {time.monotonic() - began:.0f} s"
    )
    if wishes.must_fail:
        # A database that lost its middle may be one that no server starts on.
        found = bool(counts["missing"] or (died and wishes.must_fail == "unsynced"))
        print(f"the broken promise ({wishes.must_fail}) was {'found' if found else 'NOT found'}")
        return 0 if found else 1
    if world.books.problems or died:
        return 1
    if world.kills_that_count < wishes.kills:
        print("too few kills count: the load is too small")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
