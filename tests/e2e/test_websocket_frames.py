"""The frames of the WebSocket door: the bytes of the contract, and what becomes of bytes that are not in it."""

import json
from pathlib import Path

import pytest

from support import frames
from support.apps import JSON, PROTOBUF, fresh_event
from support.frames import AckMessage, Attachment, Message, Presence, Typing, to_binary
from support.session import settle

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

ACCEPTANCE = json.loads((Path(__file__).parents[1] / "data/protobuf-frames.json").read_text())["frames"]
POEM = "请求心跳 😀 Q我吧\n👩‍👩‍👧\tﷺ é\r\n<&>\"' ]]> \u200f \U0010fffd"


@pytest.fixture(scope="module")
def house(new_server):
    return new_server(limits={"websocket_bytes": 65_536})


def _field(number: int, kind: int, payload: bytes) -> bytes:
    return bytes([number << 3 | kind]) + payload


def _text_field(number: int, text: bytes) -> bytes:
    return _field(number, 2, bytes([len(text)]) + text)


# The schema against an independent encoder


@pytest.mark.parametrize("given", ACCEPTANCE, ids=lambda given: given["name"])
def test_the_schema_has_the_bytes_of_others(given):
    made = {10: AckMessage, 11: Message}[given["type"]](**given["fields"])

    assert to_binary(made).hex() == given["hex"]
    assert frames.read(bytes.fromhex(given["hex"])).message == made


@pytest.mark.parametrize("given", [g for g in ACCEPTANCE if g["type"] == 11], ids=lambda given: given["name"])
async def test_the_server_takes_the_bytes_of_others(server, given):
    """Those to people who are not there, or from other people, are refused; none of them is misread."""
    app = await server.app("romeo")

    await app.send_raw(bytes.fromhex(given["hex"]))

    event = given["fields"].get("eventId", "")
    addressed = "to" in given["fields"] or "from" in given["fields"]
    if addressed:
        assert await app.is_refused(event)
    else:
        await app.is_acknowledged(event)


async def test_bytes_of_the_contract(server):
    app = await server.app("romeo", protocol=None)

    await app.send_raw(bytes.fromhex("0b00 0a04") + b"####" + bytes.fromhex("2a04") + b"text\x32\x0bhello world")

    await app.is_acknowledged("####")


# Text


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_text_arrives_as_it_was_written(server, protocol):
    romeo, juliet = await server.app("romeo", protocol=protocol), await server.app("juliet", protocol=protocol)

    event = await romeo.tells(juliet.bare, POEM, event="事件 😀", thread="线索 <&>")

    message = await juliet.hears(POEM)
    assert (message.eventId, message.thread) == (event, "线索 <&>")


async def test_text_goes_to_xmpp_and_comes_back_as_it_was_written(server):
    """There is no carriage return in it: a reader of XML makes a line feed of one that is written as it is."""
    romeo, juliet = await server.app("romeo"), await server.login("juliet")
    poem = POEM.replace("\r", "")

    await romeo.tells(juliet.account, poem)
    assert await juliet.hears() == poem
    await juliet.says(romeo.bare, poem)

    await romeo.hears(poem)


@pytest.mark.parametrize("character", ["\0", "\x01", "\x0b", "\x1f", "\ufffe", "\uffff"], ids=lambda c: f"U+{ord(c):04X}")
@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_text_that_xml_cannot_have_is_refused(server, character, protocol):
    romeo, juliet = await server.app("romeo", protocol=protocol), await server.app("juliet")

    assert await romeo.is_refused(await romeo.says(juliet.bare, f"a{character}b")) == "bad-request"
    assert await romeo.is_refused(await romeo.says(juliet.bare, "x", thread=character)) == "bad-request"
    assert await romeo.is_refused(await romeo.says(juliet.bare, "x", replaces=character)) == "bad-request"
    attachment = Attachment(url="https://localhost/f", name=f"a{character}b")
    assert await romeo.is_refused(await romeo.says(juliet.bare, "x", attachment=attachment)) == "bad-request"
    await romeo.says(juliet.bare, "x", event=f"a{character}b")
    assert (await romeo.gets("Error")).code == "bad-request"

    assert await juliet.hears_from(romeo) == []


async def test_no_other_text_of_it_reaches_xmpp(server):
    """Who reads XML would be cut off by one such character."""
    romeo, juliet = await server.app("romeo"), await server.session("juliet")

    await romeo.send(Presence(to=juliet.bare, type="subscribe", status="a\x01b"))
    await romeo.send(Presence(status="a\ufffeb"))
    await romeo.send(Typing(to=juliet.bare, state="\x01"))
    for _ in range(3):
        assert (await romeo.gets("Error")).code == "bad-request"

    await romeo.tells(juliet.bare, "and yet")
    assert (await juliet.hears()).text_of("body") == "and yet"
    await settle(juliet)


# What is not in the contract


@pytest.mark.parametrize("number", [0, 9, 25, 127, 128, 255, 256, 11 << 8, 0xFFFF])
async def test_unknown_types_are_named_and_passed_over(server, number):
    """The type is both bytes."""
    app = await server.app("romeo")

    await app.send_raw(number.to_bytes(2, "little") + b"\x0a\x01x")

    error = await app.gets("Error")
    assert (error.code, error.type) == ("unknown-type", number)
    assert error.text
    await app.tells(body="still here")


async def test_an_unknown_type_in_json(server):
    app = await server.app("romeo", protocol=JSON)

    await app.send_raw('{"type":99,"message":{"what":1}}')

    error = await app.gets("Error")
    assert (error.code, error.type) == ("unknown-type", 99)
    await app.tells(body="still here")


async def test_fields_that_are_not_known_yet_are_passed_over(server):
    """So that a newer app can talk to an older server."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    newer = to_binary(Message(eventId="7", to=juliet.bare, body="from the future"))
    await romeo.send_raw(newer + _text_field(15, b"what will be") + b"\xc0\x3e\x01")  # and number 1000
    await romeo.is_acknowledged("7")

    await juliet.hears("from the future")


UNREADABLE = {
    "nothing": b"",
    "half a type": b"\x0b",
    "a length without its text": b"\x0b\x00\x0a",
    "text that ends early": b"\x0b\x00\x0a\x05abcd",
    "a length beyond all": b"\x0b\x00\x0a\xff\xff\xff\xff\x0f",
    "a length that does not end": b"\x0b\x00\x0a" + b"\xff" * 11,
    "the wire type 7": b"\x0b\x00" + _field(1, 7, b"\x01"),
    "the field number 0": b"\x0b\x00\x02\x01x",
    "the end of a group that did not begin": b"\x0b\x00\x0c",
    "a group that does not end": b"\x0b\x00" + b"\x7b" * 200,
    "half a character": b"\x0b\x00" + _text_field(6, "é".encode()[:1]),
    "a surrogate": b"\x0b\x00" + _text_field(6, b"\xed\xa0\x80"),
    "an overlong NUL": b"\x0b\x00" + _text_field(6, b"\xc0\x80"),
    "text beyond U+10FFFF": b"\x0b\x00" + _text_field(6, b"\xf4\x90\x80\x80"),
    "an acknowledgement that ends early": b"\x0a\x00\x0a\x05abcd",
    "a request that ends early": b"\x14\x00\x0a\x05abcd",
}


@pytest.mark.parametrize("what", list(UNREADABLE))
async def test_what_cannot_be_decoded_ends_the_connection(server, what):
    romeo, nurse = await server.app("romeo"), await server.app("nurse")

    await romeo.send_raw(UNREADABLE[what])

    end = await romeo.ended()
    assert end.code == 1007, end
    await nurse.tells(body="nobody else noticed")


@pytest.mark.parametrize("protocol", [PROTOBUF, None])
@pytest.mark.parametrize(
    "text", ["hello", "{}", '{"module":"OTHER","message":"x"}', '{"type":11,"message":{}}', '{"module":', "", "[1]"]
)
async def test_text_where_binary_is_due(server, protocol, text):
    app = await server.app("romeo", protocol=protocol)

    await app.send_raw(text)

    assert (await app.ended()).code == 1003


async def test_binary_where_text_is_due(server):
    app = await server.app("romeo", protocol=JSON)

    await app.send_raw(to_binary(Message(body="x")))

    assert (await app.ended()).code == 1003


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        '{"type":"eleven","message":{}}',
        '{"type":11,"message":7}',
        '{"type":11,"message":{"body":7}}',
        '{"type":11,"message":{"attachment":{"size":-1}}}',
        '{"type":11,"message":{"body":"\\ud800"}}',
        "[" * 30_000,
        '{"type":11,"message":{"attachment":' + '{"a":' * 5_000,
    ],
    ids=range(14),
)
async def test_what_is_not_json_of_the_contract(server, text):
    romeo, nurse = await server.app("romeo", protocol=JSON), await server.app("nurse")

    await romeo.send_raw(text)

    assert (await romeo.ended()).code == 1007
    await nurse.tells(body="nobody else noticed")


async def test_a_message_that_is_too_big(server):
    for protocol in (PROTOBUF, JSON):
        app = await server.app("romeo", protocol=protocol)
        await app.send(Message(eventId="1", body="x" * 70_000))
        assert (await app.ended()).code == 1009


async def test_a_message_that_is_too_big_when_it_is_inflated(server):
    app = await server.app("romeo", deflate=True)
    assert "permessage-deflate" in app.link.response.headers.get("Sec-WebSocket-Extensions", "")

    await app.send(Message(eventId="1", body="x" * 10_000_000))

    assert (await app.ended()).code == 1009


async def test_what_just_fits(server):
    romeo, juliet = await server.app("romeo", deflate=True), await server.app("juliet", deflate=True)
    event = fresh_event()
    body = "心" * ((65_536 - len(to_binary(Message(eventId=event, to=juliet.bare, type="text", body="x")))) // 3 - 2)

    await romeo.tells(juliet.bare, body, event=event)

    await juliet.hears(body)


async def test_a_field_of_another_wire_type_is_one_that_is_not_known(server):
    romeo = await server.app("romeo")

    await romeo.send_raw(bytes.fromhex("0b00" "0801" "3203616263"))  # eventId = 1, as a number; body

    assert (await romeo.hears()).body == "abc"
