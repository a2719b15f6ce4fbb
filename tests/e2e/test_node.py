"""Two people with @xmpp/client on Node.js: login by SCRAM under TLS, roster, presence, a message, a goodbye."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from support.people import Person
from support.waits import PATIENCE, within

NODE = Path(__file__).parent / "node"


@pytest.fixture(scope="session")
def packages() -> None:
    """Installs exactly what the lock file says, unless that was done before."""
    if not shutil.which("node") or not shutil.which("npm"):
        pytest.skip("no Node.js here")
    lock = hashlib.sha256((NODE / "package-lock.json").read_bytes()).hexdigest()
    installed = NODE / "node_modules" / ".installed"
    if not installed.exists() or installed.read_text() != lock:
        subprocess.run(["npm", "ci", "--silent"], cwd=NODE, check=True, timeout=300)
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
        "node",
        "scene.js",
        cwd=NODE,
        env=dict(os.environ, NODE_EXTRA_CA_CERTS=str(Person.authority)),
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
