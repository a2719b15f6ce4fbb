"""Two people with @xmpp/client on Node.js: login by SCRAM under TLS, roster, presence, a message, a goodbye."""

import asyncio
import fcntl
import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from support.people import Person
from support.waits import PATIENCE, within

NODE = Path(__file__).parent / "node"
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


@pytest.mark.parametrize("service", ["xmpp", "xmpps"])
async def test_node_people_meet(server, packages, service):
    romeo, juliet = await server.account("romeo"), await server.account("juliet")
    settings = server.house.settings
    stage = {
        "service": f"{service}://127.0.0.1:{settings.port if service == 'xmpp' else settings.tls_port}",
        "domain": server.domain,
        "romeo": {"username": romeo.local, "password": romeo.password, "resource": "orchard"},
        "juliet": {"username": juliet.local, "password": juliet.password, "resource": "balcony"},
        "patience": PATIENCE,
        "words": "O <Romeo> & 羅密歐",
    }

    play = await asyncio.create_subprocess_exec(
        TOOLS / "node",
        "scene.js",
        cwd=NODE,
        env=_environment(NODE_EXTRA_CA_CERTS=str(Person.authority)),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        out, err = await within(play.communicate(json.dumps(stage).encode()), "the end of the scene", 5 * PATIENCE)
    finally:
        if play.returncode is None:
            play.kill()

    assert play.returncode == 0, err.decode()
    assert json.loads(out) == {
        "addresses": [f"{romeo}/orchard", f"{juliet}/balcony"],
        "roster": 0,
        "seen": f"{juliet}/balcony",
        "heard": stage["words"],
        "gone": f"{juliet}/balcony",
    }
