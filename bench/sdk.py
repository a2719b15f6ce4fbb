"""script/bench sdk: Anser's client library beside libstrophe, gloox and QXmpp (Debian's), all against Anser; one table.

A figure per CPU-second counts the CPU of the client's process alone, all its threads. Every trial is repeated, the
libraries by turns, and the median counts: what disturbs the machine disturbs all of them.
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

from servers import Anser, BenchError, Process, free_port
from table import Line, end_on_signals, processor, read_figures, table
from xmpp import Load

ROOT = Path(__file__).resolve().parent.parent
PROGRAMS = {"Anser": "anser", "libstrophe": "strophe", "gloox": "gloox", "QXmpp": "qxmpp"}  # the first has the targets
GRACE_SECONDS = 10
WANTED_CONNECTIONS = 10_000


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the quick ones only show that every line can be measured."""

    rounds: int = 7
    messages: int = 60_000
    messages_one: int = 20_000
    connections: int = WANTED_CONNECTIONS
    delay_ms: int = 50


QUICK = Sizes(rounds=1, messages=2000, messages_one=500, connections=100, delay_ms=20)

# What one client that writes to itself is measured with, and the line that it fills.
ECHOES = {
    "sixteen": {"in_flight": 16},
    "tls": {"in_flight": 16, "tls": True},
    "acks": {"in_flight": 16, "acks": True},
    "one": {"in_flight": 1},
}


class Program:
    """sdk-bench-NAME, which measures one library."""

    def __init__(self, name, path):
        self.name, self.path = name, path

    def run(self, mode, port, timeout=120, **options):
        words = [str(self.path), mode, "--port", str(port), "--timeout", str(timeout)]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=timeout + GRACE_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise BenchError(f"{mode} did not end in time") from late
        if done.returncode:
            raise BenchError(f"{mode}: " + (done.stderr.strip() or f"it ended with {done.returncode}"))
        return read_figures(done.stdout)


@dataclass
class Bench:
    work: Path
    server: Anser
    programs: list
    sizes: Sizes
    samples: dict = field(default_factory=dict)  # (library, key) -> every value measured
    failures: list = field(default_factory=list)
    accounts_used: int = 0

    def measure(self):
        self.attempt("accounts", lambda: self.server.register("i", self.sizes.connections))
        self.attempt("accounts", lambda: self.server.register("e", self.trials()))
        for number in range(self.sizes.rounds):
            turn = number % len(self.programs)
            for program in self.programs[turn:] + self.programs[:turn]:
                self.attempt(f"{program.name}, round {number + 1}", lambda program=program: self.round(program))
        self.attempt("round trips", self.round_trips)
        for program in self.programs:
            self.attempt(f"{program.name}, idle", lambda program=program: self.idle(program))

    def attempt(self, name, part):
        """A part that fails leaves its cells to what else was measured, and the others alone."""
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            part()
        except (BenchError, OSError, subprocess.SubprocessError) as failure:
            self.failures.append(f"{name}: {failure}")
            print(f"  failed: {failure}", file=sys.stderr, flush=True)
        else:
            print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    def trials(self):
        return len(self.programs) * self.sizes.rounds * (len(ECHOES) + 2)

    def account(self):
        """A new one for each trial: what an acknowledged one has not confirmed comes again at its next login."""
        self.accounts_used += 1
        return {"prefix": "e", "first": self.accounts_used - 1}

    def add(self, program, key, value):
        self.samples.setdefault((program.name, key), []).append(value)

    def round(self, program):
        for key, options in ECHOES.items():
            count = self.sizes.messages_one if options["in_flight"] == 1 else self.sizes.messages
            found = program.run("echo", self.server.port, messages=count, **options, **self.account())
            self.add(program, key, found["per_cpu_s"])
            self.add(program, f"{key}_wall", found["per_wall_s"])
            self.add(program, f"{key}_median", found["latency_median_ms"])
            self.add(program, f"{key}_p99", found["latency_p99_ms"])

    def round_trips(self):
        """What a slow path adds to the time to a session, in its round trips: so the CPU's part of it goes out."""
        with ExitStack() as stack:
            ports = [self.proxy(stack, delay) for delay in (0, self.sizes.delay_ms)]
            for _ in range(self.sizes.rounds):
                for program in self.programs:
                    near, far = (program.run("connect", port, **self.account())["ready_ms"] for port in ports)
                    self.add(program, "added_ms", far - near)
        for program in self.programs:
            trips = statistics.median(self.samples[program.name, "added_ms"]) / (2 * self.sizes.delay_ms)
            self.add(program, "trips", round(2 * trips) / 2 + 1)  # and TCP's own, which the proxy does not hold back

    def proxy(self, stack, delay_ms):
        port = free_port()
        program = Path(__file__).parent / "delay.py"
        proxy = Process([sys.executable, program, port, self.server.port, delay_ms], self.work)
        stack.callback(proxy.stop)
        proxy.wait_for_port(port)
        return port

    def idle(self, program):
        found = program.run("idle", self.server.port, timeout=600, prefix="i", connections=self.sizes.connections)
        self.add(program, "connections", found["connections"])
        self.add(program, "memory", found["connection_kb"])

    def lines(self, values):
        """The rows, with what Anser is to reach; two of the targets are multiples of what the others reached."""

        def most(key, **factors):
            found = [values[name, key] * factor for name, factor in factors.items() if (name, key) in values]
            return max(found, default=None)

        return [
            Line("sixteen", "one client, 16 in flight: messages/CPU s",
                 most("sixteen", libstrophe=2, gloox=3, QXmpp=3), True),
            Line("sixteen_wall", "the same, messages/s on this machine"),
            Line("tls", "the same over TLS: messages/CPU s"),
            Line("acks", "16 in flight, stream management: messages/CPU s"),
            Line("one", "one in flight: messages/CPU s", most("one", libstrophe=1, gloox=1, QXmpp=1), True),
            Line("one_wall", "the same, messages/s on this machine"),
            Line("one_median", "sent to received: median ms", decimals=3),
            Line("one_p99", "99th percentile ms", decimals=3),
            Line("connections", "connections in one process, all up", min(WANTED_CONNECTIONS, self.sizes.connections),
                 True),
            Line("memory", "an idle connection, plain: KB", decimals=1),
            Line("trips", "from connect to ready over TLS, as each comes: round trips", decimals=1),
        ]

    def table(self):
        values = {place: statistics.median(found) for place, found in self.samples.items()}
        return table(self.lines(values), list(PROGRAMS), values)


def installed_programs(folder):
    """A library that is not there is told and left out: script/setup bench-sdk installs Debian's."""
    found = []
    for name, word in PROGRAMS.items():
        path = folder / f"sdk-bench-{word}"
        if path.exists():
            found.append(Program(name, path))
        else:
            print(f"{name} is left out: there is no {path.name}", file=sys.stderr)
    return found


def main():
    arguments = argparse.ArgumentParser(prog="script/bench sdk", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="seconds only: can every line be measured?")
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where the programs are")
    chosen = arguments.parse_args()

    end_on_signals()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the server inherits it

    work = ROOT / "build/bench" / str(os.getpid())
    work.mkdir(parents=True)
    folder = chosen.bin.resolve()
    Anser.program = folder / "anser"
    load = os.getloadavg()[0]
    try:
        with Anser(work, "sdk", Load(folder / "anser-load")) as server:
            server.start()
            bench = Bench(work, server, installed_programs(folder), QUICK if chosen.quick else Sizes())
            bench.measure()
        print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before, "
              f"{time.strftime('%Y-%m-%d')}{', quick: not for comparing' if chosen.quick else ''}\n")
        print("\n".join(bench.table()))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for failure in bench.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
