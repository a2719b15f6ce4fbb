"""RFC 6121 section 2: the roster, its pushes, its errors, its versions."""

import pytest

from support.session import settle
from support.xml import ROSTER


def _item(jid, *groups: str, **attributes: str) -> str:
    named = "".join(f" {name}='{value}'" for name, value in attributes.items())
    inner = "".join(f"<group>{group}</group>" for group in groups)
    return f"<query xmlns='{ROSTER}'><item jid='{jid}'{named}>{inner}</item></query>"


def _groups(item) -> set[str]:
    return {group.text for group in item.all("group")}


async def test_a_new_roster_is_empty_and_still_there(server):
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<query xmlns='{ROSTER}'/>")

    assert answer["type"] == "result"
    assert answer.child("query", ROSTER).children == []


async def test_a_roster_may_be_asked_for_by_name(server):
    juliet = await server.session("juliet")

    answer = await juliet.ask(f"<query xmlns='{ROSTER}'/>", to=juliet.bare)

    assert answer["type"] == "result"
    assert answer.has("query", ROSTER)


async def test_a_contact_is_added(server):
    juliet = await server.session("juliet", roster=True)

    answer = await juliet.set(_item("nurse@example.com", "Servants", name="Nurse"))

    assert answer["type"] == "result"
    assert answer.children == []
    item = (await juliet.roster())["nurse@example.com"]
    assert (item["name"], item["subscription"], item["ask"]) == ("Nurse", "none", None)
    assert _groups(item) == {"Servants"}


async def test_every_interested_resource_is_told_of_a_new_contact(server):
    account = await server.account("juliet")
    balcony = await server.session(account, "balcony", roster=True)
    chamber = await server.session(account, "chamber", roster=True)

    await balcony.set(_item("nurse@example.com", "Servants", name="Nurse"))

    for session in (balcony, chamber):
        item = await session.push("nurse@example.com")
        assert (item["name"], item["subscription"]) == ("Nurse", "none")
        assert _groups(item) == {"Servants"}


async def test_a_push_comes_from_the_account_and_goes_to_the_resource(server):
    juliet = await server.session("juliet", roster=True)

    await juliet.set(_item("nurse@example.com"))

    push = await juliet.hears("iq", "set")
    assert push["from"] in (None, juliet.bare)
    assert push["to"] in (None, juliet.jid)
    assert push["id"]
    assert len(push.child("query", ROSTER).children) == 1


async def test_who_has_not_asked_for_the_roster_gets_no_pushes(server):
    account = await server.account("juliet")
    interested = await server.session(account, roster=True)
    indifferent = await server.session(account)

    await interested.set(_item("nurse@example.com"))
    await interested.push("nurse@example.com")

    await settle(interested, indifferent)
    assert indifferent.pushes() == []


async def test_who_is_connected_and_not_available_gets_pushes_too(server):
    account = await server.account("juliet")
    connected = await server.session(account, roster=True, available=False)
    available = await server.session(account, roster=True)

    await available.set(_item("nurse@example.com"))

    assert (await connected.push())["jid"] == "nurse@example.com"


async def test_a_push_that_is_refused_harms_nobody(server):
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("nurse@example.com"))
    push = await juliet.hears("iq", "set")

    await juliet.iq(
        "<error type='cancel'><service-unavailable xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
        "error",
        id=push["id"],
    )

    await juliet.settled()
    assert juliet.heard("iq") == []


async def test_a_contact_is_updated_exactly_as_it_was_sent(server):
    juliet = await server.session("juliet", roster=True)
    steps = [
        (("Friends",), {"name": "Romeo"}),
        (("Friends", "Lovers"), {"name": "Romeo"}),
        (("Lovers",), {"name": "Romeo"}),
        ((), {"name": "MyRomeo"}),
        ((), {}),
        (("Enemies &amp; &lt;others&gt;",), {"name": "ロミオ"}),
    ]

    for groups, attributes in steps:
        await juliet.set(_item("romeo@example.net", *groups, **attributes))
        pushed, kept = await juliet.push("romeo@example.net"), (await juliet.roster())["romeo@example.net"]
        for item in (pushed, kept):
            assert (item["name"] or "") == attributes.get("name", "")
            assert len(_groups(item)) == len(groups)

    assert _groups(kept) == {"Enemies & <others>"}


async def test_an_empty_name_is_no_name(server):
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("romeo@example.net", name="Romeo"))

    await juliet.set(_item("romeo@example.net", name=""))

    assert not (await juliet.roster())["romeo@example.net"]["name"]


async def test_a_contact_is_removed_everywhere(server):
    account = await server.account("juliet")
    balcony = await server.session(account, roster=True)
    chamber = await server.session(account, roster=True)
    await balcony.set(_item("nurse@example.com"))
    await balcony.push()
    await chamber.push()

    answer = await balcony.set(_item("nurse@example.com", subscription="remove"))

    assert answer["type"] == "result"
    for session in (balcony, chamber):
        item = await session.push()
        assert (item["jid"], item["subscription"]) == ("nurse@example.com", "remove")
    assert await balcony.roster() == {}


async def test_what_is_not_there_cannot_be_removed(server):
    juliet = await server.session("juliet", roster=True)

    answer = await juliet.set(_item("nobody@example.com", subscription="remove"))

    assert answer.error.condition == "item-not-found"
    await juliet.settled()
    assert juliet.pushes() == []


@pytest.mark.parametrize("claimed", ["to", "from", "both", "none", "nonsense"])
async def test_a_client_does_not_set_its_own_subscriptions(server, claimed):
    juliet = await server.session("juliet", roster=True)

    answer = await juliet.set(_item("romeo@example.net", subscription=claimed, ask="subscribe", approved="true"))

    assert answer["type"] == "result" or claimed == "nonsense"
    for item in (await juliet.roster()).values():
        assert (item["subscription"], item["ask"], item["approved"]) == ("none", None, None)


async def test_a_changed_name_leaves_the_subscription_alone(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await juliet.set(_item(romeo.bare, "Lovers", name="My Romeo"))

    item = await juliet.push(romeo.bare)
    assert (item["name"], item["subscription"]) == ("My Romeo", "both")


async def test_what_comes_from_the_roster_is_what_went_in_after_a_restart_of_the_client(server):
    juliet = await server.session("juliet")
    for number in range(20):
        await juliet.set(_item(f"friend{number}@example.com", f"group{number % 3}", name=f"Friend {number}"))
    await juliet.leaves()

    again = await server.session(juliet.account)

    roster = await again.roster()
    assert {jid: (item["name"], _groups(item)) for jid, item in roster.items()} == {
        f"friend{n}@example.com": (f"Friend {n}", {f"group{n % 3}"}) for n in range(20)
    }


# Errors of section 2.3.3


@pytest.mark.parametrize(
    "query, conditions",
    [
        (f"<query xmlns='{ROSTER}'/>", {"bad-request"}),
        (f"<query xmlns='{ROSTER}'><item jid='a@example.com'/><item jid='b@example.com'/></query>", {"bad-request"}),
        (f"<query xmlns='{ROSTER}'><item/></query>", {"bad-request", "jid-malformed"}),
        (f"<query xmlns='{ROSTER}'><item jid=''/></query>", {"bad-request", "jid-malformed"}),
        (f"<query xmlns='{ROSTER}'><item jid='a@b@c'/></query>", {"bad-request", "jid-malformed"}),
        (_item("nurse@example.com", "Servants", "Servants"), {"bad-request"}),
        (_item("nurse@example.com", ""), {"not-acceptable"}),
        (_item("nurse@example.com", name="N" * 5000), {"not-acceptable"}),
        (_item("nurse@example.com", "g" * 5000), {"not-acceptable"}),
    ],
    ids=[
        "nothing",
        "two",
        "no-jid",
        "empty-jid",
        "bad-jid",
        "same-group-twice",
        "empty-group",
        "long-name",
        "long-group",
    ],
)
async def test_a_malformed_roster_set_is_refused(server, query, conditions):
    juliet = await server.session("juliet", roster=True)

    answer = await juliet.set(query)

    assert answer["type"] == "error"
    assert answer.error.condition in conditions
    assert answer.error.type == "modify"
    assert await juliet.roster() == {}


async def test_nobody_reads_the_roster_of_another(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.ask(f"<query xmlns='{ROSTER}'/>", to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")


async def test_nobody_writes_the_roster_of_another(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.set(_item("tybalt@example.com"), to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")
    assert set(await juliet.roster()) == {romeo.bare}


async def test_a_contact_is_kept_as_its_bare_and_prepared_address(server):
    juliet = await server.session("juliet", roster=True)

    answer = await juliet.set(_item("NURSE@Example.COM", name="Nurse"))

    assert answer["type"] == "result"
    assert set(await juliet.roster()) == {"nurse@example.com"}


# Section 2.6: versions


async def _versioned(session, ver: str):
    return await session.ask(f"<query xmlns='{ROSTER}' ver='{ver}'/>")


async def test_versioning_is_announced(server):
    juliet = await server.session("juliet")

    assert juliet.bound_features.has("ver", "urn:xmpp:features:rosterver")


async def test_an_empty_version_gets_the_whole_roster_and_its_version(server):
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("nurse@example.com"))

    answer = await _versioned(juliet, "")

    query = answer.child("query", ROSTER)
    assert query["ver"]
    assert [item["jid"] for item in query.children] == ["nurse@example.com"]


async def test_an_unchanged_roster_is_not_sent_again(server):
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("nurse@example.com"))
    version = (await _versioned(juliet, "")).child("query", ROSTER)["ver"]
    await juliet.leaves()

    again = await server.session(juliet.account, available=False)
    answer = await _versioned(again, version)
    await again.settled()

    assert answer["type"] == "result"
    assert answer.children == []
    assert again.pushes() == []


async def test_an_unknown_version_gets_the_whole_roster(server):
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("nurse@example.com"))

    answer = await _versioned(juliet, "no-version-of-yours")

    assert [item["jid"] for item in answer.child("query", ROSTER).children] == ["nurse@example.com"]


async def test_a_changed_roster_comes_whole_or_in_pushes(server):
    """Either way the client ends with what the server has."""
    juliet = await server.session("juliet", roster=True)
    await juliet.set(_item("nurse@example.com"))
    await juliet.set(_item("tybalt@example.com"))
    version = (await _versioned(juliet, "")).child("query", ROSTER)["ver"]
    await juliet.set(_item("nurse@example.com", name="Nurse"))
    await juliet.set(_item("tybalt@example.com", subscription="remove"))
    await juliet.set(_item("romeo@example.net"))
    await juliet.leaves()

    cache = {"nurse@example.com": None, "tybalt@example.com": None}
    again = await server.session(juliet.account, available=False)
    answer = await _versioned(again, version)
    await again.settled()

    if answer.children:
        cache = {item["jid"]: item["name"] for item in answer.child("query", ROSTER).children}
    for item in again.pushes():
        if item["subscription"] == "remove":
            cache.pop(item["jid"])
        else:
            cache[item["jid"]] = item["name"]
    assert cache == {"nurse@example.com": "Nurse", "romeo@example.net": None}


async def test_each_push_has_a_version_of_its_own(server):
    juliet = await server.session("juliet", roster=True)
    await _versioned(juliet, "")
    versions = []
    for number in range(5):
        await juliet.set(_item(f"friend{number}@example.com"))
        versions.append((await juliet.hears("iq", "set")).child("query", ROSTER)["ver"])

    assert None not in versions
    assert len(set(versions)) == 5
    assert (await _versioned(juliet, "")).child("query", ROSTER)["ver"] == versions[-1]


async def test_the_version_of_the_last_push_is_good_for_the_next_login(server):
    juliet = await server.session("juliet", roster=True)
    await _versioned(juliet, "")
    await juliet.set(_item("nurse@example.com"))
    version = (await juliet.hears("iq", "set")).child("query", ROSTER)["ver"]
    await juliet.leaves()

    again = await server.session(juliet.account, available=False)

    assert (await _versioned(again, version)).children == []
