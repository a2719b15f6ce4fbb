"""Logins by SASL2 (XEP-0388) written by hand: what support/sasl2.py would hide."""

import base64
import hashlib
import hmac

from .session import Session
from .wire import Wire, b64
from .xml import BIND2, FAST, SASL, SASL2, STREAM, Node

BINDINGS = {"NONE": None, "ENDP": "tls-server-end-point", "EXPR": "tls-exporter", "UNIQ": "tls-unique"}


def authenticate(mechanism: str, initial: str | bytes | None, more: str = "", agent: str | None = None) -> str:
    said = "" if initial is None else f"<initial-response>{b64(initial)}</initial-response>"
    who = f"<user-agent id='{agent}'><software>Play</software><device>Stage</device></user-agent>" if agent else ""
    return f"<authenticate xmlns='{SASL2}' mechanism='{mechanism}'>{said}{who}{more}</authenticate>"


def plain_of(account) -> str:
    return f"\0{account.local}\0{account.password}"


def hashed(token: str, role: bytes, bound: bytes = b"") -> bytes:
    return hmac.new(token.encode(), role + bound, hashlib.sha256).digest()


def token_of(answer: Node) -> str:
    return answer.child("token", FAST)["token"]


def condition_of(answer: Node) -> str:
    assert (answer.name, answer.ns) == ("failure", SASL2), answer
    (condition,) = [child.name for child in answer.children if child.ns == SASL]
    return condition


BIND_PLAY = f"<bind xmlns='{BIND2}'><tag>Play</tag></bind>"


class Door:
    """Opens streams to the point where a login is due, and logs in by SASL2."""

    def __init__(self, server):
        self.server = server

    async def opens(self, tls: str | None = None, **attributes) -> Session:
        wire = await self.server.wire(type=Session)
        wire.offer = await wire.opened(**attributes)
        await wire.starttls(**({"version": tls} if tls else {}))
        wire.offer = await wire.opened(**attributes)
        return wire

    async def says(self, wire: Wire, mechanism: str, initial, more: str = "", agent=None) -> Node:
        await wire.send(authenticate(mechanism, initial, more, agent))
        answer = await wire.next()
        if answer.name == "success":
            wire.jid = answer.text_of("authorization-identifier")
            wire.after = await wire.next()
            assert (wire.after.name, wire.after.ns) == ("features", STREAM)
        return answer

    async def gets_token(self, account, agent, kind="NONE", tls=None, more="") -> str:
        """By its password; the connection is gone afterwards."""
        wire = await self.opens(tls)
        asks = f"<request-token xmlns='{FAST}' mechanism='HT-SHA-256-{kind}'/>{more}"
        answer = await self.says(wire, "PLAIN", plain_of(account), asks, agent)
        assert answer.name == "success", answer
        wire.hang_up()
        return token_of(answer)

    async def shows_token(self, account, token, agent, kind="NONE", tls=None, fast="", more=BIND_PLAY):
        wire = await self.opens(tls, **{"from": account.jid})
        bound = wire.tls.binding(BINDINGS[kind]) if BINDINGS[kind] else b""
        proof = account.local.encode() + b"\0" + hashed(token, b"Initiator", bound)
        answer = await self.says(wire, f"HT-SHA-256-{kind}", proof, f"<fast xmlns='{FAST}'{fast}/>{more}", agent)
        if answer.name == "success":
            said = base64.b64decode(answer.text_of("additional-data"))
            assert said == hashed(token, b"Responder", bound)
        return wire, answer
