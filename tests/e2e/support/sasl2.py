"""The Extensible SASL Profile (XEP-0388) with what may be asked for on the way: Bind 2, resumption, FAST tokens."""

import base64
import hashlib
import hmac
import uuid
from dataclasses import dataclass

from .managed import Managed, Management
from .scram import ScramClient
from .stage import Stage
from .wire import Wire, b64
from .xml import BIND2, FAST, SASL, SASL2, SM, STREAM, STREAM_ERRORS, Node

NONE, ENDP, EXPR = "HT-SHA-256-NONE", "HT-SHA-256-ENDP", "HT-SHA-256-EXPR"
EVERYTHING = f"<enable xmlns='{SM}' resume='true'/><enable xmlns='urn:xmpp:carbons:2'/>"


def new_agent() -> str:
    return str(uuid.uuid4())


def bind2(inside: str = "", tag: str | None = "AwesomeXMPP") -> str:
    return f"<bind xmlns='{BIND2}'>{f'<tag>{tag}</tag>' if tag is not None else ''}{inside}</bind>"


def request_token(mechanism: str) -> str:
    return f"<request-token xmlns='{FAST}' mechanism='{mechanism}'/>"


@dataclass(frozen=True)
class Token:
    """As it was given to one installation of a client."""

    mechanism: str
    secret: str
    expiry: str


def token_of(success: Node, mechanism: str) -> Token:
    token = success.child("token", FAST)
    assert token is not None, success
    return Token(mechanism, token["token"], token["expiry"])


class Sasl2(Managed):
    """A connection over TLS whose stream is open: `authentication` is the feature that the server offered."""

    enable = ""
    authentication: Node
    offered: Node

    async def opens(self, from_: str | None) -> Node:
        self.offered = await self.opened(**({"from": from_} if from_ else {}))
        self.authentication = self.offered.child("authentication", SASL2)
        return self.offered

    async def authenticates(self, mechanism: str, initial: bytes | None, inside: str = "", agent: str | None = ...):
        """Sends the request; returns what the server says to it."""
        await self.send(self.request(mechanism, initial, inside, agent))
        return await self.answer2()

    def request(self, mechanism: str, initial: bytes | None, inside: str = "", agent: str | None = ...) -> str:
        agent = new_agent() if agent is ... else agent
        return (
            f"<authenticate xmlns='{SASL2}' mechanism='{mechanism}'>"
            + (f"<initial-response>{b64(initial)}</initial-response>" if initial is not None else "")
            + (f"<user-agent id='{agent}'><software>AwesomeXMPP</software></user-agent>" if agent else "")
            + inside
            + "</authenticate>"
        )

    async def answer2(self) -> Node:
        answer = await self.next()
        assert answer.ns == SASL2, answer
        return answer

    async def plain2(self, account, inside: str = "", *, password: str | None = None, agent: str | None = ...) -> Node:
        initial = f"\0{account.local}\0{password or account.password}".encode()
        return self._noted(account, await self.authenticates("PLAIN", initial, inside, agent))

    async def scram2(
        self, account, inside: str = "", *, hash_name="SHA-256", binding=None, password=None, agent: str | None = ...
    ) -> Node:
        """SCRAM to its end; on success the server has proved itself too."""
        data = (binding, self.tls.binding(binding)) if binding else None
        client = ScramClient(hash_name, account.local, password or account.password, binding=data)
        mechanism = f"SCRAM-{hash_name}{'-PLUS' if binding else ''}"
        answer = await self.authenticates(mechanism, client.first(), inside, agent)
        if answer.name != "challenge":
            return answer
        await self.send(f"<response xmlns='{SASL2}'>{b64(client.final(base64.b64decode(answer.text)))}</response>")
        answer = await self.answer2()
        if answer.name == "success":
            client.verify(base64.b64decode(answer.text_of("additional-data")))
        return self._noted(account, answer)

    def hashed(self, local: str, token: Token, mechanism: str | None = None) -> bytes:
        """The message of draft-schmaus-kitten-sasl-ht: who, and what only the owner of the token can say."""
        said = b"Initiator" + self._channel(mechanism or token.mechanism)
        return local.encode() + b"\0" + hmac.new(token.secret.encode(), said, hashlib.sha256).digest()

    def _channel(self, mechanism: str) -> bytes:
        kind = {"ENDP": "tls-server-end-point", "EXPR": "tls-exporter", "UNIQ": "tls-unique"}.get(mechanism[-4:])
        return self.tls.binding(kind) if kind else b""

    async def fast(
        self, account, token: Token, agent: str | None, inside: str = "", *, mechanism=None, said="", initial=None
    ) -> Node:
        """Logs in with a token; on success the server has proved that it knows it too."""
        mechanism = mechanism or token.mechanism
        first = self.hashed(account.local, token, mechanism) if initial is None else initial
        answer = await self.authenticates(mechanism, first, inside + f"<fast xmlns='{FAST}' {said}/>", agent)
        if answer.name == "success":
            proof = base64.b64decode(answer.text_of("additional-data"))
            expected = hmac.new(token.secret.encode(), b"Responder" + self._channel(mechanism), hashlib.sha256).digest()
            assert hmac.compare_digest(proof, expected), "the server does not know the token"
        return self._noted(account, answer)

    def _noted(self, account, answer: Node) -> Node:
        if answer.name == "success":
            self.account = account
            identifier = answer.text_of("authorization-identifier")
            assert identifier.partition("/")[0] == account.jid, answer
            self.jid = identifier
            bound = answer.child("bound", BIND2)
            if bound is not None and (enabled := bound.child("enabled", SM)) is not None:
                self.management = Management(enabled["id"], enabled["max"])
        return answer


async def door(stage: Stage, account=None, *, from_: str | None = ..., **tls) -> Sasl2:
    """A connection over direct TLS, at the point where it may log in."""
    session = await stage.wire(type=Sasl2, tls_port=True, domain=account.domain if account else None)
    await session.encrypt(**tls)
    await session.opens((account.jid if account else None) if from_ is ... else from_)
    assert session.authentication is not None, session.offered
    return session


def why(failure: Node) -> str:
    """The SASL condition of a failure."""
    assert (failure.name, failure.ns) == ("failure", SASL2), failure
    (condition,) = [child.name for child in failure.children if child.ns == SASL and child.name != "text"]
    return condition


async def stream_fails(session, *conditions: str) -> None:
    while True:
        element = await Wire.next(session)
        if (element.name, element.ns) == ("error", STREAM):
            break
        assert element.ns != "jabber:client" or element.name not in ("message", "presence"), element
    assert not conditions or any(element.has(condition, STREAM_ERRORS) for condition in conditions), element
    await session.is_cut()


async def is_online(session) -> None:
    await session.settled()
    await session.message(session.jid, "an echo", id="echo")
    assert (await session.hears())["id"] == "echo"


def resumption_of(old: Managed, handled: int | None = None) -> str:
    handled = old.management.got if handled is None else handled
    return f"<resume xmlns='{SM}' h='{handled}' previd='{old.management.id}'/>"
