"""XEP-0030, 0128 and 0115: what the server says it can do, and the hash of it."""

import base64
import hashlib

from support.session import settle
from support.xml import CAPS, DISCO_INFO, DISCO_ITEMS

FORM = "jabber:x:data"
# What the issue asks of the server itself (the features that XEPs want to see there).
PROMISED = {
    DISCO_INFO,
    DISCO_ITEMS,
    "urn:xmpp:ping",
    "jabber:iq:version",
    "urn:xmpp:time",
    "jabber:iq:last",
    "jabber:iq:private",
    "vcard-temp",
    "urn:xmpp:blocking",
    "msgoffline",
}


async def _info(session, to=None, node=None):
    said = f" node='{node}'" if node is not None else ""
    return await session.ask(f"<query xmlns='{DISCO_INFO}'{said}/>", to=to)


def _verification(query) -> str:
    """XEP-0115 section 5.1, with SHA-1."""
    text = ""
    for identity in sorted(
        "/".join([i["category"], i["type"], i["xml:lang"] or "", i["name"] or ""]) for i in query.all("identity")
    ):
        text += identity + "<"
    for feature in sorted(f["var"] for f in query.all("feature")):
        text += feature + "<"
    forms = []
    for form in query.all("x", FORM):
        fields = {f["var"]: sorted(v.text for v in f.all("value")) for f in form.all("field")}
        kind = fields.pop("FORM_TYPE")[0]
        forms.append((kind, "".join(f"{var}<" + "".join(v + "<" for v in fields[var]) for var in sorted(fields))))
    for kind, said in sorted(forms):
        text += kind + "<" + said
    return base64.b64encode(hashlib.sha1(text.encode()).digest()).decode()


async def test_the_server_says_that_it_is_a_server(server):
    romeo = await server.session("romeo")

    answer = await _info(romeo, server.domain)

    identities = [(i["category"], i["type"]) for i in answer.child("query", DISCO_INFO).all("identity")]
    assert ("server", "im") in identities
    assert answer["from"] == server.domain


async def test_the_server_says_what_it_can_do(server):
    romeo = await server.session("romeo")

    answer = await _info(romeo, server.domain)

    features = [f["var"] for f in answer.child("query", DISCO_INFO).all("feature")]
    assert PROMISED <= set(features)
    assert len(features) == len(set(features))


async def test_registration_is_among_the_features_where_it_is_open(server):
    romeo = await server.session("romeo")

    answer = await _info(romeo, server.domain)

    assert "jabber:iq:register" in [f["var"] for f in answer.child("query").all("feature")]


async def test_extended_information_has_the_kind_of_its_form(server):
    """XEP-0128: each form is a result and begins with a hidden FORM_TYPE."""
    romeo = await server.session("romeo")

    answer = await _info(romeo, server.domain)

    forms = answer.child("query").all("x", FORM)
    for form in forms:
        assert form["type"] == "result"
        kind = form.all("field")[0]
        assert (kind["var"], kind["type"]) == ("FORM_TYPE", "hidden")
    if server.kind == "anser":
        all_said = [{field["var"]: [value.text for value in field.all("value")] for field in form.all("field")} for form in forms]
        (said,) = [one for one in all_said if one["FORM_TYPE"] == ["urn:xmpp:dataforms:softwareinfo"]]
        assert (said["software"], bool(said["software_version"][0])) == (["Anser"], True)


async def test_an_unknown_node_is_not_found(server):
    romeo = await server.session("romeo")

    answer = await _info(romeo, server.domain, "no such node")

    assert answer["type"] == "error"
    assert answer.error.condition in ("item-not-found", "service-unavailable")


async def test_the_server_lists_its_items(server):
    romeo = await server.session("romeo")

    answer = await romeo.ask(f"<query xmlns='{DISCO_ITEMS}'/>", to=server.domain)

    assert answer["type"] == "result"
    assert all(item["jid"] for item in answer.child("query", DISCO_ITEMS).children)


async def test_an_account_says_that_it_is_registered_to_itself(server):
    romeo = await server.session("romeo")

    for to in (None, romeo.bare):
        answer = await _info(romeo, to)
        identities = [(i["category"], i["type"]) for i in answer.child("query", DISCO_INFO).all("identity")]
        assert ("account", "registered") in identities


async def test_an_account_is_described_to_its_friends(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await _info(romeo, juliet.bare)

    assert answer["type"] == "result"
    assert ("account", "registered") in [(i["category"], i["type"]) for i in answer.child("query").all("identity")]


async def test_an_account_says_nothing_to_strangers(server):
    """XEP-0030 section 8: as if it did not exist."""
    romeo, juliet = await server.session("romeo"), await server.account("juliet")

    there, not_there = await _info(romeo, juliet.jid), await _info(romeo, f"nobody-at-all@{server.domain}")

    assert there["type"] == not_there["type"] == "error"
    assert there.error == not_there.error
    assert there.error.condition == "service-unavailable"


async def test_the_resources_of_a_friend_are_its_items(server):
    """XEP-0030 section 4: items of a bare address are empty for strangers, or the resources for those who see them."""
    romeo, juliet = await server.friends("romeo", "juliet")

    answer = await romeo.ask(f"<query xmlns='{DISCO_ITEMS}'/>", to=juliet.bare)

    assert answer["type"] == "result"
    assert {item["jid"] for item in answer.child("query").children} <= {juliet.jid}


async def test_a_question_to_a_friends_client_is_the_clients_to_answer(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.iq(f"<query xmlns='{DISCO_INFO}'/>", "get", juliet.jid, id="d1")

    asked = await juliet.hears("iq", "get")
    assert asked.has("query", DISCO_INFO)


async def test_the_features_of_the_stream_carry_the_hash_of_the_servers_own(server):
    """XEP-0115 section 6.3"""
    romeo = await server.session("romeo")
    caps = romeo.bound_features.child("c", CAPS)

    assert caps is not None
    assert (caps["hash"], bool(caps["node"])) == ("sha-1", True)
    answer = await _info(romeo, server.domain)
    assert caps["ver"] == _verification(answer.child("query", DISCO_INFO))


async def test_the_hash_of_the_server_is_a_node_that_can_be_asked(server):
    romeo = await server.session("romeo")
    caps = romeo.bound_features.child("c", CAPS)
    node = f"{caps['node']}#{caps['ver']}"

    answer = await _info(romeo, server.domain, node)

    assert answer["type"] == "result"
    assert answer.child("query")["node"] == node
    assert _verification(answer.child("query")) == caps["ver"]


async def test_the_hash_of_a_client_reaches_its_friends(server):
    romeo, juliet = await server.friends("romeo", "juliet")

    await romeo.presence(f"<c xmlns='{CAPS}' hash='sha-1' node='urn:client' ver='QgayPKawpkPSDYmwT/WM94uAlu0='/>")
    await settle(romeo, juliet)

    (seen,) = [p for p in juliet.heard("presence", None) if p["from"] == romeo.jid]
    assert seen.child("c", CAPS)["ver"] == "QgayPKawpkPSDYmwT/WM94uAlu0="
    chamber = await server.session(juliet.account)
    assert (await chamber.hears("presence", None, romeo.jid)).child("c", CAPS)["node"] == "urn:client"
