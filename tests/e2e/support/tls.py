"""TLS as a layer over bytes, so that a test sees and steers each record: pyOpenSSL over memory buffers."""

import hashlib
import warnings

from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION, "1.1": SSL.TLS1_1_VERSION}


class TlsLayer:
    """`peer` is the certificate that the server showed; `verify` a CA file to check it with; `resume` an earlier layer
    whose session is taken up again."""

    def __init__(self, server_name=None, *, alpn=None, version=None, certificate=None, verify=None, resume=None):
        self.handshake_bytes = 0
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            context = resume.connection.get_context() if resume else SSL.Context(SSL.TLS_CLIENT_METHOD)
            if version:
                context.set_min_proto_version(VERSIONS[version])
                context.set_max_proto_version(VERSIONS[version])
            if version == "1.1":
                context.set_cipher_list(b"ALL:@SECLEVEL=0")
            if certificate:
                context.use_certificate_chain_file(str(certificate.path))
                context.use_privatekey_file(str(certificate.key_path))
            if verify:
                context.load_verify_locations(str(verify))
                context.set_verify(SSL.VERIFY_PEER, lambda _c, _x, _e, _d, good: bool(good))
            self.connection = SSL.Connection(context, None)
        if server_name:
            self.connection.set_tlsext_host_name(server_name.encode("idna"))
        if alpn:
            self.connection.set_alpn_protos([name.encode() for name in alpn])
        if resume:
            self.connection.set_session(resume.connection.get_session())
        self.connection.set_connect_state()

    def shake(self, received: bytes = b"") -> tuple[bool, bytes]:
        """One step of the handshake: is it done, and what is to be sent. Raises SSL.Error when it is refused."""
        if received:
            self.handshake_bytes += len(received)
            self.connection.bio_write(received)
        try:
            self.connection.do_handshake()
            done = True
        except SSL.WantReadError:
            done = False
        return done, self._outgoing()

    def encode(self, data: bytes) -> bytes:
        for start in range(0, len(data), 16384):
            self.connection.send(data[start : start + 16384])
        return self._outgoing()

    def decode(self, data: bytes) -> bytes:
        if data:
            self.connection.bio_write(data)
        plain = b""
        try:
            while True:
                plain += self.connection.recv(65536)
        except SSL.WantReadError:
            return plain
        except SSL.ZeroReturnError:
            return plain

    def ask_for_renegotiation(self) -> bytes:
        self.connection.renegotiate()
        return self.shake()[1]

    @property
    def peer(self):
        return self.connection.get_peer_certificate(as_cryptography=True)

    @property
    def version(self) -> str:
        return self.connection.get_protocol_version_name()

    def binding(self, kind: str) -> bytes:
        """Channel bindings of RFC 5929 and RFC 9266."""
        if kind == "tls-exporter":
            return self.connection.export_keying_material(b"EXPORTER-Channel-Binding", 32, b"")
        if kind == "tls-unique":
            return self.connection.get_finished()
        assert kind == "tls-server-end-point", kind
        name = self.peer.signature_hash_algorithm.name
        return hashlib.new("sha256" if name in ("md5", "sha1") else name, self.peer.public_bytes(Encoding.DER)).digest()

    def _outgoing(self) -> bytes:
        out = b""
        try:
            while True:
                out += self.connection.bio_read(65536)
        except SSL.WantReadError:
            return out
