"""Upgrade tasks (XEP-0480) byte for byte: keys of more hashes for accounts from before those hashes."""

import base64
import hashlib
import sqlite3

import pytest

from support.door import BIND_PLAY, Door, authenticate, condition_of, plain_of
from support.scram import ScramClient
from support.wire import b64
from support.xml import BIND2, SASL2, SCRAM_UPGRADE, UPGRADE, Node

pytestmark = pytest.mark.anser_only("what is asked here, Debian's ejabberd and Prosody do not speak")

OF_SASL2 = f"xmlns='{SASL2}'"


def forget_keys(server, account, *hashes: int) -> None:
    """As an account from before those hashes has it; the server must not run."""
    with sqlite3.connect(server.house.folder / "data" / "accounts.db") as database:
        for hash_number in hashes:
            gone = database.execute(
                "DELETE FROM account_key WHERE hash=? AND account=(SELECT id FROM account WHERE address=?)",
                (hash_number, account.jid),
            )
            assert gone.rowcount == 1
    database.close()


SHA1, SHA256, SHA512 = range(3)


def wishes(*names: str) -> str:
    return "".join(f"<upgrade xmlns='{UPGRADE}'>UPGR-SCRAM-{name}</upgrade>" for name in names)


def salted(hash_name: str, password: str, answer: Node) -> str:
    salt = answer.child("salt", SCRAM_UPGRADE)
    assert int(salt["iterations"]) >= 4096
    return b64(hashlib.pbkdf2_hmac(hash_name, password.encode(), base64.b64decode(salt.text), int(salt["iterations"])))


async def old_account(start):
    """An account with SHA-1 keys alone."""
    server = await start()
    account = await server.account("romeo")
    server.house.stop()
    forget_keys(server, account, SHA256, SHA512)
    server.house.start()
    return server, account


async def test_missing_keys_are_added_task_by_task(start):
    server, account = await old_account(start)
    door = Door(server)
    assert (await (await door.opens()).scram("SHA-256", account.local, account.password)).name == "failure"
    wire, client = await door.opens(), ScramClient("SHA-1", account.local, account.password)

    challenge = await door.says(wire, "SCRAM-SHA-1", client.first(), wishes("SHA-512", "SHA-256") + BIND_PLAY)
    await wire.send(f"<response xmlns='{SASL2}'>{b64(client.final(base64.b64decode(challenge.text)))}</response>")
    for name, hash_name, first in (("SHA-512", "sha512", True), ("SHA-256", "sha256", False)):
        answer = await wire.next()
        assert answer.name == "continue"
        assert [task.text for task in answer.child("tasks").children] == [f"UPGR-SCRAM-{name}"]
        assert answer.has("additional-data") == first
        if first:
            client.verify(base64.b64decode(answer.text_of("additional-data")))
        await wire.send(f"<next xmlns='{SASL2}' task='UPGR-SCRAM-{name}'/>")
        hashed_password = salted(hash_name, account.password, await wire.next())
        await wire.send(
            f"<task-data xmlns='{SASL2}'><hash xmlns='{SCRAM_UPGRADE}'>{hashed_password}</hash></task-data>"
        )
    success = await wire.next()

    assert success.name == "success" and success.has("bound", BIND2) and not success.has("additional-data")
    for name in ("SHA-1", "SHA-256", "SHA-512"):
        assert (await (await door.opens()).scram(name, account.local, account.password)).name == "success"


async def test_keys_that_are_there_need_no_task(server, door):
    wire = await door.opens()

    answer = await door.says(wire, "PLAIN", plain_of(await server.account("romeo")), wishes("SHA-256", "SHA-512"))

    assert answer.name == "success"


async def test_a_token_cannot_become_a_password(start, agent):
    server, account = await old_account(start)
    door = Door(server)
    token = await door.gets_token(account, agent)

    _, answer = await door.shows_token(account, token, agent, more=wishes("SHA-256"))

    assert answer.name == "success"
    assert (await (await door.opens()).scram("SHA-256", account.local, account.password)).name == "failure"


@pytest.mark.parametrize(
    "said, ends",
    [
        (f"<next {OF_SASL2} task='UPGR-SCRAM-SHA-512'/>", "malformed-request"),
        (f"<abort {OF_SASL2}/>", "aborted"),
        (f"<response {OF_SASL2}>AAAA</response>", None),
        (authenticate("PLAIN", "\0romeo\0secret"), None),
        (f"<task-data {OF_SASL2}><hash xmlns='{SCRAM_UPGRADE}'>AAAA</hash></task-data>", None),
        ("<presence/>", None),
    ],
)
async def test_a_task_that_goes_wrong_is_no_login(start, said, ends):
    server, account = await old_account(start)
    wire = await Door(server).opens()
    answer = await Door(server).says(wire, "PLAIN", plain_of(account), wishes("SHA-256"))
    assert answer.name == "continue"

    await wire.send(said)

    if ends is None:
        await wire.fails("policy-violation")
        return
    assert condition_of(await wire.next()) == ends
    await wire.send("<presence/>")
    await wire.fails("not-authorized")


@pytest.mark.parametrize("said", ["", "AAAA", "no base64"])
async def test_a_hash_of_another_size_is_refused(start, said):
    server, account = await old_account(start)
    wire = await Door(server).opens()
    await Door(server).says(wire, "PLAIN", plain_of(account), wishes("SHA-256"))
    await wire.send(f"<next {OF_SASL2} task='UPGR-SCRAM-SHA-256'/>")
    await wire.next()

    await wire.send(f"<task-data {OF_SASL2}><hash xmlns='{SCRAM_UPGRADE}'>{said}</hash></task-data>")

    assert condition_of(await wire.next()) == "malformed-request"
