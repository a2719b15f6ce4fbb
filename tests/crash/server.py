"""The server under test as a process on a data folder that outlives it, on a disk that may be worse than the machine's
own (disk.cpp)."""

import asyncio
import os
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path

from support.waits import free_port

DOMAIN = "localhost"
START_SECONDS = 30.0

# Nothing here limits how much may wait: what is full is another test's subject.
_CONFIGURATION = """
[[host]]
name = "{domain}"
[server]
data = "{data}"
[xmpp]
listen = ["127.0.0.1:{port}"]
tls_listen = ["127.0.0.1:{tls_port}"]
tls_required = false
resume_within = "1h"
[http]
listen = []
tls_listen = []
[auth]
plain_without_tls = true
scram_iterations = 4096
failures_per_address = 0
[registration]
mode = "closed"
[offline]
max_messages = 100000
[limits]
connections_per_address = 0
unacked_stanzas = 100000
unacked_bytes = "64MB"
"""


class Died(Exception):
    """It ended, or did not start, though nobody had asked for that."""


class Server:
    def __init__(self, folder: Path, binary: Path, library: Path, disk: str, unsafe: str = ""):
        self.folder, self.port = folder, free_port()
        self.data, self._shadow, self._full = folder / "data", folder / "shadow", folder / "full"
        self.patience = 3.0 if disk == "slow" else 0.8  # seconds of load after which it has done this and that
        self._binary, self._disk = binary, disk
        self._configuration, self._log = folder / "anser.toml", folder / "server.log"
        self._process: subprocess.Popen | None = None
        self._environment = dict(os.environ)
        if unsafe:
            self._environment["ANSER_UNSAFE"] = unsafe
        if disk != "plain":
            self._environment["LD_PRELOAD"] = str(library)
            self._environment["ANSER_DISK_FOLDER"] = str(self.data)
            sanitizer = os.environ.get("ASAN_OPTIONS", "")
            self._environment["ASAN_OPTIONS"] = f"{sanitizer}:verify_asan_link_order=0".lstrip(":")
        self._environment |= {
            "plain": {},
            "slow": {"ANSER_DISK_SLOW": "50-300"},
            "full": {"ANSER_DISK_FULL": str(self._full)},
            "power": {"ANSER_DISK_SHADOW": str(self._shadow)},
        }[disk]
        self.data.mkdir(mode=0o700)
        self._shadow.mkdir()
        self._configuration.write_text(
            _CONFIGURATION.format(domain=DOMAIN, data=self.data, port=self.port, tls_port=free_port())
        )

    def adds(self, accounts: dict[str, str]) -> None:
        """Names and passwords, while it does not run."""
        subprocess.run(
            [self._binary, "user", "add", "--batch", "--config", self._configuration],
            input="".join(f"{name} {password}\n" for name, password in accounts.items()),
            stdout=subprocess.DEVNULL,
            text=True,
            check=True,
            timeout=60,
        )

    async def starts(self) -> None:
        before = self.log().count(" serves ")
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [self._binary, "serve", "--config", self._configuration],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while self.log().count(" serves ") == before or not self._listens():
            if self._process.poll() is not None:
                raise Died(f"it did not start:\n{self.log_end()}")
            if time.monotonic() > deadline:
                raise Died(f"it did not listen within {START_SECONDS} s:\n{self.log_end()}")
            await asyncio.sleep(0.01)

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def runs(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """kill -9; safe to call from another thread."""
        if self.runs():
            os.killpg(self._process.pid, signal.SIGKILL)

    async def is_dead(self) -> None:
        """Killed, that is; any other end is Died."""
        code = await asyncio.get_running_loop().run_in_executor(None, self._process.wait)
        if code != -signal.SIGKILL:
            raise Died(f"it ended by itself with {code}:\n{self.log_end()}")
        if self._disk == "power":
            shutil.rmtree(self.data)
            (self._shadow / "names").rename(self.data)

    def stop(self) -> int:
        self._process.send_signal(signal.SIGTERM)
        return self._process.wait(START_SECONDS)

    def fills_the_disk(self) -> None:
        self._full.touch()

    def makes_room(self) -> None:
        self._full.unlink(missing_ok=True)

    def log(self) -> str:
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def log_end(self) -> str:
        return "\n".join(self.log().splitlines()[-15:])
