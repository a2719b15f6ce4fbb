"""A message that its sender sends again, because he never saw it acknowledged, is acknowledged again and heard once.
What makes it recognisable is its origin-id (XEP-0359)."""

import asyncio

import pytest

from support.archive import everything
from support.managed import Managed, resumed
from support.session import Session, fresh_id, settle
from support.xml import CARBONS, HINTS, STANZA_ID

pytestmark = pytest.mark.anser_only("nobody else recognises a message that is sent again")

DELAY = "urn:xmpp:delay"


@pytest.fixture
async def server(start):
    return await start()


def _crash(server) -> None:
    server.house.kill()
    server.house.start()


def _origin(ident: str) -> str:
    return f"<origin-id xmlns='{STANZA_ID}' id='{ident}'/>"


async def _says(session, to, *said: str, origin: str = "0a1b2c3d", more: str = "", **how) -> None:
    """Until it is acknowledged, by `<a/>` or by the answer to a ping."""
    for body in said:
        await session.message(to, body, more=_origin(origin) + more, **how)
    await (session.all_handled() if isinstance(session, Managed) else session.settled())


async def _has_heard(session, *others) -> list[str]:
    await settle(*others, session)
    return [m.text_of("body") for m in session.heard("message") if not m.has("note")]


async def _waited(server, account) -> list[str]:
    reader = await server.session(account)
    return [m.text_of("body") for m in await reader.all_that_waited()]


@pytest.mark.parametrize("type", [Session, Managed])
async def test_it_is_acknowledged_again_and_heard_once(server, type):
    romeo, juliet = await server.session("romeo", type=type), await server.session("juliet")

    for _ in range(3):
        await _says(romeo, juliet.bare, "once")

    assert await _has_heard(juliet, romeo) == ["once"]
    assert romeo.heard("message") == []


async def test_the_id_attribute_makes_no_difference(server):
    """It may change, and alone it says nothing: programs send id='1' for ever."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await _says(romeo, juliet.bare, "with an origin-id", id="1")
    await _says(romeo, juliet.bare, "with an origin-id", id="2")
    for _ in range(2):
        await romeo.message(juliet.bare, "without", id="1")
        await romeo.settled()

    assert await _has_heard(juliet, romeo) == ["with an origin-id", "without", "without"]


async def test_a_delay_that_the_client_adds_is_no_other_content(server):
    """XEP-0198 §5: clients add the time of their first attempt, some with their own address."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    stamp = "2026-11-27T10:00:00Z"

    await _says(romeo, juliet.bare, "once")
    await _says(romeo, juliet.bare, "once", more=f"<delay xmlns='{DELAY}' stamp='{stamp}'/>")
    await _says(romeo, juliet.bare, "once", more=f"<delay xmlns='{DELAY}' from='{romeo.jid}' stamp='{stamp}'/>")

    assert await _has_heard(juliet, romeo) == ["once"]


async def test_other_words_to_others_or_of_another_type_are_other_messages(server):
    romeo, juliet, nurse = [await server.session(name) for name in ("romeo", "juliet", "nurse")]

    await _says(romeo, juliet.bare, "one", "two")
    await _says(romeo, nurse.bare, "one")
    await _says(romeo, juliet.jid, "one")
    await _says(romeo, juliet.bare, "one", kind="normal")
    await _says(nurse, juliet.bare, "one")

    assert await _has_heard(juliet, romeo, nurse) == ["one", "two", "one", "one", "one"]
    assert await _has_heard(nurse) == ["one"]


@pytest.mark.parametrize("hint", ["", f"<no-store xmlns='{HINTS}'/>", f"<no-permanent-store xmlns='{HINTS}'/>"])
@pytest.mark.parametrize("kind", ["chat", "normal", "headline"])
async def test_it_does_not_matter_what_is_kept(server, kind, hint):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for _ in range(2):
        await _says(romeo, juliet.bare, "once", kind=kind, more=hint)

    assert await _has_heard(juliet, romeo) == ["once"]


async def test_both_archives_have_one(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for _ in range(2):
        await _says(romeo, juliet.bare, "once")

    assert [r.body for r in await everything(romeo)] == ["once"]
    assert [r.body for r in await everything(juliet)] == ["once"]


async def test_who_is_away_finds_one(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    for _ in range(2):
        await _says(romeo, juliet, "once")

    assert await _waited(server, juliet) == ["once"]


async def test_every_device_has_one(server):
    """As itself or as a copy."""
    juliet = await server.session("juliet", "balcony")
    chamber = await server.session(juliet.account, "chamber")
    romeo = await server.session("romeo", "garden")
    orchard = await server.session(romeo.account, "orchard")
    for session in (juliet, chamber, romeo, orchard):
        await session.set(f"<enable xmlns='{CARBONS}'/>")

    for _ in range(2):
        await _says(romeo, juliet.jid, "once")
    await settle(romeo, orchard, juliet, chamber)

    assert [m.text_of("body") for m in juliet.heard("message") if m.has("body")] == ["once"]
    assert len([m for m in chamber.heard("message") if m.has("received", CARBONS)]) == 1
    assert len([m for m in orchard.heard("message") if m.has("sent", CARBONS)]) == 1


async def test_a_note_to_oneself_comes_once(server):
    romeo = await server.session("romeo")

    for _ in range(2):
        await _says(romeo, romeo.bare, "once")

    assert await _has_heard(romeo) == ["once"]


async def test_after_an_error_it_is_tried_again(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")
    to = f"{juliet}/balcony"

    for _ in range(2):
        await _says(romeo, to, "hark", kind="normal")
        assert (await romeo.hears(type="error"))["from"] == to
    balcony = await server.session(juliet, "balcony")
    for _ in range(2):
        await _says(romeo, to, "hark", kind="normal")

    assert await _has_heard(balcony, romeo) == ["hark"]
    assert romeo.heard("message") == []


async def test_from_another_session_it_is_known_too(server):
    """The connection is lost before the acknowledgement, and the client logs in anew."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.message(juliet.bare, "once", more=_origin("1"))
    await settle(romeo, juliet)
    romeo.hang_up()

    again = await server.session(romeo.account)
    await _says(again, juliet.bare, "once", origin="1")

    assert await _has_heard(juliet, again) == ["once"]


async def test_sessions_that_send_it_at_the_same_time_send_it_once(server):
    juliet, account = await server.session("juliet"), await server.account("romeo")
    sessions = [await server.session(account, f"device{number}") for number in range(5)]

    async def send(session):
        for number in range(20):
            await session.message(juliet.bare, str(number), more=_origin(str(number)))
        await session.settled()

    await asyncio.gather(*map(send, sessions))

    heard = await _has_heard(juliet, *sessions)
    assert sorted(heard, key=int) == [str(number) for number in range(20)]


async def test_what_is_said_in_between_keeps_its_order(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for number in range(50):
        await romeo.message(juliet.bare, str(number), more=_origin(str(number)))
        await romeo.message(juliet.bare, str(number), more=_origin(str(number)))
        await romeo.message(juliet.bare, f"then {number}")
    await romeo.settled()

    assert await _has_heard(juliet, romeo) == [w for number in range(50) for w in (str(number), f"then {number}")]


async def test_what_a_client_says_last_is_said(server):
    """It writes, and ends the stream at once."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.send(
        "".join(
            f"<message to='{juliet.bare}' type='chat' id='{fresh_id()}'><body>{n}</body>{_origin(str(n))}</message>"
            for n in range(5)
        )
        + "</stream:stream>"
    )

    assert [(await juliet.hears()).text_of("body") for _ in range(5)] == ["0", "1", "2", "3", "4"]


async def test_after_a_resumption_what_comes_again_is_known(server):
    """A client that counts badly sends more than it has to."""
    romeo, juliet = await server.session("romeo", type=Managed), await server.session("juliet")
    await _says(romeo, juliet.bare, "once")

    romeo.cut()
    again = await resumed(server, romeo)
    await _says(again, juliet.bare, "once")

    assert await _has_heard(juliet, again) == ["once"]


async def test_who_cannot_resume_sends_again_and_is_heard_once(server):
    romeo, account = await server.session("romeo"), await server.account("juliet")
    await _says(romeo, account, "once")

    _crash(server)

    romeo = await server.session(romeo.account)
    await _says(romeo, account, "once", "something else")
    assert await _waited(server, account) == ["once", "something else"]
    assert [r.body for r in await everything(romeo)] == ["once", "something else"]


async def test_after_a_crash_all_that_comes_again_is_heard_once(server):
    """The server dies while the client writes; it knows of no acknowledgement and sends all of it again, between what it
    has heard meanwhile."""
    romeo, juliet, nurse = await server.session("romeo"), await server.account("juliet"), await server.session("nurse")
    said = [str(number) for number in range(100)]
    for body in said:
        await romeo.message(juliet, body, more=_origin(body))
        await nurse.message(romeo.bare, body)

    _crash(server)

    romeo = await server.session(romeo.account)
    for body in said:
        await romeo.message(juliet, body, more=_origin(body))
    await romeo.settled()
    assert await _waited(server, juliet) == said


async def test_what_was_taken_back_does_not_come_again_after_a_crash(server):
    """The client sends both again, the words and their retraction."""
    romeo, account = await server.session("romeo"), await server.account("juliet")
    retract = f"<retract xmlns='urn:xmpp:message-retract:1' id='words'/><store xmlns='{HINTS}'/>"

    async def speak(session):
        await _says(session, account, "I love you not", origin="words", id="words")
        await _says(session, account, None, origin="rue", more=retract)

    await speak(romeo)
    _crash(server)
    await speak(await server.session(romeo.account))

    assert "I love you not" not in await _waited(server, account)


async def test_none_is_recognised_where_none_is_to_be(start):
    server = await start(limits={"retries": 0})
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for _ in range(2):
        await _says(romeo, juliet.bare, "twice")

    assert await _has_heard(juliet, romeo) == ["twice", "twice"]


async def test_the_oldest_of_too_many_is_forgotten(start):
    server = await start(limits={"retries": 4})
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for number in (0, 1, 2, 3, 4, 1, 4, 0):
        await _says(romeo, juliet.bare, str(number), origin=str(number))

    assert await _has_heard(juliet, romeo) == ["0", "1", "2", "3", "4", "0"]
