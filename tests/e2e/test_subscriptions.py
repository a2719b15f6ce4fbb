"""RFC 6121 section 3 and Appendix A: every state, every stanza, seen from both sides.

On one server the two sides mirror each other: what is outbound for the user (tables 2 to 5) is inbound for the contact
(tables 6 to 9), so each case below is a row of one table of each kind.
"""

from dataclasses import dataclass

import pytest

from support.session import Session, settle
from support.xml import ROSTER, Node

# The nine states of Appendix A.1, each with the stanzas that lead to it: who sends what.
USER, CONTACT = "user", "contact"
STATES = {
    "none": [],
    "none + pending out": [(USER, "subscribe")],
    "none + pending in": [(CONTACT, "subscribe")],
    "none + pending out+in": [(USER, "subscribe"), (CONTACT, "subscribe")],
    "to": [(USER, "subscribe"), (CONTACT, "subscribed")],
    "to + pending in": [(USER, "subscribe"), (CONTACT, "subscribed"), (CONTACT, "subscribe")],
    "from": [(CONTACT, "subscribe"), (USER, "subscribed")],
    "from + pending out": [(CONTACT, "subscribe"), (USER, "subscribed"), (USER, "subscribe")],
    "both": [(USER, "subscribe"), (CONTACT, "subscribed"), (CONTACT, "subscribe"), (USER, "subscribed")],
}
MIRROR = {
    "none": "none",
    "none + pending out": "none + pending in",
    "none + pending in": "none + pending out",
    "none + pending out+in": "none + pending out+in",
    "to": "from",
    "from": "to",
    "to + pending in": "from + pending out",
    "from + pending out": "to + pending in",
    "both": "both",
}

# Tables 2 to 5: what the user sends, in which state, and the state after it. What is not named changes nothing.
OUTBOUND = {
    "subscribe": {
        "none": "none + pending out",
        "none + pending in": "none + pending out+in",
        "from": "from + pending out",
    },
    "unsubscribe": {
        "none + pending out": "none",
        "none + pending out+in": "none + pending in",
        "to": "none",
        "to + pending in": "none + pending in",
        "from + pending out": "from",
        "both": "from",
    },
    "subscribed": {
        "none + pending in": "from",
        "none + pending out+in": "from + pending out",
        "to + pending in": "both",
    },
    "unsubscribed": {
        "none + pending in": "none",
        "none + pending out+in": "none + pending out",
        "to + pending in": "to",
        "from": "none",
        "from + pending out": "none + pending out",
        "both": "to",
    },
}
# Tables 6 to 9, in the contact's state before: is the stanza delivered to the contact?
DELIVERED = {
    "subscribe": {"none", "none + pending out", "to"},
    "unsubscribe": {
        "none + pending in",
        "none + pending out+in",
        "to + pending in",
        "from",
        "from + pending out",
        "both",
    },
    "subscribed": {"none + pending out", "none + pending out+in", "from + pending out"},
    "unsubscribed": {
        "none + pending out",
        "none + pending out+in",
        "to",
        "to + pending in",
        "from + pending out",
        "both",
    },
}


async def _reach(state: str, user: Session, contact: Session) -> None:
    for who, kind in STATES[state]:
        sender, receiver = (user, contact) if who == USER else (contact, user)
        await sender.presence(kind=kind, to=receiver.bare)
        await settle(user, contact)
    _forget(user, contact)


def _forget(*sessions: Session) -> None:
    for session in sessions:
        session.pushes()
        session.heard("presence")


@dataclass
class Seen:
    subscription: str
    pending_out: bool

    @classmethod
    def of(cls, item: Node | None) -> "Seen":
        return cls("none", False) if item is None else cls(item["subscription"], item["ask"] == "subscribe")

    @classmethod
    def expected(cls, state: str) -> "Seen":
        return cls(state.partition(" ")[0], "out" in state)


async def _finds_a_request(stage, session: Session, other: Session, expected: bool) -> None:
    """A request that waits comes again to whoever logs in (section 3.1.3), once."""
    newcomer = await stage.session(session.account)
    if expected:
        await newcomer.hears("presence", "subscribe", other.bare)
    await settle(newcomer, other)
    assert [p for p in newcomer.heard("presence", "subscribe") if p["from"] == other.bare] == []
    await newcomer.leaves()


@pytest.mark.parametrize("kind", list(OUTBOUND))
@pytest.mark.parametrize("state", list(STATES))
async def test_the_state_machine(server, state, kind):
    user, contact = await server.session("romeo", roster=True), await server.session("juliet", roster=True)
    await _reach(state, user, contact)

    await user.presence(kind=kind, to=contact.bare)
    await settle(user, contact)

    after = OUTBOUND[kind].get(state, state)
    # What was delivered, stamped with the bare address of the sender.
    delivered = [p["from"] for p in contact.heard("presence", kind)]
    assert delivered == ([user.bare] if MIRROR[state] in DELIVERED[kind] else [])
    # What both rosters say now; pre-approval may have made an item where there was none.
    assert Seen.of((await user.roster()).get(contact.bare)) == Seen.expected(after)
    assert Seen.of((await contact.roster()).get(user.bare)) == Seen.expected(MIRROR[after])
    # And what waits for an answer.
    await _finds_a_request(server, user, contact, after.endswith("in"))
    await _finds_a_request(server, contact, user, MIRROR[after].endswith("in"))


@pytest.mark.parametrize("kind", list(OUTBOUND))
@pytest.mark.parametrize("state", list(STATES))
async def test_a_change_of_state_is_pushed_and_nothing_else_is(server, state, kind):
    user, contact = await server.session("romeo", roster=True), await server.session("juliet", roster=True)
    await _reach(state, user, contact)

    await user.presence(kind=kind, to=contact.bare)
    await settle(user, contact)

    after = OUTBOUND[kind].get(state, state)
    pushed = [p for p in user.pushes() if p["approved"] is None]
    if Seen.expected(after) != Seen.expected(state):
        assert pushed and Seen.of(pushed[-1]) == Seen.expected(after)
    elif after == state:
        assert all(Seen.of(p) == Seen.expected(state) for p in pushed)
    pushed = contact.pushes()
    if Seen.expected(MIRROR[after]) != Seen.expected(MIRROR[state]):
        assert pushed and Seen.of(pushed[-1]) == Seen.expected(MIRROR[after])
    else:
        assert all(Seen.of(p) == Seen.expected(MIRROR[state]) for p in pushed)


async def test_the_address_of_a_subscription_stanza_is_not_rewritten(server):
    """Section 8.5.2.1.2"""
    romeo, juliet = await server.session("romeo", roster=True), await server.session("juliet", roster=True)

    await romeo.presence(kind="subscribe", to=juliet.bare)
    asked = await juliet.hears("presence", "subscribe")
    await juliet.presence(kind="subscribed", to=romeo.bare)
    granted = await romeo.hears("presence", "subscribed")

    assert (asked["from"], asked["to"]) == (romeo.bare, juliet.bare)
    assert (granted["from"], granted["to"]) == (juliet.bare, romeo.bare)


# Section 3.1: asking


async def test_a_request_goes_to_every_available_resource(server):
    juliet = await server.account("juliet")
    balcony, chamber = await server.session(juliet), await server.session(juliet, priority=-5)
    romeo = await server.session("romeo", roster=True)

    await romeo.presence("<status>Hi</status>", "subscribe", juliet, id="xk3h1v69")

    for session in (balcony, chamber):
        request = await session.hears("presence", "subscribe")
        assert (request["from"], request["id"]) == (romeo.bare, "xk3h1v69")
        assert request.text_of("status") == "Hi"


async def test_a_request_to_a_resource_is_a_request_to_the_person(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo", roster=True)

    await romeo.presence(kind="subscribe", to=juliet.jid)

    assert (await juliet.hears("presence", "subscribe"))["from"] == romeo.bare
    assert (await romeo.push())["jid"] == juliet.bare


async def test_who_asks_sees_the_request_in_its_roster(server):
    account, juliet = await server.account("romeo"), await server.account("juliet")
    one, other = await server.session(account, roster=True), await server.session(account, roster=True)

    await one.presence(kind="subscribe", to=juliet)

    for session in (one, other):
        item = await session.push(juliet)
        assert (item["subscription"], item["ask"]) == ("none", "subscribe")


async def test_a_request_does_not_put_anybody_into_the_roster_of_who_is_asked(server):
    juliet, romeo = await server.session("juliet", roster=True), await server.session("romeo")

    await romeo.presence(kind="subscribe", to=juliet.bare)
    await juliet.hears("presence", "subscribe")

    assert await juliet.roster() == {}
    assert juliet.pushes() == []


async def test_a_request_waits_for_a_login_with_all_that_was_in_it(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo", roster=True)
    await romeo.presence("<status>Wilt thou?</status><nick xmlns='urn:nick'>R</nick>", "subscribe", juliet, id="s1")
    await romeo.settled()

    for _ in range(2):  # until it is answered
        session = await server.session(juliet)
        request = await session.hears("presence", "subscribe")
        assert (request["from"], request["id"]) == (romeo.bare, "s1")
        assert request.text_of("status") == "Wilt thou?"
        assert request.text_of("nick", "urn:nick") == "R"
        await session.leaves()


async def test_a_request_survives_a_restart_of_the_server(start):
    server = await start()
    juliet, romeo = await server.account("juliet"), await server.session("romeo", roster=True)
    await romeo.presence(kind="subscribe", to=juliet)
    await romeo.push(juliet)
    await romeo.settled()

    server.house.stop()
    server.house.start()

    session = await server.session(juliet)
    assert (await session.hears("presence", "subscribe"))["from"] == romeo.bare


async def test_many_requests_from_one_person_are_one_request(server):
    juliet, romeo = await server.account("juliet"), await server.session("romeo", roster=True)
    for _ in range(3):
        await romeo.presence(kind="subscribe", to=juliet)
    await romeo.settled()

    session = await server.session(juliet)
    await session.settled()
    await settle(session, romeo)

    assert len(session.heard("presence", "subscribe")) == 1


async def test_an_answered_request_does_not_come_again(server):
    juliet, romeo = await server.session("juliet"), await server.session("romeo", roster=True)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await juliet.hears("presence", "subscribe")
    await juliet.presence(kind="unsubscribed", to=romeo.bare)
    await romeo.hears("presence", "unsubscribed")

    again = await server.session(juliet.account)
    await settle(again, romeo)

    assert again.heard("presence", "subscribe") == []
    item = (await romeo.roster()).get(juliet.bare)
    assert (item["subscription"], item["ask"]) == ("none", None)


async def test_a_request_to_nobody_is_answered_with_an_error_or_not_at_all(server):
    romeo = await server.session("romeo", roster=True)

    await romeo.presence(kind="subscribe", to=f"nobody-at-all@{server.domain}", id="s1")
    await romeo.settled()

    for answer in romeo.heard("presence"):
        assert answer["type"] in ("error", "unsubscribed", "unavailable")
    assert (await romeo.roster()).get(f"nobody-at-all@{server.domain}", {"subscription": "none"})[
        "subscription"
    ] == "none"


# Section 3.1.5 and 3.1.6: being granted


async def test_who_is_granted_sees_the_friend_at_once(server):
    juliet = await server.account("juliet")
    balcony, chamber = await server.session(juliet, "balcony"), await server.session(juliet, "chamber")
    romeo = await server.session("romeo", roster=True)
    await balcony.presence("<show>away</show><status>on the balcony</status>")
    await balcony.settled()
    await romeo.presence(kind="subscribe", to=juliet)
    await balcony.hears("presence", "subscribe")

    await chamber.presence(kind="subscribed", to=romeo.bare)

    assert (await romeo.hears("presence", "subscribed"))["from"] == juliet.jid
    seen = {p["from"]: p for p in [await romeo.hears("presence", None, s.jid) for s in (balcony, chamber)]}
    assert seen[balcony.jid].text_of("status") == "on the balcony"
    assert seen[balcony.jid].text_of("show") == "away"


async def test_a_grant_is_pushed_to_both(server):
    juliet, romeo = await server.session("juliet", roster=True), await server.session("romeo", roster=True)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await romeo.push(juliet.bare)

    await juliet.presence(kind="subscribed", to=romeo.bare)

    assert (await juliet.push(romeo.bare))["subscription"] == "from"
    item = await romeo.push(juliet.bare)
    assert (item["subscription"], item["ask"]) == ("to", None)


async def test_the_grant_comes_before_its_push(server):
    """Section 3.1.6: or the client would not know why its roster changed."""
    juliet, romeo = await server.session("juliet"), await server.session("romeo", roster=True)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await romeo.push(juliet.bare)

    await juliet.presence(kind="subscribed", to=romeo.bare)

    first = await romeo.take(
        lambda s: (s.name == "presence" and s["type"] == "subscribed") or s.has("query", ROSTER), "a grant or its push"
    )
    assert first.name == "presence"


async def test_who_asks_again_after_the_grant_is_granted_again_by_the_server(server):
    """Section 3.1.3, rule 2: the roster of who asks may have got lost."""
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(kind="subscribe", to=juliet.bare)
    await settle(romeo, juliet)

    assert juliet.heard("presence", "subscribe") == []


# Section 3.2 and 3.3: ending


async def test_a_cancelled_friend_sees_every_resource_go(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    chamber = await server.session(juliet.account)
    await romeo.hears("presence", None, chamber.jid)

    await juliet.presence(kind="unsubscribed", to=romeo.bare)
    await settle(romeo, juliet)

    gone = {p["from"] for p in romeo.heard("presence", "unavailable")}
    assert gone == {juliet.jid, chamber.jid}
    assert [p["from"] for p in romeo.heard("presence", "unsubscribed")] == [juliet.bare]
    assert (await romeo.roster())[juliet.bare]["subscription"] == "from"
    assert (await juliet.roster())[romeo.bare]["subscription"] == "to"


async def test_who_unsubscribes_sees_every_resource_go(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(kind="unsubscribe", to=juliet.bare)
    await settle(romeo, juliet)

    assert [p["from"] for p in juliet.heard("presence", "unsubscribe")] == [romeo.bare]
    assert {p["from"] for p in romeo.heard("presence", "unavailable")} == {juliet.jid}


async def test_after_the_end_of_a_subscription_no_presence_comes(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.presence(kind="unsubscribed", to=romeo.bare)
    await settle(romeo, juliet)
    _forget(romeo)

    await juliet.presence("<show>away</show>")
    await settle(juliet, romeo)

    assert romeo.heard("presence") == []


async def test_a_contact_that_is_removed_loses_every_subscription(server):
    """Section 2.5.2"""
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.set(f"<query xmlns='{ROSTER}'><item jid='{juliet.bare}' subscription='remove'/></query>")
    await settle(romeo, juliet)

    kinds = {p["type"] for p in juliet.heard("presence") if p["from"] == romeo.bare}
    assert {"unsubscribe", "unsubscribed"} <= kinds
    assert (await juliet.roster())[romeo.bare]["subscription"] == "none"
    assert await romeo.roster() == {}
    await juliet.presence("<show>away</show>")
    await settle(juliet, romeo)
    assert [p for p in romeo.heard("presence", None) if p["from"] == juliet.jid] == []


async def test_a_contact_that_is_removed_while_its_request_waits_may_ask_again(server):
    romeo, juliet = await server.session("romeo", roster=True), await server.session("juliet", roster=True)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await juliet.hears("presence", "subscribe")
    await romeo.set(f"<query xmlns='{ROSTER}'><item jid='{juliet.bare}' subscription='remove'/></query>")
    await settle(romeo, juliet)

    await _finds_a_request(server, juliet, romeo, False)
    _forget(juliet)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    assert (await juliet.hears("presence", "subscribe"))["from"] == romeo.bare


async def test_a_subscription_outlives_its_sessions(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.leaves()
    await juliet.hears("presence", "unavailable")
    await juliet.leaves()

    romeo = await server.session(romeo.account)
    juliet = await server.session(juliet.account)

    await romeo.hears("presence", None, juliet.jid)
    await juliet.hears("presence", None, romeo.jid)


# Section 3.4: granting before being asked


async def test_a_grant_before_the_request_is_kept_if_that_is_announced(server):
    juliet, romeo = await server.session("juliet", roster=True), await server.session("romeo", roster=True)
    announced = juliet.bound_features.has("sub", "urn:xmpp:features:pre-approval")

    await juliet.presence(kind="subscribed", to=romeo.bare)
    await settle(juliet, romeo)

    assert romeo.heard("presence", "subscribed") == []
    item = (await juliet.roster()).get(romeo.bare)
    if not announced:
        assert item is None or item["approved"] is None
        return
    assert (item["subscription"], item["approved"]) == ("none", "true")
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await romeo.hears("presence", "subscribed")
    await settle(romeo, juliet)
    assert juliet.heard("presence", "subscribe") == []
    assert (await juliet.roster())[romeo.bare]["subscription"] == "from"


async def test_a_grant_before_the_request_can_be_taken_back(server):
    juliet, romeo = await server.session("juliet", roster=True), await server.session("romeo", roster=True)
    await juliet.presence(kind="subscribed", to=romeo.bare)
    await juliet.presence(kind="unsubscribed", to=romeo.bare)
    await settle(juliet, romeo)

    await romeo.presence(kind="subscribe", to=juliet.bare)

    await juliet.hears("presence", "subscribe")
    assert romeo.heard("presence", "unsubscribed") == []
