"""script/bench upload: files over loopback into Anser and, in the same run and by turns, into nginx; then reading forms by
itself, beside the parsers of others (upload_parser.py). Two tables.

Bytes per CPU-second count the CPU of all the server's processes (utime and stime). The sender is sendfile() of a file in
the page cache: next to nothing, and never what is waited for. Memory is VmHWM beyond what it was before.
"""

import argparse
import asyncio
import os
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from servers import BenchError
from table import Line, end_on_signals, processor, table
from upload_parser import FOLDER as PARSERS
from upload_parser import LINES as PARSER_LINES
from upload_parser import measure as measure_parsers
from upload_servers import KINDS, FilesAnser, Nginx, NginxTuned

ROOT = Path(__file__).resolve().parent.parent
MB = 1 << 20
PATIENCE = 300  # seconds for one answer
BOUNDARY = "a-boundary-of-the-bench-3f8a1c"


@dataclass(frozen=True)
class Sizes:
    """How much of everything; the quick ones only show that every line can be measured."""

    rounds: int = 5
    files: int = 4
    file_bytes: int = 256 * MB
    large_bytes: int = 2 << 30
    slow: int = 1000


QUICK = Sizes(rounds=1, files=2, file_bytes=16 * MB, large_bytes=64 * MB, slow=100)


def request(server, way, size):
    """What comes before the file's bytes, and behind them."""
    before, behind, type, path = b"", b"", "application/octet-stream", server.raw_path
    if way == "form":
        before = (f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="author"\r\n\r\nbench\r\n--{BOUNDARY}\r\n'
                  f'Content-Disposition: form-data; name="file1"; filename="bench.bin"\r\n'
                  f"Content-Type: application/octet-stream\r\n\r\n").encode()
        behind = f"\r\n--{BOUNDARY}--\r\n".encode()
        type, path = f"multipart/form-data; boundary={BOUNDARY}", server.form_path
    head = (f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\nAccept: application/json\r\n"
            f"Content-Type: {type}\r\nContent-Length: {len(before) + size + len(behind)}\r\nConnection: close\r\n\r\n")
    return head.encode() + before, behind


def send(server, way, file):
    """The body of the answer."""
    size = os.fstat(file.fileno()).st_size
    first, last = request(server, way, size)
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE) as wire:
        wire.sendall(first)
        wire.sendfile(file, 0, size)
        wire.sendall(last)
        answer = b""
        while piece := wire.recv(65_536):
            answer += piece
    return body_of(answer)


def body_of(answer):
    head, _, body = answer.partition(b"\r\n\r\n")
    if b" 201 " not in head[:20]:
        raise BenchError(f"not 201: {answer[:300]!r}")
    return body


@dataclass
class Bench:
    work: Path
    sizes: Sizes
    samples: dict = field(default_factory=dict)  # (server, key) -> every value measured
    failures: list = field(default_factory=list)

    def measure(self):
        noise, sparse = self.work / "noise", self.work / "sparse"
        with noise.open("wb") as file:
            for _ in range(self.sizes.file_bytes // MB):
                file.write(os.urandom(MB))
        with sparse.open("wb") as file:
            file.truncate(self.sizes.large_bytes)
        with ExitStack() as stack:
            servers = [stack.enter_context(kind(self.work, "upload")) for kind in KINDS]
            running = [server for server in servers if self.attempt(f"{server.name}, start", lambda server=server: self.start(server))]
            with noise.open("rb") as file:
                for number in range(self.sizes.rounds):
                    turn = number % max(len(running), 1)
                    for server in running[turn:] + running[:turn]:
                        for way in ("raw", "form"):
                            self.attempt(f"{server.name}, {way}, round {number + 1}", lambda: self.throughput(server, way, file))
        for kind in (FilesAnser, Nginx):
            with kind(self.work, "memory") as server, sparse.open("rb") as file:
                if not self.attempt(f"{kind.name}, start", lambda: self.start(server)):
                    continue
                for way in ("raw", "form"):
                    self.attempt(f"{kind.name}, large {way}", lambda: self.large(server, way, file))
                self.attempt(f"{kind.name}, {self.sizes.slow} slow uploads", lambda: asyncio.run(self.slow(server)))

    def start(self, server):
        server.start()
        warm = self.work / "warm"
        warm.write_bytes(bytes(MB))
        with warm.open("rb") as file:
            for way in ("raw", "form", "raw", "form"):
                server.forget(send(server, way, file))

    def throughput(self, server, way, file):
        total = 0.0
        for _ in range(self.sizes.files):
            before = server.cpu_seconds()
            answer = send(server, way, file)
            total += server.cpu_seconds() - before
            server.forget(answer)
        if not total:
            raise BenchError("too little to measure")
        self.add(server, way, self.sizes.files * self.sizes.file_bytes / MB / total)

    def large(self, server, way, file):
        server.forget_peak()
        before = server.peak_bytes()
        answer = send(server, way, file)
        self.add(server, f"large_{way}", (server.peak_bytes() - before) / MB)
        server.forget(answer)

    async def slow(self, server):
        """All of them half there at the same time; the server has taken what it was given before memory is read."""
        size, gate, wires = 64 * 1024, asyncio.Semaphore(64), []
        first, last = request(server, "form", size)
        server.forget_peak()
        before = server.peak_bytes()

        async def begin(half):
            async with gate:
                wire = await asyncio.open_connection("127.0.0.1", server.port)
                wires.append(wire)
                wire[1].write(first + half)
                await wire[1].drain()

        half = os.urandom(size // 2)
        await asyncio.wait_for(asyncio.gather(*(begin(half) for _ in range(self.sizes.slow))), PATIENCE)
        await self.quiet(server)
        peak = server.peak_bytes() - before

        async def end(reader, writer):
            writer.write(half + last)
            body_of(await reader.read())
            writer.close()

        await asyncio.wait_for(asyncio.gather(*(end(*wire) for wire in wires)), PATIENCE)
        self.add(server, "slow", peak / MB)

    async def quiet(self, server):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            before = server.cpu_seconds()
            await asyncio.sleep(1)
            if server.cpu_seconds() - before < 0.02:
                return
        raise BenchError("it never came to rest")

    def add(self, server, key, value):
        self.samples.setdefault((server.name, key), []).append(value)

    def attempt(self, name, part):
        """A part that fails leaves its cells to what else was measured, and the others alone."""
        started = time.monotonic()
        print(f"{name} …", file=sys.stderr, flush=True)
        try:
            part()
        except (BenchError, OSError, ValueError, TimeoutError, subprocess.SubprocessError) as failure:
            self.failures.append(f"{name}: {failure}")
            print(f"  failed: {failure}", file=sys.stderr, flush=True)
            return False
        print(f"  {time.monotonic() - started:.0f} s", file=sys.stderr, flush=True)
        return True

    def values(self):
        """The medians, and Anser's share of the better nginx in the same run."""
        values = {place: statistics.median(found) for place, found in self.samples.items()}
        peers = [values[kind.name, "raw"] for kind in (Nginx, NginxTuned) if (kind.name, "raw") in values]
        for way in ("raw", "form"):
            own = values.get((FilesAnser.name, way))
            if own and peers:
                values[FilesAnser.name, f"{way}_share"] = 100 * own / max(peers)
        return values

    def lines(self):
        s = self.sizes
        each, large = f"{s.file_bytes // MB} MB", f"{s.large_bytes // MB:,} MB"
        return [
            Line("raw", f"a file of {each} as a body: MB/CPU s"),
            Line("raw_share", "of what the better nginx takes in: %", 80, True),
            Line("form", f"a form with a file of {each}: MB/CPU s"),
            Line("form_share", "of what the better nginx takes in as a body: %", 60, True),
            Line("large_raw", f"a file of {large} as a body: MB of memory above idle", 16, decimals=1),
            Line("large_form", f"a form with a file of {large}: MB of memory above idle", 16, decimals=1),
            Line("slow", f"{s.slow:,} forms under way at once: MB of memory above idle", 16, decimals=1),
        ]

    def table(self):
        return table(self.lines(), [kind.name for kind in KINDS], self.values())


def main():
    arguments = argparse.ArgumentParser(prog="script/bench upload", description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="seconds only: can every line be measured?")
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where the programs are")
    chosen = arguments.parse_args()

    end_on_signals()
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))  # the servers inherit it

    work = ROOT / "build/bench" / str(os.getpid())
    work.mkdir(parents=True)
    FilesAnser.program = chosen.bin.resolve() / "anser"
    load = os.getloadavg()[0]
    bench = Bench(work, QUICK if chosen.quick else Sizes())
    parsers = None
    try:
        bench.measure()
        if bench.attempt("the parsers' packages", lambda: subprocess.run([PARSERS / "prepare"], check=True)):
            print("reading forms …", file=sys.stderr, flush=True)
            parsers = measure_parsers(chosen.bin.resolve() / "multipart_bench", work, chosen.quick)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before, "
          f"{time.strftime('%Y-%m-%d')}{', quick: not for comparing' if chosen.quick else ''}\n")
    print("\n".join(bench.table()))
    failures = bench.failures
    if parsers:
        names, values, failed = parsers
        failures = failures + failed
        print()
        print("\n".join(table(PARSER_LINES, names, values)))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
