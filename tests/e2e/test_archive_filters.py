"""XEP-0313, section 4.1: queries about a person, a time, known messages."""

import pytest

from support.archive import FUTURE, PAST, ask, conversation, features_of, form, numbers, rsm
from support.session import settle
from support.xml import DATA, MAM


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


async def test_a_long_search_for_a_resource_goes_on_until_it_has_found_something(server):
    """The server looks at some 2,000 messages at a time; an empty page would tell no id to go on from."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    other = await server.session(romeo.account)
    await other.message(juliet.bare, "first")
    await juliet.hears()
    for number in range(45):
        for _ in range(50):
            await romeo.message(juliet.bare, str(number))
        for _ in range(50):
            await juliet.hears()
    await other.message(juliet.bare, "last")
    await juliet.hears()

    fields = {"with": other.jid}
    last = await ask(juliet, form(fields) + rsm(max=1, before=""))
    first = await ask(juliet, form(fields) + rsm(max=1, before=last.ids[0]))
    nobody = await ask(juliet, form({"with": romeo.bare + "/nowhere"}))

    assert (last.bodies, first.bodies) == (["last"], ["first"])
    assert nobody.bodies == [] and nobody.complete


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
    _, juliet = await conversation(server, 6)
    results = (await ask(juliet)).results
    stamp = results[3].stamp

    since = await ask(juliet, form({"start": stamp}))

    assert set(since.bodies) >= {r.body for r in results if r.stamp >= stamp}
    assert since.bodies == [r.body for r in results][-len(since.results) :]
    assert (await ask(juliet, form({"start": PAST, "end": FUTURE}))).bodies == numbers(6)
    assert (await ask(juliet, form({"start": FUTURE}))).bodies == []
    assert (await ask(juliet, form({"end": PAST}))).bodies == []


@pytest.mark.anser_only("stamps have the precision of the archive")
async def test_both_ends_of_a_time_belong_to_it(server):
    _, juliet = await conversation(server, 6)
    results = (await ask(juliet)).results
    start, end = results[2].stamp, results[4].stamp

    page = await ask(juliet, form({"start": start, "end": end}))

    assert page.bodies == [r.body for r in results if start <= r.stamp <= end]
    assert {"2", "3", "4"} <= set(page.bodies)


@pytest.mark.parametrize("stamp", ["2999-01-01T02:00:00+02:00", "2998-12-31T19:00:00.123456-05:00", FUTURE])
async def test_a_time_may_be_written_in_each_way_of_the_profile(server, stamp):
    _, juliet = await conversation(server, 1)

    assert (await ask(juliet, form({"end": stamp}))).bodies == ["0"]
    assert (await ask(juliet, form({"start": stamp}))).bodies == []


@pytest.mark.parametrize("stamp", ["yesterday", "2010-13-45T00:00:00Z", "2010-08-07"])
async def test_what_is_no_time_is_a_bad_request(server, stamp):
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, form({"start": stamp}))

    assert page.answer.error.condition == "bad-request"
    assert page.results == []


async def test_a_query_may_begin_and_end_at_known_messages(server):
    """Examples 9 and 10."""
    _, juliet = await conversation(server, 8)
    ids = (await ask(juliet)).ids

    assert (await ask(juliet, form({"after-id": ids[2]}))).bodies == numbers(3, 8)
    assert (await ask(juliet, form({"before-id": ids[2]}))).bodies == numbers(2)
    assert (await ask(juliet, form({"after-id": ids[1], "before-id": ids[5]}))).bodies == numbers(2, 5)
    assert (await ask(juliet, form({"after-id": ids[7]}))).bodies == []
    assert (await ask(juliet, form({"before-id": ids[0]}))).bodies == []


async def test_known_messages_and_pages_go_together(server):
    _, juliet = await conversation(server, 8)
    ids = (await ask(juliet)).ids

    first = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=4))
    rest = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=4, after=first.ids[-1]))
    last = await ask(juliet, form({"after-id": ids[0], "before-id": ids[7]}) + rsm(max=2, before=""))

    assert (first.bodies, first.complete) == (numbers(1, 5), False)
    assert (rest.bodies, rest.complete) == (numbers(5, 7), True)
    assert last.bodies == numbers(5, 7)


async def test_known_messages_are_fetched(server):
    """Example 11; they come in the archive's order."""
    _, juliet = await conversation(server, 6)
    ids = (await ask(juliet)).ids

    assert (await ask(juliet, form({"ids": ids[2]}))).bodies == ["2"]
    assert (await ask(juliet, form({"ids": [ids[4], ids[1], ids[5]]}))).bodies == ["1", "4", "5"]


UNKNOWN = ["28482-98726-73623", "0", "' OR 1=1 --", "x" * 2000]


@pytest.mark.parametrize("field", ["before-id", "after-id", "ids"])
@pytest.mark.parametrize("ident", UNKNOWN, ids=len)
async def test_an_id_that_is_not_in_the_archive_is_not_found(server, field, ident):
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, form({field: ident}))

    assert page.answer.error.condition == "item-not-found"
    assert page.results == []


@pytest.mark.parametrize("direction", ["before", "after"])
@pytest.mark.parametrize("ident", UNKNOWN, ids=len)
async def test_a_page_next_to_what_is_not_there_is_not_found(server, direction, ident):
    """Example 21."""
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, rsm(max=5, **{direction: ident}))

    assert page.answer.error.condition == "item-not-found"
    assert page.results == []


@pytest.mark.parametrize("field", ["before-id", "after-id", "ids"])
async def test_the_id_of_anothers_archive_is_not_found(server, field):
    romeo, juliet = await conversation(server, 3)
    await romeo.message((await server.account("nurse")), "a secret")
    await romeo.settled()
    foreign = (await ask(romeo)).ids[-1]

    assert (await ask(juliet, form({field: foreign}))).answer.error.condition == "item-not-found"


async def test_one_unknown_id_among_known_ones_is_not_found(server):
    _, juliet = await conversation(server, 2)
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
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, form({"{http://example.com/}free-text-search": "Where art thou"}))

    assert page.answer.error.condition == "feature-not-implemented"
    assert page.results == []


@pytest.mark.parametrize("jid", ["a@b@c", "", "@", "' OR '1'='1", "%", "*"])
async def test_a_person_who_cannot_be_is_nobody(server, jid):
    _, juliet = await conversation(server, 2)

    page = await ask(juliet, form({"with": jid}))

    assert page.results == []
    assert page.answer["type"] == "result" or page.answer.error.condition in ("bad-request", "jid-malformed")


@pytest.mark.parametrize("inner", [form({}, form_type="urn:other"), form({"with": "a@b.c"}, form_type=None)])
async def test_a_form_for_something_else_is_refused(server, inner):
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, inner)

    assert page.answer.error.condition in ("bad-request", "feature-not-implemented")


async def test_groupchat_may_be_left_out_where_the_server_says_so(server):
    """Examples 12 and 13."""
    _, juliet = await conversation(server, 2)
    known = f"{MAM}#groupchat-field" in await features_of(juliet, juliet.bare)

    for wish in ("true", "false"):
        page = await ask(juliet, form({"include-groupchat": wish}))
        if known:
            assert page.bodies == numbers(2)
        else:
            assert page.answer.error.condition == "feature-not-implemented"
