"""What a test may ask of a server, and how to say it in Anser's TOML: the only place that knows the keys."""

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
    client_authority: Path | None = None
    registration: str = "open"
    registrations_per_address: int | None = None
    compression: bool = True
    plain_without_tls: bool = True
    anonymous: bool = False
    iq_auth: bool = False
    limits: dict[str, int] = field(default_factory=dict)
    log_format: str = "text"

    # Names of `limits`, in bytes, seconds and pieces:
    #   stanza_bytes, stanza_bytes_before_login, depth, login_seconds, stanza_seconds, write_seconds,
    #   offline_messages, login_attempts


_LIMIT_KEYS = {
    "stanza_bytes": "stanza_bytes",
    "stanza_bytes_before_login": "stanza_bytes_before_login",
    "depth": "depth",
    "login_seconds": "login_seconds",
    "stanza_seconds": "stanza_seconds",
    "write_seconds": "write_seconds",
    "offline_messages": "offline_messages",
    "login_attempts": "login_attempts",
}


def anser_toml(settings: Settings, data: Path) -> str:
    lines = ["[server]", f'data = "{data}"', ""]
    for host in settings.hosts:
        lines += ["[[host]]", f'name = "{host.name}"']
        if host.aliases:
            lines.append("aliases = [" + ", ".join(f'"{alias}"' for alias in host.aliases) + "]")
        if host.certificate:
            lines += [f'certificate = "{host.certificate.path}"', f'key = "{host.certificate.key_path}"']
        lines.append("")
    lines += ["[xmpp]", f'listen = ["127.0.0.1:{settings.port}"]', f'tls_listen = ["127.0.0.1:{settings.tls_port}"]', ""]
    lines += [
        "[auth]",
        f"plain_without_tls = {_bool(settings.plain_without_tls)}",
        f"anonymous = {_bool(settings.anonymous)}",
        f"iq_auth = {_bool(settings.iq_auth)}",
    ]
    if settings.client_authority:
        lines.append(f'client_authority = "{settings.client_authority}"')
    lines += ["", "[registration]", f'mode = "{settings.registration}"']
    # Tests make many accounts from one address; only the tests of the limit want one (0 is none).
    lines.append(f"per_address_per_hour = {settings.registrations_per_address or 0}")
    lines += ["", "[compression]", f"enabled = {_bool(settings.compression)}", ""]
    lines.append("[limits]")
    # All tests share an address and many fail to log in on purpose.
    lines.append("login_failures_per_address = 0")
    lines += [f"{_LIMIT_KEYS[name]} = {value}" for name, value in settings.limits.items()]
    lines += ["", "[log]", 'level = "debug"', f'format = "{settings.log_format}"', ""]
    return "\n".join(lines)


def _bool(value: bool) -> str:
    return "true" if value else "false"
