"""Messages through the WebSocket door: to other apps, to XMPP clients and back, acknowledged when they are safe."""

import datetime
import re

import pytest

from support.apps import JSON, PROTOBUF
from support.frames import Attachment, HistoryRequest
from support.managed import Managed
from support.xml import CARBONS, STANZA_ID

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")
OOB = "jabber:x:oob"
CORRECT = "urn:xmpp:message-correct:0"


def _bare(address: str) -> str:
    return address.partition("/")[0]


def _sender(message) -> str:
    return _bare(getattr(message, "from"))


# From app to app


@pytest.mark.parametrize("protocol", [PROTOBUF, JSON, None])
async def test_what_one_says_the_other_hears(server, protocol):
    romeo, juliet = await server.app("romeo", protocol=protocol), await server.app("juliet", protocol=protocol)

    event = await romeo.tells(juliet.bare, "wilt thou be gone?", createAt="2001-01-01T00:00:00.000Z")

    message = await juliet.hears("wilt thou be gone?")
    assert (message.eventId, _sender(message), _bare(message.to)) == (event, romeo.bare, juliet.bare)
    assert message.type in ("", "text")
    assert STAMP.fullmatch(message.createAt)
    age = datetime.datetime.now(datetime.UTC) - datetime.datetime.fromisoformat(message.createAt)
    assert abs(age) < datetime.timedelta(hours=1)  # the server's time, not the sender's
    assert message.archiveId
    await juliet.tells(romeo.bare, "it is not yet near day")
    await romeo.hears("it is not yet near day")


async def test_a_name_a_bare_address_and_a_full_one(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for to in (juliet.account.local, juliet.bare, juliet.address):
        await romeo.tells(to, f"to {to}")
        await juliet.hears(f"to {to}")


async def test_to_an_account_of_another_host(server):
    romeo, juliet = await server.app("romeo"), await server.account("juliet", domain="capulet.test")

    await romeo.tells(juliet.jid, "over the wall")

    assert _sender(await (await server.app(juliet)).hears("over the wall")) == romeo.bare


@pytest.mark.parametrize("kind", ["text", "image", "file", "audio", "video", "system", ""])
async def test_every_type_there_is(server, kind):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    await romeo.tells(juliet.bare, "x", type=kind)

    assert (await juliet.hears("x")).type in ([kind] if kind else ["", "text"])


@pytest.mark.parametrize("kind", ["TEXT", "location", "<text/>", "chat"])
async def test_a_type_that_there_is_not(server, kind):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    assert await romeo.is_refused(await romeo.says(juliet.bare, "x", type=kind)) == "bad-request"

    assert await juliet.hears_from(romeo) == []


async def test_what_more_a_message_can_have(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    photo = Attachment(
        url="https://localhost/f/photo.png", name="照片 1.png", size=2**53 + 1, mediaType="image/png", hash="ab" * 32
    )

    first = await romeo.tells(juliet.bare, "look", type="image", thread="th-1", attachment=photo)
    await romeo.tells(juliet.bare, "look!", replaces=first)

    message = await juliet.hears("look")
    assert (message.type, message.thread, message.attachment) == ("image", "th-1", photo)
    assert (await juliet.hears("look!")).replaces == first


async def test_who_nobody_knows(server):
    romeo, nobody = await server.app("romeo"), server.unregistered("nobody")

    for to in (nobody.local, nobody.jid):
        assert await romeo.is_refused(await romeo.says(to, "hello?")) in ("not-found", "service-unavailable")
    elsewhere = await romeo.is_refused(await romeo.says("juliet@elsewhere.example", "hello?"))
    assert elsewhere == "remote-server-not-found"
    assert await romeo.is_refused(await romeo.says("a@b@c", "hello?")) == "bad-request"


# Whose they are


async def test_from_may_be_left_out_or_be_the_own(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    for claim in ("", romeo.account.local, romeo.bare, romeo.address):
        await romeo.tells(juliet.bare, f"I am {claim}", **{"from": claim})
        assert _sender(await juliet.hears(f"I am {claim}")) == romeo.bare


async def test_from_may_not_be_anothers(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    device = await server.app(romeo.account)

    for claim in (juliet.account.local, juliet.bare, juliet.address, device.address, f"{romeo.account.local}@capulet.test"):
        said = await romeo.says(juliet.bare, f"I am {claim}", **{"from": claim})
        assert await romeo.is_refused(said) == "not-allowed", claim

    assert await juliet.hears_from(romeo) == []


# The account's own devices


async def test_the_other_devices_of_the_sender_get_it_too(server):
    phone, tablet = await server.app("romeo"), await server.app("romeo")
    juliet = await server.app("juliet")

    event = await phone.tells(juliet.bare, "good night")

    copy = await tablet.hears("good night")
    assert (_sender(copy), _bare(copy.to), copy.eventId) == (phone.bare, juliet.bare, event)
    assert copy.archiveId
    assert [m for m in await phone.hears_from(juliet) if m.body == "good night"] == []


async def test_copies_go_to_xmpp_and_come_from_there(server):
    phone, juliet = await server.app("romeo"), await server.session("juliet")
    desk = await server.session(phone.account)
    await desk.set(f"<enable xmlns='{CARBONS}'/>")

    await phone.tells(juliet.bare, "from the phone")
    copy = await desk.take(lambda s: s.name == "message" and s.has("sent", CARBONS), "a copy")
    assert copy.child("sent", CARBONS).children[0].child("message").text_of("body") == "from the phone"
    await desk.message(juliet.bare, "from the desk", id="d1")

    heard = await phone.hears("from the desk")
    assert (_sender(heard), _bare(heard.to), heard.eventId) == (phone.bare, juliet.bare, "d1")


async def test_without_to_it_is_for_the_own_account(server):
    phone, tablet = await server.app("romeo"), await server.app("romeo")
    desk = await server.session(phone.account)
    await desk.set(f"<enable xmlns='{CARBONS}'/>")

    await phone.tells(body="note to self")

    assert _sender(await tablet.hears("note to self")) == phone.bare
    heard = await desk.hears()
    if carbon := (heard.child("sent", CARBONS) or heard.child("received", CARBONS)):
        heard = carbon.children[0].child("message")
    assert heard.text_of("body") == "note to self"


# XMPP at the other end


async def test_romeo_with_an_app_and_juliet_with_slixmpp(server):
    romeo, juliet = await server.app("romeo"), await server.login("juliet")

    await romeo.tells(juliet.account.jid, "art thou there?")
    assert await juliet.hears() == "art thou there?"
    await juliet.says(romeo.bare, "anon, good nurse!")

    heard = await romeo.hears("anon, good nurse!")
    assert (_sender(heard), heard.type in ("", "text")) == (juliet.account.jid, True)
    assert heard.eventId and heard.archiveId and STAMP.fullmatch(heard.createAt)


async def test_what_an_xmpp_client_sees_of_a_message(server):
    romeo, juliet = await server.app("romeo"), await server.session("juliet")
    photo = Attachment(url="https://localhost/f/photo.png?a=1&b=2", name="photo.png")

    event = await romeo.tells(juliet.bare, "words", thread="th-1")
    await romeo.tells(juliet.bare, "other words", replaces=event)
    await romeo.tells(juliet.bare, type="image", attachment=photo)

    words, corrected, image = [await juliet.hears() for _ in range(3)]
    assert (words["id"], words["type"], words.text_of("body")) == (event, "chat", "words")
    assert words.child("origin-id", STANZA_ID)["id"] == event
    assert words.child("stanza-id", STANZA_ID)["by"] == juliet.bare
    assert words.text_of("thread") == "th-1"
    assert (words["from"], words["to"] is not None) == (romeo.address, True)
    assert corrected.child("replace", CORRECT)["id"] == event
    assert image.child("x", OOB).text_of("url") == photo.url
    assert photo.url in image.text_of("body")


async def test_what_an_app_sees_of_a_stanza(server):
    romeo, juliet = await server.session("romeo"), await server.app("juliet")

    await romeo.message(juliet.bare, "words", more="<thread>th-1</thread>", id="m1")
    await romeo.message(juliet.bare, "other words", more=f"<replace id='m1' xmlns='{CORRECT}'/>", id="m2")
    url = "https://localhost/f/photo.png"
    await romeo.message(juliet.bare, url, more=f"<x xmlns='{OOB}'><url>{url}</url></x>", id="m3")
    await romeo.message(juliet.bare, "my own id", more=f"<origin-id xmlns='{STANZA_ID}' id='o4'/>", id="o4")

    words, corrected, image, named = [await juliet.hears() for _ in range(4)]
    assert (words.body, words.thread, words.eventId) == ("words", "th-1", "m1")
    assert _sender(words) == romeo.bare
    assert (corrected.body, corrected.replaces) == ("other words", "m1")
    assert image.attachment.url == url
    assert named.eventId == "o4"


async def test_a_stanza_without_an_id_gets_one(server):
    romeo, juliet = await server.session("romeo"), await server.app("juliet")

    for number in range(3):
        await romeo.message(juliet.bare, str(number))

    assert len({(await juliet.hears(str(number))).eventId for number in range(3)} - {""}) == 3


async def test_the_archive_is_one(server):
    """An app's archiveId is the stanza-id of XEP-0359."""
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    desk = await server.session(juliet.account)

    await romeo.tells(juliet.bare, "for ever")

    at_the_app, at_the_desk = await juliet.hears("for ever"), await desk.hears()
    assert at_the_app.archiveId == at_the_desk.child("stanza-id", STANZA_ID)["id"]
    page = await juliet.asks(HistoryRequest())
    assert [(m.body, m.archiveId) for m in page.messages] == [("for ever", at_the_app.archiveId)]


# Acknowledgements of the server


async def test_acknowledgements_come_in_the_order_of_the_messages(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")

    said = []
    for number in range(60):
        ephemeral = number % 3 == 1  # those are kept nowhere, and so known at once
        said.append(await romeo.says(juliet.bare, str(number), ephemeral=ephemeral))

    assert [(await romeo.gets("AckMessage")).eventId for _ in said] == said
    heard = [int((await juliet.hears()).body) for _ in said]
    assert sorted(heard) == list(range(60))
    assert [n for n in heard if n % 3 != 1] == [n for n in range(60) if n % 3 != 1]


async def test_what_is_acknowledged_has_survived_a_crash(start):
    server = await start()
    romeo, juliet = await server.app("romeo"), await server.account("juliet")
    said = [await romeo.says(juliet.jid, str(number)) for number in range(30)]
    for event in said:
        await romeo.is_acknowledged(event)

    server.house.kill()
    server.house.start()

    app = await server.app(juliet)
    assert [(await app.hears()).eventId for _ in said] == said


async def test_an_ephemeral_message_is_for_who_is_there(server):
    romeo, juliet = await server.app("romeo"), await server.app("juliet")
    nurse = await server.account("nurse")

    await romeo.tells(juliet.bare, "look, a shooting star", ephemeral=True)
    message = await juliet.hears("look, a shooting star")
    assert message.ephemeral and not message.archiveId
    await romeo.says(nurse.jid, "gone", ephemeral=True)
    await romeo.tells(nurse.jid, "here")

    app = await server.app(nurse)
    await app.hears("here")
    for reader in (romeo, juliet, app):
        bodies = [m.body for m in (await reader.asks(HistoryRequest())).messages]
        assert "look, a shooting star" not in bodies and "gone" not in bodies


async def test_a_resumable_client_gets_it_too(server):
    """With XEP-0198 at its end."""
    romeo, juliet = await server.app("romeo"), await server.session("juliet", type=Managed)

    await romeo.tells(juliet.bare, "hear me")

    assert (await juliet.hears()).text_of("body") == "hear me"
