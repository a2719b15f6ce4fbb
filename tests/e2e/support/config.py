"""What a test may ask of a server, and how to say it in Anser's TOML: the only place that knows the keys."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from .certs import Certificate


@dataclass
class Host:
    name: str
    certificate: Certificate | None = None
    aliases: tuple[str, ...] = ()


@dataclass
class Settings:
    hosts: list[Host]
    port: int
    tls_port: int
    http_port: int = 0
    https_port: int = 0
    client_authority: Path | None = None
    registration: str = "open"
    registrations_per_address: int | None = None
    compression: bool = True
    plain_without_tls: bool = True
    anonymous: bool = False
    iq_auth: bool = False
    resume_seconds: int | None = None  # how long a session waits for its client to come back
    queue_stanzas: int | None = None  # how many unacknowledged stanzas are kept for it
    long_archive: bool = False  # thousands of messages in one: ejabberd needs SQLite for it
    limits: dict[str, int] = field(default_factory=dict)
    push_details: bool = False
    log_format: str = "text"
    log_level: str = "debug"
    origins: tuple[str, ...] = ()  # pages of other servers that may open a WebSocket
    token_keys: dict[str, Path] = field(default_factory=dict)  # by algorithm, of JSON web tokens
    token_claim: str = "sub"  # the claim that names the account
    uploads: dict[str, object] = field(default_factory=dict)  # keys of [uploads], as docs/configuration.md has them

    # Names of `limits`, in bytes, seconds and pieces:
    #   stanza_bytes, stanza_bytes_before_login, unfinished_bytes, depth, login_seconds, stanza_seconds, write_seconds,
    #   retries, held_back_stanzas, token_seconds, tokens_per_account, offline_messages, login_attempts,
    #   scram_iterations, failures_per_address, failures_per_account; of the HTTP doors: header_bytes, header_seconds, http_silent_seconds,
    #   websocket_bytes, websocket_ping_seconds, websocket_silent_seconds


# The table and the key behind each name, and how its value is written.
_LIMIT_KEYS = {
    "stanza_bytes": ("limits", "stanza_bytes", "{}"),
    "stanza_bytes_before_login": ("limits", "stanza_bytes_before_login", "{}"),
    "unfinished_bytes": ("limits", "unfinished_bytes", "{}"),
    "depth": ("limits", "depth", "{}"),
    "login_seconds": ("xmpp", "login_timeout", '"{}s"'),
    "stanza_seconds": ("xmpp", "stanza_timeout", '"{}s"'),
    "write_seconds": ("xmpp", "write_timeout", '"{}s"'),
    "retries": ("limits", "retries", "{}"),
    "held_back_stanzas": ("limits", "held_back_stanzas", "{}"),
    "push_services": ("push", "services", "{}"),
    "offline_messages": ("offline", "max_messages", "{}"),
    "login_attempts": ("auth", "attempts_per_stream", "{}"),
    "scram_iterations": ("auth", "scram_iterations", "{}"),
    "token_seconds": ("auth", "token_lifetime", '"{}s"'),
    "tokens_per_account": ("auth", "tokens_per_account", "{}"),
    "failures_per_address": ("auth", "failures_per_address", "{}"),
    "failures_per_account": ("auth", "failures_per_account", "{}"),
    "header_bytes": ("http", "header_bytes", "{}"),
    "header_seconds": ("http", "header_timeout", '"{}s"'),
    "http_silent_seconds": ("http", "silent_limit", '"{}s"'),
    "websocket_bytes": ("websocket", "message_bytes", "{}"),
    "websocket_ping_seconds": ("websocket", "ping_after", '"{}s"'),
    "websocket_silent_seconds": ("websocket", "silent_limit", '"{}s"'),
}


def anser_toml(settings: Settings, data: Path) -> str:
    tables: dict[str, list[str]] = {
        "server": [f'data = "{data}"'],
        "xmpp": [
            f'listen = ["127.0.0.1:{settings.port}"]',
            f'tls_listen = ["127.0.0.1:{settings.tls_port}"]',
            f"tls_required = {_bool(not settings.plain_without_tls)}",
        ],
        "http": [
            f'listen = ["127.0.0.1:{settings.http_port}"]',
            f'tls_listen = ["127.0.0.1:{settings.https_port}"]',
        ],
        "auth": [
            f"plain_without_tls = {_bool(settings.plain_without_tls)}",
            f"anonymous = {_bool(settings.anonymous)}",
            f"iq_auth = {_bool(settings.iq_auth)}",
        ],
        # Tests make many accounts from one address; only the tests of the limit want one (0 is none).
        "registration": [
            f'mode = "{settings.registration}"',
            f"per_address_per_hour = {settings.registrations_per_address or 0}",
        ],
        "compression": [f"enabled = {_bool(settings.compression)}"],
        "push": [f"sender = {_bool(settings.push_details)}", f"body = {_bool(settings.push_details)}"],
        "limits": ["connections_per_address = 0"],
        "log": [f'level = "{settings.log_level}"', f'format = "{settings.log_format}"'],
    }
    if settings.resume_seconds is not None:
        tables["xmpp"].append(f'resume_within = "{settings.resume_seconds}s"')
    if settings.queue_stanzas is not None:
        tables["limits"].append(f"unacked_stanzas = {settings.queue_stanzas}")
    if settings.origins:
        tables["websocket"] = ["origins = [" + ", ".join(f'"{origin}"' for origin in settings.origins) + "]"]
    if settings.uploads:
        tables["uploads"] = [f"{key} = {_value(value)}" for key, value in settings.uploads.items()]
    if settings.token_keys:
        tables["tokens"] = [f'claim = "{settings.token_claim}"']
    if settings.client_authority:
        tables["xmpp"].append(f'client_ca = "{settings.client_authority}"')
    # All tests share an address and many fail to log in on purpose.
    for name, value in {"failures_per_address": 0, **settings.limits}.items():
        table, key, form = _LIMIT_KEYS[name]
        tables.setdefault(table, []).append(f"{key} = {form.format(value)}")

    lines = []
    for host in settings.hosts:
        lines += ["[[host]]", f'name = "{host.name}"']
        if host.aliases:
            lines.append("aliases = [" + ", ".join(f'"{alias}"' for alias in host.aliases) + "]")
        if host.certificate:
            lines += [f'certificate = "{host.certificate.path}"', f'key = "{host.certificate.key_path}"']
        lines.append("")
    for algorithm, file in settings.token_keys.items():
        lines += ["[[token_key]]", f'algorithm = "{algorithm}"', f'file = "{file}"', ""]
    for table, entries in tables.items():
        lines += [f"[{table}]", *entries, ""]
    return "\n".join(lines)


def _value(value) -> str:
    """Of TOML; its strings and lists are JSON's."""
    return _bool(value) if isinstance(value, bool) else json.dumps(value)


def _bool(value: bool) -> str:
    return "true" if value else "false"
