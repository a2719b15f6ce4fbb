"""People with @xmpp/client on Node.js: login by SCRAM under TLS in SASL2 with Bind 2, roster, presence, a message, a
goodbye; then a login with a token, and a session resumed with one."""

import re
import uuid

import pytest

from support.node import play
from support.waits import PATIENCE

# The library derives a key with two calls of another thread for each iteration: where many want to run, that takes its
# time. So there are no more than RFC 5802 asks for, and more patience.
ITERATIONS = {"scram_iterations": 4096}
NODE_PATIENCE = 5 * PATIENCE


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

    told = await play("scene.js", stage)

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

    told = await play("token.js", stage)

    assert told["mechanisms"] == ["SCRAM-SHA-1", "HT-SHA-256-NONE", "HT-SHA-256-NONE"]
    assert told["addresses"][0] == told["addresses"][1]  # the same installation, the same resource
    assert told["resumed"] is True
