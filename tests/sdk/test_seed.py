"""What people try first with Smack, done with our library (seed.cpp): against three servers, with a hand-made client at
the other end, which sees what really arrived."""

import dataclasses
import os

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.serialization import pkcs12

from support.xml import Node

SECONDS = 60 * float(os.environ.get("ANSER_SDK_PATIENCE", "1"))
CHAT_STATES = "http://jabber.org/protocol/chatstates"
PROPERTIES = "http://www.jivesoftware.com/xmlns/xmpp/properties"


@dataclasses.dataclass
class Expected:
    """What servers do differently, and every one rightly."""

    compresses: bool
    attributes: str = "username,password"
    instructions: str = ""


EXPECTED = {
    "anser": Expected(compresses=True, attributes="username,password,name,email"),
    "prosody": Expected(compresses=False),  # its package has no XEP-0138 any more
    "ejabberd": Expected(compresses=True),
}


@pytest.fixture
async def people(server):
    """Hoojo with his roster, and Jojo, who is there and sees him."""
    hoojo, jojo = await server.friends("hoojo", "jojo")
    for item in (
        f"<item jid='{jojo.bare}' name='Jojo'><group>Friends</group><group>同事</group></item>",
        "<item jid='paris@localhost' name='Paris'/>",
    ):
        answer = await hoojo.set(f"<query xmlns='jabber:iq:roster'>{item}</query>")
        assert answer["type"] == "result", answer
    await hoojo.presence(kind="subscribe", to="paris@localhost")
    await hoojo.settled()
    await hoojo.leaves()
    await jojo.take(lambda s: s.name == "presence" and s["type"] == "unavailable", "hoojo to leave")
    return hoojo.account, jojo


async def scenario(server, program, authority, people, **options):
    """Runs it, plays Jojo, and checks what is the same everywhere."""
    hoojo, jojo = people
    options = {"truststore": authority.path, **options}
    seed = await program(
        "seed", port=server.house.settings.port, user=hoojo.local, password=hoojo.password, friend=jojo.bare, **options
    )

    # testPacket
    presence = await jojo.take(lambda s: s.name == "presence" and s.text_of("status"), "a status", SECONDS)
    assert presence.text_of("status") == "Q我吧"
    first = await jojo.take(is_from(hoojo), "the packet", SECONDS)
    assert (first["type"], first["to"], first.text_of("body")) == ("chat", jojo.bare, "h!~ jojo, I'am is hoojo!")

    # testChatManager
    greeting = await jojo.take(is_from(hoojo), "the chat", SECONDS)
    assert (greeting["type"], greeting.text_of("body")) == ("chat", "h!~ jojo……")
    thread = greeting.text_of("thread")
    assert thread and greeting.has("active", CHAT_STATES)
    coloured = await jojo.take(is_from(hoojo), "the message with a property", SECONDS)
    assert (coloured["type"], coloured.text_of("body"), coloured.text_of("thread")) == ("chat", "message", thread)
    (property,) = coloured.child("properties", PROPERTIES).children
    assert property.text_of("name") == "color"
    assert (property.child("value")["type"], property.text_of("value")) == ("string", "red")
    await jojo.message(greeting["from"], "who is it?", more=f"<thread>{thread}</thread>")
    echo = await jojo.take(is_from(hoojo), "the answer", SECONDS)
    assert (echo.text_of("body"), echo.text_of("thread")) == ("dingding……who is it?", thread)

    said = await seed.ends(SECONDS)
    expected = EXPECTED[server.kind]
    # testConfig
    assert said["pkcs11_library"] == ""
    assert said["service_name"] == "localhost"
    assert said["truststore_path"] == str(options["truststore"])
    # init, testConnection
    assert said["connection_id"]
    assert said["attributes"] == expected.attributes
    assert expected.instructions in said["instructions"]
    assert (said["connected"], said["anonymous"], said["authenticated"]) == ("true", "false", "false")
    assert (said["secure"], said["verified"]) == ("true", "true")
    assert said["managed"] == ("false" if options.get("old_login") else "true")
    assert said["connected_at_last"] == "false"
    # testAccountManager
    assert said["supports_creation"] == "true"
    assert said["created"] == "ok"
    assert said["created_again"] == "stanza conflict"
    assert said["changed_before_login"] == "wrong_state"
    assert said["changed"] == "ok"
    assert said["old_password"] == "authentication not-authorized"
    assert (said["new_password"], said["deleted"]) == ("ok", "ok")
    # testUser
    assert said["user"].startswith(hoojo.jid + "/") and said["user"] != hoojo.jid + "/"
    entries = [f'{jojo.bare} [Friends,同事] "Jojo" - both', 'paris@localhost [] "Paris" pending none']
    assert said.all("entry") == entries
    assert said.all("unfiled") == entries[1:]
    # testPacket
    assert (said["session"], said["stored"]) == ("true", "true")
    # testChatManager
    assert said["thread"] == thread
    assert said["answered"] == "ok"
    assert said["from"] == jojo.jid
    assert said["to"].startswith(hoojo.jid + "/")
    assert (said["type"], said["body"]) == ("chat", "who is it?")
    assert "<body>who is it?</body>" in said["xml"]
    return said


def is_from(account):
    def wanted(stanza: Node) -> bool:
        return stanza.name == "message" and (stanza["from"] or "").startswith(account.jid + "/") and stanza.has("body")

    return wanted


async def test_the_scenario(server, program, authority, people):
    said = await scenario(server, program, authority, people)

    assert (said["truststore_type"], said["truststore_password"]) == ("PEM", "")
    assert (said["compressed"], said["socket_factory"]) == ("false", "false")


async def test_the_scenario_with_compression(server, program, authority, people):
    said = await scenario(server, program, authority, people, compression=True)

    assert said["compressed"] == ("true" if EXPECTED[server.kind].compresses else "false")


async def test_the_scenario_with_the_old_login(server, program, authority, people):
    said = await scenario(server, program, authority, people, old_login=True)

    assert said["compressed"] == "false"


async def test_the_scenario_with_a_pkcs12_store_and_sockets_of_the_applications_own(
    server, program, authority, people, tmp_path
):
    certificate = x509.load_pem_x509_certificate(authority.path.read_bytes())
    store = tmp_path / "store.p12"
    store.write_bytes(
        pkcs12.serialize_key_and_certificates(
            None, None, None, [certificate], serialization.BestAvailableEncryption(b"changeit")
        )
    )

    said = await scenario(
        server, program, authority, people, own_sockets=True,
        truststore=store, truststore_type="PKCS12", truststore_password="changeit",
    )

    assert (said["truststore_type"], said["truststore_password"]) == ("PKCS12", "changeit")
    assert (said["socket_factory"], said["sockets_made"]) == ("true", "1")
