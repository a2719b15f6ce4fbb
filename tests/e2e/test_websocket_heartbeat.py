"""Heartbeats in text and pings of RFC 6455, and what happens to who says nothing for too long."""

import asyncio
import json

import pytest

from support.apps import JSON, PROTOBUF, Ended
from support.handmade import PING, PONG, Handmade, frame
from support.waits import patient, within

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

SEED = '{"module": "HEART_CHECK", "message": "请求心跳"}'  # as the seed's app writes it
PING_AFTER, SILENT_LIMIT = 1, round(patient(3))


@pytest.fixture
async def strict(start):
    return await start(limits={"websocket_ping_seconds": PING_AFTER, "websocket_silent_seconds": SILENT_LIMIT})


async def _raw(server, account) -> Handmade:
    wire = await Handmade.connects(server.house.settings.http_port)
    return await wire.opens(account)


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
async def test_a_heartbeat_is_answered_with_what_it_says(server, protocol):
    app = await server.app("romeo", protocol=protocol)

    await app.send_raw(SEED)

    assert await app.gets("heartbeat") == json.loads(SEED)
    for message in ("", "x", "\"quoted\" \\ \n 😀", "<&>"):
        assert await app.beats(message) == {"module": "HEART_CHECK", "message": message}


@pytest.mark.parametrize("message", ["7", "null", '{"deep":[1,2]}', "true"])
async def test_its_message_may_be_of_any_kind(server, message):
    """Answered with it, or not the contract: but never with something else."""
    app = await server.app("romeo")

    await app.send_raw('{"module":"HEART_CHECK","message":' + message + "}")

    try:
        answer = await app.gets("heartbeat")
    except Ended as end:
        assert end.code in (1003, 1007)
    else:
        assert answer["module"] == "HEART_CHECK"
        assert answer.get("message", json.loads(message)) == json.loads(message)


async def test_many_heartbeats_are_all_answered(server):
    app = await server.app("romeo")

    for number in range(200):
        await app.send_raw(json.dumps({"module": "HEART_CHECK", "message": str(number)}))

    assert [(await app.gets("heartbeat"))["message"] for _ in range(200)] == [str(number) for number in range(200)]


async def test_a_ping_is_answered(server):
    app = await server.app("romeo")

    await within(await app.link.ping(b"there?"), "a pong")


async def test_the_server_pings_and_who_answers_stays(strict):
    """Twice as long as silence may last."""
    wire = await _raw(strict, await strict.account("romeo"))
    clock = asyncio.get_running_loop().time
    began = clock()

    while clock() < began + 2 * SILENT_LIMIT:
        await wire.send(frame(PONG, await wire.reads_until(PING)))

    await wire.send(frame(PING, b"still here"))
    assert await wire.reads_until(PONG) == b"still here"
    wire.hang_up()


async def test_who_says_nothing_is_disconnected_and_its_contacts_are_told(strict):
    juliet, romeo = await strict.session("juliet"), await strict.account("romeo")
    await _shows_its_presence(strict, romeo, juliet)
    wire = await _raw(strict, romeo)
    app = await juliet.take(lambda s: s.name == "presence" and s["type"] is None, "the app to be there")

    assert await wire.closed_with() == 4408

    await juliet.hears("presence", "unavailable", app["from"])


async def _shows_its_presence(server, account, contact) -> None:
    """By a session that comes for that and leaves."""
    desk = await server.session(account, roster=True)
    await contact.presence(kind="subscribe", to=account.jid)
    await desk.hears("presence", "subscribe")
    await desk.presence(kind="subscribed", to=contact.bare)
    await contact.hears("presence", None, desk.jid)
    await desk.leaves()
    await contact.hears("presence", "unavailable", desk.jid)


async def test_what_was_sent_to_who_had_gone_silently_is_not_lost(strict):
    """It had said that it acknowledges."""
    romeo, account = await strict.session("romeo"), await strict.account("juliet")
    wire = await Handmade.connects(strict.house.settings.http_port)
    await wire.opens(account, target="/ws?acknowledges=1")
    await romeo.message(account.jid, "art thou there?")

    assert await wire.closed_with() == 4408

    await (await strict.app(account)).hears("art thou there?")


async def test_heartbeats_keep_a_connection_alive(strict):
    """Of a client that answers no pings."""
    wire = await _raw(strict, await strict.account("romeo"))
    clock = asyncio.get_running_loop().time
    began = clock()

    while clock() < began + 2 * SILENT_LIMIT:
        await wire.reads_until(PING)
        await wire.send(frame(0x1, SEED.encode()))

    await wire.send(frame(PING, b"still here"))
    assert await wire.reads_until(PONG) == b"still here"
    wire.hang_up()
