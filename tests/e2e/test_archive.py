"""XEP-0313 (with 0059, 0359, 0424, 0441): the archive of an account."""

import re

import pytest

from support.archive import FLIP, ask, everything, form, results_so_far, rsm
from support.managed import Managed, resumed
from support.session import settle
from support.xml import CHAT_STATES, DATA, DISCO_INFO, HINTS, MAM, REGISTER, RETRACT, ROSTER, STANZA_ERRORS, STANZA_ID

PAST, FUTURE = "2001-01-01T00:00:00Z", "2999-01-01T00:00:00Z"
STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


async def _conversation(server, count: int = 10):
    """Romeo's messages, and Juliet, who has heard them."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(count):
        await romeo.message(juliet.bare, str(number), id=f"m{number}")
    for number in range(count):
        await juliet.hears()
    await romeo.settled()
    return romeo, juliet


def _numbers(*range_) -> list[str]:
    return [str(number) for number in range(*range_)]


async def _features(session, to: str) -> list[str]:
    answer = await session.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to)
    return [feature["var"] for feature in answer.child("query").all("feature")]


# Section 7: support


async def test_an_account_says_what_its_archive_can(server):
    """Examples 28 and 29."""
    juliet = await server.session("juliet")

    assert {MAM, f"{MAM}#extended", STANZA_ID} <= set(await _features(juliet, juliet.bare))


# Section 4: queries


async def test_an_empty_archive_is_complete(server):
    juliet = await server.session("juliet")

    page = await ask(juliet)

    assert (page.answer["type"], page.results, page.complete) == ("result", [], True)
    assert page.set is not None
    assert not page.set.has("first") and not page.set.has("last")


async def test_a_query_gives_all_messages_in_their_order_and_then_its_end(server):
    """Examples 2 to 4."""
    romeo, juliet = await _conversation(server, 3)

    page = await ask(juliet, queryid="f27")

    assert page.bodies == _numbers(3)
    assert [r.wrapper.child("result")["queryid"] for r in page.results] == ["f27"] * 3
    assert (page.set.text_of("first"), page.set.text_of("last")) == (page.ids[0], page.ids[-1])
    assert page.set.child("first")["index"] in (None, "0")
    assert page.set.text_of("count") in (None, "3")
    assert page.complete
    assert all(STAMP.fullmatch(r.stamp) for r in page.results)
    assert [r.stamp for r in page.results] == sorted(r.stamp for r in page.results)


async def test_a_result_is_the_message_as_it_came(server):
    """Example 17."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    more = "<thread>t1</thread><x xmlns='urn:x' a='1'>kept <y>too</y></x>"
    await romeo.message(juliet.bare, "Call me but love", more=more, id="8a54s", xml_lang="it")
    live = await juliet.hears()

    (result,) = (await ask(juliet)).results

    for attribute in ("from", "to", "type", "id", "xml:lang"):
        assert result.message[attribute] == live[attribute]
    assert (result.message["from"], result.message["to"]) == (romeo.jid, juliet.bare)
    assert result.message.text_of("thread") == "t1"
    assert result.message.child("x", "urn:x").same_as(live.child("x", "urn:x"))


async def test_without_a_query_id_there_is_none(server):
    _, juliet = await _conversation(server, 1)

    (result,) = (await ask(juliet, queryid=None)).results

    assert result.wrapper.child("result")["queryid"] is None


async def test_an_archive_may_be_asked_by_its_address(server):
    _, juliet = await _conversation(server, 2)

    assert (await ask(juliet, to=juliet.bare)).bodies == _numbers(2)


async def test_both_sides_have_the_conversation(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(0, 6, 2):
        await romeo.message(juliet.jid, str(number))
        await juliet.hears()
        await juliet.message(romeo.jid, str(number + 1))
        await romeo.hears()
    await settle(romeo, juliet)

    hers, his = await ask(juliet), await ask(romeo)

    assert hers.bodies == his.bodies == _numbers(6)
    assert [r.message["from"] for r in hers.results] == [r.message["from"] for r in his.results]
    assert len(set(hers.ids)) == len(set(his.ids)) == 6


async def test_two_devices_see_the_same_archive(server):
    romeo, juliet = await _conversation(server, 7)
    await juliet.message(romeo.bare, "7")
    await juliet.settled()
    chamber = await server.session(juliet.account, "chamber")

    one, other = await ask(juliet), await ask(chamber)

    assert one.bodies == _numbers(8)
    assert [(r.id, r.stamp, r.body) for r in one.results] == [(r.id, r.stamp, r.body) for r in other.results]


async def test_the_archive_has_the_order_of_delivery(server):
    juliet = await server.session("juliet")
    senders = [await server.session(name) for name in ("romeo", "nurse", "tybalt")]
    for number in range(15):
        for sender in senders:
            sender.post(f"<message to='{juliet.bare}' type='chat'><body>{sender.bare} {number}</body></message>")
    heard = [(await juliet.hears()).text_of("body") for _ in range(45)]

    assert [r.body for r in await everything(juliet)] == heard


async def test_two_queries_at_once_have_their_own_results(server):
    _, juliet = await _conversation(server, 4)

    await juliet.iq(f"<query xmlns='{MAM}' queryid='a'>{rsm(max=2)}</query>", "set", id="qa")
    await juliet.iq(f"<query xmlns='{MAM}' queryid='b'>{rsm(max=2, before='')}</query>", "set", id="qb")
    await juliet.answer_to("qa")
    a = results_so_far(juliet, "a")
    await juliet.answer_to("qb")
    b = results_so_far(juliet, "b")

    assert ([r.body for r in a], [r.body for r in b]) == (["0", "1"], ["2", "3"])


async def test_what_waited_and_what_was_archived_have_the_same_id(server):
    romeo, account = await server.session("romeo"), await server.account("juliet")
    await romeo.message(account, "good night")
    await romeo.settled()
    juliet = await server.session(account)
    heard = await juliet.hears()

    (result,) = (await ask(juliet)).results

    (given,) = [s for s in heard.all("stanza-id", STANZA_ID) if s["by"] == juliet.bare]
    assert given["id"] == result.id


async def test_a_query_leaves_nothing_in_the_archive(server):
    _, juliet = await _conversation(server, 2)

    for _ in range(3):
        await ask(juliet)

    assert (await ask(juliet)).bodies == _numbers(2)


# Section 4.1: filters


@pytest.fixture
async def three(server):
    """Juliet, whose archive has messages of two others both ways and one of her own to herself."""
    romeo, nurse = await server.session("romeo"), await server.session("nurse", "nursery")
    juliet = await server.session("juliet")
    await romeo.message(juliet.bare, "romeo 1")
    await juliet.hears()
    await nurse.message(juliet.jid, "nurse 1")
    await juliet.hears()
    await juliet.message(romeo.jid, "to romeo")
    await romeo.hears()
    await juliet.message(nurse.bare, "to nurse")
    await nurse.hears()
    await juliet.message(juliet.bare, "to myself")
    await juliet.hears()
    await settle(juliet, romeo, nurse)
    juliet.others = romeo, nurse
    return juliet


async def test_a_query_may_be_about_one_person(three):
    """Example 6."""
    romeo, nurse = three.others

    assert (await ask(three, form({"with": romeo.bare}))).bodies == ["romeo 1", "to romeo"]
    assert (await ask(three, form({"with": nurse.bare}))).bodies == ["nurse 1", "to nurse"]
    assert (await ask(three, form({"with": "nobody@example.com"}))).bodies == []


async def test_a_full_address_is_matched_as_it_is(three):
    romeo, nurse = three.others

    assert (await ask(three, form({"with": romeo.jid}))).bodies == ["romeo 1", "to romeo"]
    assert (await ask(three, form({"with": nurse.jid}))).bodies == ["nurse 1"]
    assert (await ask(three, form({"with": f"{romeo.bare}/elsewhere"}))).bodies == []


async def test_what_one_sent_to_oneself_is_archived_once_and_found(three):
    assert (await ask(three, form({"with": three.bare}))).bodies == ["to myself"]


async def test_an_address_to_filter_by_is_prepared(three):
    romeo, _ = three.others

    assert (await ask(three, form({"with": romeo.bare.upper()}))).bodies == ["romeo 1", "to romeo"]


async def test_a_page_of_filtered_messages_knows_no_others(three):
    romeo, _ = three.others

    first = await ask(three, form({"with": romeo.bare}) + rsm(max=1))
    second = await ask(three, form({"with": romeo.bare}) + rsm(max=1, after=first.ids[0]))

    assert (first.bodies, first.complete) == (["romeo 1"], False)
    assert (second.bodies, second.complete) == (["to romeo"], True)


async def test_a_query_may_be_about_a_time(server):
    """Examples 7 and 8: both ends belong to it."""
    _, juliet = await _conversation(server, 6)
    results = (await ask(juliet)).results
    stamp = results[3].stamp

    since = await ask(juliet, form({"start": stamp}))

    assert set(since.bodies) >= {r.body for r in results if r.stamp >= stamp}
    assert since.bodies == [r.body for r in results][-len(since.results) :]
    assert (await ask(juliet, form({"start": PAST, "end": FUTURE}))).bodies == _numbers(6)
    assert (await ask(juliet, form({"start": FUTURE}))).bodies == []
    assert (await ask(juliet, form({"end": PAST}))).bodies == []


@pytest.mark.anser_only("stamps have the precision of the archive")
async def test_both_ends_of_a_time_belong_to_it(server):
    _, juliet = await _conversation(server, 6)
    results = (await ask(juliet)).results
    start, end = results[2].stamp, results[4].stamp

    page = await ask(juliet, form({"start": start, "end": end}))

    assert page.bodies == [r.body for r in results if start <= r.stamp <= end]
    assert {"2", "3", "4"} <= set(page.bodies)


@pytest.mark.parametrize("stamp", ["2999-01-01T02:00:00+02:00", "2998-12-31T19:00:00.123456-05:00", FUTURE])
async def test_a_time_may_be_written_in_each_way_of_the_profile(server, stamp):
    _, juliet = await _conversation(server, 1)

    assert (await ask(juliet, form({"end": stamp}))).bodies == ["0"]
    assert (await ask(juliet, form({"start": stamp}))).bodies == []


@pytest.mark.parametrize("stamp", ["yesterday", "2010-13-45T00:00:00Z", "2010-08-07"])
async def test_what_is_no_time_is_a_bad_request(server, stamp):
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, form({"start": stamp}))

    assert page.answer.error.condition == "bad-request"
    assert page.results == []


async def test_a_query_may_begin_and_end_at_known_messages(server):
    """Examples 9 and 10."""
    _, juliet = await _conversation(server, 8)
    ids = (await ask(juliet)).ids

    assert (await ask(juliet, form({"after-id": ids[2]}))).bodies == _numbers(3, 8)
    assert (await ask(juliet, form({"before-id": ids[2]}))).bodies == _numbers(2)
    assert (await ask(juliet, form({"after-id": ids[1], "before-id": ids[5]}))).bodies == _numbers(2, 5)
    assert (await ask(juliet, form({"after-id": ids[7]}))).bodies == []
    assert (await ask(juliet, form({"before-id": ids[0]}))).bodies == []


async def test_known_messages_and_pages_go_together(server):
    _, juliet = await _conversation(server, 8)
    ids = (await ask(juliet)).ids

    first = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=4))
    rest = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=4, after=first.ids[-1]))
    last = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=2, before=""))

    assert (first.bodies, first.complete) == (_numbers(1, 5), False)
    assert (rest.bodies, rest.complete) == (_numbers(5, 7), True)
    assert last.bodies == _numbers(5, 7)


async def test_known_messages_are_fetched(server):
    """Example 11; they come in the archive's order."""
    _, juliet = await _conversation(server, 6)
    ids = (await ask(juliet)).ids

    assert (await ask(juliet, form({"ids": ids[2]}))).bodies == ["2"]
    assert (await ask(juliet, form({"ids": [ids[4], ids[1], ids[5]]}))).bodies == ["1", "4", "5"]


UNKNOWN = ["28482-98726-73623", "0", "' OR 1=1 --", "x" * 2000]


@pytest.mark.parametrize("field", ["before-id", "after-id", "ids"])
@pytest.mark.parametrize("ident", UNKNOWN, ids=len)
async def test_an_id_that_is_not_in_the_archive_is_not_found(server, field, ident):
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, form({field: ident}))

    assert page.answer.error.condition == "item-not-found"
    assert page.results == []


@pytest.mark.parametrize("direction", ["before", "after"])
@pytest.mark.parametrize("ident", UNKNOWN, ids=len)
async def test_a_page_next_to_what_is_not_there_is_not_found(server, direction, ident):
    """Example 21."""
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, rsm(max=5, **{direction: ident}))

    assert page.answer.error.condition == "item-not-found"
    assert page.results == []


@pytest.mark.parametrize("field", ["before-id", "after-id", "ids"])
async def test_the_id_of_anothers_archive_is_not_found(server, field):
    romeo, juliet = await _conversation(server, 3)
    await romeo.message((await server.account("nurse")), "a secret")
    await romeo.settled()
    foreign = (await ask(romeo)).ids[-1]

    assert (await ask(juliet, form({field: foreign}))).answer.error.condition == "item-not-found"


async def test_one_unknown_id_among_known_ones_is_not_found(server):
    _, juliet = await _conversation(server, 2)
    ids = (await ask(juliet)).ids

    page = await ask(juliet, form({"ids": [*ids, "unknown"]}))

    assert page.answer.error.condition == "item-not-found"
    assert page.results == []


async def test_the_form_says_what_may_be_asked(server):
    """Examples 14 and 15."""
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<query xmlns='{MAM}'/>")

    x = answer.child("query", MAM).child("x", DATA)
    assert x["type"] == "form"
    fields = {field["var"]: field for field in x.all("field")}
    assert (fields["FORM_TYPE"]["type"], fields["FORM_TYPE"].text_of("value")) == ("hidden", MAM)
    kinds = {name: fields[name]["type"] for name in ("with", "start", "end", "before-id", "after-id", "ids")}
    assert kinds == {
        "with": "jid-single",
        "start": "text-single",
        "end": "text-single",
        "before-id": "text-single",
        "after-id": "text-single",
        "ids": "list-multi",
    }
    assert not any(field.has("required") for field in fields.values())
    assert fields["ids"].all("option") == []
    validate = fields["ids"].child("validate", "http://jabber.org/protocol/xdata-validate")
    assert validate["datatype"] in (None, "xs:string") and validate.has("open")


async def test_a_field_that_the_server_does_not_know_is_not_implemented(server):
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, form({"{http://example.com/}free-text-search": "Where art thou"}))

    assert page.answer.error.condition == "feature-not-implemented"
    assert page.results == []


@pytest.mark.parametrize("jid", ["a@b@c", "", "@", "' OR '1'='1", "%", "*"])
async def test_a_person_who_cannot_be_is_nobody(server, jid):
    _, juliet = await _conversation(server, 2)

    page = await ask(juliet, form({"with": jid}))

    assert page.results == []
    assert page.answer["type"] == "result" or page.answer.error.condition in ("bad-request", "jid-malformed")


@pytest.mark.parametrize("inner", [form({}, form_type="urn:other"), form({"with": "a@b.c"}, form_type=None)])
async def test_a_form_for_something_else_is_refused(server, inner):
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, inner)

    assert page.answer.error.condition in ("bad-request", "feature-not-implemented")


async def test_groupchat_may_be_left_out_where_the_server_says_so(server):
    """Examples 12 and 13."""
    _, juliet = await _conversation(server, 2)
    known = f"{MAM}#groupchat-field" in await _features(juliet, juliet.bare)

    for wish in ("true", "false"):
        page = await ask(juliet, form({"include-groupchat": wish}))
        if known:
            assert page.bodies == _numbers(2)
        else:
            assert page.answer.error.condition == "feature-not-implemented"


# Section 4.3: pages


async def test_pages_forwards(server):
    """Examples 18 to 20 and 22."""
    _, juliet = await _conversation(server, 10)
    first = await ask(juliet, form({"start": PAST}) + rsm(max=4))
    second = await ask(juliet, form({"start": PAST}) + rsm(max=4, after=first.set.text_of("last")))
    third = await ask(juliet, form({"start": PAST}) + rsm(max=4, after=second.set.text_of("last")))

    assert [p.bodies for p in (first, second, third)] == [_numbers(4), _numbers(4, 8), _numbers(8, 10)]
    assert [p.complete for p in (first, second, third)] == [False, False, True]
    for start, page in zip((0, 4, 8), (first, second, third)):
        assert page.set.child("first")["index"] in (None, str(start))
        assert page.set.text_of("count") in (None, "10")
        assert (page.set.text_of("first"), page.set.text_of("last")) == (page.ids[0], page.ids[-1])


async def test_a_page_that_ends_with_the_last_message_is_complete(server):
    _, juliet = await _conversation(server, 6)
    first = await ask(juliet, rsm(max=3))
    second = await ask(juliet, rsm(max=3, after=first.ids[-1]))

    assert (first.complete, second.complete) == (False, True)
    assert second.bodies == _numbers(3, 6)
    assert (await ask(juliet, rsm(max=6))).complete


async def test_behind_the_last_message_is_nothing(server):
    _, juliet = await _conversation(server, 3)
    ids = (await ask(juliet)).ids

    behind, before = await ask(juliet, rsm(max=3, after=ids[-1])), await ask(juliet, rsm(max=3, before=ids[0]))

    assert (behind.results, behind.complete) == ([], True)
    assert (before.results, before.complete) == ([], True)


async def test_pages_backwards(server):
    """Example 23, and on from there; each page is in the archive's order."""
    _, juliet = await _conversation(server, 10)
    last = await ask(juliet, rsm(max=4, before=""))
    middle = await ask(juliet, rsm(max=4, before=last.set.text_of("first")))
    first = await ask(juliet, rsm(max=4, before=middle.set.text_of("first")))

    assert [p.bodies for p in (last, middle, first)] == [_numbers(6, 10), _numbers(2, 6), _numbers(2)]
    assert [p.complete for p in (last, middle, first)] == [False, False, True]


async def test_pages_meet_while_messages_go_on_coming(server):
    romeo, juliet = await _conversation(server, 5)
    first = await ask(juliet, rsm(max=3))
    for number in range(5, 8):
        await romeo.message(juliet.bare, str(number))
        await juliet.hears()

    second = await ask(juliet, rsm(max=10, after=first.ids[-1]))

    assert first.bodies + second.bodies == _numbers(8)


async def test_a_page_of_nothing_counts(server):
    _, juliet = await _conversation(server, 3)

    page = await ask(juliet, rsm(max=0))

    assert page.results == []
    assert page.set.text_of("count") in (None, "3")
    assert not page.complete


@pytest.mark.parametrize("said", ["many", "-1", "1.5"])
async def test_a_page_of_what_is_no_number_is_refused(server, said):
    _, juliet = await _conversation(server, 1)

    page = await ask(juliet, rsm(max=said))

    assert page.answer["type"] == "error"
    assert page.answer.error.condition == "bad-request"


async def test_a_flipped_page_has_the_same_messages(server):
    """Example 24."""
    _, juliet = await _conversation(server, 8)
    ids = (await ask(juliet)).ids

    for limits, expected in (
        (rsm(max=3), _numbers(3)),
        (rsm(max=3, after=ids[1]), _numbers(2, 5)),
        (rsm(max=3, before=""), _numbers(5, 8)),
        ("", _numbers(8)),
    ):
        assert (await ask(juliet, limits + FLIP)).bodies == expected[::-1]


async def test_who_asks_for_everything_gets_it_page_by_page(server):
    """The server may limit what it sends at once; it says so and loses nothing."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(130):
        await romeo.message(juliet.bare, str(number))
    for _ in range(130):
        await juliet.hears()
    await romeo.settled()

    found = []
    while True:
        page = await ask(juliet, rsm(after=found[-1].id) if found else "")
        found += page.results
        if page.complete:
            break

    assert [r.body for r in found] == _numbers(130)


# Section 5: metadata


async def test_metadata_of_an_empty_archive_are_empty(server):
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<metadata xmlns='{MAM}'/>")

    assert answer["type"] == "result"
    assert answer.child("metadata", MAM).children == []


async def test_metadata_name_the_first_and_the_last(server):
    """Examples 25 and 26."""
    _, juliet = await _conversation(server, 4)
    results = (await ask(juliet)).results

    metadata = (await juliet.ask(f"<metadata xmlns='{MAM}'/>")).child("metadata", MAM)

    start, end = metadata.child("start"), metadata.child("end")
    assert (start["id"], end["id"]) == (results[0].id, results[-1].id)
    assert (start["timestamp"][:19], end["timestamp"][:19]) == (results[0].stamp[:19], results[-1].stamp[:19])


# Section 8: who may


@pytest.mark.parametrize(
    "kind, payload",
    [
        ("set", f"<query xmlns='{MAM}'/>"),
        ("get", f"<query xmlns='{MAM}'/>"),
        ("get", f"<metadata xmlns='{MAM}'/>"),
        ("get", f"<prefs xmlns='{MAM}'/>"),
        ("set", f"<prefs xmlns='{MAM}' default='never'/>"),
    ],
    ids=["query", "form", "metadata", "prefs", "change of prefs"],
)
async def test_nobody_reads_the_archive_of_another(server, kind, payload):
    romeo, juliet = await _conversation(server, 2)

    answer = await romeo.ask(payload, kind, to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")
    assert romeo.heard("message") == []
    await romeo.message(juliet.bare, "2")
    await juliet.hears()
    assert (await ask(juliet)).bodies == _numbers(3)


async def test_friends_do_not_read_each_others_archives_either(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.message(juliet.bare)
    await juliet.hears()

    page = await ask(romeo, to=juliet.bare)

    assert page.answer.error.condition in ("forbidden", "service-unavailable")
    assert page.results == []


async def test_a_new_owner_of_a_name_finds_an_empty_archive(server):
    _, juliet = await _conversation(server, 3)
    await juliet.set(f"<query xmlns='{REGISTER}'><remove/></query>")
    await juliet.is_cut()
    await server.register(juliet.account)

    again = await server.session(juliet.account)

    assert (await ask(again)).results == []


async def test_the_peer_keeps_what_the_other_who_left_had_written(server):
    romeo, juliet = await _conversation(server, 3)
    await romeo.set(f"<query xmlns='{REGISTER}'><remove/></query>")
    await romeo.is_cut()

    assert (await ask(juliet)).bodies == _numbers(3)


async def test_a_forged_result_does_not_get_through(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = (
        f"<result xmlns='{MAM}' queryid='f27' id='1'><forwarded xmlns='urn:xmpp:forward:0'>"
        "<message xmlns='jabber:client'><body>forged</body></message></forwarded></result>"
    )

    await romeo.message(juliet.jid, "words", more=forged)

    assert (await juliet.hears())["from"] == romeo.jid  # what a client goes by
    assert (await ask(juliet)).bodies == ["words"]


# Section 6.1: what is archived

KINDS = {
    "chat": ("chat", "hark", "", True),
    "normal": ("normal", "hark", "", True),
    "no type": (None, "hark", "", True),
    "headline": ("headline", "hark", "", False),
    "chat state": ("chat", None, f"<composing xmlns='{CHAT_STATES}'/>", False),
    "chat state and words": ("chat", "hark", f"<active xmlns='{CHAT_STATES}'/>", True),
    "no-store": ("chat", "hark", f"<no-store xmlns='{HINTS}'/>", False),
    "no-permanent-store": ("chat", "hark", f"<no-permanent-store xmlns='{HINTS}'/>", False),
    "store": ("chat", None, f"<x xmlns='urn:x'/><store xmlns='{HINTS}'/>", True),
    "error": ("error", "hark", f"<error type='cancel'><gone xmlns='{STANZA_ERRORS}'/></error>", False),
}


@pytest.mark.parametrize("case", KINDS)
async def test_what_has_words_is_archived_and_hints_are_followed(server, case):
    kind, body, more, archived = KINDS[case]
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, body, kind, more)
    await juliet.hears()

    for session in (romeo, juliet):
        assert len((await ask(session)).results) == (1 if archived else 0)


async def test_what_several_devices_get_is_archived_once(server):
    juliet = [await server.session("juliet", resource) for resource in ("balcony", "chamber", "garden")]
    romeo = await server.session("romeo")
    for session in juliet[:2]:
        await session.set("<enable xmlns='urn:xmpp:carbons:2'/>")

    await romeo.message(juliet[0].bare, "to all", "normal")
    await romeo.message(juliet[2].jid, "to one")
    await settle(romeo, *juliet)

    bodies = [body for body in (await ask(juliet[0])).bodies if body]
    assert bodies == ["to all", "to one"]
    assert [body for body in (await ask(romeo)).bodies if body] == ["to all", "to one"]


async def test_what_was_refused_is_not_in_the_archive_of_who_refused_it(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await juliet.set(f"<block xmlns='urn:xmpp:blocking'><item jid='{romeo.bare}'/></block>")

    await romeo.message(juliet.bare, "let me in")
    await romeo.settled()

    assert (await ask(juliet)).results == []


async def test_a_device_that_is_away_finds_what_came_in_the_archive(server):
    account, romeo = await server.account("juliet"), await server.session("romeo")
    await romeo.message(account, "while thou wert away")
    await romeo.settled()

    hidden = await server.session(account, available=False)

    assert (await ask(hidden)).bodies == ["while thou wert away"]


async def test_the_archive_survives_kill_9(start):
    server = await start()
    romeo, juliet = await _conversation(server, 30)
    before = [(r.id, r.stamp, r.body) for r in await everything(juliet)]
    assert [body for _, _, body in before] == _numbers(30)

    server.house.kill()
    server.house.start()

    for account in (juliet.account, romeo.account):
        again = await everything(await server.session(account))
        assert [r.body for r in again] == _numbers(30)
        if account is juliet.account:
            assert [(r.id, r.stamp, r.body) for r in again] == before


# XEP-0359, section 3.5


def _ids_by(message, by: str) -> list[str]:
    return [s["id"] for s in message.all("stanza-id", STANZA_ID) if s["by"] == by]


async def test_who_gets_a_message_learns_its_id_in_the_archive(server):
    """Example 1."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.message(juliet.jid, "Call me but love")
    heard = await juliet.hears()

    (result,) = (await ask(juliet)).results

    assert _ids_by(heard, juliet.bare) == [result.id]
    assert _ids_by(heard, romeo.bare) == []


async def test_each_resource_is_told_the_same_id(server):
    balcony, chamber = await server.session("juliet", "balcony"), await server.session("juliet", "chamber")
    romeo = await server.session("romeo")

    await romeo.message(balcony.bare, "to all", "normal")

    assert _ids_by(await balcony.hears(), balcony.bare) == _ids_by(await chamber.hears(), balcony.bare) != []


async def test_a_forged_id_is_replaced_and_others_are_left_alone(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = f"<stanza-id xmlns='{STANZA_ID}' id='forged' by='{juliet.bare}'/>"
    others = f"<stanza-id xmlns='{STANZA_ID}' id='s1' by='room@muc.example.com'/>"
    others += f"<origin-id xmlns='{STANZA_ID}' id='o1'/>"
    await romeo.message(juliet.bare, "hark", more=forged * 2 + others)
    heard = await juliet.hears()

    (result,) = (await ask(juliet)).results

    for message in (heard, result.message):
        assert "forged" not in [s["id"] for s in message.all("stanza-id")]
        assert _ids_by(message, "room@muc.example.com") == ["s1"]
        assert message.child("origin-id", STANZA_ID)["id"] == "o1"
    assert _ids_by(heard, juliet.bare) == [result.id]


async def test_a_forged_id_is_taken_from_what_is_not_archived_too(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    forged = f"<stanza-id xmlns='{STANZA_ID}' id='forged' by='{juliet.bare}'/><no-store xmlns='{HINTS}'/>"

    await romeo.message(juliet.bare, "hark", more=forged)

    assert _ids_by(await juliet.hears(), juliet.bare) == []


@pytest.mark.anser_only("XEP-0359 section 6: an id tells nothing")
async def test_ids_cannot_be_guessed(server):
    romeo, juliet = await _conversation(server, 20)

    ids = (await ask(juliet)).ids + (await ask(romeo)).ids

    assert len(set(ids)) == 40
    assert min(map(len, ids)) >= 16
    beginnings = {ident[:6] for ident in ids}
    assert len(beginnings) > 30, "ids that follow each other look alike"


# XEP-0424


async def _retracts(sender, to, ident: str, own: str = "retract-1") -> None:
    await sender.message(
        to,
        "/me retracted a previous message, but it's unsupported by your client.",
        more=f"<retract id='{ident}' xmlns='{RETRACT}'/><fallback xmlns='urn:xmpp:fallback:0' for='{RETRACT}'/>"
        f"<store xmlns='{HINTS}'/>",
        id=own,
    )


TOMBSTONES = pytest.mark.anser_only("tombstones are optional")


@TOMBSTONES
async def test_a_retracted_message_leaves_a_tombstone(server):
    """Examples 3 to 7."""
    romeo, juliet = await _conversation(server, 3)
    before = (await ask(juliet)).results

    await _retracts(romeo, juliet.bare, "m1")
    heard = await juliet.hears()

    assert heard.child("retract", RETRACT)["id"] == "m1"
    for session in (juliet, romeo):
        results = (await ask(session)).results
        assert [r.body for r in (results[0], results[2])] == ["0", "2"]
        tomb, retraction = results[1], results[3]
        assert tomb.body is None
        assert tomb.message.child("retracted", RETRACT)["id"] == "retract-1"
        assert STAMP.fullmatch(tomb.message.child("retracted", RETRACT)["stamp"])
        assert (tomb.message["from"], tomb.message["to"], tomb.message["id"]) == (romeo.jid, juliet.bare, "m1")
        assert retraction.message.child("retract", RETRACT)["id"] == "m1"
    after = (await ask(juliet)).results
    assert [(r.id, r.stamp) for r in after[:3]] == [(r.id, r.stamp) for r in before]


@TOMBSTONES
async def test_a_retraction_is_announced(server):
    juliet = await server.session("juliet")

    assert f"{RETRACT}#tombstone" in await _features(juliet, juliet.bare)
    assert RETRACT in await _features(juliet, juliet.bare) + await _features(juliet, server.domain)


@TOMBSTONES
async def test_a_tombstone_may_be_found_in_each_way(server):
    romeo, juliet = await _conversation(server, 3)
    ids = (await ask(juliet)).ids
    await _retracts(romeo, juliet.bare, "m1")
    await juliet.hears()

    for inner in (form({"ids": ids[1]}), form({"after-id": ids[0], "before-id": ids[2]}), rsm(max=1, after=ids[0])):
        (tomb,) = (await ask(juliet, inner)).results
        assert tomb.id == ids[1]
        assert tomb.message.has("retracted", RETRACT)


async def test_nobody_retracts_what_another_wrote(server):
    romeo, juliet = await _conversation(server, 2)
    tybalt = await server.session("tybalt")

    await _retracts(tybalt, juliet.bare, "m1")
    await juliet.hears()
    await _retracts(juliet, romeo.bare, "m1", "retract-2")
    await romeo.hears()

    for session in (juliet, romeo):
        assert (await ask(session)).bodies[:2] == ["0", "1"]


async def test_to_retract_what_is_not_there_harms_nobody(server):
    romeo, juliet = await _conversation(server, 2)

    await _retracts(romeo, juliet.bare, "never-said")
    await juliet.hears()

    assert (await ask(juliet)).bodies[:2] == ["0", "1"]


@TOMBSTONES
async def test_a_retraction_from_another_device_of_the_author_counts(server):
    romeo, juliet = await _conversation(server, 2)
    orchard = await server.session(romeo.account, "orchard")

    await _retracts(orchard, juliet.bare, "m0")
    await juliet.hears()

    assert (await ask(juliet)).bodies[:2] == [None, "1"]


@TOMBSTONES
async def test_a_message_that_still_waited_is_not_delivered_after_its_retraction_with_its_words(server):
    """Whoever comes later finds a tombstone in the archive, whatever had waited."""
    romeo, account = await server.session("romeo"), await server.account("juliet")
    await romeo.message(account, "too soon", id="m0")
    await _retracts(romeo, account, "m0")
    await romeo.settled()

    juliet = await server.session(account)
    await juliet.all_that_waited()

    assert (await ask(juliet)).bodies[0] is None


@TOMBSTONES
async def test_a_retraction_survives_kill_9(start):
    server = await start()
    romeo, juliet = await _conversation(server, 2)
    await _retracts(romeo, juliet.bare, "m1")
    await juliet.hears()
    await romeo.settled()

    server.house.kill()
    server.house.start()

    again = await server.session(juliet.account)
    results = (await ask(again)).results
    assert results[0].body == "0"
    assert results[1].body is None and results[1].message.has("retracted", RETRACT)


# XEP-0441


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
    assert _ids_by(heard, juliet.bare) == []
    assert (await ask(again)).results == []


# With stream management


async def test_results_are_stanzas_that_count_and_come_again(server):
    romeo, _ = await _conversation(server, 3)
    juliet = await server.session("juliet", "garden", type=Managed)
    juliet.answers_requests = False
    before = juliet.management.got
    page = await ask(juliet, queryid="f1")

    again = await resumed(server, juliet.cut(), handled=before)

    await again.take(lambda s: s.name == "iq" and s["id"] == page.answer["id"], "the answer once more")
    assert [r.body for r in results_so_far(again, "f1")] == _numbers(3)
