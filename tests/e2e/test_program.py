"""The program itself: its commands, its signals, what it says when it cannot start. Only Anser has these."""

import json
import re
import signal
import stat
import subprocess
from dataclasses import replace

import pytest

from support.config import Host
from support.servers import Anser
from support.session import Account
from support.waits import free_port, listens, patient, until, wait_until

pytestmark = pytest.mark.anser_only("these are its own commands")


def _run(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess:
    return subprocess.run([Anser.binary(), *arguments], input=stdin, capture_output=True, text=True, timeout=patient(30))


async def _can_log_in(stage, account: Account, password: str | None = None) -> bool:
    wire = await stage.wire(domain=account.domain)
    await wire.opened()
    return (await wire.plain(account.local, password or account.password)).name == "success"


# Orderly ends and new beginnings


async def test_sigterm_says_system_shutdown_and_ends_with_success(start):
    server = await start()
    romeo, stranger = await server.session("romeo"), await server.wire()
    await stranger.opened()

    server.house.process.send_signal(signal.SIGTERM)

    await romeo.fails("system-shutdown")
    await stranger.fails("system-shutdown")
    assert await server.house.ended() == 0


async def test_sigint_is_as_good(start):
    server = await start()
    romeo = await server.session("romeo")

    server.house.process.send_signal(signal.SIGINT)

    await romeo.fails("system-shutdown")
    assert await server.house.ended() == 0


async def test_an_orderly_stop_loses_nothing(start):
    server = await start(limits={"offline_messages": 1000})
    juliet, romeo = await server.account("juliet"), await server.session("romeo")
    for number in range(200):
        await romeo.message(juliet, str(number))
    await romeo.settled()

    assert server.house.stop() == 0
    server.house.start()

    session = await server.session(juliet)
    assert [(await session.hears()).text_of("body") for _ in range(200)] == [str(n) for n in range(200)]


async def test_sighup_takes_up_a_new_certificate_and_drops_nobody(start, authority):
    server = await start()
    romeo = await server.session("romeo")
    before = await server.wire(tls_port=True)
    await before.encrypt(verify=authority.path)
    renewed = authority.for_host("localhost", "127.0.0.1")
    server.house.settings.hosts[0] = replace(server.house.settings.hosts[0], certificate=renewed)

    server.house.reload()

    async def another_is_shown() -> bool:
        wire = await server.wire(tls_port=True)
        await wire.encrypt(verify=authority.path)
        wire.hang_up()
        return wire.tls.peer.serial_number != before.tls.peer.serial_number

    await until(another_is_shown, "another certificate")  # the signal has no answer
    await romeo.settled()


async def test_sighup_takes_up_a_changed_configuration(start):
    server = await start(registration="open")
    romeo = await server.session("romeo")
    server.house.settings.registration = "closed"

    server.house.reload()

    async def it_is_not_offered() -> bool:
        wire = await server.wire()
        offered = (await wire.opened()).has("register")
        wire.hang_up()
        return not offered

    await until(it_is_not_offered, "an end of registration")
    await romeo.settled()


async def test_a_broken_configuration_at_sighup_changes_nothing(start):
    server = await start()
    romeo = await server.session("romeo")

    server.house.config_path.write_text("this is not toml [")
    server.house.process.send_signal(signal.SIGHUP)

    await server.house.one_line("the configuration stays as it is")
    await romeo.settled()
    await server.account("juliet")
    assert server.house.process.poll() is None


# Starting


def test_a_server_without_configuration_starts_on_localhost(folder):
    data = folder / "bare"
    result = _run("config", "print", "--data", str(data))

    assert result.returncode == 0
    assert "localhost" in result.stdout


async def test_the_first_start_makes_a_certificate_and_says_so(start):
    server = await start(hosts=[Host("localhost")])
    wire = await server.wire()
    await wire.opened()

    await wire.starttls()

    assert wire.tls.peer.public_key().curve.name == "secp256r1"
    assert re.search(r"certificate", server.house.log(), re.IGNORECASE)
    keys = [path for path in server.house.data.rglob("*") if path.is_file() and b"PRIVATE KEY" in path.read_bytes()]
    assert keys and all(stat.S_IMODE(path.stat().st_mode) & 0o077 == 0 for path in keys)


async def test_the_first_start_makes_databases_and_says_so_once(start):
    server = await start(hosts=[Host("localhost")])
    made = server.house.logged("made the database ")
    assert sorted(line.split()[-1].rpartition("/")[2] for line in made) == ["accounts.db", "archive.db", "files.db", "log.db"]
    assert {path.name for path in server.house.data.glob("*.db")} == {"accounts.db", "archive.db", "files.db", "log.db"}

    server.house.stop()
    server.house.start()

    assert server.house.logged("made the database ") == made


async def test_the_certificate_of_the_first_start_stays(start):
    server = await start(hosts=[Host("localhost")])
    first = await server.wire(tls_port=True)
    await first.encrypt()

    server.house.stop()
    server.house.start()

    second = await server.wire(tls_port=True)
    await second.encrypt()
    assert second.tls.peer.serial_number == first.tls.peer.serial_number


async def test_start_up_says_where_it_listens_and_how_to_begin(start):
    server = await start()

    wait_until(lambda: "user add" in server.house.log(), "it to say how to make an account", 10)  # its last line
    said = server.house.log()

    assert str(server.house.settings.port) in said
    assert str(server.house.settings.tls_port) in said


async def _refuses_to_start(house: Anser) -> str:
    """Starts it with what `house` has now; returns what it said."""
    result = subprocess.run(house.command(), capture_output=True, text=True, timeout=patient(20))
    assert result.returncode == 1, result
    said = (result.stderr + result.stdout).strip()
    assert said and "Traceback" not in said and "terminate called" not in said
    return said


def _unstarted(folder, settings, name: str) -> Anser:
    house = Anser(folder / name, replace(settings, port=free_port(), tls_port=free_port(), http_port=0, https_port=0))
    house.configure()
    return house


async def test_a_taken_port_is_one_clear_sentence(server, folder):
    second = _unstarted(folder, replace(server.house.settings), "taken")
    second.settings.port = server.house.settings.port
    second.configure()

    said = await _refuses_to_start(second)

    assert str(server.house.settings.port) in said


async def test_a_data_folder_that_cannot_be_is_one_clear_sentence(server, folder):
    second = _unstarted(folder, server.house.settings, "no-folder")
    second.data.write_text("I am a file")

    said = await _refuses_to_start(second)

    assert str(second.data) in said


@pytest.mark.parametrize("broken", ["certificate", "key", "missing", "mismatch"])
async def test_a_broken_certificate_is_one_clear_sentence(server, folder, authority, broken):
    second = _unstarted(folder, replace(server.house.settings), f"broken-{broken}")
    certificate = authority.for_host("broken.test")
    other = authority.for_host("other.test")
    path = {"certificate": certificate.path, "missing": certificate.path}.get(broken, certificate.key_path)
    if broken == "mismatch":
        certificate = replace(certificate, key_path=other.key_path)
        path = other.key_path
    elif broken == "missing":
        path.unlink()
    else:
        path.write_text("-----BEGIN NOTHING-----\nAAAA\n-----END NOTHING-----\n")
    second.settings.hosts = [Host("localhost", certificate)]
    second.configure()

    said = await _refuses_to_start(second)

    assert str(path) in said or str(certificate.path) in said


async def test_a_data_folder_serves_one_server_at_a_time(server, folder):
    second = _unstarted(folder, server.house.settings, "shared")
    second.configure()
    command = [str(server.house.data) if word == str(second.data) else word for word in second.command()]
    second.config_path.write_text(second.config_path.read_text().replace(str(second.data), str(server.house.data)))

    result = subprocess.run(command, capture_output=True, text=True, timeout=patient(20))

    assert result.returncode == 1
    assert not listens(second.settings.port)


# Configuration


def test_a_good_configuration_is_found_good(server):
    result = server.house.tool("config", "check")

    assert result.returncode == 0, result


@pytest.mark.parametrize(
    "line, wanted",
    [
        ("[xmpp]\nlissten = []", "listen"),
        ("[compresion]\nenabled = true", "compression"),
        ("[auth]\nanonymus = true", "anonymous"),
    ],
)
def test_an_unknown_key_is_refused_with_its_line_and_the_nearest_name(folder, line, wanted):
    path = folder / "typo.toml"
    path.write_text("# a comment\n\n" + line + "\n")

    result = _run("config", "check", "--config", str(path))

    said = result.stdout + result.stderr
    assert result.returncode == 1
    assert wanted in said
    assert re.search(r"\b[34]\b", said), said


@pytest.mark.parametrize(
    "line",
    [
        "[compression]\nenabled = 'maybe'",
        "[registration]\nmode = 'sometimes'",
        "[xmpp]\nlisten = ['nowhere:at:all:99999999']",
        "x = ",
    ],
)
def test_a_wrong_value_is_refused_with_its_line(folder, line):
    path = folder / "wrong.toml"
    path.write_text("# a comment\n\n" + line + "\n")

    result = _run("config", "check", "--config", str(path))

    assert result.returncode == 1
    assert re.search(r"\b[34]\b", result.stdout + result.stderr)


def test_config_print_tells_each_value_and_where_it_comes_from(server):
    result = server.house.tool("config", "print")

    assert result.returncode == 0
    assert str(server.house.settings.port) in result.stdout
    assert "default" in result.stdout
    assert server.house.config_path.name in result.stdout


def test_a_configuration_that_is_not_there_is_said_not_to_be_there(folder):
    result = _run("serve", "--config", str(folder / "nowhere.toml"), "--data", str(folder / "nowhere"))

    assert result.returncode == 1
    assert "nowhere.toml" in result.stderr + result.stdout


def test_the_version_is_a_version():
    result = _run("version")

    assert result.returncode == 0
    assert re.search(r"\d+\.\d+", result.stdout)


def test_an_unknown_command_is_refused():
    result = _run("sing")

    assert result.returncode != 0
    assert result.stderr + result.stdout


# People


async def test_an_account_made_while_the_server_runs_can_be_used_at_once(server):
    juliet = server.unregistered("juliet")

    made = server.house.tool("user", "add", juliet.jid, "--password-stdin", stdin=juliet.password + "\n")

    assert made.returncode == 0, made
    assert await _can_log_in(server, juliet)


async def test_an_account_can_be_made_while_the_server_is_down(start):
    server = await start()
    juliet = server.unregistered("juliet")
    server.house.stop()

    made = server.house.tool("user", "add", juliet.jid, "--password-stdin", stdin=juliet.password + "\n")
    server.house.start()

    assert made.returncode == 0, made
    assert await _can_log_in(server, juliet)


async def test_an_account_is_not_made_twice(server):
    juliet = await server.account("juliet")

    made = server.house.tool("user", "add", juliet.jid, "--password-stdin", stdin="other\n")

    assert made.returncode == 1
    assert juliet.local in made.stderr + made.stdout
    assert await _can_log_in(server, juliet)


@pytest.mark.parametrize("name", ["a b@localhost", "@localhost", "juliet@unknown.test", "juliet@localhost/x"])
async def test_an_account_that_cannot_be_is_not_made(server, name):
    made = server.house.tool("user", "add", name, "--password-stdin", stdin="secret\n")

    assert made.returncode == 1
    assert made.stderr + made.stdout


async def test_many_accounts_are_made_in_one_go(server):
    people = [server.unregistered("extra") for _ in range(50)]

    made = server.house.tool("user", "add", "--batch", stdin="".join(f"{p.jid} {p.password}\n" for p in people))

    assert made.returncode == 0, made
    assert await _can_log_in(server, people[0])
    assert await _can_log_in(server, people[-1])


async def test_a_password_is_changed_at_once(server):
    juliet = await server.account("juliet")

    changed = server.house.tool("user", "passwd", juliet.jid, "--password-stdin", stdin="new secret\n")

    assert changed.returncode == 0, changed
    assert await _can_log_in(server, juliet, "new secret")
    assert not await _can_log_in(server, juliet)


async def test_a_deleted_account_is_gone_at_once(server):
    juliet = await server.session("juliet")

    deleted = server.house.tool("user", "delete", juliet.bare)

    assert deleted.returncode == 0, deleted
    await juliet.is_cut()
    assert not await _can_log_in(server, juliet.account)


async def test_accounts_are_listed_and_shown(server):
    juliet = await server.account("juliet")

    listed, shown = server.house.tool("user", "list"), server.house.tool("user", "show", juliet.jid)

    assert listed.returncode == shown.returncode == 0
    assert juliet.jid in listed.stdout.split()
    assert juliet.jid in shown.stdout
    assert juliet.password not in listed.stdout + shown.stdout


@pytest.mark.parametrize("command", ["passwd", "delete", "show"])
async def test_who_is_not_there_is_said_not_to_be_there(server, command):
    more = ["--password-stdin"] if command == "passwd" else []

    result = server.house.tool("user", command, "nobody-at-all@localhost", *more, stdin="x\n")

    assert result.returncode == 1
    assert "nobody-at-all" in result.stderr + result.stdout


# Logs


async def test_no_password_and_no_message_is_ever_logged(start):
    server = await start()
    juliet = await server.session(await server.account("juliet", password="Correct-Horse-1"))
    romeo = await server.session("romeo")
    await romeo.message(juliet.bare, "The-Secret-Words")
    wire = await server.wire()
    await wire.opened()
    await wire.plain(juliet.account.local, "Wrong-Battery-2")
    await juliet.set(
        f"<query xmlns='jabber:iq:register'><username>{juliet.account.local}</username>"
        "<password>New-Staple-3</password></query>"
    )
    await juliet.settled()
    await romeo.settled()
    server.house.stop()

    log = server.house.log_path.read_text()
    for secret in ("Correct-Horse-1", "The-Secret-Words", "Wrong-Battery-2", "New-Staple-3"):
        assert secret not in log


async def test_logs_can_be_json(start):
    server = await start(log_format="json")
    await server.session("romeo")
    server.house.stop()

    lines = [line for line in server.house.log_path.read_text().splitlines() if line.startswith("{")]

    assert len(lines) >= 2
    assert all(isinstance(json.loads(line), dict) for line in lines)


async def test_a_failed_login_is_one_line_that_an_operator_can_find(start):
    server = await start()
    juliet = await server.account("juliet")
    wire = await server.wire()
    await wire.opened()

    await wire.plain(juliet.local, "wrong")

    assert juliet.local in await server.house.one_line("failed")
