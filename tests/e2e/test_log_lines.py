"""Each attack leaves one line in the log, at the level that is the default, and the line says what it was."""

import pytest

from support.session import Session
from support.stage import Stage
from support.waits import patient
from support.wire import header
from support.xml import COMPRESS, TLS

pytestmark = pytest.mark.anser_only("reads its log")

LIMITS = {
    "stanza_bytes": 65_536,
    "stanza_bytes_before_login": 16_384,
    "depth": 64,
    "login_seconds": round(patient(5)),
    "stanza_seconds": round(patient(2)),
}

STANZAS = {
    "malformed": ("<message><body></message>", "not-well-formed"),
    "a document type": ("<!DOCTYPE a [<!ENTITY b 'c'>]>", "restricted-xml"),
    "oversized": (f"<message><body>{'x' * 100_000}</body></message>", "policy-violation"),
    "deep": ("<message>" + "<a>" * 100, "policy-violation"),
    "never-ending": ("<message " + " ".join(f"a{n}='1'" for n in range(20_000)), "policy-violation"),
    "not UTF-8": (b"<message><body>\xff\xfe</body></message>", "unsupported-encoding"),
    "slow": ("<message><body>", "connection-timeout"),
}


@pytest.fixture
async def narrow(new_server, server_log):
    house = new_server(limits=LIMITS, log_level="info")
    server_log.append(house)
    stage = Stage(house)
    yield stage
    await stage.close()
    house.kill()


@pytest.mark.parametrize("what", STANZAS)
async def test_bad_xml_after_login_is_one_line(narrow, what):
    said, condition = STANZAS[what]
    tybalt = await narrow.session("tybalt")

    tybalt.post(said)
    await tybalt.is_cut()

    assert tybalt.jid in await narrow.house.one_line(condition)


@pytest.mark.parametrize("what", STANZAS)
async def test_bad_xml_before_login_is_one_line(narrow, what):
    said, condition = STANZAS[what]
    wire = await narrow.wire()
    await wire.opened()

    wire.post(said)
    await wire.is_cut()

    assert "127.0.0.1" in await narrow.house.one_line(condition)


async def test_a_forged_sender_is_one_line(narrow):
    tybalt = await narrow.session("tybalt")

    await tybalt.stanza("message", "<body>!</body>", **{"from": f"romeo@{narrow.domain}", "to": tybalt.bare})
    await tybalt.is_cut()

    assert tybalt.jid in await narrow.house.one_line("invalid-from")


async def test_a_zlib_bomb_is_one_line(narrow):
    account, bomb = await narrow.account("tybalt"), _bomb()
    tybalt = await narrow.wire(type=Session)
    await tybalt.authenticate(account)
    await tybalt.send(f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>")
    assert (await tybalt.next()).name == "compressed"
    await tybalt.send_in_the_clear(bomb)
    await tybalt.is_cut()

    assert tybalt.account.local in await narrow.house.one_line("inflates beyond")


def _bomb() -> bytes:
    import zlib

    return zlib.compress(b" " * 50_000_000)


async def test_words_in_the_clear_behind_starttls_are_one_line(narrow):
    wire = await narrow.wire()
    await wire.opened()

    await wire.send(f"<starttls xmlns='{TLS}'/>" + header(narrow.domain))
    await wire.is_cut()

    assert "policy-violation" in await narrow.house.one_line("starttls")


async def test_a_handshake_that_fails_is_one_line(narrow):
    wire = await narrow.wire(tls_port=False)
    await wire.opened()
    await wire.send(f"<starttls xmlns='{TLS}'/>")
    await wire.next()

    await wire.send("this is no client hello" * 10)
    await wire.is_cut()

    assert "127.0.0.1" in await narrow.house.one_line("TLS with ")


async def test_a_flood_before_login_is_one_line(narrow):
    wire = await narrow.wire()
    await wire.opened()

    wire.post("<iq type='get' id='1'><query xmlns='jabber:iq:register'/></iq>" * 5_000)
    await wire.is_cut()

    assert "127.0.0.1" in await narrow.house.one_line("too much was said before the login")
