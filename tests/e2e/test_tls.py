"""RFC 6120 section 5, RFC 7590, XEP-0368: STARTTLS, direct TLS, versions, names."""

import contextlib
from xml.parsers.expat import ExpatError

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from OpenSSL import SSL

from support.session import Session
from support.wire import Gone, b64, header
from support.xml import PING, SASL, TLS


async def _starttls_offered(server, **how):
    wire = await server.wire(**how)
    await wire.opened()
    return wire


async def test_after_starttls_the_stream_begins_anew(server):
    wire = await server.wire()
    before = (await wire.open())["id"]
    await wire.features()

    await wire.starttls()
    opening = await wire.open()

    assert opening["id"] != before
    assert opening["from"] == server.domain


async def test_features_under_tls_offer_login_and_no_second_tls(server):
    wire = await _starttls_offered(server)
    await wire.starttls()

    features = await wire.opened()

    assert features.has("mechanisms", SASL)
    assert not features.has("starttls")


async def test_a_person_logs_in_under_tls(server):
    romeo = await server.wire(type=Session)
    romeo.account = account = await server.account("romeo")
    await romeo.opened()
    await romeo.starttls()
    await romeo.opened()

    assert (await romeo.plain(account.local, account.password)).name == "success"
    features = await romeo.opened()
    await romeo.bind()

    assert not features.has("starttls")
    await romeo.settled()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
@pytest.mark.parametrize("direct", [False, True], ids=["starttls", "direct"])
async def test_tls_1_2_and_1_3_are_spoken(server, version, direct):
    wire = await server.wire(tls_port=direct)
    if direct:
        await wire.encrypt(version=version)
    else:
        await wire.opened()
        await wire.starttls(version=version)

    assert wire.tls.version == f"TLSv{version}"
    await wire.opened()


async def test_tls_1_1_is_not_spoken(server):
    wire = await _starttls_offered(server)

    with pytest.raises((SSL.Error, Gone)):
        await wire.starttls(version="1.1")


async def test_direct_tls_has_the_stream_inside_at_once(server):
    wire = await server.wire(tls_port=True)
    await wire.encrypt()

    features = await wire.opened()

    assert features.has("mechanisms", SASL)
    assert not features.has("starttls")


async def test_direct_tls_agrees_on_the_name_of_the_protocol(server):
    wire = await server.wire(tls_port=True)

    await wire.encrypt(alpn=["xmpp-client"])

    assert wire.tls.connection.get_alpn_proto_negotiated() == b"xmpp-client"
    await wire.opened()


async def test_direct_tls_works_without_a_name_of_the_protocol(server):
    wire = await server.wire(tls_port=True)

    await wire.encrypt()

    assert wire.tls.connection.get_alpn_proto_negotiated() == b""
    await wire.opened()


async def test_direct_tls_refuses_another_protocol(server):
    """XEP-0368 section 3, RFC 7301 section 3.2: no web browser is led astray."""
    wire = await server.wire(tls_port=True)

    with pytest.raises((SSL.Error, Gone)):
        await wire.encrypt(alpn=["h2", "http/1.1"])
        await wire.opened()


async def test_plain_words_at_the_direct_port_are_not_understood(server):
    wire = await server.wire(tls_port=True)

    await wire.send(header(server.domain))

    await wire.is_cut()
    assert b"<stream:features" not in wire.received


@pytest.mark.parametrize("direct", [False, True], ids=["starttls", "direct"])
@pytest.mark.parametrize("domain", ["localhost", "capulet.test"])
async def test_each_host_shows_its_own_certificate(server, authority, domain, direct):
    wire = await server.wire(tls_port=direct, domain=domain)
    if direct:
        await wire.encrypt(verify=authority.path)
    else:
        await wire.opened()
        await wire.starttls(verify=authority.path)

    names = wire.tls.peer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert domain in names.get_values_for_type(x509.DNSName)
    await wire.opened()


async def test_without_a_server_name_the_host_of_the_stream_decides(server, authority):
    wire = await _starttls_offered(server, domain="capulet.test")

    await wire.starttls(server_name=None)

    names = wire.tls.peer.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert "capulet.test" in names.get_values_for_type(x509.DNSName)


async def test_an_unknown_server_name_is_no_reason_to_fall_silent(server):
    wire = await _starttls_offered(server)

    try:
        await wire.starttls(server_name="unknown.test")
    except (SSL.Error, Gone):
        return  # unrecognized_name is as good
    await wire.opened()


async def test_what_was_sent_in_the_clear_behind_starttls_is_forgotten(server):
    """Section 5.3.3: or an attacker could put words into the encrypted stream."""
    account, juliet = await server.account("romeo"), await server.session("juliet")
    wire = await _starttls_offered(server)
    login = b64(f"\0{account.local}\0{account.password}")

    await wire.send(
        f"<starttls xmlns='{TLS}'/>{header(server.domain)}<auth xmlns='{SASL}' mechanism='PLAIN'>{login}</auth>"
        f"<message to='{juliet.bare}'><body>injected</body></message>"
    )

    try:
        assert (await wire.next()).name in ("proceed", "error", "failure")
        await wire.encrypt()
        assert not (await wire.opened()).has("bind")
    except (SSL.Error, Gone, ExpatError):
        pass  # refused: as good
    assert b"<success" not in wire.received
    await juliet.settled()
    assert juliet.heard("message") == []


async def test_what_was_sent_in_the_clear_behind_starttls_gets_no_answer_later(server):
    wire = await _starttls_offered(server)

    await wire.send(f"<starttls xmlns='{TLS}'/><iq id='early' type='get'><query xmlns='jabber:iq:register'/></iq>")

    try:
        assert (await wire.next()).name in ("proceed", "error", "failure")
        await wire.encrypt()
        await wire.opened()
        await wire.send("</stream:stream>")
        await wire.ends()
    except (SSL.Error, Gone, ExpatError):
        pass  # refused: as good
    assert b"early" not in wire.received


async def test_starttls_twice_is_refused(server):
    wire = await _starttls_offered(server)
    await wire.starttls()
    await wire.opened()

    await wire.send(f"<starttls xmlns='{TLS}'/>")

    answer = await wire.next()
    assert answer.name in ("failure", "error")


async def test_starttls_after_login_is_refused(server):
    romeo = await server.session("romeo")

    await romeo.send(f"<starttls xmlns='{TLS}'/>")

    answer = await romeo.next()
    assert answer.name in ("failure", "error")


async def test_a_failed_handshake_ends_the_connection(server):
    wire = await _starttls_offered(server)
    await wire.send(f"<starttls xmlns='{TLS}'/>")
    await wire.next()

    await wire.send("this is not a client hello, and never was one\r\n" * 10)

    await wire.is_cut()


async def test_a_client_cannot_renegotiate(server):
    """Renegotiation costs the server more than the client; TLS 1.3 has none."""
    wire = await server.wire(tls_port=True)
    await wire.encrypt(version="1.2")
    await wire.opened()
    session = wire.tls.connection

    with contextlib.suppress(SSL.Error, Gone):
        await wire.send_in_the_clear(wire.tls.ask_for_renegotiation())
        await wire.send(f"<iq id='1' type='get'><ping xmlns='{PING}'/></iq>")  # before login: the end, if it is read
        while True:
            await wire.next()
    assert session.total_renegotiations() == 0 or session.renegotiate_pending()


@pytest.mark.parametrize("version", ["1.2", "1.3"])
async def test_a_tls_session_can_be_resumed(server, version):
    first = await server.wire(tls_port=True)
    await first.encrypt(version=version)
    await first.opened()
    first.hang_up()

    second = await server.wire(tls_port=True)
    await second.encrypt(resume=first.tls)

    # A server that knows us does not send its certificate again.
    certificate = first.tls.peer.public_bytes(Encoding.DER)
    assert second.tls.handshake_bytes < first.tls.handshake_bytes - len(certificate) // 2
    await second.opened()


async def test_a_large_stanza_crosses_many_tls_records(server):
    romeo = await server.wire(type=Session)
    romeo.account = account = await server.account("romeo")
    await romeo.opened()
    await romeo.starttls()
    await romeo.opened()
    await romeo.plain(account.local, account.password)
    await romeo.opened()
    await romeo.bind()

    await romeo.message(romeo.jid, "x" * 60_000)

    assert len((await romeo.hears()).text_of("body")) == 60_000


async def test_without_tls_plain_is_not_offered_unless_allowed(start):
    server = await start(plain_without_tls=False)
    wire = await server.wire()

    features = await wire.opened()

    mechanisms = features.child("mechanisms")
    assert mechanisms is None or "PLAIN" not in [m.text for m in mechanisms.children]


async def test_without_tls_plain_is_refused_unless_allowed(start):
    server = await start(plain_without_tls=False)
    wire = await server.wire()
    await wire.opened()

    answer = await wire.plain("romeo", "secret")

    assert answer.name == "failure"
    assert answer.names[0] in ("encryption-required", "invalid-mechanism", "mechanism-too-weak")


async def test_under_tls_plain_is_offered(start):
    server = await start(plain_without_tls=False)
    wire = await _starttls_offered(server)
    await wire.starttls()

    features = await wire.opened()

    assert "PLAIN" in [m.text for m in features.child("mechanisms").children]
