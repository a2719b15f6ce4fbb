"""RFC 6120 sections 8 and 10: what holds for every stanza, its errors and its extensions."""

import pytest

from support.session import Session, fresh_id, settle
from support.xml import DISCO_INFO, PING, ROSTER, parse


async def test_stanzas_arrive_in_the_order_they_were_sent(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for number in range(100):
        await romeo.message(juliet.jid if number % 2 else juliet.bare, str(number))

    assert [(await juliet.hears()).text_of("body") for _ in range(100)] == [str(number) for number in range(100)]


async def test_a_sender_is_known_by_its_full_address(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, id="m1")

    heard = await juliet.hears()
    assert (heard["from"], heard["to"], heard["id"], heard["type"]) == (romeo.jid, juliet.jid, "m1", "chat")


async def test_the_address_of_a_message_is_not_rewritten(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare)

    assert (await juliet.hears())["to"] == juliet.bare


async def test_addresses_are_compared_without_regard_to_capitals(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare.upper(), "loud")
    await romeo.message(f"{juliet.bare.upper()}/{juliet.resource}", "louder")

    assert (await juliet.hears()).text_of("body") == "loud"
    assert (await juliet.hears()).text_of("body") == "louder"


@pytest.mark.parametrize(
    "to", ["@localhost", "juliet@", "a@b@c", "juliet@localhost/", "/balcony", "jul iet@localhost", "j<t@localhost"]
)
async def test_a_malformed_address_is_said_to_be_malformed(server, to):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<ping xmlns='{PING}'/>", to=to)

    assert answer["type"] == "error"
    assert answer.error.condition == "jid-malformed"
    assert answer.error.type == "modify"


async def test_an_empty_address_is_malformed_or_none(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<ping xmlns='{PING}'/>", to="")

    assert answer["type"] == "result" or answer.error.condition == "jid-malformed"


async def test_a_message_to_a_malformed_address_comes_back(server):
    romeo = await server.session("romeo")

    await romeo.message("a@b@c", id="m1")

    error = await romeo.hears("message", "error")
    assert error["id"] == "m1"
    assert error.error.condition == "jid-malformed"


async def test_a_message_to_nobody_in_particular_is_for_oneself(server):
    account = await server.account("romeo")
    one, other = await server.session(account, priority=1), await server.session(account, priority=5)

    await one.send("<message type='chat'><body>note to self</body></message>")

    heard = await other.hears()
    assert heard.text_of("body") == "note to self"
    assert heard["from"] == one.jid


async def test_a_message_to_ones_own_full_address_arrives(server):
    romeo = await server.session("romeo")

    await romeo.message(romeo.jid, "echo")

    assert (await romeo.hears()).text_of("body") == "echo"


# Section 8.2.3: iq


async def test_an_unknown_request_is_service_unavailable(server):
    romeo = await server.session("romeo")

    for to in (None, server.domain, romeo.bare):
        for kind in ("get", "set"):
            answer = await romeo.ask("<query xmlns='urn:anser:nobody-knows'/>", kind, to)
            assert answer["type"] == "error"
            assert answer.error.condition == "service-unavailable"
            assert answer.error.type == "cancel"


async def test_an_error_keeps_the_id_and_turns_the_addresses_round(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask("<query xmlns='urn:anser:nobody-knows'/>", to=server.domain, id="q & a (1)")

    assert answer["from"] == server.domain
    assert answer["to"] == romeo.jid


async def test_an_error_has_the_code_that_old_programs_read(server):
    romeo = await server.session("romeo")

    assert (await romeo.ask("<query xmlns='urn:anser:nobody-knows'/>")).error.code == "503"
    assert (await romeo.ask(f"<ping xmlns='{PING}'/>", to="a@b@c")).error.code == "400"


async def test_an_answer_to_a_request_without_address_is_from_the_account(server):
    """Section 10.3.3: as if from the bare address; no sender at all says the same."""
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{ROSTER}'/>")

    assert answer["from"] in (None, romeo.bare)
    assert answer["to"] == romeo.jid


@pytest.mark.parametrize(
    "iq",
    [
        "<iq type='subscribe' id='{id}'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq id='{id}'><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq type='get' id='{id}'/>",
        "<iq type='set' id='{id}'/>",
        "<iq type='get' id='{id}'>text only</iq>",
        "<iq type='get' id='{id}'><ping xmlns='urn:xmpp:ping'/><ping xmlns='urn:xmpp:ping'/></iq>",
        "<iq type='set' id='{id}'><a xmlns='urn:a'/><b xmlns='urn:b'/></iq>",
    ],
)
async def test_a_malformed_iq_is_a_bad_request(server, iq):
    romeo = await server.session("romeo")
    ident = fresh_id()

    await romeo.send(iq.format(id=ident))

    answer = await romeo.next()
    if answer.name == "iq":
        assert (answer["type"], answer["id"]) == ("error", ident)
        assert answer.error.condition == "bad-request"
        await romeo.settled()
    else:
        assert answer.names[0] in ("invalid-xml", "bad-format")


async def test_a_request_without_id_is_a_bad_request(server):
    romeo = await server.session("romeo")

    await romeo.send(f"<iq type='get'><ping xmlns='{PING}'/></iq>")

    answer = await romeo.next()
    assert answer.name == "error" or answer.error.condition == "bad-request"


async def test_a_malformed_iq_does_not_reach_others(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.send(f"<iq type='get' id='x1' to='{juliet.jid}'><a xmlns='urn:a'/><b xmlns='urn:b'/></iq>")
    await romeo.send(f"<iq type='nonsense' id='x2' to='{juliet.jid}'><a xmlns='urn:a'/></iq>")

    for ident in ("x1", "x2"):
        assert (await romeo.answer_to(ident)).error.condition == "bad-request"
    await settle(romeo, juliet)
    assert juliet.heard("iq") == []


async def test_an_answer_to_no_question_is_ignored(server):
    romeo = await server.session("romeo")

    for to in (None, server.domain, romeo.bare, f"nobody@{server.domain}/here"):
        await romeo.iq("", "result", to, id="never-asked")
        await romeo.iq(
            "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>",
            "error",
            to,
            id="nor-this",
        )

    await romeo.settled()
    assert romeo.heard("iq") == []
    assert romeo.heard("message") == []


async def test_nobody_answers_an_error_with_an_error(server):
    romeo = await server.session("romeo")
    error = "<error type='cancel'><gone xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/></error>"

    for to in (f"nobody@{server.domain}", f"nobody@{server.domain}/x", romeo.bare + "x", "example.invalid"):
        await romeo.message(to, None, "error", error)
        await romeo.presence(error, "error", to)

    await romeo.settled()
    assert romeo.heard("message") == []
    assert romeo.heard("presence") == []


async def test_a_request_to_a_friend_is_answered_by_the_friend(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="ask1")
    question = await juliet.hears("iq", "get")
    await juliet.iq("<answer xmlns='urn:anser:e2e'/>", "result", question["from"], id=question["id"])

    answer = await romeo.answer_to("ask1")
    assert question.has("question", "urn:anser:e2e")
    assert answer.has("answer", "urn:anser:e2e")
    assert answer["from"] == juliet.jid


async def test_an_error_from_a_friend_arrives_as_it_was_sent(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="ask1")
    question = await juliet.hears("iq", "get")
    await juliet.iq(
        "<error type='cancel'><feature-not-implemented xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'/>"
        "<text xmlns='urn:ietf:params:xml:ns:xmpp-stanzas'>Not me</text></error>",
        "error",
        question["from"],
        id="ask1",
    )

    error = (await romeo.answer_to("ask1")).error
    assert (error.condition, error.type, error.text) == ("feature-not-implemented", "cancel", "Not me")


async def test_a_question_to_somebody_else_cannot_be_answered_by_a_third(server):
    """The server does not let Tybalt answer in Juliet's name; Romeo sees who it was."""
    romeo, juliet = await server.friends("romeo", "juliet")
    tybalt = await server.session("tybalt")
    await romeo.iq("<question xmlns='urn:anser:e2e'/>", "get", juliet.jid, id="ask1")
    await juliet.hears("iq", "get")

    await tybalt.iq("<answer xmlns='urn:anser:e2e'/>", "result", romeo.jid, id="ask1")
    await settle(tybalt, romeo)

    assert all(answer["from"] == tybalt.jid for answer in romeo.heard("iq"))


# Section 8.4: extensions


@pytest.mark.parametrize(
    "payload",
    [
        "<a xmlns='urn:a'><b xmlns='urn:b' x='1'/>text</a>",
        "<p:a xmlns:p='urn:a' p:x='1' x='2'><p:b/><b xmlns='urn:b'/></p:a>",
        "<a xmlns='urn:a' xmlns:p='urn:p'><b p:x='1'><c xmlns=''/></b></a>",
        "<a xmlns='urn:a' x='&lt;&amp;&gt;&quot;&apos;&#9;&#10;&#13;'>&lt;&amp;&gt;]]&gt;&#13;</a>",
        "<a xmlns='urn:a'><![CDATA[<not> &an; element]]></a>",
        "<a xmlns='urn:a' xml:lang='de'>ünïcödé 山 𝄞</a>",
        "<a xmlns='urn:a'><b>1</b>2<b>3</b>4</a>",
        "<properties xmlns='http://www.jivesoftware.com/xmlns/xmpp/properties'><property><name>n</name>"
        "<value type='integer'>7</value></property></properties>",
        "<subject xml:lang='de'>Betreff</subject><subject>Subject</subject><thread parent='p'>t</thread>",
    ],
)
async def test_what_is_in_a_message_arrives_unchanged(server, payload):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, "with payload", more=payload)

    sent = parse(f"<message><body>with payload</body>{payload}</message>")
    heard = await juliet.hears()
    content = [child for child in heard.children if (child.name, child["by"]) != ("stanza-id", juliet.bare)]
    assert len(content) == len(sent.children)
    assert all(came.same_as(went) for came, went in zip(content, sent.children)), heard


async def test_a_prefix_from_the_stream_header_does_not_get_lost(server):
    """Section 4.8.5: refused, or declared again where it is delivered."""
    account, juliet = await server.account("romeo"), await server.session("juliet")
    romeo = await server.wire(type=Session)
    romeo.account = account
    await romeo.opened()
    await romeo.plain(account.local, account.password)
    await romeo.restart(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://etherx.jabber.org/streams' "
        f"xmlns:far='urn:far' to='{server.domain}' version='1.0'>"
    )
    await romeo.header()
    if (answer := await romeo.next()).name == "error":
        assert answer.names[0] == "invalid-namespace"
        return
    await romeo.bind()

    await romeo.message(juliet.jid, more="<far:away far:off='1'/>")

    heard = await juliet.hears()
    assert heard.has("away", "urn:far")
    assert heard.child("away")["urn:far off"] == "1"


async def test_attributes_of_other_namespaces_on_the_stanza_arrive(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.send(f"<message to='{juliet.jid}' type='chat' xmlns:o='urn:o' o:x='1'><body>odd</body></message>")

    assert (await juliet.hears())["urn:o x"] == "1"


async def test_a_stanza_of_ten_thousand_bytes_is_always_welcome(server):
    """Section 13.12: no limit may be smaller."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")
    frame = len(f"<message type='chat' to='{juliet.jid}'><body></body></message>")

    await romeo.message(juliet.jid, "x" * (10000 - frame))

    assert len((await juliet.hears()).text_of("body")) == 10000 - frame


async def test_a_message_of_an_unknown_type_is_a_normal_one(server):
    """RFC 6121 section 5.2.2: an unknown type is to be treated as normal, or refused as a bad request."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare, "odd", "whisper", id="m1")
    await settle(romeo, juliet)

    heard, refused = juliet.heard("message"), romeo.heard("message", "error")
    assert [m.text_of("body") for m in heard] == ["odd"] or refused[0].error.condition == "bad-request"


async def test_a_presence_of_an_unknown_type_is_a_bad_request_or_nothing(server):
    """RFC 6121 section 4.7.1"""
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(kind="lurking", to=juliet.bare)
    await settle(romeo, juliet)

    assert juliet.heard("presence") == []
    assert all(p.error.condition == "bad-request" for p in romeo.heard("presence"))


# RFC 6121 section 8.3: elsewhere


@pytest.mark.parametrize("to", ["romeo@example.invalid", "example.invalid", "romeo@example.invalid/orchard"])
async def test_what_is_for_another_domain_comes_back(server, to):
    romeo = await server.session("romeo")

    await romeo.message(to, id="m1")
    answer = await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=to)

    assert answer.error.condition == "remote-server-not-found"
    assert answer.error.code == "404"
    error = await romeo.hears("message", "error")
    assert error["id"] == "m1"
    assert error["from"] == to
    assert error.error.condition == "remote-server-not-found"


async def test_a_subscription_to_another_domain_comes_back(server):
    romeo = await server.session("romeo", roster=True)

    await romeo.presence(kind="subscribe", to="juliet@example.invalid", id="p1")

    error = await romeo.hears("presence", "error")
    assert error.error.condition == "remote-server-not-found"


async def test_what_is_for_the_server_itself_is_for_the_server(server):
    romeo = await server.session("romeo")

    for to in (server.domain, f"{server.domain}/anything"):
        answer = await romeo.ask("<query xmlns='urn:anser:nobody-knows'/>", to=to)
        assert answer["from"] == to
        assert answer["type"] == "error"
