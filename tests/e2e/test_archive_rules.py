"""XEP-0313 with 0059, 0359, 0424 and 0441: what is kept, for whom, under which name, and what may not be asked."""

import asyncio

import pytest

from support.archive_pages import FORM, FORWARD, MAM, RETRACT, RSM, SID, ask, begin, everything, form, hear, page
from support.session import settle
from support.xml import CHAT_STATES, DELAY, DISCO_INFO


async def _talk(server, count: int):
    romeo, juliet = await server.session("romeo", "orchard"), await server.session("juliet", "balcony")
    for number in range(count):
        await romeo.message(juliet.bare, str(number), id=f"m{number}")
    await settle(romeo, juliet)
    return romeo, juliet


async def _error(session, inner: str, **how) -> str:
    answer = await ask(session, inner, **how)
    assert getattr(answer, "error", None), answer
    return answer.error.condition


# ---- ids ------------------------------------------------------------------------------------------------------------


async def test_a_delivered_message_carries_the_id_that_its_archive_has_for_it(server):
    romeo, juliet = await _talk(server, 3)

    heard = juliet.heard("message")

    ids = [m.child("stanza-id", SID) for m in heard]
    assert [i["by"] for i in ids] == [juliet.bare] * 3
    assert [i["id"] for i in ids] == (await everything(juliet)).ids
    assert len({i["id"] for i in ids}) == 3


async def test_a_message_that_waited_carries_the_same_id(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")
    await romeo.message(juliet, "wilt thou be gone?")
    await romeo.settled()

    session = await server.session(juliet)
    heard = await session.hears()

    assert heard.child("stanza-id", SID)["id"] == (await everything(session)).ids[0]


async def test_sender_and_recipient_never_share_an_id(server):
    romeo, juliet = await _talk(server, 3)

    his, hers = await everything(romeo), await everything(juliet)

    assert his.bodies == hers.bodies == ["0", "1", "2"]
    assert not set(his.ids) & set(hers.ids)
    assert all(not e.message.has("stanza-id") for e in his.entries + hers.entries)


async def test_what_is_not_archived_has_no_id(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for hint in ("no-store", "no-permanent-store"):
        await romeo.message(juliet.bare, "psst", more=f"<{hint} xmlns='urn:xmpp:hints'/>")
    await romeo.message(juliet.bare, None, more=f"<composing xmlns='{CHAT_STATES}'/>")
    await settle(romeo, juliet)

    assert [m.has("stanza-id") for m in juliet.heard("message")] == [False] * 3
    assert (await everything(juliet)).entries == []


async def test_forged_ids_and_results_are_taken_away_and_never_archived(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = (
        f"<stanza-id xmlns='{SID}' by='{juliet.bare}' id='forged'/>"
        f"<stanza-id xmlns='{SID}' by='{romeo.bare}' id='forged'/>"
        f"<result xmlns='{MAM}' id='forged'><forwarded xmlns='{FORWARD}'/></result>"
        f"<retracted xmlns='{RETRACT}' id='forged'/>"
        f"<stanza-id xmlns='{SID}' by='room@elsewhere.example' id='theirs'/>"
    )

    await romeo.message(juliet.bare, "hark", more=forged)
    await settle(romeo, juliet)

    (heard,) = juliet.heard("message")
    assert [(i["by"], i["id"]) for i in heard.all("stanza-id") if i["id"] != heard.all("stanza-id")[-1]["id"]] == [
        ("room@elsewhere.example", "theirs")
    ]
    assert heard.names == ["body", "stanza-id", "stanza-id"]
    for session in (romeo, juliet):
        (entry,) = (await everything(session)).entries
        assert entry.message.names == ["body", "stanza-id"]


# ---- pages ----------------------------------------------------------------------------------------------------------


async def test_a_page_comes_in_order_before_its_answer_with_the_message_as_it_was(server):
    romeo, juliet = await server.session("romeo", "orchard"), await server.session("juliet")
    await romeo.message(
        juliet.bare, "hark", id="m1", more="<thread>t</thread><x xmlns='urn:x' a='1'>&lt;</x>", xml_lang="en"
    )
    await settle(romeo, juliet)

    found = await ask(juliet, queryid="<'&\">")

    (entry,) = found.entries
    assert entry.result["queryid"] == "<'&\">"
    message = entry.message
    assert (message["from"], message["to"], message["id"], message["type"], message["xml:lang"]) == (
        romeo.jid,
        juliet.bare,
        "m1",
        "chat",
        "en",
    )
    assert message.ns == "jabber:client"
    assert (message.text_of("thread"), message.text_of("x", "urn:x"), message.child("x")["a"]) == ("t", "<", "1")
    assert not message.has("delay")
    assert found.complete
    assert (found.set_text("first"), found.set_text("last"), found.set_text("count")) == (entry.id, entry.id, "1")


async def test_pages_forwards_and_backwards_meet(server):
    romeo, juliet = await _talk(server, 23)
    for session in (romeo, juliet):
        forwards = [await ask(session, page(max=10))]
        while not forwards[-1].complete:
            forwards.append(await ask(session, page(max=10, after=forwards[-1].set_text("last"))))
        backwards = [await ask(session, page(max=10, before=""))]
        while not backwards[-1].complete:
            backwards.append(await ask(session, page(max=10, before=backwards[-1].set_text("first"))))

        assert [len(p.entries) for p in forwards] == [10, 10, 3]
        assert [len(p.entries) for p in backwards] == [10, 10, 3]
        assert sum((p.bodies for p in forwards), []) == [str(n) for n in range(23)]
        assert sum((p.bodies for p in reversed(backwards)), []) == [str(n) for n in range(23)]
        assert forwards[0].set_text("first") == forwards[0].ids[0]


async def test_a_flipped_page_has_the_same_messages_the_other_way_round(server):
    _, juliet = await _talk(server, 5)

    plain = await ask(juliet, page(max=3, before=""))
    flipped = await ask(juliet, page(max=3, before="") + "<flip-page/>")

    assert plain.bodies == ["2", "3", "4"]
    assert flipped.bodies == ["4", "3", "2"]
    assert [flipped.set_text(n) for n in ("first", "last")] == [plain.set_text(n) for n in ("first", "last")]


async def test_pages_have_limits(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(260):
        await romeo.message(juliet.bare, str(number))
    await settle(romeo, juliet)

    assert len((await ask(juliet)).entries) == 50
    assert len((await ask(juliet, page(max=100000))).entries) == 250
    nothing = await ask(juliet, page(max=0))
    assert (nothing.entries, nothing.complete, nothing.set_text("first")) == ([], False, None)


async def test_many_pages_asked_for_at_once_all_come_whole(server):
    _, juliet = await _talk(server, 60)

    asked = [await begin(juliet, page(max=50)) for _ in range(12)]

    for queryid, ident in asked:
        assert (await hear(juliet, queryid, ident)).bodies == [str(n) for n in range(50)]


async def test_a_large_page_ends_early_and_goes_on(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(12):
        await romeo.message(juliet.bare, f"{number} " + 60_000 * "x")
        await romeo.settled()
    await juliet.settled()

    bodies, found = [], await ask(juliet, page(max=12))
    assert not found.complete
    while True:
        bodies += [b.partition(" ")[0] for b in found.bodies]
        if found.complete:
            break
        found = await ask(juliet, page(max=12, after=found.set_text("last")))

    assert bodies == [str(n) for n in range(12)]


async def test_filters_by_id_name_exactly_what_is_between(server):
    romeo, juliet = await _talk(server, 6)
    ids = (await everything(juliet)).ids

    assert (await ask(juliet, form(after_id=ids[1], before_id=ids[4]))).bodies == ["2", "3"]
    assert (await ask(juliet, form(after_id=ids[1]) + page(max=2))).bodies == ["2", "3"]
    assert (await ask(juliet, form(before_id=ids[4]) + page(max=2, before=""))).bodies == ["2", "3"]
    assert (await ask(juliet, form(ids=[ids[5], ids[0], ids[5]]))).bodies == ["0", "5"]
    assert (await ask(juliet, form(ids=ids) + page(max=2, after=ids[2]))).bodies == ["3", "4"]


async def test_filters_by_address(server):
    romeo, juliet = await _talk(server, 1)
    nurse = await server.session("nurse")
    await nurse.message(juliet.bare, "madam!")
    await juliet.message(romeo.bare, "three words")
    await juliet.message(juliet.bare, "dear diary")
    await settle(nurse, juliet)

    async def with_(jid) -> list[str]:
        return (await ask(juliet, form(**{"with": jid}))).bodies

    assert await with_(romeo.bare) == ["0", "three words"]
    assert await with_(romeo.jid) == ["0"]
    assert await with_(nurse.bare.upper()) == ["madam!"]
    assert await with_(juliet.bare) == ["dear diary"]
    assert await with_("stranger@elsewhere.example") == []


async def test_filters_by_the_stamps_that_it_shows(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(4):
        await romeo.message(juliet.bare, str(number))
        await settle(romeo, juliet)
        await asyncio.to_thread(_next_millisecond)
    entries = (await everything(juliet)).entries

    async def between(**times) -> list[str]:
        return (await ask(juliet, form(**times))).bodies

    assert await between(start=entries[1].stamp) == ["1", "2", "3"]
    assert await between(end=entries[1].stamp) == ["0", "1"]
    assert await between(start=entries[1].stamp, end=entries[2].stamp) == ["1", "2"]
    assert await between(start=entries[2].stamp, end=entries[1].stamp) == []
    assert await between(end="2001-01-01T00:00:00+01:00") == []


def _next_millisecond() -> None:
    import time

    now = time.time_ns() // 1_000_000
    while time.time_ns() // 1_000_000 <= now + 1:
        pass


async def test_the_form_names_the_fields(server):
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<query xmlns='{MAM}'/>")

    fields = answer.child("query", MAM).child("x", FORM).all("field", FORM)
    assert {f["var"]: f["type"] for f in fields} == {
        "FORM_TYPE": "hidden",
        "with": "jid-single",
        "start": "text-single",
        "end": "text-single",
        "before-id": "text-single",
        "after-id": "text-single",
        "ids": "list-multi",
    }
    (ids,) = [f for f in fields if f["var"] == "ids"]
    validate = ids.child("validate", "http://jabber.org/protocol/xdata-validate")
    assert validate["datatype"] == "xs:string" and validate.has("open")


async def test_metadata_tells_the_ends(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    empty = await juliet.ask(f"<metadata xmlns='{MAM}'/>")
    assert empty.child("metadata", MAM).children == []
    for number in range(3):
        await romeo.message(juliet.bare, str(number))
    await settle(romeo, juliet)

    metadata = (await juliet.ask(f"<metadata xmlns='{MAM}'/>")).child("metadata", MAM)

    entries = (await everything(juliet)).entries
    for end, entry in (("start", entries[0]), ("end", entries[-1])):
        assert (metadata.child(end)["id"], metadata.child(end)["timestamp"]) == (entry.id, entry.stamp)


async def test_discovery_says_so(server):
    juliet = await server.session("juliet")
    for to in (juliet.bare, server.domain):
        info = await juliet.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to)
        names = {f["var"] for f in info.child("query").all("feature")}
        assert {MAM, MAM + "#extended", SID, RETRACT, RETRACT + "#tombstone"} <= names


# ---- attacks --------------------------------------------------------------------------------------------------------


async def test_nobody_reads_anothers_archive(server):
    romeo, juliet = await _talk(server, 2)
    tybalt = await server.session("tybalt")

    for to in (juliet.bare, romeo.bare):
        assert await _error(tybalt, "", to=to) == "forbidden"
        for payload in (f"<query xmlns='{MAM}'/>", f"<metadata xmlns='{MAM}'/>", f"<prefs xmlns='{MAM}'/>"):
            assert (await tybalt.ask(payload, to=to)).error.condition == "forbidden"
        answer = await tybalt.set(f"<prefs xmlns='{MAM}' default='never'/>", to=to)
        assert answer.error.condition == "forbidden"
    assert (await everything(tybalt)).entries == []
    assert (await everything(juliet)).bodies == ["0", "1"]


async def test_ids_of_another_archive_or_of_nobody_are_not_found(server):
    romeo, juliet = await _talk(server, 2)
    theirs = (await everything(juliet)).ids[0]
    hers = (await everything(romeo)).ids[0]
    changed = hers[:-2] + ("A" if hers[-2] != "A" else "B") + hers[-1]

    for absent in (theirs, changed, "1", "x' OR 1=1 --", "9" * 3000, "😀", hers + " x", "AAAAAAAAAAAAAAAAAAAAAA"):
        for inner in (
            page(after=absent),
            page(before=absent),
            form(after_id=absent),
            form(before_id=absent),
            form(ids=absent),
            form(ids=[hers, absent]),
        ):
            assert await _error(romeo, inner) == "item-not-found", (absent, inner)


async def test_what_is_no_form_is_refused(server):
    juliet = await server.session("juliet")

    for inner, condition in {
        form(start="yesterday"): "bad-request",
        form(end="2026-02-30T00:00:00Z"): "bad-request",
        form(start=""): "bad-request",
        form(start=["2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z"]): "bad-request",
        form(**{"with": "@@"}): "bad-request",
        form(**{"with": ""}): "bad-request",
        form(form_type=None, start="2026-01-01T00:00:00Z"): "bad-request",
        form(form_type="jabber:iq:search"): "bad-request",
        form(type="form"): "bad-request",
        form() + form(): "bad-request",
        page() + page(): "bad-request",
        page(max="many"): "bad-request",
        page(max="-1"): "bad-request",
        page(max="1e9"): "bad-request",
        page(max=""): "bad-request",
        form(ids=[]): "bad-request",
        form(text="sonnet"): "feature-not-implemented",
        form(**{"with'; DROP TABLE record; --": "x"}): "feature-not-implemented",
        page(index=3): "feature-not-implemented",
        form(ids=["A" * 22] * 251): "policy-violation",
    }.items():
        assert await _error(juliet, inner) == condition, inner
    assert await _error(juliet, "", queryid="q" * 5000) == "policy-violation"
    assert (await everything(juliet)).entries == []


async def test_text_that_looks_like_sql_or_xml_matches_nothing(server):
    _, juliet = await _talk(server, 2)

    for jid in ("%@%", "x@y.example/' OR ''='", "romeo%@localhost", "*@*.example"):
        answer = await ask(juliet, form(**{"with": jid}))
        assert getattr(answer, "error", None) or answer.entries == [], jid


async def test_results_reach_only_who_asked_and_are_not_archived(server):
    _, juliet = await _talk(server, 3)
    other = await server.session(juliet.account, "other")

    await everything(juliet)
    again = await everything(juliet)
    await other.settled()

    assert other.heard("message") == []
    assert again.bodies == ["0", "1", "2"]


async def test_a_client_that_leaves_in_the_middle_leaves_nothing_behind(server):
    _, juliet = await _talk(server, 50)
    leaving = await server.session(juliet.account, "leaving")
    for _ in range(10):
        await leaving.iq(f"<query xmlns='{MAM}'>{page(max=50)}</query>", "set", id="gone")
    leaving.hang_up()

    later = await server.session(juliet.account, "later")
    assert (await everything(later)).bodies == [str(n) for n in range(50)]
    assert [m for m in juliet.heard("message") if m.has("result", MAM)] == []


# ---- preferences ----------------------------------------------------------------------------------------------------


def _prefs(default: str, always=(), never=()) -> str:
    def jids(which):
        return "".join(f"<jid>{jid}</jid>" for jid in which)

    return f"<prefs xmlns='{MAM}' default='{default}'><always>{jids(always)}</always><never>{jids(never)}</never></prefs>"


def _read(answer):
    prefs = answer.child("prefs", MAM)
    return prefs["default"], *(sorted(j.text for j in prefs.child(n).all("jid")) for n in ("always", "never"))


async def test_preferences_are_shown_as_they_were_set(server):
    juliet = await server.session("juliet")
    assert _read(await juliet.ask(f"<prefs xmlns='{MAM}'/>")) == ("always", [], [])

    answer = await juliet.set(_prefs("roster", ["Romeo@Montague.example"], ["tybalt@capulet.example/x"]))

    wanted = ("roster", ["romeo@montague.example"], ["tybalt@capulet.example/x"])
    assert _read(answer) == wanted
    assert _read(await juliet.ask(f"<prefs xmlns='{MAM}'/>")) == wanted
    answer = await juliet.set(f"<prefs xmlns='{MAM}' default='never'/>")
    assert _read(answer) == ("never", [], [])


async def test_each_side_keeps_what_it_wants(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.set(_prefs("always", never=[juliet.bare]))
    await romeo.message(juliet.bare, "burn this")
    await settle(romeo, juliet)
    await juliet.set(_prefs("never"))
    await romeo.set(_prefs("always"))
    await romeo.message(juliet.bare, "keep this")
    await settle(romeo, juliet)
    await juliet.message(romeo.bare, "and this")
    await settle(juliet, romeo)

    assert (await everything(juliet)).bodies == ["burn this"]
    assert (await everything(romeo)).bodies == ["keep this", "and this"]
    assert [m.has("stanza-id") for m in juliet.heard("message")] == [True, False]


async def test_the_roster_decides_if_it_shall(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", roster=True)
    tybalt = await server.session("tybalt")
    await juliet.set(f"<query xmlns='jabber:iq:roster'><item jid='{romeo.bare}'/></query>")
    await juliet.set(_prefs("roster"))
    for session in (romeo, tybalt):
        await session.message(juliet.bare, f"from {session.account.local}")
        await juliet.message(session.bare, f"to {session.account.local}")
        await settle(session, juliet)

    kept = (await everything(juliet)).bodies

    # Two wrote at once, so either may be the first.
    assert sorted(kept) == [f"from {romeo.account.local}", f"to {romeo.account.local}"]


async def test_bad_preferences_are_refused_and_change_nothing(server):
    juliet = await server.session("juliet")
    await juliet.set(_prefs("roster"))

    for payload, condition in {
        f"<prefs xmlns='{MAM}'/>": "bad-request",
        _prefs("sometimes"): "bad-request",
        _prefs("always", ["@@"]): "jid-malformed",
        _prefs("always", [f"p{n}@x.example" for n in range(1001)]): "resource-constraint",
    }.items():
        assert (await juliet.set(payload)).error.condition == condition
    assert _read(await juliet.ask(f"<prefs xmlns='{MAM}'/>")) == ("roster", [], [])


# ---- retraction -----------------------------------------------------------------------------------------------------


def _retract(ident: str) -> str:
    return f"<retract xmlns='{RETRACT}' id='{ident}'/><fallback xmlns='urn:xmpp:fallback:0' for='{RETRACT}'/>"


async def test_a_retraction_is_delivered_and_leaves_a_tombstone_on_both_sides(server):
    romeo, juliet = await server.session("romeo", "orchard"), await server.session("juliet")
    await romeo.message(juliet.bare, "by yonder moon", id="vow", more="<x xmlns='urn:x'>secret</x>")
    await settle(romeo, juliet)
    before = (await everything(juliet)).entries[0]

    await romeo.message(juliet.bare, "/me took it back", id="r1", more=_retract("vow"))
    await settle(romeo, juliet)

    assert juliet.heard("message")[1].child("retract", RETRACT)["id"] == "vow"
    for session in (romeo, juliet):
        tombstone, retraction = (await everything(session)).entries
        assert tombstone.message.names == ["retracted"]
        retracted = tombstone.message.child("retracted", RETRACT)
        assert (retracted["id"], retracted["stamp"]) == ("r1", retraction.stamp)
        assert (tombstone.message["id"], tombstone.message["from"]) == ("vow", romeo.jid)
        assert tombstone.message["to"] == juliet.bare
        assert retraction.message.has("retract", RETRACT)
    after = (await everything(juliet)).entries[0]
    assert (after.id, after.stamp) == (before.id, before.stamp)


async def test_an_origin_id_names_a_message_too(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.message(juliet.bare, "vow", id="a", more=f"<origin-id xmlns='{SID}' id='o'/>")
    await romeo.message(juliet.bare, None, id="r", more=_retract("o"))
    await settle(romeo, juliet)

    entries = (await everything(juliet)).entries

    assert [e.message.names for e in entries][0] == ["retracted"]
    assert len(entries) == 2  # without a body, but kept


async def test_nobody_takes_back_what_another_said(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    tybalt = await server.session("tybalt")
    await romeo.message(juliet.bare, "vow", id="vow")
    await settle(romeo, juliet)

    await juliet.message(romeo.bare, "no", id="r1", more=_retract("vow"))
    await tybalt.message(juliet.bare, "no", id="r2", more=_retract("vow"))
    await romeo.message(tybalt.bare, "no", id="r3", more=_retract("vow"))
    await settle(tybalt, juliet, romeo)

    for session in (romeo, juliet):
        assert (await everything(session)).bodies[0] == "vow"


async def test_a_message_that_waits_is_taken_back_for_good(start):
    stage = await start()
    romeo, juliet = await stage.session("romeo"), await stage.account("juliet")
    await romeo.message(juliet, "a word that nobody shall find", id="vow")
    await romeo.message(juliet, "sorry", id="r", more=_retract("vow"))
    await romeo.settled()

    stage.house.stop()
    log = next(stage.house.folder.rglob("log.db"))
    assert b"nobody shall find" not in log.read_bytes()
    stage.house.start()

    session = await stage.session(juliet)
    first, second = [await session.hears() for _ in range(2)]
    assert not first.has("body") and first.has("retracted", RETRACT)
    assert second.has("retract", RETRACT)


@pytest.mark.anser_only("other servers keep what they keep")
async def test_the_archive_outlives_a_crash(start):
    stage = await start()
    romeo, juliet = await stage.session("romeo"), await stage.session("juliet")
    for number in range(20):
        await romeo.message(juliet.bare, str(number))
    await settle(romeo, juliet)
    before = await everything(juliet)

    stage.house.kill()
    stage.house.start()

    after = await everything(await stage.session(juliet.account))
    assert after.bodies == [str(n) for n in range(20)]
    assert after.ids == before.ids
