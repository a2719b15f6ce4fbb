"""RFC 6455, section 4: the handshake of the WebSocket door, byte by byte."""

import pytest

from support.handmade import ACCEPT, PING, PONG, Handmade, frame
from support.waits import patient

pytestmark = pytest.mark.anser_only("it is Anser's own door")


@pytest.fixture
async def dials():
    """`wire = await dials(server)`: a connection to the port of the HTTP doors, which is closed after the test."""
    made = []

    async def dial(server) -> Handmade:
        made.append(await Handmade.connects(server.house.settings.http_port))
        return made[-1]

    yield dial
    for wire in made:
        wire.hang_up()


@pytest.fixture
async def wire(server, dials) -> Handmade:
    return await dials(server)


async def _is_open(wire: Handmade) -> None:
    await wire.send(frame(PING, b"there?"))
    assert await wire.reads_until(PONG) == b"there?"


async def test_a_good_handshake(server, wire):
    await wire.opens(await server.account("romeo"))

    assert wire.agreed["upgrade"].lower() == "websocket"
    assert wire.agreed["connection"].lower() == "upgrade"
    assert wire.agreed["sec-websocket-accept"] == ACCEPT
    assert "sec-websocket-protocol" not in wire.agreed
    assert "sec-websocket-extensions" not in wire.agreed
    await _is_open(wire)


async def test_names_of_headers_in_any_case_and_more_than_one_word(server, wire):
    await wire.opens(
        await server.account("romeo"), Upgrade="WebSocket", Connection="keep-alive, Upgrade", X_Other="1"
    )

    await _is_open(wire)


async def test_a_frame_in_the_same_piece(server, wire):
    """Before the client has seen the answer."""
    await server.account("romeo")

    await wire.send(wire.head() + frame(PING, b"early"))

    assert (await wire.answer()).status == 101
    assert await wire.reads_until(PONG) == b"early"


async def test_a_handshake_in_many_pieces(server, wire):
    head = wire.head()

    for at in range(0, len(head), 7):
        await wire.send(head[at : at + 7])

    assert (await wire.answer()).status == 101


@pytest.mark.parametrize("version", ["8", "12", "14", "130"])
async def test_other_versions(wire, version):
    answer = await wire.asks(Sec_WebSocket_Version=version)

    assert answer.status == 426
    assert answer.headers["sec-websocket-version"] == "13"


@pytest.mark.parametrize("version", [None, "", "thirteen", "-13"])
async def test_no_version(wire, version):
    assert (await wire.asks(Sec_WebSocket_Version=version)).status in (400, 426)


async def test_no_host(wire):
    """RFC 9112, section 3.2."""
    assert (await wire.asks(Host=None)).status == 400


@pytest.mark.parametrize("key", [None, "", "short", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZTEyMw==", "!" * 24])
async def test_a_missing_or_bad_key(wire, key):
    assert (await wire.asks(Sec_WebSocket_Key=key)).status == 400


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE"])
async def test_other_methods(wire, method):
    answer = await wire.asks(method=method, Content_Length="0")

    assert answer.status == 405
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("target", ["/nothing-here", "/ws/deeper", "/WS"])
async def test_unknown_paths(wire, target):
    assert (await wire.asks(target)).status == 404


@pytest.mark.parametrize("changes", [{"Upgrade": None}, {"Connection": None}, {"Upgrade": "h2c"}, {"Connection": "close"}])
async def test_requests_that_ask_for_no_websocket(wire, changes):
    assert (await wire.asks(**changes)).status in (400, 426)


async def test_a_version_of_http_that_is_too_old(wire):
    await wire.send(wire.head(version="HTTP/1.0"))

    assert (await wire.answer()).status in (400, 426, 505)


@pytest.mark.parametrize("bytes_", [b"\x16\x03\x01\x02\x00\x01", b"hello\r\n\r\n", b"GET /ws\r\n\r\n", b"\0" * 64 + b"\r\n\r\n"])
async def test_what_is_not_http(wire, bytes_):
    await wire.send(bytes_ + b"\r\n\r\n")

    try:
        assert (await wire.answer()).status in (400, 405, 505)
    except (EOFError, ConnectionError):
        pass  # it may also just hang up
    await wire.ends()


@pytest.mark.parametrize("name", ["X_Filling", "Cookie", "Authorization"])
async def test_a_head_that_is_too_big(start, dials, name):
    server = await start(limits={"header_bytes": 4096})
    wire = await dials(server)

    assert (await wire.asks(**{name: "x" * 8000})).status == 431
    await wire.ends()
    await _is_open(await (await dials(server)).opens(await server.account("romeo")))


async def test_an_address_that_is_too_long(start, dials):
    wire = await dials(await start(limits={"header_bytes": 4096}))

    assert (await wire.asks("/ws?user=" + "x" * 8000)).status in (414, 431)
    await wire.ends()


async def test_a_head_that_takes_too_long(start, dials):
    """Whoever has not said a word may be hung up on without one."""
    server = await start(limits={"header_seconds": round(patient(1))})
    slow = await dials(server)
    await slow.send(slow.head()[:-4])
    silent = await dials(server)

    assert (await slow.answer()).status == 408
    await slow.ends()
    await silent.ends()


async def test_tls_is_spoken_on_the_port_of_tls_only(server):
    wire = await Handmade.connects(server.house.settings.https_port)

    await wire.send(wire.head())

    try:
        assert (await wire.answer()).status == 400
    except (EOFError, ConnectionError, ValueError, IndexError):
        pass  # an alert of TLS, or the end
    wire.hang_up()
