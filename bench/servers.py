"""The servers that script/bench measures: Anser and, to compare, ejabberd and Prosody as Debian packages them.

Each runs as a plain process under the bench's own folder, on loopback ports of its own, with a generated configuration
of the same meaning: PLAIN without TLS allowed, registration open, no rate limits, archive off or on. A server started
here ends with this program, however that ends.
"""

import ctypes
import hashlib
import hmac
import os
import shutil
import signal
import socket
import subprocess
import time
import tomllib
from pathlib import Path

PASSWORD = "secret"
START_SECONDS = 60
STOP_SECONDS = 60
PREPARE_SECONDS = 1200
FEWEST_ITERATIONS = 4096  # RFC 5802, section 5.1
PR_SET_PDEATHSIG = 1


class BenchError(Exception):
    """A line cannot be measured; the sentence says why."""


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def end_with_parent():
    """In the child: the kernel ends it when this program ends, even by SIGKILL."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def make_certificate(folder):
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost", "-keyout", key, "-out", certificate],
        check=True, capture_output=True, timeout=60)
    return certificate, key


def run_tool(command, folder, environment=None, given=""):
    """A program that prepares data and ends."""
    with open(folder / "output.log", "ab") as log:
        done = subprocess.run([str(part) for part in command], cwd=folder, input=given.encode(), stdout=log, stderr=log,
                              env={**os.environ, **(environment or {})}, timeout=PREPARE_SECONDS)
    if done.returncode:
        raise BenchError(f"{command[0]} ended with {done.returncode}:\n{tail_of(folder / 'output.log')}")


def tail_of(log):
    return log.read_text(errors="replace")[-1000:]


class Process:
    """A child in its own process group: started, waited for, ended."""

    def __init__(self, command, folder, environment=None):
        self.log = folder / "output.log"
        with open(self.log, "ab") as log:
            self.child = subprocess.Popen(
                [str(part) for part in command], cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                env={**os.environ, **(environment or {})}, start_new_session=True, preexec_fn=end_with_parent)

    @property
    def pid(self):
        return self.child.pid

    def wait_for_port(self, port):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if self.child.poll() is not None:
                break
            with socket.socket() as probe:
                probe.settimeout(1)
                if probe.connect_ex(("127.0.0.1", port)) == 0 and self.child.poll() is None:
                    return
            time.sleep(0.1)
        self.stop()
        raise BenchError(f"{self.child.args[0]} did not open port {port}:\n{tail_of(self.log)}")

    def stop(self):
        for number, patience in ((signal.SIGTERM, STOP_SECONDS), (signal.SIGKILL, STOP_SECONDS)):
            try:
                if number == signal.SIGTERM:
                    os.kill(self.pid, number)
                else:
                    os.killpg(self.pid, number)
                self.child.wait(patience)
            except ProcessLookupError:
                break
            except subprocess.TimeoutExpired:
                continue
        self.child.wait(STOP_SECONDS)


class Server:
    """One kind of server. start() begins with the accounts of prepare(), and nothing else in its data."""

    name = ""
    many_sasl = "plain"  # the cheapest login for thousands of prepared accounts

    def __init__(self, work, profile, load):
        self.folder = work / f"{self.name.lower()}-{profile}"
        self.profile = profile  # relay, durable, sdk, or login (passwords kept as the package does)
        self.load = load
        self.port = free_port()
        self.process = None
        self.prepared = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def data(self):
        return self.folder / "data"

    def start(self, template=None):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        if template:
            shutil.copytree(template, self.data)
        else:
            self.data.mkdir()
        self.launch()

    def restart(self):
        self.stop()
        self.launch()

    def launch(self):
        self.process = self.spawn()
        self.process.wait_for_port(self.port)

    def stop(self):
        if self.process:
            process, self.process = self.process, None
            process.stop()

    def load_port(self):
        """Where the generator finds it."""
        return self.port

    def register(self, prefix, count):
        self.load.run("register", self, prefix=prefix, count=count)

    # What a kind of server must say for itself.
    def spawn(self):
        raise NotImplementedError

    def make_accounts(self, prefix, count):
        """Many accounts in fresh data; the server is stopped afterwards."""
        self.start()
        self.register(prefix, count)
        self.stop()

    def make_contacts(self, prefix, accounts, contacts):
        """Called with the accounts in the data and the server stopped; leaves it stopped."""
        self.launch()
        self.load.run("contacts", self, prefix=prefix, accounts=accounts, contacts=contacts, sasl=self.many_sasl,
                      timeout=PREPARE_SECONDS)
        self.stop()


class Anser(Server):
    name = "Anser"
    many_sasl = "scram"
    program = None  # set by the bench when it knows what was built

    def write_config(self, **changes):
        """bench/relay.toml, durable.toml or sdk.toml, on this server's own port; `changes` are keys of its [auth]."""
        profile = self.profile if self.profile in ("durable", "sdk") else "relay"
        text = (Path(__file__).parent / f"{profile}.toml").read_text()
        written_port = tomllib.loads(text)["xmpp"]["listen"][0]
        text = text.replace(written_port, f"127.0.0.1:{self.port}")
        text = text.replace("[auth]\n", "[auth]\n" + "".join(f"{key} = {value}\n" for key, value in changes.items()))
        config = self.folder / "anser.toml"
        config.write_text(text)
        return ["--config", config, "--data", self.data]

    def spawn(self):
        return Process([self.program, "serve", *self.write_config()], self.folder)

    def make_accounts(self, prefix, count):
        """In one batch, with the least work that SCRAM allows in their keys: thousands of them log in later."""
        shutil.rmtree(self.folder, ignore_errors=True)
        self.data.mkdir(parents=True)
        lines = "".join(f"{prefix}{i} {PASSWORD}\n" for i in range(count))
        options = self.write_config(scram_iterations=FEWEST_ITERATIONS)
        run_tool([self.program, "user", "add", "--batch", *options], self.folder, given=lines)


EJABBERD = """\
hosts: [localhost]
loglevel: warning
certfiles: ["{folder}/bundle.pem"]
listen:
  - port: {port}
    ip: "127.0.0.1"
    module: ejabberd_c2s
    backlog: 4096
    max_stanza_size: 262144
    starttls: true
auth_method: [internal]
auth_password_format: {passwords}
disable_sasl_mechanisms: ["digest-md5", "X-OAUTH2"]
registration_timeout: infinity
shaper_rules:
  max_user_sessions: 10
  max_user_offline_messages: infinity
modules:
  mod_adhoc: {{}}
  mod_blocking: {{}}
  mod_caps: {{}}
  mod_carboncopy: {{}}
  mod_client_state: {{}}
  mod_disco: {{}}
  mod_last: {{}}
{archive}
  mod_offline:
    access_max_user_messages: max_user_offline_messages
  mod_ping: {{}}
  mod_privacy: {{}}
  mod_private: {{}}
  mod_register:
    ip_access: all
  mod_roster:
    versioning: true
  mod_stream_mgmt:
    resend_on_timeout: if_offline
  mod_vcard:
    search: false
  mod_version: {{}}
"""


# Around every change of ejabberd's database: all of it must be there before, and on disk afterwards.
OPENED = "ok = mnesia:start(), ok = mnesia:wait_for_tables(mnesia:system_info(local_tables), 60000),\n"
CLOSED = ",\ndumped = mnesia:dump_log(), stopped = mnesia:stop(), init:stop()."

# Accounts as ejabberd 23.01 keeps them with auth_password_format: plain.
PASSWORDS = """
mnesia:sync_dirty(fun() ->
  [mnesia:write({passwd, {iolist_to_binary(["%(prefix)s", integer_to_list(I)]), <<"localhost">>}, <<"%(password)s">>})
   || I <- lists:seq(0, %(accounts)d - 1)]
end).
"""

# One roster record of ejabberd's (mod_roster.hrl) for each contact of each account.
ROSTERS = """
Host = <<"localhost">>,
Name = fun(I) -> iolist_to_binary(["%(prefix)s", integer_to_list(I)]) end,
Befriend = fun(I, J) ->
  Me = Name(I), Jid = {Name(J), Host, <<>>},
  mnesia:write({roster, {Me, Host, Jid}, {Me, Host}, Jid, <<>>, both, none, [], <<>>, []})
end,
Group = fun(First) ->
  Members = lists:seq(First, min(First + %(group)d, %(accounts)d) - 1),
  mnesia:sync_dirty(fun() -> [Befriend(I, J) || I <- Members, J <- Members, I =/= J] end)
end,
[Group(First) || First <- lists:seq(0, %(accounts)d - 1, %(group)d)].
"""


class Ejabberd(Server):
    name = "ejabberd"

    def spawn(self):
        certificate, key = make_certificate(self.folder)
        (self.folder / "bundle.pem").write_text(certificate.read_text() + key.read_text())
        archive = "  mod_mam:\n    default: always" if self.profile == "durable" else ""
        config = self.folder / "ejabberd.yml"
        config.write_text(EJABBERD.format(
            folder=self.folder, port=self.port, archive=archive,
            passwords="scram" if self.profile == "login" else "plain"))  # plain: cheap to make and to open thousands
        # As ejabberdctl starts it, but without a node name: so there is no epmd and nothing that outlives it.
        return Process(
            ["erl", "-noinput", "+K", "true", "+P", "250000", "-env", "ERL_CRASH_DUMP_BYTES", "0",
             "-mnesia", "dir", f'"{self.data}"', "-s", "ejabberd"],
            self.folder,
            {"ERL_LIBS": "/usr/lib/x86_64-linux-gnu", "ERL_MAX_PORTS": "32000", "HOME": str(self.folder),
             "EJABBERD_CONFIG_PATH": str(config), "EJABBERD_LOG_PATH": str(self.folder / "ejabberd.log"),
             "EJABBERD_PID_PATH": str(self.folder / "ejabberd.pid")})


    def make_accounts(self, prefix, count):
        self.start()
        self.register("first", 1)  # by then all its tables are there
        self.stop()
        self.change_database(PASSWORDS % {"prefix": prefix, "accounts": count, "password": PASSWORD})

    def make_contacts(self, prefix, accounts, contacts):
        """Written into its database: through its door, 50 contacts each take half a minute for every 51 accounts."""
        self.change_database(ROSTERS % {"prefix": prefix, "accounts": accounts, "group": contacts + 1})

    def change_database(self, change):
        program = OPENED + change.strip().removesuffix(".") + CLOSED
        run_tool(["erl", "-noinput", "-mnesia", "dir", f'"{self.data}"', "-eval", program], self.folder,
                 {"HOME": str(self.folder)})


PROSODY = """\
run_as_root = true
pidfile = "{folder}/prosody.pid"
data_path = "{data}"
log = {{ warn = "{folder}/prosody.log" }}
interfaces = {{ "127.0.0.1" }}
c2s_ports = {{ {port} }}
c2s_direct_tls_ports = {{ }}
modules_enabled = {{
  "disco"; "roster"; "saslauth"; "tls"; "blocklist"; "carbons"; "csi_simple"; "pep"; "private"; "smacks"; "vcard4";
  "vcard_legacy"; "ping"; "register"; "time"; "uptime"; "version"; "posix"; {archive}
}}
modules_disabled = {{ "s2s" }}
allow_registration = true
c2s_require_encryption = false
allow_unencrypted_plain_auth = true
authentication = "internal_hashed"
ssl = {{ certificate = "{folder}/certificate.pem"; key = "{folder}/key.pem" }}
VirtualHost "localhost"
"""


class Prosody(Server):
    name = "Prosody"
    many_sasl = "scram"

    def spawn(self):
        make_certificate(self.folder)
        config = self.folder / "prosody.cfg.lua"
        config.write_text(PROSODY.format(folder=self.folder, data=self.data, port=self.port,
                                         archive='"mam";' if self.profile == "durable" else ""))
        return Process(["prosody", "-F", "--config", config], self.folder)

    def make_accounts(self, prefix, count):
        """Written as Prosody would: with one salt for all, so that ten thousand take a second and not five minutes."""
        shutil.rmtree(self.folder, ignore_errors=True)
        accounts = self.data / "localhost" / "accounts"
        accounts.mkdir(parents=True)
        salt, iterations = "9a3e2c44-1f0b-4a52-8f5e-3f6d0c1b7a90", FEWEST_ITERATIONS
        salted = hashlib.pbkdf2_hmac("sha1", PASSWORD.encode(), salt.encode(), iterations)
        stored = hashlib.sha1(hmac.digest(salted, b"Client Key", "sha1")).hexdigest()
        served = hmac.digest(salted, b"Server Key", "sha1").hex()
        text = (f'return {{ ["stored_key"] = "{stored}"; ["server_key"] = "{served}"; ["salt"] = "{salt}"; '
                f'["iteration_count"] = {iterations}; }};\n')
        for i in range(count):
            (accounts / f"{prefix}{i}.dat").write_text(text)

    def make_contacts(self, prefix, accounts, contacts):
        """Prosody writes the whole roster for every change: through its door this would take minutes."""
        rosters = self.data / "localhost" / "roster"
        rosters.mkdir()
        group = contacts + 1
        for i in range(accounts):
            first = i // group * group
            items = "".join(
                f'["{prefix}{other}@localhost"] = {{ ["subscription"] = "both"; ["groups"] = {{ }}; }}; '
                for other in range(first, min(first + group, accounts)) if other != i)
            (rosters / f"{prefix}{i}.dat").write_text(
                f'return {{ [false] = {{ ["version"] = 1; ["pending"] = {{ }}; }}; {items}}};\n')


PEERS = (Ejabberd, Prosody)
