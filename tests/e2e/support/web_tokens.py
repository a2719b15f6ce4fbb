"""JSON web tokens by PyJWT, and how the server is told to trust them."""

import time
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519

SECRET = "a secret that is long enough for HS256 by far"
ED25519 = ed25519.Ed25519PrivateKey.generate()
PUBLIC = ED25519.public_key().public_bytes(
    serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
).decode()
STRANGER = ed25519.Ed25519PrivateKey.generate()

HOUR = 3600


def token(algorithm: str, name, *, key=None, valid: float = HOUR, **claims) -> str:
    """Signed with the key that the server knows, unless told otherwise; expires in `valid` seconds."""
    known = {"HS256": SECRET, "EdDSA": ED25519, "none": None}
    said = {"sub": str(name), "exp": int(time.time() + valid), **claims}
    return jwt.encode(said, key or known[algorithm], algorithm=algorithm)


def keys(folder: Path) -> dict[str, Path]:
    """The files that a server needs, by algorithm."""
    secret, public = folder / "tokens.secret", folder / "tokens.pem"
    secret.write_text(SECRET)
    public.write_text(PUBLIC)
    return {"HS256": secret, "EdDSA": public}
