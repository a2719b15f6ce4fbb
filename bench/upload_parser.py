#!/usr/bin/env python3
"""Measures reading forms, by itself: Anser's parser beside busboy, formidable (npm) and commons-fileupload (Maven)."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from table import Line, end_on_signals, processor, read_figures, table

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "bench/upload"
BOUNDARY = "----WebKitFormBoundaryAbC7yZq0pLmN3xWv"  # multipart_bench's
SMALL_PARTS = 1000
BODIES = ("random", "crlf", "near_64", "small")

# Of Anser what one part without an end costs, of the peers a whole body with 1 MiB in one part.
LINES = [
    Line("random", "random bytes: GB/CPU s", 12, True, 2),
    Line("crlf", "line ends only: GB/CPU s", 8, True, 2),
    Line("near_64", "every 64 bytes a delimiter with a wrong byte: GB/CPU s", 4, True, 2),
    Line("near", "the worst of those at 40 to 4,096 bytes, first, middle or last byte wrong: GB/CPU s", 4, True, 2),
    Line("worst", "the worst of boundaries and data made against the reader: GB/CPU s", 1, True, 2),
    Line("beyond_cache", "256 MB, random: GB/CPU s", None, True, 2),
    Line("memchr", "the same memory, memchr for an absent byte: GB/CPU s", None, True, 2),
    Line("share", "256 MB: share of memchr", 0.6, True, 2),
    Line("small", "small part: ns", 1000),
]


def anser(program, quick):
    values = read_figures(run(program, *(["--quick"] if quick else [])))
    values["share"] = values["beyond_cache"] / values["memchr"]
    return values


def peer(command, program, work, rounds):
    """What the program says of each body, in the units of LINES; it prints microseconds a body."""
    values = {}
    for body in BODIES:
        path = work / body
        if not path.exists():
            run(program, "--body", body.partition("_")[0], path)
        microseconds = float(run(*command(path, rounds)))
        values[body] = microseconds * 1000 / SMALL_PARTS if body == "small" else path.stat().st_size / microseconds / 1000
    return values


def node(name):
    return lambda path, rounds: ["node", FOLDER / "readers.mjs", name, path, BOUNDARY, rounds]


def commons(version):
    def command(path, rounds):
        classes = (ROOT / "build/bench/commons-fileupload" / version).read_text().strip()
        return ["java", "-cp", classes, FOLDER / "CommonsFileUpload.java", path, BOUNDARY, rounds]

    return command


PEERS = {
    "busboy 1.6.0": node("busboy"),
    "formidable 3.5.4": node("formidable"),
    "fileupload 1.5": commons("1.5"),
    "fileupload 1.6.0": commons("1.6.0"),
}


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{Path(command[0]).name}: {done.stderr.strip() or done.returncode}")
    return done.stdout


def measure(program, work, quick=False):
    """Names, values by (name, line), and what failed; Anser first."""
    values, failures = {}, []
    runs = {"Anser": lambda: anser(program, quick)}
    for name, command in PEERS.items():
        runs[name] = lambda command=command: peer(command, program, work, 1 if quick else 7)
    for name, one in runs.items():
        try:
            values |= {(name, key): value for key, value in one().items()}
        except (RuntimeError, OSError, ValueError) as failure:
            failures.append(f"{name}: {failure}")
    return list(runs), values, failures


def main():
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="seconds only: can every line be measured?")
    arguments.add_argument("--bin", type=Path, default=ROOT / "build/release/bin", help="where the programs are")
    chosen = arguments.parse_args()

    end_on_signals()
    subprocess.run([FOLDER / "prepare"], check=True)
    work = ROOT / "build/bench" / str(os.getpid())
    work.mkdir(parents=True)
    load = os.getloadavg()[0]
    try:
        names, values, failures = measure(chosen.bin.resolve() / "multipart_bench", work, chosen.quick)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    print(f"{processor()}, {os.cpu_count()} cores, load {load:.1f} before, "
          f"{time.strftime('%Y-%m-%d')}{', quick: not for comparing' if chosen.quick else ''}\n")
    print("\n".join(table(LINES, names, values)))
    for failure in failures:
        print(f"failed: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
