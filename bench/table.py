"""The table that script/bench prints, and what its programs have in common besides."""

import signal
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Line:
    """One row of the table: what is measured, in which unit, and what Anser is to reach."""

    key: str
    text: str
    target: float | None = None
    at_least: bool = False
    decimals: int = 0

    def verdict(self, value):
        if value is None or self.target is None:
            return ""
        return "yes" if (value >= self.target if self.at_least else value <= self.target) else "no"

    def format(self, value):
        return f"{value:,.{self.decimals}f}"

    def format_target(self):
        return "" if self.target is None else f"{'≥' if self.at_least else '≤'} {self.format(self.target)}"


def table(lines, names, values):
    """Rows of text; `values` by (name, line key), and the first name is the one with targets."""
    yield row("measure", "target", "reached", *names)
    yield row("---", "---:", "---", *("---:" for _ in names))
    for line in lines:
        found = [values.get((name, line.key)) for name in names]
        cells = ["–" if value is None else line.format(value) for value in found]
        yield row(line.text, line.format_target(), line.verdict(found[0]), *cells)


def row(*cells):
    return f"| {' | '.join(cells)} |"


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return "unknown processor"


def read_figures(text):
    """What anser-load and the sdk-bench programs print: a name and a value a line."""
    return {name: float(value) for name, value in (line.split() for line in text.splitlines())}


def end_on_signals():
    """So that every `with` and `finally` ends what it started."""

    def stop(number, _):
        raise SystemExit(128 + number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, stop)
