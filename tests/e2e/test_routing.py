"""RFC 6121 section 8: where a stanza goes, by its kind, its type, its address and who is there (table 1)."""

import pytest

from support.session import Session, settle
from support.xml import DISCO_INFO

NORMAL, CHAT, GROUPCHAT, HEADLINE = "normal", "chat", "groupchat", "headline"
TYPES = [NORMAL, CHAT, GROUPCHAT, HEADLINE]

# What table 1 allows: O kept offline, E error to the sender, S silence, D delivered to the address, M to the most
# available, A to all that are not negative.
ALLOWED = {
    "no account": {"bare": ["SE", "SE", "E", "S"], "full": ["SE", "SE", "SE", "SE"]},
    "nobody there": {"bare": ["OE", "OE", "E", "S"], "full": ["SE", "OE", "SE", "SE"]},
    "one negative": {"bare": ["OE", "OE", "E", "S"], "match": ["D"] * 4, "full": ["SE", "OE", "SE", "SE"]},
    "one": {"bare": ["D", "D", "E", "D"], "match": ["D"] * 4, "full": ["SE", "D", "SE", "SE"]},
    "two": {"bare": ["MA", "MA", "E", "A"], "match": ["D", "DA", "D", "D"], "full": ["SE", "MA", "SE", "SE"]},
    "one and one negative": {"bare": ["D", "D", "E", "D"], "full": ["SE", "D", "SE", "SE"]},
}
PRIORITIES = {
    "no account": [],
    "nobody there": [],
    "one negative": [-1],
    "one": [0],
    "two": [5, 1],
    "one and one negative": [-1, 0],
}
CASES = [
    pytest.param(who, address, kind, allowed, id=f"{who}-{address}-{kind}")
    for who, rows in ALLOWED.items()
    for address, row in rows.items()
    for kind, allowed in zip(TYPES, row)
]


@pytest.mark.parametrize("who, address, kind, allowed", CASES)
async def test_a_message_goes_where_table_1_says(server, who, address, kind, allowed):
    account = server.unregistered("juliet") if who == "no account" else await server.account("juliet")
    present: list[Session] = [await server.session(account, priority=p) for p in PRIORITIES[who]]
    romeo = await server.session("romeo")
    to = {"bare": account.jid, "full": f"{account}/elsewhere", "match": present[0].jid if present else ""}[address]

    await romeo.message(to, "hark", kind, id="m1")
    await settle(romeo, *present)

    heard = [[m.text_of("body") for m in session.heard("message")] for session in present]
    errors = romeo.heard("message", "error")
    assert all(e["id"] == "m1" and e["from"] == to for e in errors)
    assert all(e.error.condition == "service-unavailable" for e in errors), errors
    positive = [i for i, p in enumerate(PRIORITIES[who]) if p >= 0]
    outcome = _outcome(heard, errors, positive, address)
    if outcome == "S" and "O" in allowed:
        late = await server.session(account, priority=1)
        assert (await late.hears()).text_of("body") == "hark"
        outcome = "O"
    assert outcome in allowed, f"{outcome}: {heard}, {errors}"


def _outcome(heard: list[list], errors: list, positive: list[int], address: str) -> str:
    got = [i for i, bodies in enumerate(heard) if bodies]
    assert all(len(bodies) < 2 for bodies in heard), heard
    assert not (got and errors), "delivered and refused"
    if errors:
        assert len(errors) == 1
        return "E"
    if not got:
        return "S"
    if address == "match":
        return "D" if got == [0] else "A" if got == positive else "wrong"
    if len(positive) == 1:
        return "D" if got == positive else "wrong"
    return "M" if got == [0] else "A" if got == positive else "wrong"


async def test_a_message_without_type_is_a_normal_one(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare, "hark", None)

    heard = await juliet.hears()
    assert (heard["type"], heard.text_of("body")) == (None, "hark")


@pytest.mark.parametrize("address", ["bare", "elsewhere"])
async def test_an_error_is_never_delivered_to_a_person(server, address):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    to = juliet.bare if address == "bare" else juliet.bare + "/elsewhere"

    await romeo.message(
        to, None, "error", "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    )
    await settle(romeo, juliet)

    assert juliet.heard("message") == []
    assert romeo.heard("message") == []


async def test_an_error_is_delivered_to_the_resource_it_is_for(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(
        juliet.jid,
        None,
        "error",
        "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        id="e1",
    )

    assert (await juliet.hears("message", "error"))["id"] == "e1"


async def test_the_most_available_resource_hears_it(server):
    account = await server.account("juliet")
    low, high = await server.session(account, priority=1), await server.session(account, priority=10)
    romeo = await server.session("romeo")

    await romeo.message(account, "first")
    await high.hears()
    await high.presence("<priority>0</priority>")
    await settle(high, romeo)
    await romeo.message(account, "second")

    assert "second" in [m.text_of("body") for m in [await low.hears()]]


async def test_several_equally_available_resources_all_hear_or_one_does(server):
    account = await server.account("juliet")
    sessions = [await server.session(account, priority=3) for _ in range(3)]
    romeo = await server.session("romeo")

    await romeo.message(account, "to whom?")
    await settle(romeo, *sessions)

    assert len([1 for session in sessions if session.heard("message")]) in (1, 3)


async def test_a_negative_resource_never_hears_what_is_for_the_person(server):
    account = await server.account("juliet")
    negative, positive = await server.session(account, priority=-1), await server.session(account, priority=0)
    romeo = await server.session("romeo")

    for kind in TYPES:
        await romeo.message(account, kind, kind)
        await romeo.message(f"{account}/elsewhere", kind, kind)
    await settle(romeo, negative, positive)

    assert negative.heard("message") == []


async def test_a_connected_resource_without_presence_hears_only_what_is_for_itself(server):
    account = await server.account("juliet")
    quiet = await server.session(account, available=False)
    romeo = await server.session("romeo")

    await romeo.message(account, "for the person", HEADLINE)
    await romeo.message(quiet.jid, "for the resource")

    assert (await quiet.hears()).text_of("body") == "for the resource"
    await settle(romeo, quiet)
    assert quiet.heard("message") == []


# iq


@pytest.mark.parametrize("kind", ["get", "set"])
@pytest.mark.parametrize("address", ["nobody", "nobody/x", "bare", "elsewhere"])
async def test_a_request_that_nobody_may_answer_is_service_unavailable(server, kind, address):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    to = {
        "nobody": f"nobody-at-all@{server.domain}",
        "nobody/x": f"nobody-at-all@{server.domain}/x",
        "bare": juliet.bare,
        "elsewhere": juliet.bare + "/elsewhere",
    }[address]

    answer = await romeo.ask("<question xmlns='urn:anser:e2e'/>", kind, to)

    assert answer["type"] == "error"
    assert answer["from"] == to
    assert answer.error.condition == "service-unavailable"
    await settle(romeo, juliet)
    assert juliet.heard("iq") == []


async def test_a_request_to_a_resource_of_a_stranger_is_delivered_or_service_unavailable(server):
    """Section 8.5.3.1: it should not be delivered, lest presence leaks; every server in the field delivers it."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="ask")
    await settle(romeo, juliet)

    asked, refused = juliet.heard("iq"), romeo.heard("iq")
    assert len(asked) + len(refused) == 1
    assert all(answer.error.condition == "service-unavailable" for answer in refused)


async def test_answers_do_not_tell_accounts_from_empty_names(server):
    """Section 13.11 of RFC 6120: or all names could be harvested."""
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    for payload in (
        "<question xmlns='urn:anser:e2e'/>",
        f"<query xmlns='{DISCO_INFO}'/>",
        "<vCard xmlns='vcard-temp'/>",
    ):
        known = await romeo.ask(payload, to=juliet.jid)
        unknown = await romeo.ask(payload, to=f"nobody-at-all@{server.domain}")
        if payload.startswith("<vCard"):
            continue  # a card is there for everybody to read
        assert known["type"] == unknown["type"] == "error"
        assert known.error == unknown.error


async def test_a_result_finds_its_resource_even_among_strangers(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.iq("<answer xmlns='urn:anser:e2e'/>", "result", juliet.jid, id="r1")

    assert (await juliet.hears("iq", "result"))["id"] == "r1"


async def test_a_result_for_a_person_is_for_nobody(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.iq("<answer xmlns='urn:anser:e2e'/>", "result", juliet.bare, id="r1")
    await settle(romeo, juliet)

    assert juliet.heard("iq") == []
    assert romeo.heard("iq") == []


async def test_a_request_to_oneself_is_answered_by_the_server(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask("<question xmlns='urn:anser:e2e'/>", to=romeo.bare)

    assert answer.error.condition == "service-unavailable"


async def test_two_resources_of_a_person_may_ask_each_other(server):
    account = await server.account("juliet")
    balcony, chamber = await server.session(account), await server.session(account)

    await balcony.iq("<question xmlns='urn:anser:e2e'/>", "get", chamber.jid, id="ask")

    assert (await chamber.hears("iq", "get"))["from"] == balcony.jid


# presence


async def test_presence_for_a_resource_that_is_not_there_vanishes(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for kind in (None, "unavailable"):
        await romeo.presence(kind=kind, to=juliet.bare + "/elsewhere")
    for kind in ("subscribed", "unsubscribe", "unsubscribed"):
        await romeo.presence(kind=kind, to=juliet.bare + "/elsewhere")
    await settle(romeo, juliet)

    assert juliet.heard("presence") == []
    assert romeo.heard("presence", "error") == []


async def test_subscription_stanzas_to_nobody_are_ignored(server):
    romeo = await server.session("romeo")

    for kind in ("subscribed", "unsubscribe", "unsubscribed"):
        await romeo.presence(kind=kind, to=f"nobody-at-all@{server.domain}")

    await romeo.settled()
    assert romeo.heard("presence") == []


# messages to the server


async def test_a_message_to_the_server_is_taken_or_refused(server):
    romeo = await server.session("romeo")

    await romeo.message(server.domain, "hello, server", id="m1")

    await romeo.settled()
    for answer in romeo.heard("message"):
        assert answer["type"] == "error"
        assert answer["from"] == server.domain
