"""XEP-0357: a push service, here a local account that is logged in, is told when a message waits that matters."""

import pytest

from support.session import fresh_id
from support.xml import BLOCKING, DISCO_INFO

PUSH = "urn:xmpp:push:0"
PUBSUB = "http://jabber.org/protocol/pubsub"
FORM = "jabber:x:data"
CARBONS = "urn:xmpp:carbons:2"
CSI = "urn:xmpp:csi:0"
OPTIONS = (
    f"<x xmlns='{FORM}' type='submit'>"
    f"<field var='FORM_TYPE'><value>{PUBSUB}#publish-options</value></field>"
    "<field var='secret'><value>eruio234vzxc2kla-91</value></field></x>"
)


async def enable(session, service, node="n1", options=""):
    answer = await session.set(f"<enable xmlns='{PUSH}' jid='{service}' node='{node}'>{options}</enable>")
    assert answer["type"] == "result", answer


async def disable(session, service, node=None):
    named = f" node='{node}'" if node is not None else ""
    answer = await session.set(f"<disable xmlns='{PUSH}' jid='{service}'{named}/>")
    assert answer["type"] == "result", answer


async def away(server, name, service, **how):
    """An account that has asked for pushes and left."""
    session = await server.session(name, "phone")
    await enable(session, service, **how)
    await session.leaves()
    return session


async def notified(service):
    """The next notification that the service gets: the iq, the node, and the fields of the summary."""
    iq = await service.hears("iq", "set")
    publish = iq.child("pubsub", PUBSUB).child("publish")
    form = publish.child("item").child("notification", PUSH).child("x", FORM)
    return iq, publish["node"], {f["var"]: f.text_of("value") for f in form.all("field")}


async def taken(service):
    """The next notification, answered; its summary."""
    iq, _, fields = await notified(service)
    await service.iq("", "result", iq["from"], id=iq["id"])
    return fields


async def nothing(service, *sessions):
    for session in (*sessions, service):
        await session.settled()
    assert service.heard("iq", "set") == []


async def test_an_account_says_that_it_can(server):
    juliet = await server.session("juliet")

    info = (await juliet.ask(f"<query xmlns='{DISCO_INFO}'/>", to=juliet.bare)).child("query", DISCO_INFO)

    assert PUSH in {feature["var"] for feature in info.all("feature")}


@pytest.mark.parametrize("address", ["full", "bare"])
async def test_a_message_that_waits_is_told(server, address):
    service = await server.session("service", "app")
    juliet = await away(server, "juliet", service.jid if address == "full" else service.bare)
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare, "art thou there?")

    iq, node, fields = await notified(service)
    assert (iq["from"], iq["to"]) == (juliet.bare, service.jid if address == "full" else service.bare)
    assert node == "n1"
    assert fields == {"FORM_TYPE": "urn:xmpp:push:summary", "message-count": "1"}  # no name, no word
    assert not iq.child("pubsub", PUBSUB).has("publish-options")


async def test_the_options_are_repeated(server):
    service = await server.session("service")
    juliet = await away(server, "juliet", service.jid, options=OPTIONS)
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare)

    iq, _, _ = await notified(service)
    form = iq.child("pubsub", PUBSUB).child("publish-options").child("x", FORM)
    assert {f["var"]: f.text_of("value") for f in form.all("field")} == {
        "FORM_TYPE": f"{PUBSUB}#publish-options",
        "secret": "eruio234vzxc2kla-91",
    }


async def test_one_is_under_way_and_the_rest_goes_into_the_next(server):
    service = await server.session("service")
    juliet = await away(server, "juliet", service.jid)
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare)
    iq, _, fields = await notified(service)
    assert fields["message-count"] == "1"
    for _ in range(4):
        await romeo.message(juliet.bare)
    await nothing(service, romeo)
    await service.iq("", "result", iq["from"], id=iq["id"])
    assert (await taken(service))["message-count"] == "5"  # that wait now
    await nothing(service, romeo)


async def test_each_node_and_service_is_told(server):
    app, other = await server.session("service", "app"), await server.session("other")
    juliet = await server.session("juliet")
    await enable(juliet, app.jid, "n1")
    await enable(juliet, app.jid, "n2")
    await enable(juliet, other.jid, "n1")
    await juliet.leaves()
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare)

    assert sorted([(await notified(app))[1], (await notified(app))[1]]) == ["n1", "n2"]
    assert (await notified(other))[1] == "n1"


async def test_the_last_options_count(server):
    service, juliet = await server.session("service"), await server.session("juliet")
    await enable(juliet, service.jid, options=OPTIONS)
    await enable(juliet, service.jid)
    await juliet.leaves()
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare)

    assert not (await notified(service))[0].child("pubsub", PUBSUB).has("publish-options")
    await nothing(service, romeo)


@pytest.mark.parametrize("node, left", [("n1", ["n2"]), (None, [])])
async def test_what_is_disabled_is_not_told(server, node, left):
    service, juliet = await server.session("service"), await server.session("juliet")
    await enable(juliet, service.jid, "n1")
    await enable(juliet, service.jid, "n2")

    await disable(juliet, service.jid, node)
    await juliet.leaves()
    romeo = await server.session("romeo")
    await romeo.message(juliet.bare)
    await romeo.settled()

    assert [(await notified(service))[1] for _ in left] == left
    await nothing(service, romeo)


async def test_what_does_not_matter_is_not_told(server):
    service = await server.session("service")
    juliet = await away(server, "juliet", service.jid)
    romeo = await server.session("romeo")

    await romeo.stanza("message", "<x xmlns='urn:example'/>", to=juliet.bare)
    await romeo.message(juliet.bare, kind="headline")
    await romeo.stanza("message", "<composing xmlns='http://jabber.org/protocol/chatstates'/>", to=juliet.bare)

    await nothing(service, romeo)


async def test_who_is_blocked_wakes_nobody(server):
    service, romeo = await server.session("service"), await server.session("romeo")
    juliet = await server.session("juliet")
    await enable(juliet, service.jid)
    await juliet.set(f"<block xmlns='{BLOCKING}'><item jid='{romeo.bare}'/></block>")
    await juliet.leaves()

    await romeo.message(juliet.bare)

    await nothing(service, romeo)


async def test_nobody_is_woken_who_is_looking(server):
    service, juliet, romeo = await server.session("service"), await server.session("juliet"), await server.session("romeo")
    await enable(juliet, service.jid)

    await romeo.message(juliet.bare)

    await nothing(service, romeo)


async def test_an_inactive_client_is_woken(server):
    service, juliet, romeo = await server.session("service"), await server.session("juliet"), await server.session("romeo")
    await enable(juliet, service.jid)
    await juliet.send(f"<inactive xmlns='{CSI}'/>")
    await juliet.settled()

    await romeo.message(juliet.jid)

    assert (await taken(service))["message-count"] == "1"
    assert (await juliet.hears()).text_of("body")


async def test_while_one_reads_along_only_sleeping_devices_are_woken(server):
    app, tablet_app = await server.session("service"), await server.session("other")
    phone, desk = await server.session("juliet", "phone"), await server.session("juliet", "desk")
    await enable(await server.session("juliet", "tablet"), tablet_app.jid)
    await phone.set(f"<enable xmlns='{CARBONS}'/>")
    await enable(phone, app.jid)
    await phone.send(f"<inactive xmlns='{CSI}'/>")
    await phone.settled()
    romeo = await server.session("romeo")

    await romeo.message(desk.jid)

    await taken(app)
    await nothing(tablet_app, romeo)


@pytest.mark.parametrize("kind, condition", [("cancel", "item-not-found"), ("auth", "not-authorized")])
async def test_a_service_that_refuses_is_not_asked_again(server, kind, condition):
    service = await server.session("service")
    juliet = await away(server, "juliet", service.jid)
    romeo = await server.session("romeo")
    await romeo.message(juliet.bare)
    iq, _, _ = await notified(service)

    error = f"<error type='{kind}'><{condition} xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    await service.iq(error, "error", iq["from"], id=iq["id"])
    await service.settled()
    await romeo.message(juliet.bare)

    await nothing(service, romeo)


async def test_nobody_else_answers_for_the_service(server):
    service, tybalt = await server.session("service"), await server.session("tybalt")
    juliet = await away(server, "juliet", service.jid)
    romeo = await server.session("romeo")
    await romeo.message(juliet.bare)
    iq, _, _ = await notified(service)

    error = "<error type='cancel'><item-not-found xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"
    await tybalt.iq(error, "error", iq["from"], id=iq["id"])
    await tybalt.settled()
    await romeo.message(juliet.bare)
    await romeo.settled()
    await service.iq("", "result", iq["from"], id=iq["id"])

    assert (await taken(service))["message-count"] == "2"


async def test_a_service_that_is_not_there_troubles_nobody(server):
    gone = await server.account("service")
    juliet = await server.session("juliet")
    for service in (f"{gone.jid}/app", gone.jid, "push.example.com", server.unregistered("nobody").jid):
        await enable(juliet, service)
    await juliet.leaves()
    romeo = await server.session("romeo")

    await romeo.message(juliet.bare, id="m1")
    await romeo.settled()

    assert romeo.heard("message") == []
    again = await server.session(juliet.account, available=False)
    await again.available()
    assert [m["id"] for m in await again.all_that_waited()] == ["m1"]


_WRONG = {
    "no jid": ("<enable xmlns='urn:xmpp:push:0' node='n'/>", "bad-request"),
    "no address": ("<enable xmlns='urn:xmpp:push:0' jid='a@b@c' node='n'/>", "jid-malformed"),
    "another form": (
        f"<enable xmlns='{PUSH}' jid='push.example.com' node='n'><x xmlns='{FORM}' type='submit'/></enable>",
        "not-acceptable",
    ),
    "a long node": (f"<enable xmlns='{PUSH}' jid='push.example.com' node='{'n' * 1025}'/>", "policy-violation"),
    "nothing to disable": (f"<disable xmlns='{PUSH}'/>", "bad-request"),
}


@pytest.mark.parametrize("request_, condition", _WRONG.values(), ids=_WRONG)
async def test_what_is_wrong_is_refused(server, request_, condition):
    juliet = await server.session("juliet")

    answer = await juliet.set(request_)

    assert answer.error.condition == condition


async def test_an_account_is_no_service_of_its_own(server):
    juliet = await server.session("juliet")

    answer = await juliet.set(f"<enable xmlns='{PUSH}' jid='{juliet.bare}' node='n'/>")

    assert answer.error.condition == "not-acceptable"


async def test_nobody_enables_pushes_of_others(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.set(f"<enable xmlns='{PUSH}' jid='{romeo.jid}' node='n'/>", to=juliet.bare)

    assert answer.error.condition == "service-unavailable"


async def test_there_is_a_limit(start):
    stage = await start(limits={"push_services": 2})
    juliet = await stage.session("juliet")
    await enable(juliet, "push.example.com", "n1")
    await enable(juliet, "push.example.com", "n2")
    await enable(juliet, "push.example.com", "n2", OPTIONS)

    answer = await juliet.set(f"<enable xmlns='{PUSH}' jid='push.example.com' node='n3'/>")

    assert answer.error.condition == "resource-constraint"
    await disable(juliet, "push.example.com", "n1")
    await enable(juliet, "push.example.com", "n3")


async def test_details_are_told_only_if_the_server_may(start):
    stage = await start(push_details=True)
    service = await stage.session("service")
    juliet = await away(stage, "juliet", service.jid)
    romeo = await stage.session("romeo")

    await romeo.message(juliet.bare, "art thou there?", id=fresh_id())

    fields = await taken(service)
    assert (fields["last-message-sender"], fields["last-message-body"]) == (romeo.jid, "art thou there?")


async def test_it_lasts(start):
    stage = await start()
    service_account, juliet = await stage.account("service"), await stage.session("juliet")
    await enable(juliet, service_account.jid, options=OPTIONS)
    await juliet.leaves()
    romeo_account = await stage.account("romeo")

    stage.house.stop()
    stage.house.start()
    service, romeo = await stage.session(service_account), await stage.session(romeo_account)
    await romeo.message(juliet.bare)

    iq, node, _ = await notified(service)
    assert node == "n1" and iq.child("pubsub", PUBSUB).has("publish-options")
