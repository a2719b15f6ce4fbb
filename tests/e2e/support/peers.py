"""Prosody 0.12 and ejabberd 23.01 from Debian, to check the tests themselves: plain processes, no system service."""

import json
import os
import shutil
from pathlib import Path

from .servers import Server
from .waits import listens

_PROSODY_MODULES = """
  "roster", "saslauth", "tls", "disco", "offline", "c2s", "private", "vcard_legacy", "pep", "version", "time", "ping",
  "register", "register_ibr", "blocklist", "lastactivity", "admin_shell", "smacks", "mam", "carbons", "csi",
  "csi_simple", "websocket"
"""
_PROSODY_OLD_LOGIN = ', "legacyauth"'


class Prosody(Server):
    kind = "prosody"
    start_seconds = 20

    def _answers_or_died(self) -> bool:
        port = self.settings.http_port
        return super()._answers_or_died() and (self.process.poll() is not None or not port or listens(port))

    def configure(self) -> None:
        s = self.settings
        data = self.folder / "data"
        data.mkdir(exist_ok=True)
        limits = s.limits
        lines = [
            "run_as_root = true",
            f'data_path = "{data}"',
            f'pidfile = "{self.folder}/prosody.pid"',
            f'log = {{ debug = "{self.log_path}" }}',
            'interfaces = { "127.0.0.1" }',
            f"c2s_ports = {{ {s.port} }}",
            f"c2s_direct_tls_ports = {{ {s.tls_port} }}",
            "s2s_ports = {}",
            f"http_ports = {{ {s.http_port} }}",
            f"https_ports = {{ {s.https_port or ''} }}",
            'http_default_host = "localhost"',
            f"modules_enabled = {{ {_PROSODY_MODULES} {_PROSODY_OLD_LOGIN if s.iq_auth else ''} }}",
            'modules_disabled = { "s2s" }',
            f"allow_registration = {'true' if s.registration != 'closed' else 'false'}",
            "min_seconds_between_registrations = 0",
            "c2s_require_encryption = false",
            f"allow_unencrypted_plain_auth = {'true' if s.plain_without_tls else 'false'}",
            f'authentication = "{"anonymous" if s.anonymous else "internal_hashed"}"',
            'tls_profile = "intermediate"',
            f"c2s_timeout = {limits.get('login_seconds', 300)}",
        ]
        if s.resume_seconds is not None:
            lines.append(f"smacks_hibernation_time = {s.resume_seconds}")
        if s.queue_stanzas is not None:
            lines.append(f"smacks_max_queue_size = {s.queue_stanzas}")
        first = s.hosts[0].certificate
        if first:  # direct TLS starts before there is a host
            lines.append(f'ssl = {{ certificate = "{first.path}"; key = "{first.key_path}"; }}')
        if "stanza_bytes" in limits:
            lines.append(f"c2s_stanza_size_limit = {limits['stanza_bytes']}")
        for host in s.hosts:
            lines.append(f'VirtualHost "{host.name}"')
            if host.certificate:
                lines.append(
                    f'ssl = {{ certificate = "{host.certificate.path}"; key = "{host.certificate.key_path}"; }}'
                )
        if s.https_port:
            lines += [
                'Component "upload.localhost" "http_file_share"',
                'http_host = "localhost"',
                f'http_external_url = "https://localhost:{s.https_port}/"',
                "http_file_share_size_limit = 10 * 1024 * 1024",
            ]
        (self.folder / "prosody.cfg.lua").write_text("\n".join(lines) + "\n")

    def command(self) -> list[str]:
        return [shutil.which("prosody") or "/usr/bin/prosody", "-F", "--config", str(self.folder / "prosody.cfg.lua")]


class Ejabberd(Server):
    kind = "ejabberd"
    start_seconds = 60
    stop_seconds = 30

    def configure(self) -> None:
        s = self.settings
        certificates = []
        for host in s.hosts:
            if host.certificate:
                together = self.folder / f"{host.name}.pem"
                together.write_text(host.certificate.path.read_text() + host.certificate.key_path.read_text())
                certificates.append(str(together))
        listener = {
            "ip": "127.0.0.1",
            "module": "ejabberd_c2s",
            "max_stanza_size": s.limits.get("stanza_bytes", 262144),
            "access": "all",
            "zlib": s.compression,
        }
        if s.client_authority:
            listener |= {"tls_verify": True, "cafile": str(s.client_authority)}
        uploads = {
            "port": s.https_port,
            "ip": "127.0.0.1",
            "module": "ejabberd_http",
            "tls": True,
            "request_handlers": {"/upload": "mod_http_upload"},
        }
        http_upload = {
            "docroot": str(self.folder / "uploads"),
            "put_url": f"https://localhost:{s.https_port}/upload",
            "max_size": 10 * 1024 * 1024,
            "access": "everybody",
        }
        config = {
            "loglevel": os.environ.get("E2E_PEER_LOG", "info"),
            "hosts": [host.name for host in s.hosts],
            "certfiles": certificates,
            "listen": [
                listener | {"port": s.port, "starttls": True},
                listener | {"port": s.tls_port, "tls": True},
                {
                    "ip": "127.0.0.1",
                    "port": s.http_port,
                    "module": "ejabberd_http",
                    "request_handlers": {"/xmpp-websocket": "ejabberd_http_ws"},
                },
            ]
            + ([uploads] if s.https_port else []),
            "auth_method": ["anonymous"] if s.anonymous else ["internal"],
            "auth_password_format": "plain",
            "anonymous_protocol": "sasl_anon",
            "disable_sasl_mechanisms": ["digest-md5", "X-OAUTH2"],
            "registration_timeout": "infinity",
            "negotiation_timeout": s.limits.get("login_seconds", 120),
            "max_fsm_queue": 10000,
            "acl": {"local": {"user_regexp": ""}},
            "access_rules": {"everybody": {"allow": "all"}, "nobody": {"deny": "all"}},
            "shaper_rules": {"max_user_sessions": 100, "offline": s.limits.get("offline_messages", 100)},
            "modules": {
                "mod_register": {
                    "access": "nobody" if s.registration == "closed" else "everybody",
                    "ip_access": "all",
                    "password_strength": 0,
                    "allow_modules": "all",
                },
                "mod_blocking": {},
                "mod_caps": {},
                "mod_carboncopy": {},
                "mod_client_state": {},
                "mod_disco": {},
                "mod_last": {},
                "mod_mam": {"default": "always", "db_type": "sql" if s.long_archive else "mnesia"},
                "mod_offline": {"access_max_user_messages": "offline"},
                "mod_ping": {},
                "mod_privacy": {},
                "mod_private": {},
                "mod_roster": {"versioning": True},
                "mod_stream_mgmt": {
                    "resume_timeout": 300 if s.resume_seconds is None else s.resume_seconds,
                    "max_ack_queue": 5000 if s.queue_stanzas is None else s.queue_stanzas,
                    "resend_on_timeout": True,
                },
                "mod_time": {},
                "mod_vcard": {},
                "mod_version": {},
            }
            | ({"mod_legacy_auth": {}} if s.iq_auth else {})
            | ({"mod_http_upload": http_upload} if s.https_port else {}),
        }
        if s.long_archive:
            # Mnesia keeps an account's archive as one bag and reads all of it for each message more: at some thousand
            # messages that is all that ejabberd does.
            config |= {"sql_type": "sqlite", "sql_database": str(self.folder / "archive.db")}
        (self.folder / "ejabberd.yml").write_text(json.dumps(config, indent=1))  # JSON is YAML

    def environment(self) -> dict[str, str]:
        return dict(
            os.environ,
            EJABBERD_CONFIG_PATH=str(self.folder / "ejabberd.yml"),
            EJABBERD_LOG_PATH=str(self.folder / "ejabberd.log"),
            EJABBERD_PID_PATH=str(self.folder / "ejabberd.pid"),
            HOME=str(self.folder),
            ERL_CRASH_DUMP=os.devnull,
        )

    def command(self) -> list[str]:
        # Names are off, so no epmd is left behind.
        libraries = sorted(Path("/usr/lib/x86_64-linux-gnu").glob("ejabberd-*/ebin"))
        spool = self.folder / "spool"
        return (
            ["erl", "+S", "1", "-noinput", "-start_epmd", "false", "-mnesia", "dir", f'"{spool}"']
            + [word for library in libraries for word in ("-pa", str(library))]
            + ["-s", "ejabberd"]
        )


PEERS = {"prosody": Prosody, "ejabberd": Ejabberd}
