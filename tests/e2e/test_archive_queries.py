"""XEP-0313, section 4: what a query gives, and what an account says that its archive can."""

from support.archive import STAMP, ask, conversation, everything, features_of, numbers, results_so_far, rsm
from support.session import settle
from support.xml import MAM, STANZA_ID


# Section 7: support


async def test_an_account_says_what_its_archive_can(server):
    """Examples 28 and 29."""
    juliet = await server.session("juliet")

    assert {MAM, f"{MAM}#extended", STANZA_ID} <= set(await features_of(juliet, juliet.bare))


# Section 4: queries


async def test_an_empty_archive_is_complete(server):
    juliet = await server.session("juliet")

    page = await ask(juliet)

    assert (page.answer["type"], page.results, page.complete) == ("result", [], True)
    assert page.set is not None
    assert not page.set.has("first") and not page.set.has("last")


async def test_a_query_gives_all_messages_in_their_order_and_then_its_end(server):
    """Examples 2 to 4."""
    romeo, juliet = await conversation(server, 3)

    page = await ask(juliet, queryid="f27")

    assert page.bodies == numbers(3)
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
    _, juliet = await conversation(server, 1)

    (result,) = (await ask(juliet, queryid=None)).results

    assert result.wrapper.child("result")["queryid"] is None


async def test_an_archive_may_be_asked_by_its_address(server):
    _, juliet = await conversation(server, 2)

    assert (await ask(juliet, to=juliet.bare)).bodies == numbers(2)


async def test_both_sides_have_the_conversation(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    for number in range(0, 6, 2):
        await romeo.message(juliet.jid, str(number))
        await juliet.hears()
        await juliet.message(romeo.jid, str(number + 1))
        await romeo.hears()
    await settle(romeo, juliet)

    hers, his = await ask(juliet), await ask(romeo)

    assert hers.bodies == his.bodies == numbers(6)
    assert [r.message["from"] for r in hers.results] == [r.message["from"] for r in his.results]
    assert len(set(hers.ids)) == len(set(his.ids)) == 6


async def test_two_devices_see_the_same_archive(server):
    romeo, juliet = await conversation(server, 7)
    await juliet.message(romeo.bare, "7")
    await juliet.settled()
    chamber = await server.session(juliet.account, "chamber")

    one, other = await ask(juliet), await ask(chamber)

    assert one.bodies == numbers(8)
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
    _, juliet = await conversation(server, 4)

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
    _, juliet = await conversation(server, 2)

    for _ in range(3):
        await ask(juliet)

    assert (await ask(juliet)).bodies == numbers(2)
