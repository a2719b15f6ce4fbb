"""RFC 6120 section 4.9: each stream error, its end tag and the end of the connection."""

import pytest

from support.session import Session
from support.wire import header
from support.xml import BIND, PING, STREAM

LOGGED_IN_OR_NOT = pytest.mark.parametrize("logged_in", [False, True], ids=["before login", "after login"])


async def _a_stream(server, logged_in):
    if logged_in:
        return await server.session("romeo")
    wire = await server.wire()
    await wire.opened()
    return wire


@LOGGED_IN_OR_NOT
@pytest.mark.parametrize(
    "bad",
    [
        "<message><body>No closing tag!</message>",
        "<message to='a' to='b'/>",
        "<message to=juliet/>",
        "<message to='<'/>",
        "<message><foo:body>What is this foo?</foo:body></message>",
        "<message>&#0;</message>",
        "<message>&#1;</message>",
        "<message>&#xFFFE;</message>",
        "<message>&#xD800;</message>",
        "<message>\x01</message>",
        "<message>a & b</message>",
        "<message>]]></message>",
        "<1message/>",
        "< message/>",
        "</message>",
        "<message xmlns:a='urn:x' xmlns:b='urn:x' a:t='1' b:t='2'/>",
        "<message xmlns:a=''/>",
        "<message xmlns:xml='urn:x'/>",
    ],
)
async def test_xml_that_is_not_well_formed_ends_the_stream(server, logged_in, bad):
    wire = await _a_stream(server, logged_in)

    await wire.send(bad)

    await wire.fails("not-well-formed", "bad-format")


@LOGGED_IN_OR_NOT
@pytest.mark.parametrize(
    "restricted",
    [
        "<!-- hush -->",
        "<message><!--<subject/>--><body>This message has no subject.</body></message>",
        "<?php run() ?>",
        "<message><?target?></message>",
        "<!DOCTYPE message>",
        "<message>&juliet;</message>",
        "<message to='&juliet;'/>",
    ],
)
async def test_restricted_xml_ends_the_stream(server, logged_in, restricted):
    wire = await _a_stream(server, logged_in)

    await wire.send(restricted)

    await wire.fails("restricted-xml", "not-well-formed", "bad-format")


async def test_a_document_type_before_the_stream_is_restricted(server):
    wire = await server.wire()

    await wire.restart("<?xml version='1.0'?><!DOCTYPE lol [<!ENTITY lol 'lol'>]>" + header(server.domain)[21:])

    await wire.fails("restricted-xml", "not-well-formed", "bad-format")


@LOGGED_IN_OR_NOT
@pytest.mark.parametrize(
    "bad", [b"\xff", b"\xc0\x80", b"\xc3(", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82", b"\x80"]
)
async def test_what_is_not_utf_8_ends_the_stream(server, logged_in, bad):
    wire = await _a_stream(server, logged_in)

    await wire.send(b"<message><body>" + bad + b"</body></message>")

    await wire.fails("unsupported-encoding", "not-well-formed", "bad-format")


@pytest.mark.parametrize("encoding", ["UTF-16", "ISO-8859-1", "US-ASCII"])
async def test_another_declared_encoding_is_unsupported(server, encoding):
    wire = await server.wire()

    await wire.restart(header(server.domain).replace("?>", f" encoding='{encoding}'?>"))

    await wire.fails("unsupported-encoding", "not-well-formed", "bad-format")


async def test_real_utf_16_is_unsupported(server):
    wire = await server.wire()

    await wire.restart(header(server.domain).encode("utf-16"))

    await wire.fails("unsupported-encoding", "not-well-formed", "bad-format")


@pytest.mark.parametrize("encoding", ["UTF-8", "utf-8"])
async def test_utf_8_may_be_declared(server, encoding):
    wire = await server.wire()

    await wire.restart(header(server.domain).replace("?>", f" encoding='{encoding}'?>"))

    await wire.header()
    await wire.features()


async def test_a_wrong_stream_namespace_is_invalid(server):
    wire = await server.wire()

    await wire.restart(header(server.domain).replace(STREAM, "http://wrong.namespace.example.org/"))

    await wire.fails("invalid-namespace", "bad-format")


@pytest.mark.parametrize("content", ["jabber:nonsense", "jabber:server", STREAM])
async def test_a_wrong_content_namespace_is_invalid(server, content):
    wire = await server.wire()

    await wire.restart(header(server.domain).replace("jabber:client", content))

    await wire.fails("invalid-namespace", "bad-format")


async def test_another_prefix_for_the_stream_works_or_is_a_bad_prefix(server):
    wire = await server.wire()

    await wire.restart(
        header(server.domain).replace("stream:stream", "foobar:stream").replace("xmlns:stream", "xmlns:foobar")
    )
    await wire.header()

    answer = await wire.next()
    assert answer.name == "features" or answer.names[0] in ("bad-namespace-prefix", "bad-format")


@pytest.mark.parametrize(
    "said",
    ["GET / HTTP/1.1\r\nHost: localhost\r\n\r\n", "hello\n", "<stream:stream", "<a></a>", "\x16\x03\x01\x00\x05hello"],
)
async def test_who_does_not_speak_xmpp_is_sent_away(server, said):
    wire = await server.wire()

    await wire.send(said)
    await wire.send(" />")

    await wire.is_cut()


async def test_an_element_that_is_no_stream_is_refused(server):
    wire = await server.wire()

    await wire.restart(header(server.domain).replace("<stream:stream", "<stream:features"))

    await wire.fails("bad-format", "invalid-namespace", "not-well-formed", "unsupported-stanza-type", "invalid-xml")


@pytest.mark.parametrize("host", ["unknown.host.example.com", "", "localhost.evil.example", "127.0.0.1.example", "a b"])
async def test_an_unknown_host_is_said_to_be_unknown(server, host):
    wire = await server.wire()

    opening = await wire.open(host)

    assert opening["from"] in (server.domain, "capulet.test", "")
    await wire.fails("host-unknown", "improper-addressing")


async def test_a_stream_for_nobody_is_for_the_first_host_or_an_error(server):
    wire = await server.wire()

    opening = await wire.open(None)
    answer = await wire.next()

    assert opening["from"] in (server.domain, "capulet.test", "")
    assert answer.name == "features" or answer.names[0] in ("host-unknown", "improper-addressing")


@pytest.mark.parametrize(
    "stanza",
    [
        "<message to='juliet@localhost'><body>Wherefore art thou?</body></message>",
        "<presence/>",
        "<iq id='1' type='get'><query xmlns='jabber:iq:roster'/></iq>",
        f"<iq id='1' type='get'><ping xmlns='{PING}'/></iq>",
        f"<iq id='1' type='set'><bind xmlns='{BIND}'/></iq>",
    ],
)
async def test_a_stanza_before_login_is_not_authorized(server, stanza):
    wire = await server.wire()
    await wire.opened()

    await wire.send(stanza)

    await wire.fails("not-authorized")


async def test_a_message_before_bind_is_not_authorized(server):
    juliet = await server.session("juliet")
    romeo = await server.wire(type=Session)
    await romeo.authenticate(await server.account("romeo"))

    await romeo.message(juliet.jid)

    await romeo.fails("not-authorized")
    await juliet.settled()
    assert juliet.heard("message") == []


@pytest.mark.parametrize(
    "element",
    [
        "<pubsub xmlns='jabber:client'><publish node='princely_musings'/></pubsub>",
        "<ns1:foo xmlns:ns1='http://example.org/ns1' to='{to}'><ns1:bar/></ns1:foo>",
        "<ns2:message xmlns:ns2='http://example.org/ns2' to='{to}'><body>hi</body></ns2:message>",
        "<message xmlns='jabber:server' to='{to}'><body>hi</body></message>",
    ],
)
async def test_what_is_no_stanza_is_not_routed(server, element):
    """Section 4.8.4: ignored, or the end of the stream; never delivered."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.send(element.format(to=juliet.jid))
    await romeo.send(f"<iq id='after' type='get'><ping xmlns='{PING}'/></iq>")

    answer = await romeo.next()
    if answer.name == "error":
        assert answer.names[0] in ("unsupported-stanza-type", "invalid-namespace", "bad-format")
    else:
        assert answer["id"] == "after"
    await juliet.settled()
    assert juliet.heard("message") == []


async def test_a_forged_sender_ends_the_stream(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, **{"from": f"nurse@{server.domain}/forged"})

    await romeo.fails("invalid-from")
    await juliet.settled()
    assert juliet.heard("message") == []


async def test_nobody_ever_sees_a_forged_sender(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, "forged", **{"from": juliet.jid})
    tybalt = await server.session("tybalt")
    await tybalt.message(juliet.jid, "honest")

    while (heard := await juliet.hears()).text_of("body") != "honest":
        assert heard["from"] == romeo.jid


@pytest.mark.parametrize("own", ["bare", "jid"])
async def test_the_senders_own_address_is_no_forgery(server, own):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid, **{"from": getattr(romeo, own)})

    assert (await juliet.hears())["from"] == romeo.jid


async def test_each_error_comes_with_the_header_that_was_still_owed(server):
    """Section 4.9.1.2: the header, the error and the end tag."""
    wire = await server.wire()

    await wire.restart(
        "<stream:stream xmlns='jabber:client' xmlns:stream='http://wrong.example/' to='x' version='1.0'>"
    )

    opening = await wire.header()
    assert opening["id"] and opening["version"] == "1.0"
    await wire.fails("invalid-namespace", "bad-format", "host-unknown")
