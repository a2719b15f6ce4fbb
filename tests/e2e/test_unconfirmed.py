"""XEP-0198, section 4: what happens to what a session that has ended had never confirmed."""

from support.managed import Managed, Unresumable, bodies_of, hears, says
from support.xml import DELAY, PING


async def test_what_was_not_confirmed_waits_for_the_next_session(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.message(juliet.bare, "wilt thou be gone?", id="m1")
    await hears(juliet, "wilt thou be gone?")

    juliet.cut()

    heard = await (await server.session(juliet.account)).hears()
    assert (heard.text_of("body"), heard["id"], heard["from"]) == ("wilt thou be gone?", "m1", romeo.jid)
    assert heard.has("delay", DELAY)


async def test_what_was_confirmed_does_not_come_again(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await says(romeo, juliet.bare, "one", "two", "three")
    await hears(juliet, "one", "two", "three")
    await juliet.acknowledges(juliet.management.got - 1)
    await juliet.asks_how_far()

    juliet.cut()

    session = await server.session(juliet.account)
    await hears(session, "three")
    assert await bodies_of(session) == []


async def test_what_was_not_confirmed_goes_to_another_device(server):
    balcony = await server.session("juliet", "balcony", type=Unresumable, priority=5)
    chamber = await server.session("juliet", "chamber", priority=1)
    romeo = await server.session("romeo")
    balcony.answers_requests = False
    await says(romeo, balcony.bare, "one", "two")
    await hears(balcony, "one", "two")
    assert chamber.heard("message") == []

    balcony.cut()

    await hears(chamber, "one", "two")


async def test_what_was_written_to_a_resource_is_not_lost_with_it(server):
    juliet = await server.session("juliet", "balcony", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await says(romeo, juliet.jid, "to the balcony")
    await hears(juliet, "to the balcony")

    juliet.cut()

    await hears(await server.session(juliet.account, "chamber"), "to the balcony")


async def test_only_what_is_meant_to_wait_waits(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.message(juliet.jid, "news", "headline")
    await romeo.message(juliet.jid, None, more="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    await romeo.message(juliet.jid, "words")
    for _ in range(3):
        await juliet.hears()

    juliet.cut()

    session = await server.session(juliet.account)
    await hears(session, "words")
    assert await bodies_of(session) == []


async def test_who_asked_something_is_told_that_nobody_will_answer(server):
    juliet = await server.session("juliet", type=Unresumable)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="p1")
    await juliet.hears("iq", "get")

    juliet.cut()

    answer = await romeo.answer_to("p1")
    assert answer["type"] == "error"
    assert answer.error.condition in ("service-unavailable", "recipient-unavailable")


async def test_who_leaves_in_order_without_confirming_gets_it_again(server):
    juliet = await server.session("juliet", type=Managed)
    romeo = await server.session("romeo")
    juliet.answers_requests = False
    await says(romeo, juliet.bare, "heard?")
    await hears(juliet, "heard?")

    await juliet.leaves()

    await hears(await server.session(juliet.account), "heard?")


async def test_who_confirms_and_leaves_gets_nothing_again(server):
    juliet = await server.session("juliet", type=Managed)
    romeo = await server.session("romeo")
    await says(romeo, juliet.bare, "heard")
    await hears(juliet, "heard")
    await juliet.acknowledges()

    await juliet.leaves()

    assert await bodies_of(await server.session(juliet.account)) == []
