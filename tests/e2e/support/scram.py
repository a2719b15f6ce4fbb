"""SCRAM, the client's side, from RFC 5802, 7677 and 5929: independent of any library and of the server."""

import base64
import hashlib
import hmac
import secrets


class ScramClient:
    """`binding` is (type, data) for -PLUS; `flag` overrides the channel-binding flag ("n" or "y") without it."""

    def __init__(self, hash_name: str, user: str, password: str, *, binding=None, flag="n", authzid="", nonce=None):
        self.hash = hash_name.replace("-", "").lower()
        self.password = password.encode()
        self.nonce = nonce or secrets.token_urlsafe(18)
        escaped = user.replace("=", "=3D").replace(",", "=2C")
        self.header = f"{'p=' + binding[0] if binding else flag},{'a=' + authzid if authzid else ''},"
        self.binding_data = binding[1] if binding else b""
        self.first_bare = f"n={escaped},r={self.nonce}"
        self.challenge: dict[str, str] = {}

    def first(self) -> bytes:
        return (self.header + self.first_bare).encode()

    def final(self, server_first: bytes) -> bytes:
        text = server_first.decode()
        self.challenge = dict(part.split("=", 1) for part in text.split(","))
        assert self.challenge["r"].startswith(self.nonce) and self.challenge["r"] != self.nonce, text
        salted = hashlib.pbkdf2_hmac(
            self.hash, self.password, base64.b64decode(self.challenge["s"]), int(self.challenge["i"])
        )
        bound = base64.b64encode(self.header.encode() + self.binding_data).decode()
        without_proof = f"c={bound},r={self.challenge['r']}"
        signed = f"{self.first_bare},{text},{without_proof}".encode()
        client_key = self._hmac(salted, b"Client Key")
        signature = self._hmac(hashlib.new(self.hash, client_key).digest(), signed)
        proof = bytes(a ^ b for a, b in zip(client_key, signature))
        self.expected = self._hmac(self._hmac(salted, b"Server Key"), signed)
        return f"{without_proof},p={base64.b64encode(proof).decode()}".encode()

    def verify(self, server_final: bytes) -> None:
        """The server knows the password too, or this raises."""
        verifier = dict(part.split("=", 1) for part in server_final.decode().split(","))["v"]
        assert hmac.compare_digest(base64.b64decode(verifier), self.expected), "the server's signature is wrong"

    def _hmac(self, key: bytes, data: bytes) -> bytes:
        return hmac.new(key, data, self.hash).digest()


def downgrade_hash(hash_name: str, mechanisms: list[str], bindings: list[str]) -> str:
    """XEP-0474 section 6.1: what the server should say in attribute h about what it had announced."""
    said = "\x1e".join(sorted(mechanisms))
    if bindings:
        said += "\x1f" + "\x1e".join(sorted(bindings))
    digest = hashlib.new(hash_name.replace("-", "").lower(), said.encode()).digest()
    return base64.b64encode(digest).decode()
