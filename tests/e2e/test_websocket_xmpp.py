"""XMPP over WebSocket (RFC 7395): people with @xmpp/client, and the rules that a library would hide."""

import base64
import json
import ssl
from xml.etree import ElementTree

import pytest
import websockets
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from support.handmade import Answer, Handmade
from support.node import play
from support.people import Person
from support.waits import PATIENCE, within
from support.xml import BIND, CLIENT, PING, SASL, STREAM, STREAM_ERRORS, Node, StreamParser

FRAMING = "urn:ietf:params:xml:ns:xmpp-framing"
HOSTS = ("localhost", "127.0.0.1")
RELATION = "urn:xmpp:alt-connections:websocket"
XRD = "{http://docs.oasis-open.org/ns/xri/xrd-1.0}"
# The library derives a key with two calls of another thread for each iteration: no more than RFC 5802 asks for.
ITERATIONS = {"scram_iterations": 4096}
KINDS = ["ws", pytest.param("wss", marks=pytest.mark.anser_only("our Prosody has no port for it"))]


@pytest.fixture(scope="module")
def house(new_server):
    return new_server(limits=ITERATIONS)


def _service(server, kind: str) -> str:
    settings = server.house.settings
    return f"{kind}://127.0.0.1:{settings.http_port if kind == 'ws' else settings.https_port}/xmpp-websocket"


# People with @xmpp/client


@pytest.mark.parametrize("kind", KINDS)
async def test_node_people_meet(server, packages, kind):
    romeo, juliet = await server.account("romeo"), await server.account("juliet")
    stage = {
        "service": _service(server, kind),
        "domain": server.domain,
        "romeo": {"username": romeo.local, "password": romeo.password, "resource": "orchard"},
        "juliet": {"username": juliet.local, "password": juliet.password, "resource": "balcony"},
        "patience": 5 * PATIENCE,
        "words": "O <Romeo> & 羅密歐",
    }

    told = await play("scene.js", stage)

    orchard, balcony = told.pop("addresses")
    assert orchard.startswith(f"{romeo}/orchard") and balcony.startswith(f"{juliet}/balcony")
    assert told == {"roster": 0, "seen": balcony, "heard": stage["words"], "gone": balcony}


@pytest.mark.parametrize("kind", KINDS)
async def test_node_and_slixmpp(server, packages, kind):
    """Contacts, a ping, messages both ways, a drop and a return."""
    romeo, juliet = await server.account("romeo"), await server.login("juliet")
    juliet.add_event_handler("message", lambda message: message.reply(f"echo of {message['body']}").send())
    stage = {
        "service": _service(server, kind),
        "domain": server.domain,
        "username": romeo.local,
        "password": romeo.password,
        "to": juliet.account.jid,
        "words": "wilt thou be gone? 你要走了吗",
        "patience": 5 * PATIENCE,
    }

    told = await play("xmpp_websocket.js", stage)

    assert told.pop("address").startswith(f"{romeo}/")
    assert told == {"roster": [0, 0], "pong": ["result"] * 2, "heard": [f"echo of {stage['words']}"] * 2}
    assert [await juliet.hears() for _ in range(2)] == [stage["words"]] * 2


# Frames


class Framed:
    """A client of frames: each must be one element that stands for itself."""

    def __init__(self, link):
        self.link = link

    async def send(self, text: str | bytes) -> None:
        await within(self.link.send(text), "the server to read what we send")

    async def next(self) -> Node:
        text = await within(self.link.recv(), "a frame")
        assert isinstance(text, str) and text.startswith("<") and not text.startswith("<?xml"), text
        parser = StreamParser()
        parser.feed(f"<nothing>{text}</nothing>".encode())
        (element,) = parser.elements
        return element

    async def opens(self, to: str) -> Node:
        """Returns the features."""
        await self.send(f"<open xmlns='{FRAMING}' to='{to}' version='1.0'/>")
        answer = await self.next()
        assert (answer.name, answer.ns, answer["version"], answer["from"]) == ("open", FRAMING, "1.0", to), answer
        assert answer["id"]
        features = await self.next()
        assert (features.name, features.ns) == ("features", STREAM)
        return features

    async def logs_in(self, account) -> None:
        await self.opens(account.domain)
        secret = base64.b64encode(f"\0{account.local}\0{account.password}".encode()).decode()
        await self.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{secret}</auth>")
        assert (await self.next()).name == "success"
        assert (await self.opens(account.domain)).has("bind", BIND)
        await self.send(f"<iq xmlns='{CLIENT}' type='set' id='b1'><bind xmlns='{BIND}'/></iq>")
        answer = await self.next()
        assert (answer["type"], answer.ns) == ("result", CLIENT)
        self.jid = answer.child("bind", BIND).text_of("jid")

    async def fails_with(self) -> str:
        """The condition of the stream error; then the stream and the connection end in order."""
        error = await self.next()
        if error.name == "open":
            error = await self.next()
        assert (error.name, error.ns) == ("error", STREAM), error
        closing = await self.next()
        assert (closing.name, closing.ns) == ("close", FRAMING)
        await self.ends()
        (condition,) = [child.name for child in error.children if child.ns == STREAM_ERRORS and child.name != "text"]
        return condition

    async def ends(self) -> int:
        async def read() -> int:
            try:
                while True:
                    await self.link.recv()
            except websockets.ConnectionClosed:
                return self.link.close_code

        return await within(read(), "the end of the connection")


@pytest.fixture
async def dials(server):
    """`wire = await dials()`: a WebSocket with the subprotocol xmpp."""
    made = []

    async def dial(kind: str = "ws", **how) -> Framed:
        how = {"subprotocols": ["xmpp"], **how}
        if kind == "wss":
            how["ssl"] = ssl.create_default_context(cafile=str(Person.authority))
        made.append(await within(connect(_service(server, kind), proxy=None, ping_interval=None, **how), "a WebSocket"))
        return Framed(made[-1])

    yield dial
    for link in made:
        link.transport.abort()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("compression", ["deflate", None])
async def test_a_session_of_frames(server, dials, kind, compression):
    romeo = await dials(kind, compression=compression)
    assert romeo.link.subprotocol == "xmpp"
    await romeo.logs_in(await server.account("romeo"))
    juliet = await server.session("juliet")

    await romeo.send(f"<message xmlns='{CLIENT}' to='{juliet.bare}' type='chat' id='1'><body>心 &lt;3</body></message>")
    assert (await juliet.hears()).text_of("body") == "心 <3"
    await juliet.message(romeo.jid, "heart <3")

    message = await romeo.next()
    assert (message.name, message.ns, message.text_of("body")) == ("message", CLIENT, "heart <3")
    await romeo.send(f"<close xmlns='{FRAMING}'/>")
    assert ((await romeo.next()).name, await romeo.ends()) == ("close", 1000)


async def test_features_are_those_of_a_websocket(server, dials):
    """Section 3.9: TLS is the WebSocket's, and compression too."""
    names = (await (await dials()).opens(server.domain)).names

    assert "mechanisms" in names
    assert "starttls" not in names and "compression" not in names


@pytest.mark.anser_only("Prosody answers 501")
async def test_another_subprotocol(server, dials):
    """Section 3.1: it is an error if the client has not offered xmpp."""
    for subprotocols in (None, ["chat"]):
        with pytest.raises(InvalidStatus) as refusal:
            await dials(subprotocols=subprotocols)
        assert 400 <= refusal.value.response.status_code < 500


async def test_several_subprotocols(dials):
    assert (await dials(subprotocols=["chat", "xmpp"])).link.subprotocol == "xmpp"


@pytest.mark.anser_only("Prosody closes the WebSocket, or takes an open tag")
@pytest.mark.parametrize(
    "said, condition",
    [
        ("<open xmlns='jabber:client' to='localhost' version='1.0'/>", {"invalid-namespace", "bad-format"}),
        (
            f"<stream:stream xmlns='{CLIENT}' xmlns:stream='{STREAM}' to='localhost' version='1.0'>",
            {"not-well-formed", "bad-format", "invalid-namespace", "invalid-xml"},
        ),
        (f"<open xmlns='{FRAMING}' to='elsewhere.example' version='1.0'/>", {"host-unknown"}),
        (f"<open xmlns='{FRAMING}' to='localhost' version='1.0'>", {"not-well-formed", "bad-format"}),
        ("hello", {"not-well-formed", "bad-format"}),
        ("", {"not-well-formed", "bad-format"}),
    ],
)
async def test_what_opens_no_stream(dials, said, condition):
    wire = await dials()

    await wire.send(said)

    assert await wire.fails_with() in condition


MESSAGE = f"<message xmlns='{CLIENT}' to='localhost'/>"


@pytest.mark.anser_only("Prosody answers some of them, and closes the WebSocket at others")
@pytest.mark.parametrize(
    "said, condition",
    [
        (MESSAGE[:-2], {"not-well-formed", "bad-format"}),
        (MESSAGE + MESSAGE, {"not-well-formed", "bad-format"}),
        ("<message to='localhost'/>", {"invalid-namespace", "bad-namespace-prefix", "unsupported-stanza-type"}),
        (f"{MESSAGE}<!-- a comment -->", {"restricted-xml", "not-well-formed", "bad-format"}),
        ("<!DOCTYPE message><message/>", {"restricted-xml", "not-well-formed", "bad-format"}),
        (f"<message xmlns='{CLIENT}'><body>\x01</body></message>", {"not-well-formed", "bad-format", "invalid-xml"}),
        (f"<nonsense xmlns='{CLIENT}'/>", {"unsupported-stanza-type"}),
    ],
    ids=range(7),
)
async def test_what_is_no_frame_ends_the_stream(server, dials, said, condition):
    """The same rules as over TCP."""
    wire = await dials()
    await wire.logs_in(await server.account("romeo"))

    await wire.send(said)

    assert await wire.fails_with() in condition


async def test_binary_frames_end_it(server, dials):
    """Section 3.2: text only."""
    wire = await dials()
    await wire.opens(server.domain)

    await wire.send(f"<iq xmlns='{CLIENT}' type='get' id='1'/>".encode())

    assert await wire.ends() in (1003, 1000)


async def test_a_declaration_may_stand_before(server, dials):
    """Section 3.3.3 speaks of frames that begin with `<`; a declaration is XML that a server may refuse in words."""
    wire = await dials()
    await wire.logs_in(await server.account("romeo"))

    await wire.send(f"<?xml version='1.0'?><iq xmlns='{CLIENT}' type='get' id='1' to='localhost'><ping xmlns='{PING}'/></iq>")

    answer = await wire.next()
    assert (answer.name, answer["type"]) == ("iq", "result") or answer.name == "error"


async def test_what_waited_is_sent_to_it(server, dials):
    """As to everybody: it is a client like others."""
    nurse, account = await server.session("nurse"), await server.account("romeo")
    await nurse.message(account.jid, "from yesterday")
    await nurse.settled()
    wire = await dials()
    await wire.logs_in(account)

    await wire.send(f"<presence xmlns='{CLIENT}'/>")

    while (element := await wire.next()).name != "message":
        pass
    assert (element.text_of("body"), element.ns) == ("from yesterday", CLIENT)


async def test_a_lost_connection_ends_the_session(server, dials):
    wire = await dials()
    await wire.logs_in(await server.account("romeo"))
    nurse = await server.session("nurse")
    await wire.send(f"<presence xmlns='{CLIENT}' to='{nurse.jid}'/>")
    await nurse.hears("presence", None, wire.jid)

    wire.link.transport.abort()

    await nurse.hears("presence", "unavailable", wire.jid)


@pytest.mark.anser_only("Prosody asks for no origin")
async def test_pages_of_others(dials):
    with pytest.raises(InvalidStatus) as refusal:
        await dials(origin="https://evil.example")

    assert refusal.value.response.status_code == 403


# Discovery (XEP-0156)


async def _gets(server, path: str, method: str = "GET", **headers) -> Answer:
    wire = await Handmade.connects(server.house.settings.http_port)
    plain = dict.fromkeys(("Upgrade", "Connection", "Sec_WebSocket_Key", "Sec_WebSocket_Version"))
    answer = await wire.asks(path, method, **{**plain, **headers})
    wire.hang_up()
    return answer


def _is_ours(server, address: str) -> bool:
    ports = server.house.settings.http_port, server.house.settings.https_port
    return any(address in (f"ws://{h}:{ports[0]}/xmpp-websocket", f"wss://{h}:{ports[1]}/xmpp-websocket") for h in HOSTS)




@pytest.mark.anser_only("Prosody has a module of its community for it")
@pytest.mark.parametrize("origin", [None, "https://chat.example"])
async def test_the_websocket_is_found_in_xml(server, origin):
    answer = await _gets(server, "/.well-known/host-meta", Origin=origin)

    assert answer.status == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/xrd+xml"
    assert answer.headers["access-control-allow-origin"] == "*"
    found = ElementTree.fromstring(answer.body)
    assert found.tag == f"{XRD}XRD"
    links = [link.get("href") for link in found.findall(f"{XRD}Link") if link.get("rel") == RELATION]
    assert links and all(_is_ours(server, link) for link in links), links


@pytest.mark.anser_only("Prosody has a module of its community for it")
@pytest.mark.parametrize("origin", [None, "https://chat.example"])
async def test_the_websocket_is_found_in_json(server, origin):
    answer = await _gets(server, "/.well-known/host-meta.json", Origin=origin)

    assert answer.status == 200
    assert answer.headers["content-type"].partition(";")[0] == "application/json"
    assert answer.headers["access-control-allow-origin"] == "*"
    links = [link["href"] for link in json.loads(answer.body)["links"] if link["rel"] == RELATION]
    assert links and all(_is_ours(server, link) for link in links), links


@pytest.mark.anser_only("Prosody has a module of its community for it")
async def test_both_say_the_same_and_to_whom_it_is_asked(server):
    """The name in the request is the one that the client can reach."""
    xml = await _gets(server, "/.well-known/host-meta", Host=f"localhost:{server.house.settings.http_port}")
    as_json = await _gets(server, "/.well-known/host-meta.json", Host=f"localhost:{server.house.settings.http_port}")

    links = [link["href"] for link in json.loads(as_json.body)["links"]]
    assert [link.get("href") for link in ElementTree.fromstring(xml.body).findall(f"{XRD}Link")] == links
    assert all("//localhost:" in link for link in links)


@pytest.mark.anser_only("Prosody has a module of its community for it")
@pytest.mark.parametrize("path", ["/.well-known/host-meta", "/.well-known/host-meta.json"])
async def test_other_methods_for_it(server, path):
    assert (await _gets(server, path, "POST", Content_Length="0")).status == 405


@pytest.mark.anser_only("Prosody has a module of its community for it")
@pytest.mark.parametrize("host", ["<evil>", '"', "a/b", "x" * 300, "evil.example:1"])
async def test_a_strange_host_stays_out_of_it(server, host):
    answer = await _gets(server, "/.well-known/host-meta", Host=host)

    assert answer.status in (200, 400, 421)
    if answer.status == 200:
        ElementTree.fromstring(answer.body)
        assert b"<evil>" not in answer.body
