"""What a client of the WebSocket door gets when it was away, lost its connection, or the server crashed."""

import pytest

from support.apps import JSON, PROTOBUF, Ended
from support.frames import AckMessage
from support.managed import Managed, hears

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")


def _crash(server) -> None:
    server.house.kill()
    server.house.start()


def _numbers(*range_) -> list[str]:
    return [str(number) for number in range(*range_)]


async def _says(sender, to, *said: str) -> None:
    for event in [await sender.says(to, body) for body in said]:
        await sender.is_acknowledged(event)


async def _hears(app, *said: str) -> list:
    return [await app.hears(body) for body in said]


async def _nothing_more(app, sender) -> None:
    assert [m.body for m in await app.hears_from(sender)] == []


# Who was away


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
@pytest.mark.parametrize("acknowledges", [True, False])
async def test_what_came_meanwhile_comes_first_and_in_order(server, protocol, acknowledges):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says(romeo, account.jid, *_numbers(30))

    juliet = await server.app(account, protocol=protocol, acknowledges=acknowledges)
    await _says(romeo, account.jid, *_numbers(30, 40))

    heard = await _hears(juliet, *_numbers(40))
    assert all(message.archiveId and message.eventId and message.createAt for message in heard)
    assert [m.createAt for m in heard] == sorted(m.createAt for m in heard)


async def test_what_came_from_xmpp_meanwhile(server):
    romeo, account = await server.session("romeo"), await server.account("juliet")
    for body in _numbers(5):
        await romeo.message(account.jid, body)
    await romeo.settled()

    juliet = await server.app(account)

    await _hears(juliet, *_numbers(5))
    await _nothing_more(juliet, romeo)


async def test_what_came_from_an_app_meanwhile_comes_to_xmpp(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says(romeo, account.jid, *_numbers(5))

    juliet = await server.session(account)

    assert [m.text_of("body") for m in await juliet.all_that_waited()] == _numbers(5)


async def test_what_waits_survives_a_crash(start):
    server = await start()
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says(romeo, account.jid, *_numbers(30))

    _crash(server)

    await _hears(await server.app(account), *_numbers(30))


# Who never acknowledges


@pytest.mark.parametrize("protocol", [PROTOBUF, None])
async def test_to_who_never_acknowledges_what_was_written_does_not_come_again(server, protocol):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says(romeo, account.jid, *_numbers(3))
    juliet = await server.app(account, protocol=protocol)
    await _says(romeo, account.jid, *_numbers(3, 6))
    await _hears(juliet, *_numbers(6))

    await juliet.leaves()
    await _says(romeo, account.jid, "new")

    juliet = await server.app(account, protocol=protocol)
    await _hears(juliet, "new")
    await _nothing_more(juliet, romeo)


# Who acknowledges


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
@pytest.mark.parametrize("how", ["drop", "leave"])
async def test_what_was_not_acknowledged_comes_again(server, protocol, how):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, protocol=protocol, acknowledges=True)
    await _says(romeo, account.jid, *_numbers(10))
    first = await _hears(juliet, *_numbers(10))

    juliet.vanishes() if how == "drop" else await juliet.leaves()

    juliet = await server.app(account, protocol=protocol, acknowledges=True)
    again = await _hears(juliet, *_numbers(10))
    assert [m.eventId for m in again] == [m.eventId for m in first]
    assert [(m.archiveId, m.createAt) for m in again] == [(m.archiveId, m.createAt) for m in first]
    await _nothing_more(juliet, romeo)


@pytest.mark.parametrize("crash", [False, True])
async def test_an_acknowledgement_covers_all_before_it(start, crash):
    server = await start()
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, acknowledges=True)
    await _says(romeo, account.jid, *_numbers(10))
    heard = await _hears(juliet, *_numbers(10))

    await juliet.acknowledges(heard[6])
    await juliet.tells(romeo.bare, "thanks")  # committed after what it has acknowledged
    if crash:
        _crash(server)
        romeo = await server.app(romeo.account)
    else:
        juliet.vanishes()

    juliet = await server.app(account, acknowledges=True)
    await _hears(juliet, *_numbers(7, 10))
    await _nothing_more(juliet, romeo)


async def test_acknowledging_begins_with_the_first_acknowledgement(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account)
    await _says(romeo, account.jid, "one")
    await juliet.acknowledges((await _hears(juliet, "one"))[0])
    await juliet.tells(romeo.bare, "from now on")
    await _says(romeo, account.jid, "two", "three")
    await _hears(juliet, "two", "three")

    juliet.vanishes()

    juliet = await server.app(account)
    await _hears(juliet, "two", "three")
    await _nothing_more(juliet, romeo)


async def test_who_signs_in_with_a_frame_may_acknowledge_from_the_start(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, headers={}, signed_in=False)
    assert (await juliet.signs_in(user=account.local, password=account.password, acknowledges=True)).ok
    await _says(romeo, account.jid, "one")
    await _hears(juliet, "one")

    juliet.vanishes()

    await _hears(await server.app(account), "one")


async def test_what_waited_comes_again_too_if_it_was_not_acknowledged(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says(romeo, account.jid, *_numbers(10))

    for _ in range(2):
        juliet = await server.app(account, acknowledges=True)
        await _hears(juliet, *_numbers(10))
        juliet.vanishes()

    juliet = await server.app(account, acknowledges=True)
    await juliet.acknowledges((await _hears(juliet, *_numbers(10)))[-1])
    await juliet.tells(romeo.bare, "at last")
    juliet.vanishes()
    await _nothing_more(await server.app(account, acknowledges=True), romeo)


async def test_after_a_crash_what_was_not_acknowledged_comes_again(start):
    server = await start()
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, acknowledges=True)
    await _says(romeo, account.jid, *_numbers(20))
    await _hears(juliet, *_numbers(20))

    _crash(server)

    juliet, romeo = await server.app(account, acknowledges=True), await server.app(romeo.account)
    await _says(romeo, account.jid, "new")
    await _hears(juliet, *_numbers(20), "new")
    await _nothing_more(juliet, romeo)


async def test_what_an_app_did_not_acknowledge_goes_to_an_xmpp_client(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, acknowledges=True)
    await _says(romeo, account.jid, "one", "two")
    await _hears(juliet, "one", "two")

    juliet.vanishes()

    desk = await server.session(account, type=Managed)
    await hears(desk, "one", "two")


async def test_new_messages_wait_behind_those_that_come_again(server):
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, acknowledges=True)
    for turn in range(5):
        await _says(romeo, account.jid, *_numbers(10 * turn, 10 * turn + 10))
        juliet.vanishes()
        juliet = await server.app(account, acknowledges=True)
        await _says(romeo, account.jid, f"while {turn}")

    heard = [m.body for m in await juliet.hears_from(romeo)]

    said = [body for turn in range(5) for body in (*_numbers(10 * turn, 10 * turn + 10), f"while {turn}")]
    assert heard == said


@pytest.mark.parametrize("what", ["what was never given", ""])
async def test_an_acknowledgement_of_something_else(server, what):
    """It covers nothing; the server may say so, or close, or pass over it."""
    romeo, account = await server.app("romeo"), await server.account("juliet")
    juliet = await server.app(account, acknowledges=True)
    await _says(romeo, account.jid, "one")
    await _hears(juliet, "one")

    await juliet.send(AckMessage(eventId=what))
    try:
        await juliet.tells(romeo.bare, "what now?")
    except Ended as end:
        assert end.code in (1002, 1007)
    juliet.vanishes()

    await _hears(await server.app(account), "one")
