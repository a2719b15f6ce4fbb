"""script/bench ws: the WebSocket door beside uWebSockets, Socket.IO and Node's ws, and a bare loop; one table.

A figure per CPU-second counts the CPU of all the server's threads. Every load is repeated, the servers by turns, and the
median counts: what disturbs the machine disturbs all of them. What is to be compared closely, the shares of the bare loop,
is measured in more and shorter rounds; a share is the median of the rounds' shares.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from servers import BenchError
from table import Line, end_on_signals, processor, table
from ws_servers import KINDS, BareLoop, OneLoopAnser, UWebSockets, WsAnser
from xmpp import Load

ROOT = Path(__file__).resolve().parent.parent
PREFIX = "u"
SHARES = ("fan_16", "fan_4", "fan_1")  # compared with the bare loop


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the quick ones only show that every line can be measured."""

    rounds: int = 3
    share_rounds: int = 9
    window_ms: int = 3000
    share_window_ms: int = 1500
    clients: int = 100
    subscribers: int = 1000
    idle_few: int = 1000
    idle_many: int = 10_000


QUICK = Sizes(rounds=1, share_rounds=1, window_ms=300, share_window_ms=300, clients=20, subscribers=100, idle_few=100, idle_many=400)


@dataclass
class Bench:
    work: Path
    load: Load
    sizes: Sizes
    samples: dict = field(default_factory=dict)  # (server, key) -> round -> value
    failures: list = field(default_factory=list)
    message_bytes: int = 0  # of one of Anser's as it goes to a subscriber, with no place in an archive

    def measure(self):
        template = self.work / "accounts"
        self.attempt("accounts", lambda: self.prepare(template))
        with ExitStack() as stack:
            servers = [stack.enter_context(kind(self.work, "ws", self.load)) for kind in (*KINDS, OneLoopAnser)]
            running = [server for server in servers
                       if self.attempt(f"{server.name}, start", lambda server=server: self.start(server, template))]
            for number in range(max(self.sizes.rounds, self.sizes.share_rounds)):
                turn = number % max(len(running), 1)
                for key, (command, options, for_all) in self.loads().items():
                    if number < (self.sizes.share_rounds if key in SHARES else self.sizes.rounds):
                        for server in running[turn:] + running[:turn]:
                            self.take_turn(server, number, key, command, options, for_all)
        for kind in KINDS:
            for key, tls in (("idle", False), ("idle_tls", True)):
                self.attempt(f"{kind.name}, {key}", lambda: self.idle(kind, key, tls, template))

    def take_turn(self, server, number, key, command, options, for_all):
        late = number >= self.sizes.rounds  # rounds for the closest comparison alone
        if isinstance(server, OneLoopAnser) and key not in SHARES:
            return
        if late and not isinstance(server, (WsAnser, UWebSockets, BareLoop)):
            return
        if for_all or isinstance(server, WsAnser):
            self.attempt(f"{server.name}, {key}, round {number + 1}",
                         lambda: self.add(server, number, key, command, "per_cpu_s", **options))
        if key in SHARES and isinstance(server, BareLoop):
            self.attempt(f"{server.name}, {key}, Anser's bytes, round {number + 1}",
                         lambda: self.add(server, number, f"{key}_long", command, "per_cpu_s",
                                          message=self.message_bytes, **options))

    def loads(self):
        """Of each line: the command, its options, and whether the peers can do it too."""
        def window(length):
            return {"window_ms": length, "warm_up_ms": length // 3}

        few = {"clients": self.sizes.clients, **window(self.sizes.window_ms)}
        many = {"clients": self.sizes.subscribers, "group": "bench"}
        all_of_them = many | window(self.sizes.window_ms)
        share = {"ephemeral": True} | many | window(self.sizes.share_window_ms)
        return {
            "echo": ("ws-echo", few, True),
            "pairs": ("ws-pairs", {"in_flight": 16, "ephemeral": True, **few}, False),
            "pairs_durable": ("ws-pairs", {"in_flight": 16, **few}, False),
            "fan_16": ("ws-fan-out", {"in_flight": 16, **share}, True),
            "fan_4": ("ws-fan-out", {"in_flight": 4, **share}, True),
            "fan_1": ("ws-fan-out", {"in_flight": 1, **share}, True),
            "fan_16_durable": ("ws-fan-out", {"in_flight": 16, **all_of_them}, False),
            "fan_4_durable": ("ws-fan-out", {"in_flight": 4, **all_of_them}, False),
        }

    def attempt(self, name, part):
        """A part that fails leaves its cells to what else was measured, and the others alone."""
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            part()
        except (BenchError, OSError, subprocess.SubprocessError) as failure:
            self.failures.append(f"{name}: {failure}")
            print(f"  failed: {failure}", file=sys.stderr, flush=True)
            return False
        print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        return True

    def prepare(self, template):
        with WsAnser(self.work, "accounts", self.load) as server:
            server.make_accounts(PREFIX, self.sizes.idle_many)
            shutil.copytree(server.data, template)

    def start(self, server, template, tls=False):
        server.tls = tls
        server.start(template if isinstance(server, WsAnser) else None)
        if tls and isinstance(server, WsAnser):
            server.process.wait_for_port(server.tls_port)

    def add(self, server, number, key, command, figure, **options):
        if server.tls:
            options["tls"] = True
        found = self.load.run(command, server, dialect=server.dialect, prefix=PREFIX, **options)
        self.samples.setdefault((server.name, key), {})[number] = found[figure]
        if isinstance(server, WsAnser) and key in SHARES:
            self.message_bytes = int(found.get("message_bytes", self.message_bytes))

    def idle(self, kind, key, tls, template):
        with kind(self.work, key, self.load) as server:
            self.start(server, template, tls)
            self.add(server, 0, key, "ws-idle", "connection_bytes", few=self.sizes.idle_few, many=self.sizes.idle_many,
                     timeout=600)

    def shares(self, name, key, bare_key):
        """In percent, of each round that both were measured in, the smallest first."""
        ours, bare = (self.samples.get(place, {}) for place in ((name, key), (BareLoop.name, bare_key)))
        return sorted(100 * ours[number] / bare[number] for number in ours if number in bare)

    def values(self):
        """The medians, and what is made of them: shares of the bare loop, memory beyond TLS."""
        values = {place: statistics.median(found.values()) for place, found in self.samples.items()}
        compared = [(kind.name, kind.name, "share", "") for kind in KINDS]
        compared += [(kind.name, kind.name, "alike", "_long" if kind is WsAnser else "") for kind in KINDS]
        compared.append((OneLoopAnser.name, WsAnser.name, "one_loop", ""))
        for measured, column, line, long in compared:
            for key in SHARES:
                if found := self.shares(measured, key, key + long):
                    values[column, f"{line}_{key}"] = statistics.median(found)
        for kind in KINDS:
            one, bare = values.get((kind.name, "idle_tls")), values.get((BareLoop.name, "idle_tls"))
            if one is not None and bare is not None:
                values[kind.name, "beyond_tls"] = one - bare
        return values

    def lines(self, values):
        def share(key):
            return values.get((UWebSockets.name, f"share_{key}"))

        s = self.sizes
        return [
            Line("echo", f"heartbeats, one in flight on {s.clients} connections: answers/CPU s"),
            Line("pairs", f"one to one, {s.clients} clients, 16 in flight, ephemeral: deliveries/CPU s", 120_000, True),
            Line("pairs_durable", "the same, every message on disk first: deliveries/CPU s", 30_000, True),
            Line("fan_16", f"one to {s.subscribers:,} subscribers, 16 in flight, ephemeral: deliveries/CPU s", 400_000,
                 True),
            Line("share_fan_16", "of the bare loop: %; to reach: uWebSockets' share", share("fan_16"), True, 1),
            Line("alike_fan_16", "of a bare loop that sends as many bytes: %", share("fan_16"), True, 1),
            Line("one_loop_fan_16", "of the bare loop, with one loop like all the others: %", share("fan_16"), True, 1),
            Line("fan_4", "4 in flight: deliveries/CPU s"),
            Line("share_fan_4", "of the bare loop: %; to reach: uWebSockets' share", share("fan_4"), True, 1),
            Line("alike_fan_4", "of a bare loop that sends as many bytes: %", share("fan_4"), True, 1),
            Line("one_loop_fan_4", "of the bare loop, with one loop like all the others: %", share("fan_4"), True, 1),
            Line("fan_1", "1 in flight: deliveries/CPU s"),
            Line("share_fan_1", "of the bare loop: %; to reach: uWebSockets' share", share("fan_1"), True, 1),
            Line("alike_fan_1", "of a bare loop that sends as many bytes: %", share("fan_1"), True, 1),
            Line("one_loop_fan_1", "of the bare loop, with one loop like all the others: %", share("fan_1"), True, 1),
            Line("fan_16_durable", "16 in flight, every message on disk first: deliveries/CPU s", 400_000, True),
            Line("fan_4_durable", "4 in flight, every message on disk first: deliveries/CPU s"),
            Line("idle", f"idle connection, plain: bytes ({s.idle_few:,} to {s.idle_many:,})", 2048),
            Line("idle_tls", "idle connection, TLS: bytes"),
            Line("beyond_tls", "beyond the bare loop's over TLS: bytes", 2048),
        ]

    def spreads(self):
        """How far apart the rounds' shares lie: half of them are between the two."""
        for key in SHARES:
            for name, bare_key, what in ((WsAnser.name, key, "of the bare loop"),
                                         (WsAnser.name, f"{key}_long", "of one that sends as many bytes"),
                                         (UWebSockets.name, key, "of the bare loop")):
                found = self.shares(name, key, bare_key)
                if len(found) > 1:
                    low, _, high = statistics.quantiles(found, n=4)
                    yield f"{name}, {key}: {low:.1f} to {high:.1f} % {what}, {len(found)} rounds"

    def table(self):
        values = self.values()
        return table(self.lines(values), [kind.name for kind in KINDS], values)


def main():
    arguments = argparse.ArgumentParser(prog="script/bench ws", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="seconds only: can every line be measured?")
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where the programs are")
    chosen = arguments.parse_args()

    end_on_signals()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the servers inherit it

    work = ROOT / "build/bench" / str(os.getpid())
    work.mkdir(parents=True)
    folder = chosen.bin.resolve()
    WsAnser.program = folder / "anser"
    UWebSockets.program = folder / "bench-uwebsockets"
    load = os.getloadavg()[0]
    bench = Bench(work, Load(folder / "anser-load"), QUICK if chosen.quick else Sizes())
    try:
        bench.measure()
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before, "
          f"{time.strftime('%Y-%m-%d')}{', quick: not for comparing' if chosen.quick else ''}\n")
    print("\n".join([*bench.table(), "", *bench.spreads()]))
    for failure in bench.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
