"""RFC 6455, sections 5 to 7, and RFC 7692: frames that no library would send, byte by byte."""

import struct
import zlib

import pytest

from support import frames
from support.frames import Message, to_binary
from support.handmade import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Handmade, close, frame

pytestmark = pytest.mark.anser_only("it is Anser's own door")

HEART = b'{"module":"HEART_CHECK","message":"x"}'
DEFLATE = "permessage-deflate"


@pytest.fixture(scope="module")
def house(new_server):
    return new_server(limits={"websocket_bytes": 65_536})


@pytest.fixture
async def opens(server):
    """`wire = await opens()`: an open WebSocket of Romeo's, closed after the test."""
    made = []

    async def opened(**headers) -> Handmade:
        made.append(await Handmade.connects(server.house.settings.http_port))
        return await made[-1].opens(await server.account("romeo"), **headers)

    yield opened
    for wire in made:
        wire.hang_up()


@pytest.fixture
async def wire(opens) -> Handmade:
    return await opens()


async def _heart_beats(wire: Handmade) -> None:
    await wire.send(frame(TEXT, HEART))
    assert b"HEART_CHECK" in await wire.reads_until(TEXT)


def _message(event: str, body: str = "x") -> bytes:
    return to_binary(Message(eventId=event, body=body))


async def _is_acknowledged(wire: Handmade, event: str) -> None:
    while True:
        came = frames.read(await wire.reads_until(BINARY))
        if came.name == "AckMessage":
            assert came.message.eventId == event
            return


WRONG = {
    "a frame that is not masked": frame(TEXT, HEART, mask=False),
    "a ping that is not masked": frame(PING, mask=False),
    "a reserved bit": frame(TEXT, HEART, rsv=2),
    "another reserved bit": frame(TEXT, HEART, rsv=1),
    "compression that was not agreed on": frame(TEXT, HEART, rsv=4),
    "a reserved bit on a ping": frame(PING, rsv=4),
    "the opcode 3": frame(3, b"x"),
    "the opcode 7": frame(7),
    "the opcode 11": frame(11),
    "the opcode 15": frame(15, b"x"),
    "a ping in fragments": frame(PING, b"a", fin=False) + frame(CONTINUATION, b"b"),
    "a close in fragments": frame(CLOSE, struct.pack(">H", 1000), fin=False),
    "a ping of 126 bytes": frame(PING, b"x" * 126),
    "a close of 126 bytes": close(1000, b"x" * 124),
    "the end of nothing": frame(CONTINUATION, b"x"),
    "the middle of nothing": frame(CONTINUATION, b"x", fin=False),
    "a message within a message": frame(TEXT, b"{", fin=False) + frame(TEXT, HEART),
    "a close with half a code": frame(CLOSE, b"\x03"),
    "a close with the code 0": close(0),
    "a close with the code 999": close(999),
    "a close with the code 1005": close(1005),
    "a close with the code 1006": close(1006),
    "a close with the code 1015": close(1015),
    "a close with the code 2000": close(2000),
    "a length with its highest bit": b"\x82\xff" + b"\xff" * 8 + b"mask",
}


@pytest.mark.parametrize("what", WRONG)
async def test_what_is_not_rfc_6455(server, wire, what):
    await wire.send(WRONG[what])

    assert await wire.closed_with() in ((1002, 1009) if "length" in what else (1002,))


NOT_TEXT = {
    "half a character": "é".encode()[:1],
    "a surrogate": b"\xed\xa0\x80",
    "an overlong slash": b"\xc0\xaf",
    "beyond U+10FFFF": b"\xf4\x90\x80\x80",
    "a lone continuation": b"\x80",
}


@pytest.mark.parametrize("what", NOT_TEXT)
async def test_text_that_is_not_utf_8(wire, what):
    await wire.send(frame(TEXT, b'{"module":"HEART_CHECK","message":"' + NOT_TEXT[what] + b'"}'))

    assert await wire.closed_with() == 1007


async def test_a_reason_that_is_not_utf_8(wire):
    await wire.send(close(1000, b"\xff"))

    assert await wire.closed_with() == 1007


async def test_a_character_may_be_cut_by_fragments(wire):
    text = '{"module":"HEART_CHECK","message":"心😀"}'.encode()

    pieces = [text[i : i + 1] for i in range(len(text))]
    for at, piece in enumerate(pieces):
        await wire.send(frame(CONTINUATION if at else TEXT, piece, fin=at == len(pieces) - 1))

    assert "心😀".encode() in await wire.reads_until(TEXT)


async def test_pings_come_between_fragments(wire):
    said = _message("1")
    await wire.send(frame(BINARY, said[:5], fin=False))
    await wire.send(frame(PING, b"between"))
    assert await wire.reads() == (PONG, b"between")
    await wire.send(frame(CONTINUATION, b"", fin=False))

    await wire.send(frame(CONTINUATION, said[5:]))

    await _is_acknowledged(wire, "1")


async def test_pings_are_answered_with_what_they_carry(wire):
    for payload in (b"", b"\0\xff" * 60, b"x" * 125):
        await wire.send(frame(PING, payload))
        assert await wire.reads_until(PONG) == payload


async def test_a_pong_that_nobody_asked_for(wire):
    await wire.send(frame(PONG, b"here I am"))

    await _heart_beats(wire)


async def test_frames_that_come_byte_by_byte(wire):
    for byte in frame(BINARY, _message("slow")):
        await wire.send(bytes([byte]))

    await _is_acknowledged(wire, "slow")


async def test_frames_that_come_all_at_once(wire):
    await wire.send(b"".join(frame(BINARY, _message(str(number))) for number in range(50)))

    for number in range(50):
        await _is_acknowledged(wire, str(number))


@pytest.mark.parametrize("code", [1000, 1001, 3000, 4999])
async def test_a_close_is_answered_with_its_code(wire, code):
    await wire.send(close(code, "Lebewohl".encode()))

    assert await wire.closed_with() == code


async def test_a_close_without_a_code(wire):
    await wire.send(close())

    assert await wire.closed_with() in (1000, 1005)


async def test_what_was_said_before_the_close_is_done(server, wire):
    juliet = await server.app("juliet")

    last = to_binary(Message(eventId="1", to=juliet.bare, body="farewell"))
    await wire.send(frame(BINARY, last) + close(1000))

    assert await wire.closed_with() == 1000
    await juliet.hears("farewell")


async def test_what_follows_the_close_is_nothing(server, wire):
    juliet = await server.app("juliet")
    late = to_binary(Message(eventId="1", to=juliet.bare, body="and another thing"))

    await wire.send(close(1000) + frame(BINARY, late))

    assert await wire.closed_with() == 1000
    assert await juliet.hears_from(await server.app("nurse")) == []


async def test_a_frame_that_says_it_is_too_big_is_not_waited_for(wire):
    await wire.send(frame(BINARY, b"x" * 70_000)[:100])

    assert await wire.closed_with() == 1009


async def test_fragments_that_are_too_big_together(wire):
    await wire.send(frame(BINARY, b"\x0b\x00", fin=False))
    for _ in range(4):
        await wire.send(frame(CONTINUATION, b"x" * 20_000, fin=False))

    assert await wire.closed_with() == 1009


async def test_fragments_of_nothing(wire):
    """They belong to the message, however many; or at some point the server has had enough."""
    await wire.send(frame(BINARY, b"", fin=False) + frame(CONTINUATION, b"", fin=False) * 20_000)
    await wire.send(frame(CONTINUATION, _message("1")))

    came, payload = await wire.reads()

    if came == CLOSE:
        assert struct.unpack(">H", payload[:2])[0] in (1002, 1008, 1009)
    else:
        assert frames.read(payload).message.eventId == "1"


# Compression (RFC 7692)


def _squeezed(data: bytes, level: int = 9) -> bytes:
    squeeze = zlib.compressobj(level, wbits=-15)
    return (squeeze.compress(data) + squeeze.flush(zlib.Z_SYNC_FLUSH)).removesuffix(b"\0\0\xff\xff")


def _parameters(answer: str) -> set[str]:
    name, *parameters = [part.strip() for part in answer.split(";")]
    assert name == DEFLATE
    return set(parameters)


async def _squeezes(opens, offer: str = DEFLATE) -> Handmade:
    wire = await opens(Sec_WebSocket_Extensions=offer)
    assert DEFLATE in wire.agreed.get("sec-websocket-extensions", ""), wire.agreed
    return wire


async def test_compressed_messages_are_read(opens):
    wire = await _squeezes(opens)

    await wire.send(frame(BINARY, _squeezed(_message("1", "x" * 1000)), rsv=4))

    came, payload = await wire.reads()
    if came & 0x40:
        payload = zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")
    assert frames.read(payload).name in ("AckMessage", "Message")


async def test_plain_messages_are_read_where_compression_is_agreed_on(opens):
    wire = await _squeezes(opens, f"{DEFLATE}; client_no_context_takeover; server_no_context_takeover")

    await wire.send(frame(PING, b"there?"))
    await wire.send(frame(BINARY, _message("1")))

    assert await wire.reads_until(PONG) == b"there?"


async def test_compressed_fragments(opens):
    """The bit is on the first one only."""
    wire = await _squeezes(opens)
    said = _squeezed(b'{"module":"HEART_CHECK","message":"' + b"x" * 500 + b'"}')

    await wire.send(frame(TEXT, said[:3], fin=False, rsv=4) + frame(CONTINUATION, said[3:]))

    while True:
        came, payload = await wire.reads()
        if came & 0xF == TEXT:
            break
    if came & 0x40:
        payload = zlib.decompressobj(wbits=-15).decompress(payload + b"\0\0\xff\xff")
    assert b"HEART_CHECK" in payload


@pytest.mark.parametrize(
    "what",
    [
        frame(TEXT, b"", fin=False, rsv=4) + frame(CONTINUATION, b"\0", rsv=4),
        frame(PING, b"x", rsv=4),
        frame(TEXT, HEART, rsv=2),
        frame(BINARY, b"\xff" * 100, rsv=4),
    ],
    ids=["the bit in the middle", "a compressed ping", "another bit", "nothing that inflates"],
)
async def test_what_is_not_rfc_7692(opens, what):
    wire = await _squeezes(opens)

    await wire.send(what)

    assert await wire.closed_with() in (1002, 1007)


async def test_a_bomb(server, opens):
    """50 MB in 50 KB: the server finds out before it has them."""
    wire = await _squeezes(opens)
    memory = server.house.memory()
    bomb = _squeezed(b"\0" * 60_000_000)

    await wire.send(frame(BINARY, bomb[:50_000], rsv=4))  # one frame alone would be too big as it is

    assert await wire.closed_with() == 1009
    assert server.house.memory() < memory + 30_000_000


async def test_a_bomb_in_fragments(server, opens):
    wire = await _squeezes(opens)
    bomb = _squeezed(b"\0" * 20_000_000)

    await wire.send(frame(BINARY, bomb[:100], fin=False, rsv=4))
    for at in range(100, len(bomb), 1000):
        try:
            await wire.send(frame(CONTINUATION, bomb[at : at + 1000], fin=False))
        except ConnectionError:
            break

    assert await wire.closed_with() == 1009


@pytest.mark.parametrize(
    "offer",
    [
        f"{DEFLATE}; unknown_parameter",
        f"{DEFLATE}; server_max_window_bits=7",
        f"{DEFLATE}; server_max_window_bits=16",
        f"{DEFLATE}; server_max_window_bits",
        f"{DEFLATE}; server_no_context_takeover=1",
        f"{DEFLATE}; client_no_context_takeover; client_no_context_takeover",
        "x-webkit-deflate-frame",
    ],
)
async def test_offers_that_no_server_may_take(opens, offer):
    """RFC 7692, section 7.1: it goes on without."""
    wire = await opens(Sec_WebSocket_Extensions=offer)

    assert "sec-websocket-extensions" not in wire.agreed
    await _heart_beats(wire)


async def test_the_first_offer_that_is_good_is_taken(opens):
    wire = await opens(Sec_WebSocket_Extensions=f"{DEFLATE}; nonsense, {DEFLATE}; client_max_window_bits")

    assert DEFLATE in wire.agreed["sec-websocket-extensions"]


async def test_a_window_that_the_client_asks_for(opens):
    """A server that agrees keeps to it; it may also decline."""
    wire = await opens(Sec_WebSocket_Extensions=f"{DEFLATE}; server_max_window_bits=10; server_no_context_takeover")

    if agreed := wire.agreed.get("sec-websocket-extensions"):
        parameters = _parameters(agreed)
        assert "server_no_context_takeover" in parameters
        (bits,) = [int(p.partition("=")[2]) for p in parameters if p.startswith("server_max_window_bits")]
        assert 8 <= bits <= 10
