"""XEP-0441: who decides what is archived."""

import pytest

from support.archive import ask, ids_by
from support.xml import MAM, ROSTER


def _prefs(default: str, always: list[str] = (), never: list[str] = ()) -> str:
    jids = ["".join(f"<jid>{jid}</jid>" for jid in some) for some in (always, never)]
    return f"<prefs xmlns='{MAM}' default='{default}'><always>{jids[0]}</always><never>{jids[1]}</never></prefs>"


def _read(answer) -> tuple[str, set[str], set[str]]:
    assert answer["type"] == "result", answer
    prefs = answer.child("prefs", MAM)
    return (prefs["default"], *({jid.text for jid in prefs.child(name).all("jid")} for name in ("always", "never")))


async def test_preferences_are_there_from_the_start(server):
    """Examples 1 and 2."""
    juliet = await server.session("juliet")

    default, always, never = _read(await juliet.ask(f"<prefs xmlns='{MAM}'/>"))

    assert (default, always, never) == ("always", set(), set())


async def test_preferences_are_kept(server):
    """Examples 4 and 5."""
    juliet = await server.session("juliet")
    wish = ("roster", {"romeo@montague.lit"}, {"montague@montague.lit"})

    assert _read(await juliet.set(_prefs(*wish))) == wish

    again = await server.session(juliet.account)
    assert _read(await again.ask(f"<prefs xmlns='{MAM}'/>")) == wish


async def test_preferences_without_lists_have_empty_ones(server):
    juliet = await server.session("juliet")

    answer = await juliet.set(f"<prefs xmlns='{MAM}' default='never'/>")

    assert _read(answer) == ("never", set(), set())


@pytest.mark.parametrize(
    "prefs",
    [
        f"<prefs xmlns='{MAM}'/>",
        f"<prefs xmlns='{MAM}' default='sometimes'/>",
        _prefs("always", ["a@b@c"]),
        _prefs("always", [], [""]),
    ],
    ids=["no default", "unknown default", "malformed address", "no address"],
)
async def test_preferences_that_make_no_sense_are_refused(server, prefs):
    juliet = await server.session("juliet")

    answer = await juliet.set(prefs)

    assert answer["type"] == "error"
    assert answer.error.condition in ("bad-request", "jid-malformed")
    assert _read(await juliet.ask(f"<prefs xmlns='{MAM}'/>"))[0] == "always"


async def _is_archived(juliet, other) -> tuple[bool, bool]:
    """Whether an incoming and an outgoing message are."""
    before = len((await ask(juliet)).results)
    await other.message(juliet.bare, "in")
    await juliet.hears()
    middle = len((await ask(juliet)).results)
    await juliet.message(other.jid, "out")
    await other.hears()
    await juliet.settled()
    return middle > before, len((await ask(juliet)).results) > middle


@pytest.mark.parametrize("default, archived", [("always", True), ("never", False), ("roster", False)])
async def test_the_default_decides(server, default, archived):
    juliet, tybalt = await server.session("juliet"), await server.session("tybalt")
    await juliet.set(_prefs(default))

    assert await _is_archived(juliet, tybalt) == (archived, archived)


async def test_lists_go_before_the_default(server):
    juliet = await server.session("juliet")
    romeo, tybalt = await server.session("romeo"), await server.session("tybalt")

    await juliet.set(_prefs("always", [], [tybalt.bare]))
    assert await _is_archived(juliet, tybalt) == (False, False)
    assert await _is_archived(juliet, romeo) == (True, True)
    await juliet.set(_prefs("never", [romeo.bare]))
    assert await _is_archived(juliet, romeo) == (True, True)
    assert await _is_archived(juliet, tybalt) == (False, False)


async def test_a_resource_in_a_list_is_only_that_resource(server):
    juliet = await server.session("juliet")
    sword, dagger = await server.session("tybalt", "sword"), await server.session("tybalt", "dagger")

    await juliet.set(_prefs("always", [], [sword.jid]))

    assert await _is_archived(juliet, sword) == (False, False)
    assert await _is_archived(juliet, dagger) == (True, True)


async def test_the_roster_decides_who_is_archived(server):
    juliet, nurse = await server.session("juliet"), await server.session("nurse")
    await juliet.set(f"<query xmlns='{ROSTER}'><item jid='{nurse.bare}'/></query>")

    await juliet.set(_prefs("roster"))

    assert await _is_archived(juliet, nurse) == (True, True)


async def test_ones_preferences_are_not_the_others(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    await juliet.set(_prefs("never"))

    assert await _is_archived(juliet, romeo) == (False, False)
    assert (await ask(romeo)).bodies == ["in", "out"]


async def test_what_is_not_archived_waits_all_the_same(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    await juliet.set(_prefs("never"))
    await juliet.leaves()
    await romeo.message(juliet.bare, "wait")
    await romeo.settled()

    again = await server.session(juliet.account)

    heard = await again.hears()
    assert heard.text_of("body") == "wait"
    assert ids_by(heard, juliet.bare) == []
    assert (await ask(again)).results == []
