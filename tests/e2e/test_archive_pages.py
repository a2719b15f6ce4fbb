"""XEP-0313 with 0059: pages both ways, flipped pages, metadata, and results that a lost connection has swallowed."""

import pytest

from support.archive import FLIP, PAST, ask, conversation, form, numbers, results_so_far, rsm
from support.managed import Managed, resumed
from support.xml import MAM


# Section 4.3: pages


async def test_pages_forwards(server):
    """Examples 18 to 20 and 22."""
    _, juliet = await conversation(server, 10)
    first = await ask(juliet, form({"start": PAST}) + rsm(max=4))
    second = await ask(juliet, form({"start": PAST}) + rsm(max=4, after=first.set.text_of("last")))
    third = await ask(juliet, form({"start": PAST}) + rsm(max=4, after=second.set.text_of("last")))

    assert [p.bodies for p in (first, second, third)] == [numbers(4), numbers(4, 8), numbers(8, 10)]
    assert [p.complete for p in (first, second, third)] == [False, False, True]
    for start, page in zip((0, 4, 8), (first, second, third)):
        assert page.set.child("first")["index"] in (None, str(start))
        assert page.set.text_of("count") in (None, "10")
        assert (page.set.text_of("first"), page.set.text_of("last")) == (page.ids[0], page.ids[-1])


async def test_a_page_that_ends_with_the_last_message_is_complete(server):
    _, juliet = await conversation(server, 6)
    first = await ask(juliet, rsm(max=3))
    second = await ask(juliet, rsm(max=3, after=first.ids[-1]))

    assert (first.complete, second.complete) == (False, True)
    assert second.bodies == numbers(3, 6)
    assert (await ask(juliet, rsm(max=6))).complete


async def test_behind_the_last_message_is_nothing(server):
    _, juliet = await conversation(server, 3)
    ids = (await ask(juliet)).ids

    behind, before = await ask(juliet, rsm(max=3, after=ids[-1])), await ask(juliet, rsm(max=3, before=ids[0]))

    assert (behind.results, behind.complete) == ([], True)
    assert (before.results, before.complete) == ([], True)


async def test_pages_backwards(server):
    """Example 23, and on from there; each page is in the archive's order."""
    _, juliet = await conversation(server, 10)
    last = await ask(juliet, rsm(max=4, before=""))
    middle = await ask(juliet, rsm(max=4, before=last.set.text_of("first")))
    first = await ask(juliet, rsm(max=4, before=middle.set.text_of("first")))

    assert [p.bodies for p in (last, middle, first)] == [numbers(6, 10), numbers(2, 6), numbers(2)]
    assert [p.complete for p in (last, middle, first)] == [False, False, True]


async def test_pages_meet_while_messages_go_on_coming(server):
    romeo, juliet = await conversation(server, 5)
    first = await ask(juliet, rsm(max=3))
    for number in range(5, 8):
        await romeo.message(juliet.bare, str(number))
        await juliet.hears()

    second = await ask(juliet, rsm(max=10, after=first.ids[-1]))

    assert first.bodies + second.bodies == numbers(8)


async def test_a_page_of_nothing_counts(server):
    _, juliet = await conversation(server, 3)

    page = await ask(juliet, rsm(max=0))

    assert page.results == []
    assert page.set.text_of("count") in (None, "3")
    assert not page.complete


@pytest.mark.parametrize("said", ["many", "-1", "1.5"])
async def test_a_page_of_what_is_no_number_is_refused(server, said):
    _, juliet = await conversation(server, 1)

    page = await ask(juliet, rsm(max=said))

    assert page.answer["type"] == "error"
    assert page.answer.error.condition == "bad-request"


async def test_a_flipped_page_has_the_same_messages(server):
    """Example 24."""
    _, juliet = await conversation(server, 8)
    ids = (await ask(juliet)).ids

    for limits, expected in (
        (rsm(max=3), numbers(3)),
        (rsm(max=3, after=ids[1]), numbers(2, 5)),
        (rsm(max=3, before=""), numbers(5, 8)),
        ("", numbers(8)),
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

    assert [r.body for r in found] == numbers(130)


# Section 5: metadata


async def test_metadata_of_an_empty_archive_are_empty(server):
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<metadata xmlns='{MAM}'/>")

    assert answer["type"] == "result"
    assert answer.child("metadata", MAM).children == []


async def test_metadata_name_the_first_and_the_last(server):
    """Examples 25 and 26."""
    _, juliet = await conversation(server, 4)
    results = (await ask(juliet)).results

    metadata = (await juliet.ask(f"<metadata xmlns='{MAM}'/>")).child("metadata", MAM)

    start, end = metadata.child("start"), metadata.child("end")
    assert (start["id"], end["id"]) == (results[0].id, results[-1].id)
    assert (start["timestamp"][:19], end["timestamp"][:19]) == (results[0].stamp[:19], results[-1].stamp[:19])


# With stream management


async def test_results_are_stanzas_that_count_and_come_again(server):
    romeo, _ = await conversation(server, 3)
    juliet = await server.session("juliet", "garden", type=Managed)
    juliet.answers_requests = False
    before = juliet.management.got
    page = await ask(juliet, queryid="f1")

    again = await resumed(server, juliet.cut(), handled=before)

    await again.take(lambda s: s.name == "iq" and s["id"] == page.answer["id"], "the answer once more")
    assert [r.body for r in results_so_far(again, "f1")] == numbers(3)
