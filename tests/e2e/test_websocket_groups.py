"""Groups: what is said in one reaches all who have subscribed to it."""

import pytest

from support.apps import JSON, PROTOBUF, fresh_event
from support.frames import HistoryRequest, Subscribe, Unsubscribe

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

GROUPS_OF_A_SESSION = 100


@pytest.fixture
def group() -> str:
    return fresh_event().replace("event", "ballroom")


async def _members(server, group: str, *names: str, **how) -> list:
    apps = [await server.app(name, **how) for name in names]
    for app in apps:
        await app.does(Subscribe(group=group))
    return apps


def _sender(message) -> str:
    return getattr(message, "from").partition("/")[0]


async def _in_the_group(app, group: str, count: int, sender=None) -> list:
    """The next messages of the group that come to the app, but for those of its own account."""
    found = []
    while len(found) < count:
        message = await app.hears()
        if _sender(message) != app.bare:
            assert message.group.partition("@")[0] == group, message
            found.append(message)
    return found


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON])
async def test_what_one_says_all_others_hear(server, group, protocol):
    romeo, juliet, nurse = await _members(server, group, "romeo", "juliet", "nurse", protocol=protocol)

    event = await romeo.tells(body="a feast!", group=group)

    for app in (juliet, nurse):
        (message,) = await _in_the_group(app, group, 1)
        assert (message.body, message.eventId, _sender(message)) == ("a feast!", event, romeo.bare)
        assert message.createAt


async def test_a_group_has_an_address(server, group):
    romeo, juliet = await _members(server, group, "romeo", "juliet")

    await romeo.tells(f"{group}@conference.{server.domain}", "by its address")

    (message,) = await _in_the_group(juliet, group, 1)
    assert message.body == "by its address"


async def test_all_hear_it_in_the_same_order(server, group):
    romeo, juliet, nurse, paris = await _members(server, group, "romeo", "juliet", "nurse", "paris")

    said = []
    for number in range(20):
        for app in (romeo, juliet):
            said.append((app, await app.says(body=f"{app.account.local} {number}", group=group)))
    for app, event in said:
        await app.is_acknowledged(event)

    heard = [[m.body for m in await _in_the_group(app, group, 40)] for app in (nurse, paris)]
    assert heard[0] == heard[1]
    for app in (romeo, juliet):
        own = [body for body in heard[0] if body.startswith(f"{app.account.local} ")]
        assert own == [f"{app.account.local} {number}" for number in range(20)]


@pytest.mark.parametrize("ephemeral", [False, True])
async def test_the_history_of_a_group(server, group, ephemeral):
    romeo, juliet = await _members(server, group, "romeo", "juliet")

    await romeo.tells(body="words", group=group, ephemeral=ephemeral)
    await _in_the_group(juliet, group, 1)

    page = await juliet.asks(HistoryRequest(group=group))
    assert page.DESCRIPTOR.name == "HistoryPage", page
    assert [m.body for m in page.messages] == ([] if ephemeral else ["words"])
    assert all(m.group.partition("@")[0] == group for m in page.messages)


async def test_a_repetition_in_a_group(server, group):
    romeo, juliet = await _members(server, group, "romeo", "juliet")

    for _ in range(3):
        await romeo.tells(body="once", group=group, event="e1")
    await romeo.tells(body="last", group=group)

    assert [m.body for m in await _in_the_group(juliet, group, 2)] == ["once", "last"]


async def test_who_is_not_in_it_may_not_speak(server, group):
    (juliet,) = await _members(server, group, "juliet")
    romeo = await server.app("romeo")

    for how in ({"group": group}, {"to": f"{group}@conference.{server.domain}"}):
        assert await romeo.is_refused(await romeo.says(body="let me in", **how)) in ("not-allowed", "not-found")

    await romeo.does(Subscribe(group=group))
    await romeo.tells(body="now", group=group)
    (message,) = await _in_the_group(juliet, group, 1)
    assert message.body == "now"


async def test_who_has_left_hears_no_more(server, group):
    romeo, juliet, nurse = await _members(server, group, "romeo", "juliet", "nurse")

    await juliet.does(Unsubscribe(group=group))
    await romeo.tells(body="is she gone?", group=group)
    await _in_the_group(nurse, group, 1)

    assert await juliet.hears_from(romeo) == []
    assert await juliet.is_refused(await juliet.says(body="no", group=group)) in ("not-allowed", "not-found")


async def test_a_new_connection_is_in_no_group(server, group):
    romeo, juliet = await _members(server, group, "romeo", "juliet")

    juliet.vanishes()
    juliet = await server.app(juliet.account)
    await romeo.tells(body="anybody?", group=group, ephemeral=True)

    assert await juliet.hears_from(romeo) == []
    assert await juliet.is_refused(await juliet.says(body="me", group=group)) in ("not-allowed", "not-found")


async def test_subscribing_twice_is_subscribing_once(server, group):
    romeo, juliet = await _members(server, group, "romeo", "juliet")
    await juliet.does(Subscribe(group=group))

    await romeo.tells(body="one", group=group)
    await romeo.tells(body="two", group=group)

    assert [m.body for m in await _in_the_group(juliet, group, 2)] == ["one", "two"]
    await juliet.does(Unsubscribe(group=group))
    await romeo.tells(body="three", group=group)
    assert await juliet.hears_from(romeo) == []


async def test_groups_do_not_hear_each_other(server, group):
    romeo, juliet = await _members(server, group, "romeo", "juliet")
    await romeo.does(Subscribe(group=f"{group}-2"))

    await romeo.tells(body="elsewhere", group=f"{group}-2")
    await romeo.tells(body="here", group=group)

    (message,) = await _in_the_group(juliet, group, 1)
    assert message.body == "here"


async def test_all_devices_of_an_account_may_be_in_it(server, group):
    romeo, phone = await _members(server, group, "romeo", "juliet")
    tablet = await server.app(phone.account)
    await tablet.does(Subscribe(group=group))

    await romeo.tells(body="to both", group=group)

    for device in (phone, tablet):
        (message,) = await _in_the_group(device, group, 1)
        assert message.body == "to both"


async def test_many_members(server, group):
    romeo = await server.app("romeo")
    await romeo.does(Subscribe(group=group))
    members = []
    for _ in range(9):  # fewer than the sessions that an account may have
        members += [await server.app(name) for name in ("juliet", "nurse", "paris")]
    for member in members:
        await member.does(Subscribe(group=group))

    said = [await romeo.says(body=str(number), group=group) for number in range(20)]
    for event in said:
        await romeo.is_acknowledged(event)

    for member in members:
        assert [m.body for m in await _in_the_group(member, group, 20)] == [str(number) for number in range(20)]


@pytest.mark.parametrize("name", ["", "a b", "a@b@c", "x" * 2000, "a\x01"])
async def test_names_that_no_group_can_have(server, name):
    romeo = await server.app("romeo")

    error = await romeo.asks(Subscribe(group=name))

    assert error.DESCRIPTOR.name == "Error"
    assert error.code in ("bad-request", "not-found")


async def test_a_session_has_a_hundred_groups_at_most(server, group):
    romeo = await server.app("romeo")
    for number in range(GROUPS_OF_A_SESSION):
        await romeo.does(Subscribe(group=f"{group}-{number}"))

    error = await romeo.asks(Subscribe(group=f"{group}-more"))

    assert (error.DESCRIPTOR.name, error.code) == ("Error", "resource-limit")
    await romeo.does(Unsubscribe(group=f"{group}-7"))
    await romeo.does(Subscribe(group=f"{group}-more"))
