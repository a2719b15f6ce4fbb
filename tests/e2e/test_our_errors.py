"""Every condition that Anser sends, with nothing beside it that would do as well: the tables of docs/wire/xmpp.md. The
other tests judge the peers too and take what the standards leave open."""

import pytest

from support.session import Session
from support.wire import header
from support.xml import BLOCKING, DISCO_INFO, PING, REGISTER, ROSTER, STREAM

pytestmark = pytest.mark.anser_only("these are our choices")

HEADERS = {
    "bad-format": lambda said: said.replace("<stream:stream", "<stream:features"),
    "host-unknown": lambda said: said.replace("localhost", "verona.example"),
    "improper-addressing": lambda said: said.replace(" to='localhost'", ""),
    "invalid-namespace": lambda said: said.replace(STREAM, "urn:other"),
    "restricted-xml": lambda said: said.replace("<stream:stream", "<!DOCTYPE a><stream:stream"),
    "unsupported-encoding": lambda said: said.replace("?>", " encoding='UTF-16'?>"),
    "unsupported-version": lambda said: said.replace("version='1.0' ", "").replace("version='1.0'>", "version='0.9'>"),
}


@pytest.mark.parametrize("condition", HEADERS)
async def test_a_header_that_cannot_be_is_told_why(server, condition):
    wire = await server.wire()
    right = header(server.domain)
    wrong = HEADERS[condition](right)
    assert wrong != right

    await wire.restart(wrong)

    await wire.fails(condition)


ELEMENTS = {
    "bad-format": "words between stanzas",
    "invalid-from": "<message from='somebody@else.example'/>",
    "not-well-formed": "<message></presence>",
    "restricted-xml": "<!-- a comment -->",
    "unsupported-encoding": b"<message><body>\xff</body></message>",
    "unsupported-stanza-type": "<pubsub/>",
    "policy-violation": f"<message><body>{'x' * 300_000}</body></message>",
}


@pytest.mark.parametrize("condition", ELEMENTS)
async def test_what_a_session_may_not_send_ends_it_with_the_reason(server, condition):
    romeo = await server.session("romeo", available=False)

    romeo.post(ELEMENTS[condition])

    await romeo.fails(condition)


async def test_a_stanza_before_login_or_bind_is_not_authorized(server):
    stranger, unbound = await server.wire(), await server.wire(type=Session)
    await stranger.opened()
    await unbound.authenticate(await server.account("romeo"))

    await stranger.send("<presence/>")
    await unbound.send("<presence/>")

    await stranger.fails("not-authorized")
    await unbound.fails("not-authorized")


REQUESTS = {
    # condition: type, code of XEP-0086, kind of iq, payload, to
    "bad-request": ("modify", "400", "set", f"<block xmlns='{BLOCKING}'/>", None),
    "forbidden": ("auth", "403", "get", f"<query xmlns='{ROSTER}'/>", "juliet"),
    "item-not-found": ("cancel", "404", "get", f"<query xmlns='{DISCO_INFO}' node='none'/>", "localhost"),
    "jid-malformed": ("modify", "400", "get", f"<ping xmlns='{PING}'/>", "a@b@c"),
    "not-acceptable": (
        "modify",
        "406",
        "set",
        f"<query xmlns='{REGISTER}'><username>{{local}}</username><password>&#9;</password></query>",
        None,
    ),
    "not-allowed": ("cancel", "405", "set", f"<block xmlns='{BLOCKING}'><item jid='{{bare}}'/></block>", None),
    "remote-server-not-found": ("cancel", "404", "get", f"<ping xmlns='{PING}'/>", "verona.example"),
    "resource-constraint": (
        "wait",
        "500",
        "set",
        f"<vCard xmlns='vcard-temp'><DESC>{'x' * 140_000}</DESC></vCard>",
        None,
    ),
    "service-unavailable": ("cancel", "503", "get", "<query xmlns='urn:anser:nobody-knows'/>", None),
}


@pytest.mark.parametrize("condition", REQUESTS)
async def test_a_request_is_refused_with_condition_type_and_code(server, condition):
    kind, code, type, payload, to = REQUESTS[condition]
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    payload = payload.replace("{bare}", romeo.bare).replace("{local}", romeo.account.local)

    answer = await romeo.ask(payload, type, to=juliet.bare if to == "juliet" else to)

    assert answer["type"] == "error", answer
    error = answer.error
    assert (error.condition, error.type, error.code) == (condition, kind, code)
    assert error.text


async def test_a_name_that_is_taken_is_a_conflict_with_its_code(server):
    account = await server.account("juliet")
    wire = await server.wire()
    await wire.opened()

    fields = f"<username>{account.local}</username><password>x</password>"
    await wire.send(f"<iq type='set' id='r'><query xmlns='{REGISTER}'>{fields}</query></iq>")

    error = (await wire.next()).error
    assert (error.condition, error.type, error.code) == ("conflict", "cancel", "409")
