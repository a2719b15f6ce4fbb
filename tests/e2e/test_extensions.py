"""The small extensions: ping, version, time, last activity, private storage, cards."""

import datetime
import re

import pytest

from support.session import settle
from support.xml import PING, parse

LAST = "jabber:iq:last"
PRIVATE = "jabber:iq:private"
CARD = "vcard-temp"


async def _befriend(asks, agrees) -> None:
    await asks.presence(kind="subscribe", to=agrees.bare)
    await agrees.hears("presence", "subscribe")
    await agrees.presence(kind="subscribed", to=asks.bare)
    await asks.hears("presence", "subscribed")


# XEP-0199


@pytest.mark.parametrize("to", ["{domain}", None, "{bare}"])
async def test_a_ping_is_answered(server, to):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<ping xmlns='{PING}'/>", to=to and to.format(domain=server.domain, bare=romeo.bare))

    assert answer["type"] == "result"
    assert answer.children == []


async def test_a_ping_between_friends_is_theirs(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.iq(f"<ping xmlns='{PING}'/>", "get", juliet.jid, id="p1")
    ping = await juliet.hears("iq", "get")
    await juliet.iq("", "result", ping["from"], id=ping["id"])

    assert (await romeo.answer_to("p1"))["from"] == juliet.jid


# XEP-0092


async def test_the_server_says_its_name_and_version(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask("<query xmlns='jabber:iq:version'/>", to=server.domain)

    query = answer.child("query", "jabber:iq:version")
    assert query.text_of("name")
    assert query.text_of("version")


# XEP-0202 and XEP-0082


async def test_the_server_says_what_time_it_is(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask("<time xmlns='urn:xmpp:time'/>", to=server.domain)

    time = answer.child("time", "urn:xmpp:time")
    assert re.fullmatch(r"Z|[+-]\d\d:\d\d", time.text_of("tzo"))
    said = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(\.\d+)?Z", time.text_of("utc"))
    clock = datetime.datetime.fromisoformat(said[1] + "+00:00")
    assert abs(datetime.datetime.now(datetime.UTC) - clock) < datetime.timedelta(seconds=60)


# XEP-0012


async def test_the_server_says_how_long_it_has_been_up(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{LAST}'/>", to=server.domain)

    assert 0 <= int(answer.child("query", LAST)["seconds"]) < 24 * 3600


async def test_friends_learn_when_somebody_was_last_there(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.presence("<status>Heading Home</status>", "unavailable")
    await juliet.leaves()
    await romeo.hears("presence", "unavailable")

    answer = await romeo.ask(f"<query xmlns='{LAST}'/>", to=juliet.bare)

    query = answer.child("query", LAST)
    assert 0 <= int(query["seconds"]) < 60
    assert query.text in ("Heading Home", "")


async def test_who_is_there_was_last_there_just_now(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.ask(f"<query xmlns='{LAST}'/>", to=juliet.bare)

    assert answer.child("query", LAST)["seconds"] == "0"


async def test_strangers_do_not_learn_when_somebody_was_there(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    answer = await romeo.ask(f"<query xmlns='{LAST}'/>", to=juliet.jid)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")


async def test_who_may_not_see_presence_may_not_see_activity(server):
    """The wrong direction of a subscription opens nothing."""
    romeo, juliet = await server.session("romeo", roster=True), await server.session("juliet", roster=True)
    await _befriend(juliet, romeo)

    answer = await romeo.ask(f"<query xmlns='{LAST}'/>", to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")


# XEP-0049


async def test_private_data_is_kept(server):
    hamlet = await server.session("hamlet")
    kept = "<exodus xmlns='exodus:prefs'><defaultnick>Hämlet &amp; Co</defaultnick><x a='1'/></exodus>"

    answer = await hamlet.set(f"<query xmlns='{PRIVATE}'>{kept}</query>")
    again = await server.session(hamlet.account)
    found = await again.ask(f"<query xmlns='{PRIVATE}'><exodus xmlns='exodus:prefs'/></query>")

    assert answer["type"] == "result"
    assert found.child("query", PRIVATE).child("exodus").same_as(parse(kept))


async def test_private_data_that_was_never_kept_is_empty(server):
    hamlet = await server.session("hamlet")

    found = await hamlet.ask(f"<query xmlns='{PRIVATE}'><exodus xmlns='exodus:prefs'/></query>")

    assert found["type"] == "result"
    assert found.child("query", PRIVATE).child("exodus", "exodus:prefs").children == []


async def test_private_data_is_replaced(server):
    hamlet = await server.session("hamlet")
    for text in ("one", "two"):
        await hamlet.set(f"<query xmlns='{PRIVATE}'><notes xmlns='urn:notes'>{text}</notes></query>")

    found = await hamlet.ask(f"<query xmlns='{PRIVATE}'><notes xmlns='urn:notes'/></query>")

    assert found.child("query", PRIVATE).child("notes").text == "two"


async def test_private_data_of_different_namespaces_lies_apart(server):
    hamlet = await server.session("hamlet")
    for ns in ("urn:a", "urn:b"):
        await hamlet.set(f"<query xmlns='{PRIVATE}'><notes xmlns='{ns}'>{ns}</notes></query>")

    found = await hamlet.ask(f"<query xmlns='{PRIVATE}'><notes xmlns='urn:a'/></query>")

    assert found.child("query", PRIVATE).child("notes").text == "urn:a"


@pytest.mark.parametrize("kind", ["get", "set"])
async def test_nobody_touches_the_private_data_of_another(server, kind):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.set(f"<query xmlns='{PRIVATE}'><notes xmlns='urn:notes'>mine</notes></query>")

    answer = await romeo.ask(
        f"<query xmlns='{PRIVATE}'><notes xmlns='urn:notes'>his</notes></query>", kind, juliet.bare
    )

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "service-unavailable")
    found = await juliet.ask(f"<query xmlns='{PRIVATE}'><notes xmlns='urn:notes'/></query>")
    assert found.child("query", PRIVATE).child("notes").text == "mine"


@pytest.mark.parametrize("kind", ["get", "set"])
async def test_private_data_without_a_namespace_is_refused(server, kind):
    hamlet = await server.session("hamlet")

    for inner in ("", "<notes xmlns='jabber:iq:private'/>" if kind == "set" else ""):
        answer = await hamlet.ask(f"<query xmlns='{PRIVATE}'>{inner}</query>", kind)
        assert answer["type"] == "error"
        assert answer.error.condition in ("not-acceptable", "bad-request", "bad-format")


# XEP-0054


async def test_a_card_is_kept_and_read_by_everybody(server):
    card = (
        f"<vCard xmlns='{CARD}'><FN>Peter Saint-Andre</FN>"
        "<N><FAMILY>Saint-Andre</FAMILY><GIVEN>Peter</GIVEN><MIDDLE/></N>"
        "<TEL><WORK/><VOICE/><NUMBER>303-308-3282</NUMBER></TEL><DESC>More &lt;here&gt;</DESC></vCard>"
    )
    peter, romeo = await server.session("peter"), await server.session("romeo")

    answer = await peter.set(card)
    mine = await peter.ask(f"<vCard xmlns='{CARD}'/>")
    his = await romeo.ask(f"<vCard xmlns='{CARD}'/>", to=peter.bare)

    assert answer["type"] == "result"
    assert mine.child("vCard", CARD).same_as(parse(card))
    assert his.child("vCard", CARD).same_as(parse(card))
    assert his["from"] == peter.bare


async def test_a_card_can_be_read_while_its_owner_is_away(server):
    peter, romeo = await server.session("peter"), await server.session("romeo")
    await peter.set(f"<vCard xmlns='{CARD}'><FN>Peter</FN></vCard>")
    await peter.leaves()

    answer = await romeo.ask(f"<vCard xmlns='{CARD}'/>", to=peter.bare)

    assert answer.child("vCard", CARD).text_of("FN") == "Peter"


async def test_no_card_is_not_found_or_empty(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    for to in (None, juliet.jid):
        answer = await romeo.ask(f"<vCard xmlns='{CARD}'/>", to=to)
        if answer["type"] == "error":
            assert answer.error.condition in ("item-not-found", "service-unavailable")
        else:
            assert answer.child("vCard", CARD).children == []


async def test_no_card_looks_like_nobody(server):
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    there = await romeo.ask(f"<vCard xmlns='{CARD}'/>", to=juliet.jid)
    not_there = await romeo.ask(f"<vCard xmlns='{CARD}'/>", to=f"nobody-at-all@{server.domain}")

    assert there["type"] == not_there["type"] == "error"
    assert there.error == not_there.error
    assert there.error.condition == "service-unavailable"


async def test_nobody_writes_the_card_of_another(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.set(f"<vCard xmlns='{CARD}'><FN>Juliet</FN></vCard>")

    answer = await romeo.set(f"<vCard xmlns='{CARD}'><FN>Forged</FN></vCard>", to=juliet.bare)

    assert answer["type"] == "error"
    assert answer.error.condition in ("forbidden", "not-allowed", "service-unavailable")
    assert (await juliet.ask(f"<vCard xmlns='{CARD}'/>")).child("vCard").text_of("FN") == "Juliet"


async def test_a_card_is_replaced_whole(server):
    peter = await server.session("peter")
    await peter.set(f"<vCard xmlns='{CARD}'><FN>Peter</FN><URL>http://a/</URL></vCard>")

    await peter.set(f"<vCard xmlns='{CARD}'><FN>Piotr</FN></vCard>")

    card = (await peter.ask(f"<vCard xmlns='{CARD}'/>")).child("vCard")
    assert (card.text_of("FN"), card.has("URL")) == ("Piotr", False)


async def test_a_card_may_hold_a_small_picture(server):
    peter = await server.session("peter")
    picture = "QUJD" * 2000

    await peter.set(f"<vCard xmlns='{CARD}'><PHOTO><TYPE>image/png</TYPE><BINVAL>{picture}</BINVAL></PHOTO></vCard>")

    card = (await peter.ask(f"<vCard xmlns='{CARD}'/>")).child("vCard")
    assert card.child("PHOTO").text_of("BINVAL") == picture


# XEP-0085, seen by the server as any other payload


async def test_chat_states_pass(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, None, more="<composing xmlns='http://jabber.org/protocol/chatstates'/>")
    await settle(romeo, juliet)

    (heard,) = juliet.heard("message")
    assert heard.has("composing")
