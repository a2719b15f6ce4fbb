"""RFC 6121 section 4: who sees whom come, change and go."""

import pytest

from support.session import settle


async def test_initial_presence_comes_back_to_its_own_resource(server):
    juliet = await server.session("juliet", available=False)

    echo = await juliet.available()

    assert echo["from"] == juliet.jid
    assert echo["to"] in (juliet.bare, juliet.jid, None)


async def test_the_other_resources_see_each_other(server):
    account = await server.account("juliet")
    balcony = await server.session(account, "balcony")

    chamber = await server.session(account, "chamber")

    await balcony.hears("presence", None, chamber.jid)
    await chamber.hears("presence", None, balcony.jid)


async def test_a_friend_who_comes_is_seen_and_sees(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    orchard = await server.session(romeo.account, "orchard")

    seen = await juliet.hears("presence", None, orchard.jid)
    assert seen["to"] in (juliet.bare, juliet.jid)
    await orchard.hears("presence", None, juliet.jid)


async def test_who_is_not_subscribed_sees_nothing(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await juliet.presence("<show>away</show>")
    await settle(juliet, romeo)

    assert [p for p in romeo.heard("presence") if p["from"] == juliet.jid] == []


async def test_a_one_sided_subscription_shows_one_side(server):
    romeo, juliet = await server.session("romeo", roster=True), await server.session("juliet", roster=True)
    await romeo.presence(kind="subscribe", to=juliet.bare)
    await juliet.hears("presence", "subscribe")
    await juliet.presence(kind="subscribed", to=romeo.bare)
    await settle(romeo, juliet)
    romeo.heard("presence"), juliet.heard("presence")

    await romeo.presence("<show>dnd</show>")
    await juliet.presence("<show>away</show>")
    await settle(romeo, juliet)

    assert [p.text_of("show") for p in romeo.heard("presence", None) if p["from"] == juliet.jid] == ["away"]
    assert [p for p in juliet.heard("presence") if p["from"] == romeo.jid] == []


async def test_presence_arrives_with_all_that_is_in_it(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(
        "<show>dnd</show><status>Wooing Juliet</status><status xml:lang='cs'>Dvořím se Julii</status>"
        "<priority>1</priority><c xmlns='http://jabber.org/protocol/caps' hash='sha-1' node='http://psi-im.org'"
        " ver='q07IKJEyjvHSyhy//CH0CxmKi8w='/><status xml:lang='zh'>在线</status>",
        id="p1",
        xml_lang="en",
    )

    seen = await juliet.hears("presence", None, romeo.jid)
    assert (seen["id"], seen["xml:lang"]) == ("p1", "en")
    assert seen.text_of("show") == "dnd"
    assert {s["xml:lang"]: s.text for s in seen.all("status")} == {
        None: "Wooing Juliet",
        "cs": "Dvořím se Julii",
        "zh": "在线",
    }
    assert seen.text_of("priority") == "1"
    assert seen.child("c", "http://jabber.org/protocol/caps")["ver"] == "q07IKJEyjvHSyhy//CH0CxmKi8w="


async def test_who_comes_later_sees_the_last_presence_whole(server):
    """Section 4.3.2, rule 4: the full XML of the last presence."""
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.presence("<show>chat</show>")
    await romeo.presence("<show>xa</show><status>gone fishing</status><x xmlns='urn:x'>kept</x>", id="last")
    await romeo.settled()

    chamber = await server.session(juliet.account)

    seen = await chamber.hears("presence", None, romeo.jid)
    assert (seen["id"], seen.text_of("show"), seen.text_of("status")) == ("last", "xa", "gone fishing")
    assert seen.text_of("x", "urn:x") == "kept"


async def test_goodbye_is_seen_with_its_words(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence("<status>Busy IRL</status>", "unavailable")

    seen = await juliet.hears("presence", "unavailable", romeo.jid)
    assert seen.text_of("status") == "Busy IRL"


async def test_goodbye_is_said_once(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(kind="unavailable")
    await romeo.leaves()
    await juliet.hears("presence", "unavailable", romeo.jid)

    await settle(juliet, await server.session("nurse"))
    assert juliet.heard("presence", "unavailable") == []


async def test_other_resources_see_one_go(server):
    account = await server.account("juliet")
    balcony, chamber = await server.session(account), await server.session(account)

    await chamber.presence(kind="unavailable")

    assert (await balcony.hears("presence", "unavailable"))["from"] == chamber.jid


async def test_who_said_goodbye_may_come_back(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.presence(kind="unavailable")
    await juliet.hears("presence", "unavailable", romeo.jid)

    await romeo.available()

    await juliet.hears("presence", None, romeo.jid)
    await romeo.hears("presence", None, juliet.jid)


async def test_who_said_goodbye_hears_no_more_of_friends(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await romeo.presence(kind="unavailable")
    await settle(romeo, juliet)
    romeo.heard("presence")

    await juliet.presence("<show>away</show>")
    await settle(juliet, romeo)

    assert romeo.heard("presence") == []


@pytest.mark.parametrize("priority", ["-128", "-1", "0", "127"])
async def test_priorities_in_range_arrive(server, priority):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(f"<priority>{priority}</priority>")

    assert (await juliet.hears("presence", None, romeo.jid)).text_of("priority") in (priority, None)


@pytest.mark.parametrize("priority", ["-129", "128", "1.5", "high", "", "99999999999999999999"])
async def test_a_priority_out_of_range_is_refused_or_taken_for_another(server, priority):
    """Section 4.7.2.3: an integer between -128 and +127."""
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(f"<priority>{priority}</priority>")
    await settle(romeo, juliet)

    for seen in juliet.heard("presence", None):
        assert not seen.text_of("priority") or -128 <= int(seen.text_of("priority")) <= 127
    for refused in romeo.heard("presence", "error"):
        assert refused.error.condition in ("bad-request", "not-acceptable")


async def test_a_resource_without_presence_is_invisible(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    hidden = await server.session(romeo.account, available=False)
    await settle(hidden, juliet)

    assert juliet.heard("presence") == []
    hidden.hang_up()
    await settle(romeo, juliet)
    assert juliet.heard("presence") == []


# Section 4.3: probes


async def test_a_probe_is_answered_with_the_presence_of_a_friend(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(kind="probe", to=juliet.bare)

    assert (await romeo.hears("presence", None))["from"] == juliet.jid


async def test_a_probe_of_one_resource_tells_only_of_that_resource(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    chamber = await server.session(juliet.account)
    await settle(chamber, romeo)
    romeo.heard("presence")

    await romeo.presence(kind="probe", to=chamber.jid)
    await settle(romeo, juliet)

    assert {p["from"] for p in romeo.heard("presence", None)} == {chamber.jid}


async def test_a_probe_of_a_stranger_tells_nothing(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for to in (juliet.bare, juliet.jid, f"nobody-at-all@{server.domain}"):
        await romeo.presence(kind="probe", to=to)
    await settle(romeo, juliet)

    assert {p["type"] for p in romeo.heard("presence") if p["from"] != romeo.jid} <= {"unsubscribed", "error"}
    assert juliet.heard("presence", "probe") == []


# Section 4.6: directed presence


async def test_directed_presence_reaches_a_stranger(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.presence("<show>chat</show>", to=juliet.jid)

    seen = await juliet.hears("presence", None, romeo.jid)
    assert (seen["to"], seen.text_of("show")) == (juliet.jid, "chat")


async def test_directed_presence_to_a_person_reaches_every_resource(server):
    account = await server.account("juliet")
    balcony, chamber = await server.session(account), await server.session(account, priority=-1)
    romeo = await server.session("romeo")

    await romeo.presence(to=account)

    for session in (balcony, chamber):
        assert (await session.hears("presence", None, romeo.jid))["to"] == account.jid


async def test_a_stranger_who_got_presence_gets_the_goodbye_too(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.presence(to=juliet.jid)
    await juliet.hears("presence", None, romeo.jid)

    romeo.hang_up()

    await juliet.hears("presence", "unavailable", romeo.jid)


async def test_a_stranger_who_got_presence_sees_the_broadcast_goodbye(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.presence(to=juliet.jid)

    await romeo.presence(kind="unavailable")

    await juliet.hears("presence", "unavailable", romeo.jid)


async def test_a_stranger_who_got_presence_gets_no_later_changes(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.presence(to=juliet.jid)
    await juliet.hears("presence", None, romeo.jid)

    await romeo.presence("<show>away</show>")
    await settle(romeo, juliet)

    assert juliet.heard("presence") == []


async def test_a_stranger_who_got_a_goodbye_gets_no_second_one(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await romeo.presence(to=juliet.jid)
    await juliet.hears("presence", None, romeo.jid)
    await romeo.presence(kind="unavailable", to=juliet.jid)
    await juliet.hears("presence", "unavailable", romeo.jid)

    await romeo.leaves()
    await settle(juliet, await server.session("nurse"))

    assert juliet.heard("presence") == []


async def test_directed_presence_works_without_initial_presence(server):
    romeo, juliet = await server.session("romeo", available=False), await server.session("juliet")

    await romeo.presence(to=juliet.jid)
    await juliet.hears("presence", None, romeo.jid)
    romeo.hang_up()

    await juliet.hears("presence", "unavailable", romeo.jid)


async def test_directed_presence_to_nobody_vanishes(server):
    romeo = await server.session("romeo")

    await romeo.presence(to=f"nobody-at-all@{server.domain}")
    await romeo.presence(kind="unavailable", to=f"nobody-at-all@{server.domain}/x")

    await romeo.settled()
    assert romeo.heard("presence") == []


async def test_who_got_directed_presence_may_ask_who_sent_it(server):
    """RFC 6121 section 8.5.3.1: presence that was shared opens the door for requests."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    await juliet.presence(to=romeo.jid)
    await romeo.hears("presence", None, juliet.jid)

    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="ask")

    assert (await juliet.hears("iq", "get"))["from"] == romeo.jid
