"""People with @xmpp/client on Node.js: login by SCRAM under TLS in SASL2 with Bind 2, roster, presence, a message, a
goodbye; then a login with a token, and a session resumed with one."""

import asyncio
import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
import uuid
from pathlib import Path

import pytest

from support.people import Person
from support.waits import PATIENCE, within

NODE = Path(__file__).parent / "node"
# The library derives a key with two calls of another thread for each iteration: where many want to run, that takes its
# time. So there are no more than RFC 5802 asks for, and more patience.
ITERATIONS = {"scram_iterations": 4096}
NODE_PATIENCE = 5 * PATIENCE
# Node.js is pinned beside the Python packages: Debian's is older than @xmpp/client allows.
TOOLS = Path(sys.executable).parent


def _environment(**more: str) -> dict[str, str]:
    return dict(os.environ, PATH=f"{TOOLS}:{os.environ['PATH']}", **more)


@pytest.fixture(scope="session")
def packages() -> None:
    """Installs exactly what the lock file says, unless that was done before."""
    lock = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()
    installed = NODE / "node_modules" / ".installed"
    with (TOOLS.parent / "npm.lock").open("w") as door:  # workers of pytest share the folder
        fcntl.flock(door, fcntl.LOCK_EX)
        if not installed.exists() or installed.read_text() != lock:
            install = [TOOLS / "npm", "ci", "--silent"]
            subprocess.run(install, cwd=NODE, env=_environment(), check=True, timeout=300)
            installed.write_text(lock)


async def _play(scene: str, stage: dict) -> dict:
    """Runs a scene on Node and returns what it tells."""
    play = await asyncio.create_subprocess_exec(
        TOOLS / "node",
        scene,
        cwd=NODE,
        env=_environment(NODE_EXTRA_CA_CERTS=str(Person.authority)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = await within(play.communicate(json.dumps(stage).encode()), "the end of the scene", 120)
    finally:
        if play.returncode is None:
            play.kill()
    assert play.returncode == 0, err.decode()
    return json.loads(out)


def _service(server, kind: str) -> str:
    settings = server.house.settings
    return f"{kind}://127.0.0.1:{settings.port if kind == 'xmpp' else settings.tls_port}"


@pytest.mark.parametrize("service", ["xmpp", "xmpps"])
async def test_node_people_meet(start, packages, service):
    server = await start(limits=ITERATIONS)
    romeo, juliet = await server.account("romeo"), await server.account("juliet")
    stage = {
        "service": _service(server, service),
        "domain": server.domain,
        "romeo": {"username": romeo.local, "password": romeo.password, "resource": "orchard"},
        "juliet": {"username": juliet.local, "password": juliet.password, "resource": "balcony"},
        "patience": NODE_PATIENCE,
        "words": "O <Romeo> & 羅密歐",
    }

    told = await _play("scene.js", stage)

    orchard, balcony = told.pop("addresses")
    # With Bind 2 the wish is the beginning of the resource.
    assert re.fullmatch(re.escape(f"{romeo}/orchard") + r"(/[\w-]+)?", orchard)
    assert re.fullmatch(re.escape(f"{juliet}/balcony") + r"(/[\w-]+)?", balcony)
    assert told == {"roster": 0, "seen": balcony, "heard": stage["words"], "gone": balcony}


@pytest.mark.anser_only("Debian's ejabberd and Prosody have no tokens")
@pytest.mark.parametrize("service", ["xmpp", "xmpps"])
async def test_node_comes_back_with_a_token(start, packages, service):
    server = await start(limits=ITERATIONS)
    romeo = await server.account("romeo")
    stage = {
        "service": _service(server, service),
        "domain": server.domain,
        "username": romeo.local,
        "password": romeo.password,
        "agent": str(uuid.uuid4()),
        "patience": NODE_PATIENCE,
    }

    told = await _play("token.js", stage)

    assert told["mechanisms"] == ["SCRAM-SHA-1", "HT-SHA-256-NONE", "HT-SHA-256-NONE"]
    assert told["addresses"][0] == told["addresses"][1]  # the same installation, the same resource
    assert told["resumed"] is True
