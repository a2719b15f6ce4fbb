"""Servers as plain processes on loopback: Anser, and in peers.py those that our reading is compared with."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path

from .config import Settings, anser_toml
from .waits import listens, patient, wait_until

REPOSITORY = Path(__file__).resolve().parents[3]


class Server:
    """A process with a folder of its own. `kill` is kill -9, `stop` asks politely; then `start` starts it again."""

    kind = ""
    start_seconds = 10
    stop_seconds = 10

    def __init__(self, folder: Path, settings: Settings):
        self.folder, self.settings = folder, settings
        self.log_path = folder / "server.log"
        self.process: subprocess.Popen | None = None
        folder.mkdir(parents=True, exist_ok=True)

    @property
    def domain(self) -> str:
        return self.settings.hosts[0].name

    def command(self) -> list[str]:
        raise NotImplementedError

    def environment(self) -> dict[str, str]:
        return dict(os.environ)

    def configure(self) -> None:
        raise NotImplementedError

    def start(self) -> "Server":
        self.configure()
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(),
                cwd=self.folder,
                env=self.environment(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            wait_until(self._answers_or_died, f"{self.kind} to listen", self.start_seconds)
        except AssertionError:
            self.kill()
            raise
        if self.process.poll() is not None:
            raise AssertionError(f"{self.kind} ended with {self.process.returncode} at start:\n{self.log()}")
        return self

    def _answers_or_died(self) -> bool:
        return self.process.poll() is not None or (listens(self.settings.port) and listens(self.settings.tls_port))

    def kill(self) -> None:
        if self.process and self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code. One that does not go in time is killed and fails the test."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(patient(self.stop_seconds))
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.kind} was still there long after SIGTERM") from None

    async def ended(self) -> int:
        """Waits until it has ended by itself; the exit code."""
        return await asyncio.to_thread(self.process.wait, patient(self.stop_seconds))

    def reload(self) -> None:
        self.configure()
        self.process.send_signal(signal.SIGHUP)

    def memory(self) -> int:
        """Resident bytes."""
        return int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")

    def log(self, lines: int = 60) -> str:
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


class Anser(Server):
    kind = "anser"

    @staticmethod
    def binary() -> str:
        return os.environ.get("ANSER_BIN", str(REPOSITORY / "build/release/bin/anser"))

    @property
    def config_path(self) -> Path:
        return self.folder / "anser.toml"

    @property
    def data(self) -> Path:
        return self.folder / "data"

    def configure(self) -> None:
        self.config_path.write_text(anser_toml(self.settings, self.data))

    def start(self) -> "Anser":
        self._starts = len(self.logged(" serves "))
        return super().start()

    def _answers_or_died(self) -> bool:
        # Its own word too: it listens a moment before it is ready, and a port alone may be somebody else's.
        if self.process.poll() is not None:
            return True
        return super()._answers_or_died() and len(self.logged(" serves ")) > self._starts

    def logged(self, words: str) -> list[str]:
        """The lines of the log with these words."""
        text = self.log_path.read_text(errors="replace") if self.log_path.exists() else ""
        return [line for line in text.splitlines() if words in line]

    async def one_line(self, words: str, seconds: float = 10) -> str:
        """The line with these words, when it has come: the log is written behind what it tells. There may be no other."""
        await asyncio.to_thread(wait_until, lambda: self.logged(words), f"a line with {words!r}", seconds)
        (line,) = self.logged(words)
        return line

    def command(self) -> list[str]:
        return [self.binary(), "serve", "--config", str(self.config_path), "--data", str(self.data)]

    def tool(self, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
        """The same program's other commands, on this server's configuration and data."""
        return subprocess.run(
            [self.binary(), *arguments, "--config", str(self.config_path), "--data", str(self.data)],
            input=stdin,
            capture_output=True,
            text=True,
            timeout=patient(30),
        )
