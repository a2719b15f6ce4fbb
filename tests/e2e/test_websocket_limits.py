"""What one client of the WebSocket door may ask of the server, and that nobody else notices."""

import asyncio

import pytest
from websockets.exceptions import ConnectionClosed

from support import config
from support.apps import PROTOBUF, App, Ended
from support.attacks import SMALL_OUTPUT
from support.frames import Message, Receipt, to_binary
from support.handmade import BINARY, TEXT, frame
from support.waits import patient, until, within

config._LIMIT_KEYS.update(
    {
        "rate_bytes": ("limits", "rate_bytes_per_second", "{}"),
        "burst_bytes": ("limits", "rate_burst_bytes", "{}"),
        "unacked_bytes": ("limits", "unacked_bytes", "{}"),
        "max_resources": ("xmpp", "max_resources", "{}"),
        "websocket_write_seconds": ("websocket", "write_timeout", '"{}s"'),
    }
)

pytestmark = pytest.mark.anser_only("the limits and their errors are ours")

BIG = "x" * 8_000


async def _says_many(sender: App, to, count: int, body: str = "") -> list[str]:
    """Acknowledged, all of them; each body begins with its number."""
    said = []
    for number in range(count):
        said.append(await sender.says(to, f"{number} {body}"))
    for event in said:
        await sender.is_acknowledged(event)
    return said


def _numbers(messages) -> list[int]:
    return [int(message.body.split()[0]) for message in messages]


async def _hears_numbers(app: App, numbers) -> None:
    """At least once each, the repetitions aside in order."""
    seen: list[int] = []
    while len(seen) < len(numbers):
        (number,) = _numbers([await app.hears()])
        if number not in seen:
            seen.append(number)
    assert seen == list(numbers)


async def test_a_flood_is_read_more_slowly_and_all_of_it_arrives(start):
    server = await start(limits={"rate_bytes": 50_000, "burst_bytes": 50_000})
    flooder, juliet = await server.app("romeo"), await server.app("juliet")
    nurse = await server.app("nurse")

    flood = asyncio.create_task(_says_many(flooder, juliet.bare, 30, BIG))  # 240 KB
    await nurse.tells(body="I am served meanwhile")
    assert not flood.done()

    await within(flood, "the flood", 30)
    assert _numbers([await juliet.hears() for _ in range(30)]) == list(range(30))


async def test_a_flood_that_does_not_wait_for_acknowledgements(server):
    """More than the server lets be uncommitted."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    await _says_many(romeo, juliet.bare, 1000)

    assert _numbers([await juliet.hears() for _ in range(1000)]) == list(range(1000))


async def test_a_flood_of_heartbeats_and_nonsense(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    deaf = await server.app(romeo.account, deaf=True, signed_in=False)

    async def flood() -> None:
        try:
            while True:
                for _ in range(100):
                    await deaf.link.send('{"module":"HEART_CHECK","message":"' + "x" * 1000 + '"}')
                    await deaf.link.send(b"\xff\x00nonsense")
        except Exception:  # the server had enough of it, or reads no more
            pass

    flooding = asyncio.create_task(flood())
    await _says_many(romeo, juliet.bare, 50)
    assert _numbers([await juliet.hears() for _ in range(50)]) == list(range(50))
    flooding.cancel()


async def test_a_client_that_does_not_read_is_disconnected_and_loses_nothing(start):
    server = await start(limits={**SMALL_OUTPUT, "unacked_bytes": 65_536})
    romeo = await server.app("romeo")
    deaf = await server.app("juliet", deaf=True, acknowledges=True)
    await deaf.tells(romeo.bare, "here")  # what came before would come page by page

    await _says_many(romeo, deaf.bare, 100, BIG)

    await _is_disconnected(server, deaf)
    juliet = await server.app(deaf.account)
    await _hears_numbers(juliet, range(100))


@pytest.mark.parametrize(
    "acknowledges, limits",
    [
        (True, {"websocket_ping_seconds": 1, "websocket_silent_seconds": round(patient(3))}),
        (False, {"websocket_write_seconds": round(patient(2))}),
    ],
    ids=["acknowledges", "never acknowledges"],
)
async def test_a_client_that_does_not_read_what_waited_is_disconnected_and_loses_nothing(start, acknowledges, limits):
    server = await start(limits={**SMALL_OUTPUT, **limits})
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says_many(romeo, account.jid, 100, BIG)

    deaf = await server.app(account, deaf=True, acknowledges=acknowledges)

    async def is_noticed() -> bool:
        return f"session of {deaf.address} from" in server.house.log()

    await until(is_noticed, "the server to have noticed", 30)
    await _is_disconnected(server, deaf)
    juliet = await server.app(account)
    # A page counts as delivered when it is acknowledged, or else when the kernel has taken all of it.
    first = 0 if acknowledges else _numbers([await juliet.hears()])[0]
    read = _numbers(deaf.came("Message"))
    assert first <= len(read) < 50 and read == list(range(len(read)))
    await _hears_numbers(juliet, range(0 if acknowledges else first + 1, 100))


@pytest.mark.parametrize("acknowledges", [True, False], ids=["acknowledges", "never acknowledges"])
async def test_a_client_that_reads_slowly_gets_all_that_waited(start, acknowledges):
    """What waited is several pages, each more than fits between the server and the client."""
    server = await start(limits={"output_bytes": 400_000})
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await _says_many(romeo, account.jid, 60, BIG)

    slow = await server.app(account, deaf=True, acknowledges=acknowledges)

    for number in range(60):
        message = await slow.hears()
        assert _numbers([message]) == [number]
        if acknowledges:
            await slow.acknowledges(message)


async def test_a_page_that_ends_in_receipts_is_done_with(start):
    """They have no acknowledgements of their own, and come when the client has acknowledged the last message already."""
    server = await start()
    romeo, account = await server.app("romeo"), await server.account("juliet")
    await romeo.tells(account.jid, "first")
    for number in range(600):  # more than a page, and more than a connection holds
        await romeo.send(Receipt(to=account.jid, kind="read", eventId=f"{number} " + "x" * 250))
    await romeo.tells(account.jid, "last")

    slow = await server.app(account, deaf=True, acknowledges=True)
    await slow.acknowledges(await slow.hears("first"))

    await slow.acknowledges(await slow.hears("last"))
    assert len(slow.came("Receipt")) == 600


async def _is_disconnected(server, app: App) -> None:
    """Reads what there is to the end. Who has not read for long may find a reset instead of a close frame."""
    end = await app.ended(20)
    assert end.code in (4408, 1006), end


async def test_a_client_that_does_not_read_and_never_acknowledges(start):
    """What was not written to it is not delivered."""
    server = await start(limits=SMALL_OUTPUT)
    romeo, account = await server.app("romeo"), await server.account("juliet")
    deaf = await server.app(account, deaf=True, protocol=None)
    await deaf.tells(romeo.bare, "here")

    await _says_many(romeo, account.jid, 100, BIG)

    await _is_disconnected(server, deaf)
    read = {int(message.body.split()[0]) for message in deaf.came("Message")}
    juliet = await server.app(account)
    await romeo.tells(account.jid, "100 last")
    later = set()
    while 100 not in later:
        later.update(_numbers([await juliet.hears()]))
    # What the kernel had taken when the connection ended counts as written; it is less than the half.
    assert len(later | read) > 50
    assert sorted(later) == list(range(min(later), 101))


async def test_a_session_that_ends_acknowledges_nothing_that_is_refused(start):
    """All of it comes at once: messages to somebody who does not want them, and what ends the session."""
    server = await start(limits={"cores": 1})
    romeo, juliet = await server.app("romeo"), await server.session("juliet")
    await romeo.tells(juliet.bare, "the first one waits for what was sent before this session")
    await juliet.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")

    said = [Message(eventId=f"e{number}", to=juliet.bare, body="x") for number in range(32)]
    romeo.link.transport.write(b"".join(frame(BINARY, to_binary(message)) for message in said) + frame(TEXT, b"nonsense"))

    assert (await romeo.ended()).code == 1003
    assert [error.eventId for error in romeo.came("Error")] == [message.eventId for message in said]
    assert romeo.came("AckMessage") == []


async def test_of_two_that_are_the_same_and_refused_neither_is_acknowledged(start):
    server = await start(limits={"cores": 1})
    romeo, juliet = await server.app("romeo"), await server.session("juliet")
    await romeo.tells(juliet.bare, "the first one waits for what was sent before this session")
    await juliet.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")

    twice = frame(BINARY, to_binary(Message(eventId="twice", to=juliet.bare, body="x"))) * 2
    romeo.link.transport.write(twice)

    for _ in range(2):
        assert await romeo.is_refused("twice")
    await romeo.beats()
    assert romeo.came("AckMessage") == []


async def _stops_acknowledging(start):
    """The server, and the account for which 30 messages wait; ten may be unacknowledged."""
    server = await start(queue_stanzas=10)
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    await romeo.tells(juliet.bare, "0 begins")
    await juliet.acknowledges(await juliet.hears())
    await juliet.tells(romeo.bare, "begun")

    said = [await romeo.says(juliet.bare, f"{number} x") for number in range(1, 31)]
    for event in said:
        await romeo.is_acknowledged(event)

    assert (await juliet.ended()).code == 4408
    return server, juliet.account


async def test_who_stops_acknowledging_is_disconnected_and_loses_nothing(start):
    server, account = await _stops_acknowledging(start)

    desk = await server.session(account)

    assert [int(m.text_of("body").split()[0]) for m in await desk.all_that_waited()] == list(range(1, 31))


async def test_who_acknowledges_again_gets_what_waited_by_and_by(start):
    server, account = await _stops_acknowledging(start)

    await _gets_all_by_and_by(server, account, 1, 31)


async def _gets_all_by_and_by(server, account, first: int, last: int) -> None:
    """A client that acknowledges each message at once, and comes back when it is told to."""
    seen: list[int] = []
    for _ in range(last - first):
        app = await server.app(account, acknowledges=True)
        try:
            while len(seen) < last - first:
                message = await app.hears()
                (number,) = _numbers([message])
                if number not in seen:
                    seen.append(number)
                await app.acknowledges(message)
            break
        except (Ended, ConnectionClosed):
            assert app.link.close_code == 4408
    assert seen == list(range(first, last))


async def test_who_never_acknowledges_is_not_disconnected_for_it(start):
    server = await start(queue_stanzas=10)
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    await _says_many(romeo, juliet.bare, 40)

    assert _numbers([await juliet.hears() for _ in range(40)]) == list(range(40))
    await juliet.beats()


async def test_who_acknowledges_in_time_is_not_disconnected(start):
    server = await start(queue_stanzas=10)
    romeo, juliet = await server.app("romeo"), await server.app("juliet", acknowledges=True)

    for _ in range(8):
        await _says_many(romeo, juliet.bare, 5)
        heard = [await juliet.hears() for _ in range(5)]
        await juliet.acknowledges(heard[-1])
        await juliet.tells(romeo.bare, "so far")

    await juliet.beats()


async def test_an_account_has_so_many_sessions_and_no_more(start):
    server = await start(limits={"max_resources": 3})
    apps = [await server.app("romeo") for _ in range(3)]

    end = await (await server.app("romeo", signed_in=False)).ended()
    assert end.code == 4429, end
    for app in apps:
        await app.beats()
    await server.app("juliet")

    await apps[0].leaves()
    await _may_come_again(server, "romeo")


async def _may_come_again(server, name: str) -> None:
    """As soon as the server has seen that one has gone."""

    async def tries() -> None:
        while True:
            app = await server.app(name, signed_in=False)
            try:
                return await app.tells(body="in")
            except Ended as end:
                assert end.code == 4429, end

    await within(tries(), "a place")


async def test_too_many_attempts_are_turned_away(start):
    """With a status, a close code, or the answer that the password is wrong; the right one works from elsewhere later."""
    server = await start(limits={"failures_per_account": 3})
    account = await server.account("romeo")
    codes = []

    async def guess() -> None:
        app = await server.app(
            account, headers={}, query={"user": account.local, "password": "a guess"}, signed_in=False
        )
        codes.append((await app.ended(patient(20))).code)

    await asyncio.gather(*(guess() for _ in range(6)))

    assert set(codes) <= {4401, 4429} and 4401 in codes
    await server.app("juliet")


async def test_connections_that_only_open_do_not_stop_others(server):
    """A hundred that never sign in."""
    account = await server.account("romeo")
    idle = await asyncio.gather(*(server.app(account, headers={}, signed_in=False) for _ in range(100)))

    romeo, juliet = await server.app(account), await server.app("juliet")
    await romeo.tells(juliet.bare, "through the crowd")

    await juliet.hears("through the crowd")
    assert all(app.link.subprotocol == PROTOBUF for app in idle)


async def test_a_message_is_no_larger_than_xmpp_clients_may_be_sent(start):
    """The limit of the door may be greater than that of a stanza: then it is refused, and nobody is cut off."""
    server = await start(limits={"websocket_bytes": 1_000_000, "stanza_bytes": 20_000})
    romeo, juliet, desk = await server.app("romeo"), await server.app("juliet"), await server.session("nurse")

    for to in (juliet.bare, desk.bare):
        await romeo.send_raw(to_binary(Message(eventId=to, to=to, body="<" * 60_000)))
        answer = await romeo.take(
            lambda f, to=to: f.name in ("AckMessage", "Error") and f.message.eventId == to, "an answer"
        )
        if answer.name == "Error":
            assert answer.message.code in ("bad-request", "resource-limit", "not-allowed")
    await romeo.tells(desk.bare, "small")

    stanza = await desk.take(lambda s: s.name == "message" and s.text_of("body") == "small", "the small one")
    assert stanza
