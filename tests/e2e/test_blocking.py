"""XEP-0191: people one does not want to hear from."""

import pytest

from support.session import settle
from support.xml import BLOCKING, ROSTER


def _items(*jids) -> str:
    return "".join(f"<item jid='{jid}'/>" for jid in jids)


async def _block(session, *jids):
    return await session.set(f"<block xmlns='{BLOCKING}'>{_items(*jids)}</block>")


async def _unblock(session, *jids):
    return await session.set(f"<unblock xmlns='{BLOCKING}'>{_items(*jids)}</unblock>")


async def _blocked(session) -> set[str]:
    answer = await session.ask(f"<blocklist xmlns='{BLOCKING}'/>")
    assert answer["type"] == "result", answer
    return {item["jid"] for item in answer.child("blocklist", BLOCKING).children}


async def _both_settled(*sessions):
    """As settle, without messages between them: a block would stop those."""
    for _ in range(2):
        for session in sessions:
            await session.settled()


async def test_at_first_nobody_is_blocked(server):
    juliet = await server.session("juliet")

    assert await _blocked(juliet) == set()


async def test_who_was_blocked_is_on_the_list(server):
    juliet = await server.session("juliet")

    answer = await _block(juliet, "romeo@montague.net", "iago@shakespeare.lit")

    assert answer["type"] == "result"
    assert await _blocked(juliet) == {"romeo@montague.net", "iago@shakespeare.lit"}


async def test_the_list_lasts(server):
    juliet = await server.session("juliet")
    await _block(juliet, "romeo@montague.net")
    await juliet.leaves()

    assert await _blocked(await server.session(juliet.account)) == {"romeo@montague.net"}


async def test_resources_that_asked_for_the_list_hear_of_changes(server):
    account = await server.account("juliet")
    chamber, balcony, street = [await server.session(account, name) for name in ("chamber", "balcony", "street")]
    await _blocked(chamber), await _blocked(balcony)

    await _block(chamber, "romeo@montague.net")
    await _unblock(chamber, "romeo@montague.net")
    await _unblock(chamber)

    for session in (chamber, balcony):
        pushes = [(await session.hears("iq", "set")).children[0] for _ in range(3)]
        assert [(p.name, p.ns, [i["jid"] for i in p.children]) for p in pushes] == [
            ("block", BLOCKING, ["romeo@montague.net"]),
            ("unblock", BLOCKING, ["romeo@montague.net"]),
            ("unblock", BLOCKING, []),
        ]
    await _both_settled(chamber, street)
    assert street.heard("iq", "set") == []


async def test_unblocking_all_empties_the_list(server):
    juliet = await server.session("juliet")
    await _block(juliet, "a@example.com", "b@example.com")

    answer = await _unblock(juliet)

    assert answer["type"] == "result"
    assert await _blocked(juliet) == set()


async def test_unblocking_one_leaves_the_others(server):
    juliet = await server.session("juliet")
    await _block(juliet, "a@example.com", "b@example.com")

    await _unblock(juliet, "a@example.com")

    assert await _blocked(juliet) == {"b@example.com"}


@pytest.mark.parametrize("inner", ["", "<item/>", "<item jid='a@b@c'/>", "<other xmlns='urn:x'/>"])
async def test_blocking_nobody_is_a_bad_request(server, inner):
    juliet = await server.session("juliet")

    answer = await juliet.set(f"<block xmlns='{BLOCKING}'>{inner}</block>")

    assert answer["type"] == "error"
    assert answer.error.condition in ("bad-request", "jid-malformed")
    assert await _blocked(juliet) == set()


async def test_nobody_changes_the_list_of_another(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    answer = await romeo.set(f"<block xmlns='{BLOCKING}'>{_items('nurse@example.com')}</block>", to=juliet.bare)

    assert answer["type"] == "error"
    assert await _blocked(juliet) == set()


async def test_a_message_from_a_blocked_person_comes_back(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await _block(juliet, romeo.bare)

    for number, to in enumerate((juliet.bare, juliet.jid)):
        await romeo.message(to, "hear me!", id=f"m{number}")
    await _both_settled(romeo, juliet)

    assert juliet.heard("message") == []
    errors = romeo.heard("message", "error")
    assert [(e["id"], e.error.condition) for e in errors] == [
        ("m0", "service-unavailable"),
        ("m1", "service-unavailable"),
    ]


async def test_a_message_from_a_blocked_person_does_not_wait(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await _block(juliet, romeo.bare)
    await juliet.leaves()

    await romeo.message(juliet.bare, "hear me!")
    await romeo.settled()

    again = await server.session(juliet.account)
    await again.settled()
    assert again.heard("message") == []


async def test_a_request_from_a_blocked_person_is_service_unavailable(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await _block(juliet, romeo.bare)

    for to in (juliet.jid, juliet.bare):
        answer = await romeo.ask("<question xmlns='urn:anser:e2e'/>", to=to)
        assert answer.error.condition == "service-unavailable"
    await romeo.iq("", "result", juliet.jid, id="r1")
    await _both_settled(romeo, juliet)
    assert juliet.heard("iq", "get") + juliet.heard("iq", "result") == []


async def test_a_blocked_person_gets_no_answer_to_presence(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await _block(juliet, romeo.bare)

    for kind in ("subscribe", "subscribed", "unsubscribe", "unsubscribed", "probe", None, "unavailable"):
        await romeo.presence(kind=kind, to=juliet.bare)
    await _both_settled(romeo, juliet)

    assert juliet.heard("presence") == []
    assert [p for p in romeo.heard("presence") if p["from"] != romeo.jid] == []


async def test_a_blocked_friend_sees_one_go(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await _block(juliet, romeo.bare)

    assert (await romeo.hears("presence", "unavailable"))["from"] == juliet.jid


async def test_a_blocked_stranger_sees_nothing(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await _block(juliet, romeo.bare)
    await _both_settled(juliet, romeo)

    assert romeo.heard("presence") == []


async def test_a_blocked_friend_sees_no_changes(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await _block(juliet, romeo.bare)
    await romeo.hears("presence", "unavailable")

    await juliet.presence("<show>away</show>")
    await _both_settled(juliet, romeo)

    assert romeo.heard("presence") == []


async def test_a_blocked_friend_who_logs_in_sees_and_is_seen_by_nobody(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await _block(juliet, romeo.bare)
    await romeo.leaves()
    juliet.heard("presence")

    again = await server.session(romeo.account)
    await _both_settled(again, juliet)

    assert juliet.heard("presence") == []
    assert [p for p in again.heard("presence") if p["from"] == juliet.jid and p["type"] is None] == []


async def test_an_unblocked_friend_sees_one_come(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.presence("<show>away</show>")
    await romeo.hears("presence", None)
    await _block(juliet, romeo.bare)
    await romeo.hears("presence", "unavailable")

    await _unblock(juliet, romeo.bare)

    seen = await romeo.hears("presence", None)
    assert (seen["from"], seen.text_of("show")) == (juliet.jid, "away")


async def test_after_unblocking_messages_arrive(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await _block(juliet, romeo.bare)
    await _unblock(juliet, romeo.bare)

    await romeo.message(juliet.bare, "peace?")

    assert (await juliet.hears()).text_of("body") == "peace?"


async def test_one_cannot_write_to_somebody_one_has_blocked(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await _block(juliet, romeo.bare)

    await juliet.message(romeo.jid, "Can you hear me now?", id="m1")
    answer = await juliet.ask("<question xmlns='urn:anser:e2e'/>", to=romeo.jid)

    refused = await juliet.hears("message", "error")
    for error in (refused, answer):
        assert error["from"] == romeo.jid
        assert error.error.condition == "not-acceptable"
        assert error.error.by_application == ["blocked"]
    await _both_settled(juliet, romeo)
    assert romeo.heard("message") == []
    assert romeo.heard("iq") == []


async def test_a_whole_domain_can_be_blocked(server):
    romeo = await server.session("romeo", domain="capulet.test")
    juliet = await server.session("juliet")
    await _block(juliet, "capulet.test")

    await romeo.message(juliet.bare, "hear me!")
    await _both_settled(romeo, juliet)

    assert juliet.heard("message") == []
    assert romeo.heard("message", "error")[0].error.condition == "service-unavailable"


async def test_one_resource_can_be_blocked(server):
    account, juliet = await server.account("romeo"), await server.session("juliet")
    street, orchard = await server.session(account, "street"), await server.session(account, "orchard")
    await _block(juliet, street.jid)

    await street.message(juliet.bare, "from the street")
    await street.settled()
    await orchard.message(juliet.bare, "from the orchard")

    assert (await juliet.hears()).text_of("body") == "from the orchard"


async def test_a_block_does_not_change_the_roster(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await _block(juliet, romeo.bare)

    assert (await juliet.roster())[romeo.bare]["subscription"] == "both"
    assert (await romeo.roster())[juliet.bare]["subscription"] == "both"


async def test_one_can_still_read_the_own_roster_after_blocking_oneself(server):
    """A careless client must not lock itself out."""
    juliet = await server.session("juliet")

    await _block(juliet, juliet.bare)

    answer = await juliet.ask(f"<query xmlns='{ROSTER}'/>")
    assert answer["type"] == "result"
    assert (await _unblock(juliet))["type"] == "result"


async def test_a_stranger_in_the_middle_is_not_disturbed(server):
    romeo, juliet, nurse = [await server.session(name) for name in ("romeo", "juliet", "nurse")]
    await _block(juliet, romeo.bare)

    await nurse.message(juliet.bare, "Madam!")

    assert (await juliet.hears()).text_of("body") == "Madam!"
    await settle(nurse, juliet)
