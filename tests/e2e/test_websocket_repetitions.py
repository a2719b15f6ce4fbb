"""A client repeats what was not acknowledged: it is delivered once, and so is nothing that only looks like it."""

import pytest

from support.apps import JSON, PROTOBUF
from support.frames import HistoryRequest

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")


async def _bodies(app, sender) -> list[str]:
    return [message.body for message in await app.hears_from(sender)]


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
async def test_the_same_message_again_is_acknowledged_and_not_delivered(server, protocol):
    romeo, juliet = await server.app("romeo", protocol=protocol), await server.app("juliet")

    for _ in range(3):
        await romeo.tells(juliet.bare, "once", event="e1")

    assert await _bodies(juliet, romeo) == ["once"]


async def test_at_once(server):
    """Before the first is committed."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for _ in range(20):
        await romeo.says(juliet.bare, "once", event="e1")
    for _ in range(20):
        await romeo.is_acknowledged("e1")

    assert await _bodies(juliet, romeo) == ["once"]


async def test_the_same_id_with_something_else_is_another_message(server):
    """The seed's app says `####` each time."""
    romeo, juliet, nurse = [await server.app(name) for name in ("romeo", "juliet", "nurse")]

    await romeo.tells(juliet.bare, "one", event="####")
    await romeo.tells(juliet.bare, "two", event="####")
    await romeo.tells(juliet.bare, "two", event="####", type="system")
    await romeo.tells(nurse.bare, "two", event="####")

    assert await _bodies(juliet, romeo) == ["one", "two", "two"]
    assert await _bodies(nurse, romeo) == ["two"]


async def test_an_empty_id_is_never_a_repetition(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for _ in range(3):
        await romeo.tells(juliet.bare, "ring", event="")

    heard = await juliet.hears_from(romeo)
    assert [message.body for message in heard] == ["ring"] * 3
    assert len({message.eventId for message in heard} - {""}) == 3  # the server's, to be acknowledged by


async def test_another_account_may_use_the_same_id(server):
    romeo, paris, juliet = [await server.app(name) for name in ("romeo", "paris", "juliet")]

    for suitor in (romeo, paris):
        await suitor.tells(juliet.bare, "marry me", event="e1")

    assert sorted(m.body for m in await juliet.hears_from(paris)) == ["marry me"] * 2


async def test_after_a_drop(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await romeo.tells(juliet.bare, "once", event="e1")

    romeo.vanishes()
    romeo = await server.app(romeo.account)
    await romeo.tells(juliet.bare, "once", event="e1")

    assert await _bodies(juliet, romeo) == ["once"]


async def test_a_repetition_may_name_the_destination_otherwise(server):
    """A name and the address of the same account are the same destination."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for to in (juliet.account.local, juliet.bare):
        await romeo.tells(to, "once", event="e1")

    assert await _bodies(juliet, romeo) == ["once"]


async def test_after_a_crash(start):
    """Sent, perhaps committed, not acknowledged: nobody knows, and it is there once."""
    server = await start()
    romeo, juliet = await server.app("romeo"), await server.account("juliet")
    said = [str(number) for number in range(100)]
    await romeo.tells(juliet.jid, "known", event="known")
    for body in said:
        await romeo.says(juliet.jid, body, event=body)

    server.house.kill()
    server.house.start()

    romeo = await server.app(romeo.account)
    await romeo.tells(juliet.jid, "known", event="known")
    for body in said:
        await romeo.says(juliet.jid, body, event=body)
    for body in said:
        await romeo.is_acknowledged(body)
    app = await server.app(juliet)
    assert await _bodies(app, romeo) == ["known", *said]
    page = await romeo.asks(HistoryRequest(limit=100, latest=True))
    assert len({m.eventId for m in page.messages}) == len(page.messages) == 100


async def test_what_was_said_over_xmpp_with_the_same_id(server):
    """The window is the account's, whatever the door."""
    phone, juliet = await server.app("romeo"), await server.app("juliet")
    desk = await server.session(phone.account)

    await phone.tells(juliet.bare, "once", event="e1")
    await desk.message(juliet.bare, "something else", id="e1", more="<origin-id xmlns='urn:xmpp:sid:0' id='e1'/>")
    await desk.settled()

    assert sorted(m.body for m in await juliet.hears_from(desk)) == ["once", "something else"]


async def test_the_oldest_of_too_many_is_forgotten(start):
    server = await start(limits={"retries": 4})
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for number in (0, 1, 2, 3, 4, 1, 4, 0):
        await romeo.tells(juliet.bare, str(number), event=str(number))

    assert await _bodies(juliet, romeo) == ["0", "1", "2", "3", "4", "0"]


async def test_a_refused_message_may_be_tried_again(server):
    romeo, juliet = await server.app("romeo"), server.unregistered("juliet")
    await romeo.says(juliet.jid, "hello", event="e1")
    await romeo.is_refused("e1")
    await server.register(juliet)

    await romeo.tells(juliet.jid, "hello", event="e1")

    await (await server.app(juliet)).hears("hello")
