"""script/bench xmpp: every line of the XMPP measures, for Anser and, with --peers, for ejabberd and Prosody; one table.

A figure per CPU-second counts the CPU of all the server's threads, so it hardly depends on how many cores the machine
has or lends to the load generator. It does depend on the machine being quiet: caches and turbo are shared.
"""

import argparse
import os
import resource
import shutil
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

from servers import PEERS, Anser, BenchError, Process, free_port
from table import Line, end_on_signals, processor, read_figures, table

ROOT = Path(__file__).resolve().parent.parent
CONTACTS = 50
GRACE_SECONDS = 30  # beyond what the generator was told to take


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the quick ones only show that every line can be measured."""

    window_ms: int = 3000
    windows: int = 5
    turns: int = 3
    messages: int = 1000
    recipients: int = 1000
    few: int = 100
    many: int = 10_000
    idle_few: int = 1000
    contacts_few: int = 510
    contacts_many: int = 2040
    contacts: int = CONTACTS


QUICK = Sizes(window_ms=300, windows=2, turns=1, messages=100, recipients=100, few=100, many=400, idle_few=100,
              contacts_few=33, contacts_many=110, contacts=10)


class Load:
    """Runs anser-load against a server and reads its figures."""

    def __init__(self, program):
        self.program = program

    def words(self, command, server=None, timeout=120, **options):
        words = [str(self.program), command, "--timeout", str(timeout)]
        if server:
            words += ["--port", str(server.load_port()), "--pid", str(server.process.pid)]
        for name, value in options.items():
            words += [f"--{name.replace('_', '-')}"] + ([] if value is True else [str(value)])
        return words

    def run(self, command, server=None, timeout=120, **options):
        words = self.words(command, server, timeout, **options)
        try:
            done = subprocess.run(words, capture_output=True, text=True, timeout=timeout + GRACE_SECONDS)
        except subprocess.TimeoutExpired as late:
            raise BenchError(f"{command} did not end in time") from late
        if done.returncode:
            raise BenchError(done.stderr.strip() or f"anser-load {command} ended with {done.returncode}")
        return read_figures(done.stdout)


class Relay:
    """The bare relay that `scale` is compared with, as a server that Load can be pointed at."""

    def __init__(self, work, program):
        self.folder, self.program, self.port, self.process = work / "bare-relay", program, free_port(), None

    def __enter__(self):
        self.folder.mkdir(parents=True, exist_ok=True)
        self.process = Process([self.program, "relay", "--port", self.port], self.folder)
        self.process.wait_for_port(self.port)
        return self

    def __exit__(self, *_):
        if self.process:
            self.process.stop()

    def load_port(self):
        return self.port


class Growing:
    """A server with few sessions and one with many: what a message costs the one more than the other, as often as it
    is asked."""

    def __init__(self, load, many, few, **options):
        words = load.words("scale", many, few_port=few.port, few_pid=few.process.pid, paced=True, **options)
        self.child = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                      text=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.child.kill()
        self.child.wait()

    def turn(self):
        try:
            self.child.stdin.write("\n")
            self.child.stdin.flush()
            return read_figures(self.child.stdout.readline())["turn_us"]
        except (OSError, KeyError) as broken:
            raise BenchError(f"anser-load scale ended: {self.child.communicate()[1].strip()}") from broken

    def figures(self):
        said, complaint = self.child.communicate(timeout=GRACE_SECONDS)
        if self.child.returncode:
            raise BenchError(f"anser-load scale ended: {complaint.strip()}")
        return read_figures(said)


@dataclass
class Bench:
    work: Path
    load: Load
    sizes: Sizes
    values: dict = field(default_factory=dict)  # (server, line key) -> value
    failures: list = field(default_factory=list)

    def measure(self, kind):
        """All parts for one kind of server. A part that fails leaves its cells empty and the others alone."""
        template = self.work / f"{kind.name.lower()}-accounts"
        try:
            self.attempt(kind, "accounts", lambda: self.prepare(kind, template))
            for part in (self.pairs, self.durable, self.offline, self.scale, self.idle, self.contacts, self.login):
                self.attempt(kind, part.__name__, lambda part=part: part(kind, template))
        finally:
            shutil.rmtree(template, ignore_errors=True)

    def attempt(self, kind, name, part):
        started = time.monotonic()
        print(f"{kind.name}: {name} …", file=sys.stderr, flush=True)
        try:
            for key, value in (part() or {}).items():
                self.values[kind.name, key] = value
        except (BenchError, OSError, subprocess.SubprocessError) as failure:
            self.failures.append(f"{kind.name}, {name}: {failure}")
            print(f"  failed: {failure}", file=sys.stderr, flush=True)
        else:
            print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)

    def prepare(self, kind, template):
        with kind(self.work, "relay", self.load) as server:
            server.make_accounts("m", self.sizes.many)
            shutil.rmtree(template, ignore_errors=True)
            shutil.copytree(server.data, template)

    def pairs(self, kind, _):
        window = {"window_ms": self.sizes.window_ms, "warm_up_ms": self.sizes.window_ms // 3}
        with kind(self.work, "relay", self.load) as server:
            server.start()
            server.register("u", 100)
            sixteen = self.load.run("pairs", server, in_flight=16, **window)
            over_tls = self.load.run("pairs", server, in_flight=16, tls=True, **window)
            one = self.load.run("pairs", server, in_flight=1, **window)
            alone = self.load.run("latency", server, messages=self.sizes.messages)
        return {"pairs": sixteen["per_cpu_s"], "pairs_tls": over_tls["per_cpu_s"], "pairs_one": one["per_cpu_s"],
                "pairs_wall": sixteen["per_wall_s"], "median": alone["latency_median_ms"],
                "p99": alone["latency_p99_ms"]}

    def durable(self, kind, _):
        """Each load on new accounts, whose archives are compared with it afterwards: a difference is a failure."""
        window = {"window_ms": self.sizes.window_ms, "warm_up_ms": self.sizes.window_ms // 3}
        figures = {}
        for key, acks in (("durable", {}), ("acks", {"acks": True})):
            with kind(self.work, "durable", self.load) as server:
                server.start()
                server.register("u", 100)
                server.register("v", 2)
                alone = self.load.run("latency", server, prefix="v", messages=self.sizes.messages, count_archives=True,
                                      **acks)
                pairs = self.load.run("pairs", server, in_flight=16, count_archives=True, **window, **acks)
            figures |= {key: pairs["per_cpu_s"], f"{key}_wall": pairs["per_wall_s"],
                        f"{key}_median": alone["latency_median_ms"], f"{key}_p99": alone["latency_p99_ms"]}
        return figures

    def offline(self, kind, template):
        with kind(self.work, "relay", self.load) as server:
            server.start(template)
            server.register("u", 20)
            figures = self.load.run("offline", server, recipient_prefix="m", recipients=self.sizes.recipients,
                                    sasl=server.many_sasl, window_ms=self.sizes.window_ms)
        return {"offline": figures["per_cpu_s"]}

    def scale(self, kind, template):
        shape = {"sessions": f"{self.sizes.few},{self.sizes.many}", "timeout": 300}
        if kind is Anser:
            figures = self.grow(template, shape)
        else:
            with kind(self.work, "relay", self.load) as server:
                server.start(template)
                figures = self.load.run("scale", server, prefix="m", sasl=server.many_sasl, windows=self.sizes.windows,
                                        window_ms=max(self.sizes.window_ms // 3, 100), **shape)
        return {"us_few": figures[f"us_at_{self.sizes.few}"], "us_many": figures[f"us_at_{self.sizes.many}"],
                "growth": figures["growth_us"],
                **{key: figures[key] for key in ("relay_growth", "excess") if key in figures}}

    def grow(self, template, shape):
        """What is compared closely is measured closely: Anser and the relay, each with few and with many sessions, are
        all there at once and take turns. A turn's growth is compared with the relay's in the same turn; the figure is
        the median of the turns, and of so many starts."""
        shape = shape | {"timeout": 600, "window_ms": max(self.sizes.window_ms // 12, 100)}
        starts = []
        for _ in range(self.sizes.turns):
            with (Anser(self.work, "relay", self.load) as many, Anser(self.work / "few", "relay", self.load) as few,
                  Relay(self.work, self.load.program) as bare, Relay(self.work, self.load.program) as bare_few):
                many.start(template)
                few.start(template)
                with (Growing(self.load, many, few, prefix="m", sasl=Anser.many_sasl, **shape) as ours,
                      Growing(self.load, bare, bare_few, bare=True, **shape) as theirs):
                    ours.turn(), theirs.turn()  # to warm up
                    turns = [(ours.turn(), theirs.turn()) for _ in range(8 * self.sizes.windows)]
                    starts.append(ours.figures() | {"relay_growth": theirs.figures()["growth_us"],
                                                    "excess": statistics.median(a - b for a, b in turns)})
        print("  growth beyond the relay's, each start: " + ", ".join(f"{start['excess']:.2f}" for start in starts),
              file=sys.stderr, flush=True)
        return {name: statistics.median(start[name] for start in starts) for name in starts[0]}

    def idle(self, kind, template):
        figures = {}
        for key, option in (("idle", {}), ("idle_acks", {"acks": True}), ("idle_tls", {"tls": True})):
            with kind(self.work, "relay", self.load) as server:
                server.start(template)
                figures[key] = self.load.run("idle", server, prefix="m", sasl=server.many_sasl, few=self.sizes.idle_few,
                                             many=self.sizes.many, timeout=300, **option)["session_kb"]
        return figures

    def contacts(self, kind, _):
        with kind(self.work, "relay", self.load) as server:
            server.make_accounts("m", self.sizes.contacts_many)
            server.make_contacts("m", self.sizes.contacts_many, self.sizes.contacts)
            server.launch()
            figures = self.load.run("idle", server, prefix="m", sasl=server.many_sasl, few=self.sizes.contacts_few,
                                    many=self.sizes.contacts_many, timeout=600)
        return {"idle_contacts": figures["session_kb"]}

    def login(self, kind, _):
        with kind(self.work, "login", self.load) as server:
            server.start()
            server.register("l", 20)
            scram = self.load.run("login", server, prefix="l", sasl="scram", window_ms=self.sizes.window_ms)
            plain = self.load.run("login", server, prefix="l", sasl="plain", window_ms=self.sizes.window_ms)
            figures = {"scram": scram["cpu_ms_each"], "plain": plain["cpu_ms_each"]}
            if kind is Anser:  # Debian's peers have no tokens
                fast = self.load.run("login", server, prefix="l", sasl="fast", window_ms=self.sizes.window_ms)
                figures["fast"] = fast["cpu_ms_each"]
        return figures

    def lines(self):
        """The rows, with what Anser is to reach; three of the targets depend on other figures of this run."""
        s = self.sizes
        growth = self.values.get((Anser.name, "relay_growth"))
        plain_session = self.values.get((Anser.name, "idle"))
        derivation = self.load.run("derive")
        grown = "" if growth is None else f"; bare relay {growth:+.2f}"
        dearest = max(derivation["sha1_ms"], derivation["sha256_ms"], derivation["sha512_ms"])
        return [
            Line("pairs", "100 clients in pairs, 16 in flight: deliveries/CPU s", 150_000, True),
            Line("pairs_wall", "the same, deliveries/s on this machine"),
            Line("pairs_tls", "the same over TLS: deliveries/CPU s", 80_000, True),
            Line("pairs_one", "one in flight: deliveries/CPU s", 60_000, True),
            Line("durable", "16 in flight, archive on: deliveries/CPU s"),
            Line("durable_wall", "the same, deliveries/s on this machine"),
            Line("acks", "16 in flight, archive on, acknowledged: deliveries/CPU s", 60_000, True),
            Line("acks_wall", "the same, deliveries/s on this machine"),
            Line("median", "two idle sessions, one message: median ms", 0.3, decimals=3),
            Line("p99", "99th percentile ms", 2, decimals=3),
            Line("durable_median", "the same, archive on: median ms", 5, decimals=3),
            Line("durable_p99", "99th percentile ms", decimals=3),
            Line("acks_median", "the same, archive on, acknowledged: median ms", 5, decimals=3),
            Line("acks_p99", "99th percentile ms", decimals=3),
            Line("offline", "offline messages stored/CPU s", 30_000, True),
            Line("us_few", f"a message at {s.few:,} sessions: CPU µs", decimals=2),
            Line("us_many", f"at {s.many:,} sessions: CPU µs", decimals=2),
            Line("growth", f"growth: µs{grown}", decimals=2),
            Line("excess", "beyond the bare relay's, turn by turn: µs", 1, decimals=2),
            Line("idle", f"idle session, plain: KB ({s.idle_few:,} to {s.many:,})", 6, decimals=1),
            Line("idle_acks", "idle session, stream management, nothing unacknowledged: KB",
                 None if plain_session is None else plain_session + 1, decimals=1),
            Line("idle_tls", "idle session, TLS: KB", 24, decimals=1),
            Line("idle_contacts",
                 f"idle session, {s.contacts} contacts: KB ({s.contacts_few:,} to {s.contacts_many:,})", decimals=1),
            Line("scram", "SCRAM-SHA-1 login, plain TCP: CPU ms", 1, decimals=2),
            Line("fast", "FAST login with Bind 2, plain TCP: CPU ms", 0.5, decimals=2),
            Line("plain",
                 f"PLAIN login, plain TCP: CPU ms; one derivation {derivation['sha1_ms']:.1f} to {dearest:.1f}",
                 1 + dearest, decimals=2),
        ]


def main():
    arguments = argparse.ArgumentParser(prog="script/bench xmpp", description=__doc__)
    arguments.add_argument("--peers", action="store_true", help="ejabberd and Prosody too")
    arguments.add_argument("--quick", action="store_true", help="seconds only: can every line be measured?")
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where the programs are")
    chosen = arguments.parse_args()

    end_on_signals()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the servers inherit it

    work = ROOT / "build/bench" / str(os.getpid())
    work.mkdir(parents=True)
    Anser.program = chosen.bin.resolve() / "anser"
    bench = Bench(work, Load(chosen.bin.resolve() / "anser-load"), QUICK if chosen.quick else Sizes())
    kinds = [Anser, *(PEERS if chosen.peers else ())]
    try:
        for kind in kinds:
            bench.measure(kind)
        print(f"{processor()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, "
              f"{time.strftime('%Y-%m-%d')}{', quick: not for comparing' if chosen.quick else ''}\n")
        print("\n".join(table(bench.lines(), [kind.name for kind in kinds], bench.values)))
    finally:
        shutil.rmtree(work, ignore_errors=True)
    for failure in bench.failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if bench.failures else 0


if __name__ == "__main__":
    sys.exit(main())
