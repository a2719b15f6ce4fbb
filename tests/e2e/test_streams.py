"""RFC 6120 sections 4.2 to 4.8: how streams open, restart, live and close."""

import pytest

from support.session import Session, settle
from support.wire import Gone, b64, header
from support.xml import BIND, SASL, SESSION, STREAM, TLS


async def test_the_server_says_who_it_is(server):
    wire = await server.wire()

    opening = await wire.open()

    assert (opening.name, opening.ns) == ("stream", STREAM)
    assert opening["from"] == server.domain
    assert opening["version"] == "1.0"
    assert opening["xml:lang"]
    assert opening["id"]


async def test_the_stream_has_the_prefix_and_the_namespace_that_old_clients_look_for(server):
    wire = await server.wire()

    await wire.opened()

    assert b"<stream:stream" in wire.received
    assert b"<stream:features" in wire.received
    assert b"xmlns='jabber:client'" in wire.received.replace(b'"', b"'")


async def test_no_two_streams_have_the_same_id(server):
    ids = set()
    for _ in range(20):
        wire = await server.wire()
        ids.add((await wire.open())["id"])

    assert len(ids) == 20
    assert min(map(len, ids)) >= 8


async def test_a_client_that_says_who_it_is_gets_its_name_back(server):
    wire = await server.wire()

    opening = await wire.open(**{"from": f"romeo@{server.domain}"})

    assert opening["to"] == f"romeo@{server.domain}"


async def test_a_client_that_does_not_say_who_it_is_gets_no_name(server):
    wire = await server.wire()

    opening = await wire.open()

    assert opening["to"] is None


async def test_an_id_from_the_client_is_ignored(server):
    wire = await server.wire()

    opening = await wire.open(id="mine")

    assert opening["id"] != "mine"


@pytest.mark.parametrize("version", ["1.0", "1.1", "1.99", "01.0", "2.0"])
async def test_the_version_is_the_lower_of_both(server, version):
    wire = await server.wire()

    opening = await wire.open(version=version)

    assert opening["version"] == "1.0"


async def test_a_client_without_a_version_is_taken_for_an_old_one(server):
    wire = await server.wire()

    opening = await wire.open(version=None)

    if opening["version"] is not None:
        await wire.fails("unsupported-version")


async def test_an_unknown_language_gets_the_servers_own(server):
    wire = await server.wire()

    opening = await wire.open(xml_lang="tlh")

    assert opening["xml:lang"] in ("en", "tlh")


async def test_a_stream_without_an_xml_declaration_is_a_stream(server):
    wire = await server.wire()

    await wire.restart(header(server.domain).partition("?>")[2])

    assert (await wire.header())["from"] == server.domain
    assert (await wire.features()).has("mechanisms", SASL)


async def test_the_name_of_a_host_is_the_same_in_capitals(server):
    wire = await server.wire()

    opening = await wire.open(server.domain.upper())

    assert opening["from"] == server.domain
    await wire.features()


async def test_a_stream_may_do_without_prefixes(server):
    """Section 4.8.5: either style, or the error for those who accept only the prefix 'stream'."""
    wire = await server.wire()

    await wire.restart(f"<stream xmlns='{STREAM}' to='{server.domain}' version='1.0'>")
    await wire.header()

    answer = await wire.next()
    assert answer.name == "features" or answer.names[0] in ("bad-namespace-prefix", "bad-format", "invalid-namespace")


async def test_features_before_login_are_in_the_recommended_order(server):
    wire = await server.wire()

    features = await wire.opened()

    assert features.has("starttls", TLS)
    assert features.has("mechanisms", SASL)
    assert features.names.index("starttls") < features.names.index("mechanisms")
    assert not features.has("bind")


async def test_features_after_login_offer_a_resource_and_no_second_login(server):
    romeo = await server.session("romeo")

    features = romeo.bound_features

    assert features.has("bind", BIND)
    assert features.has("session", SESSION)
    assert features.has("ver", "urn:xmpp:features:rosterver")
    assert not features.has("mechanisms")
    assert not features.has("starttls")


async def test_a_restarted_stream_has_a_new_id(server):
    account = await server.account("romeo")
    wire = await server.wire()
    before = (await wire.open())["id"]
    await wire.features()

    assert (await wire.plain(account.local, account.password)).name == "success"
    after = (await wire.open())["id"]

    assert after and after != before


async def test_the_legacy_session_request_is_answered(server):
    romeo = await server.session("romeo")

    answer = await romeo.set(f"<session xmlns='{SESSION}'/>")

    assert answer["type"] == "result"
    assert answer.children == []


async def test_white_space_between_stanzas_means_nothing(server):
    romeo = await server.session("romeo")

    await romeo.send(" " * 100 + "\n\t\r\n")

    await romeo.settled()


async def test_white_space_is_welcome_before_login_too(server):
    wire = await server.wire()
    await wire.opened()
    account = await server.account("romeo")

    await wire.send("\n \n")

    assert (await wire.plain(account.local, account.password)).name == "success"


async def test_a_stanza_may_come_one_byte_at_a_time(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    for byte in f"<message to='{juliet.jid}' type='chat'><body>Wie schön: 山 &amp; 𝄞</body></message>".encode():
        await romeo.send(bytes([byte]))

    assert (await juliet.hears()).text_of("body") == "Wie schön: 山 & 𝄞"


async def test_many_stanzas_may_come_at_once(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.send("".join(f"<message to='{juliet.jid}' type='chat'><body>{n}</body></message>" for n in range(200)))

    assert [(await juliet.hears()).text_of("body") for _ in range(200)] == [str(n) for n in range(200)]


async def test_a_client_may_send_on_before_it_has_read_the_answers(server):
    """Header, login, header, bind: in one go, as clients with a slow line do it."""
    account = await server.account("romeo")
    wire = await server.wire()
    await wire.send(header(server.domain))
    await wire.header()
    await wire.features()
    login = b64(f"\0{account.local}\0{account.password}")
    await wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{login}</auth>")
    assert (await wire.sasl_answer()).name == "success"
    await wire.restart(header(server.domain) + f"<iq id='b' type='set'><bind xmlns='{BIND}'/></iq><presence/>")

    await wire.header()
    await wire.features()
    assert (await wire.next()).child("bind").text_of("jid").startswith(account.jid + "/")
    assert (await wire.next()).name == "presence"


async def test_the_language_of_a_stream_is_the_language_of_its_stanzas(server):
    account, juliet = await server.account("romeo"), await server.session("juliet")
    romeo = await server.session(account)
    german = await server.wire(type=Session)
    german.account = account
    await german.opened()
    await german.plain(account.local, account.password)
    await german.opened(xml_lang="de")
    await german.bind()

    await german.message(juliet.jid, "Guten Morgen")
    await german.message(juliet.jid, "Good morrow", xml_lang="en")
    await romeo.message(juliet.jid, "Buon giorno", xml_lang="it")

    heard = {m.text_of("body"): m["xml:lang"] for m in [await juliet.hears() for _ in range(3)]}
    assert heard == {"Guten Morgen": "de", "Good morrow": "en", "Buon giorno": "it"}


async def test_a_stream_without_a_language_gives_none_to_its_stanzas(server):
    """Old Smack chooses a body by the language of its stanza, so ours must not add a foreign one."""
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.jid)

    assert (await juliet.hears())["xml:lang"] is None


async def test_a_client_that_closes_its_stream_is_answered_and_cut(server):
    romeo = await server.session("romeo")

    await romeo.send("</stream:stream>")

    await romeo.ends()


async def test_a_stream_can_be_closed_before_login(server):
    wire = await server.wire()
    await wire.opened()

    await wire.send("</stream:stream>")

    await wire.ends()


async def test_what_was_sent_before_the_end_of_a_stream_is_still_delivered(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.send(f"<message to='{juliet.jid}' type='chat'><body>Farewell</body></message></stream:stream>")

    assert (await juliet.hears()).text_of("body") == "Farewell"
    await romeo.ends()


async def test_a_client_that_reports_an_error_is_let_go(server):
    romeo = await server.session("romeo")

    await romeo.send(
        "<stream:error><undefined-condition xmlns='urn:ietf:params:xml:ns:xmpp-streams'/></stream:error>"
        "</stream:stream>"
    )

    await romeo.ends()


async def test_a_lost_connection_makes_its_resource_unavailable(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    romeo.hang_up()

    gone = await juliet.hears("presence", "unavailable")
    assert gone["from"] == romeo.jid


async def test_half_a_lost_connection_is_a_lost_connection(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.half_close()

    gone = await juliet.hears("presence", "unavailable")
    assert gone["from"] == romeo.jid


async def test_an_orderly_end_without_goodbye_makes_the_resource_unavailable(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.leaves()

    assert (await juliet.hears("presence", "unavailable"))["from"] == romeo.jid


async def test_nothing_is_delivered_after_the_end_of_a_stream(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.send(f"</stream:stream><message to='{juliet.jid}' type='chat'><body>ghost</body></message>")
    with pytest.raises(Gone):
        while True:
            await romeo.next()

    await juliet.hears("presence", "unavailable")
    await settle(juliet, await server.session("nurse"))
    assert juliet.heard("message") == []
