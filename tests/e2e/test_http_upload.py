"""XEP-0363 as clients have it: discovery, slots, PUT and GET over TLS with an authority of our own; slixmpp's plugin."""

import functools
import re
import ssl
from urllib.parse import urlsplit, urlunsplit

import aiohttp
import pytest
from slixmpp.plugins.xep_0363 import http_upload

from support.people import Person
from support.session import Session
from support.waits import within
from support.xml import DISCO_INFO, parse

pytestmark = pytest.mark.anser_only("each server has a service, an address and limits of its own")

UPLOAD = "urn:xmpp:http:upload:0"
STANZAS = "urn:ietf:params:xml:ns:xmpp-stanzas"
BYTES = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 100


class Sender(Person):
    extensions = (*Person.extensions, "xep_0066", "xep_0363")


@pytest.fixture
async def web(authority):
    context = ssl.create_default_context(cafile=str(authority.path))
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        yield session


async def _ask(session, server, size=len(BYTES), name="très cool.png", kind="image/png", more=""):
    kind = f" content-type='{kind}'" if kind else ""
    return await session.ask(
        f"<request xmlns='{UPLOAD}' filename='{name}' size='{size}'{kind}>{more}</request>", to=server.domain
    )


async def _slot(session, server, **how) -> tuple[str, str]:
    answer = await _ask(session, server, **how)
    assert answer["type"] == "result", answer
    slot = answer.child("slot", UPLOAD)
    return slot.child("put", UPLOAD)["url"], slot.child("get", UPLOAD)["url"]


async def _put(web, url, data=BYTES, **headers) -> int:
    headers = {"Content-Type": "image/png", **{name.replace("_", "-"): value for name, value in headers.items()}}
    async with web.put(url, data=data, headers=headers) as answer:
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        return answer.status


async def _get(web, url) -> tuple[int, bytes]:
    async with web.get(url) as answer:
        return answer.status, await answer.read()


async def test_the_host_says_that_it_takes_files(server):
    romeo = await server.session("romeo")

    info = (await romeo.ask(f"<query xmlns='{DISCO_INFO}'/>", to=server.domain)).child("query", DISCO_INFO)

    assert ("store", "file") in [(i["category"], i["type"]) for i in info.all("identity")]
    assert UPLOAD in [f["var"] for f in info.all("feature")]
    (form,) = [
        form for form in info.all("x", "jabber:x:data") if form.all("field")[0].text_of("value") == UPLOAD
    ]
    (size,) = [field.text_of("value") for field in form.all("field") if field["var"] == "max-file-size"]
    assert int(size) > 1_000_000


async def test_what_is_put_can_be_fetched(server, web):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, server)
    assert re.fullmatch(r"https://localhost:\d+/files/[\w-]{32}/tr%C3%A8s%20cool\.png", get)
    assert (await _get(web, get))[0] == 404

    assert await _put(web, put) == 201

    assert await _get(web, get) == (200, BYTES)


async def test_a_slot_is_for_one_file(server, web):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, server)

    assert await _put(web, put) == 201
    assert await _put(web, put, data=BYTES[::-1]) == 409

    assert await _get(web, get) == (200, BYTES)


async def test_a_slot_is_for_that_size_and_type(server, web):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, server)

    assert await _put(web, put, data=BYTES + b"x") == 413
    assert await _put(web, put, data=BYTES[:-1]) == 413
    assert await _put(web, put, Content_Type="text/html") == 415

    async def in_chunks():
        yield BYTES

    assert await _put(web, put, data=in_chunks()) == 411
    assert (await _get(web, get))[0] == 404
    assert await _put(web, put) == 201


async def test_a_slot_is_for_that_address(server, web):
    romeo = await server.session("romeo")
    put, get = await _slot(romeo, server)
    parts = urlsplit(put)
    other_name = urlunsplit(parts._replace(path=parts.path.replace("cool", "cold")))
    other_file = (await _slot(romeo, server))[1] + "?" + parts.query

    for wrong in (get, put[:-1], put + "A", other_name, other_file):
        assert await _put(web, wrong) == 403, wrong

    assert await _put(web, put) == 201


async def test_pages_of_other_origins_may_put(server, web):
    romeo = await server.session("romeo")
    put, _ = await _slot(romeo, server)

    async with web.options(put, headers={"Origin": "https://app.example", "Access-Control-Request-Method": "PUT"}) as answer:
        assert answer.status in (200, 204)
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert "PUT" in answer.headers["Access-Control-Allow-Methods"]
        assert "content-type" in answer.headers["Access-Control-Allow-Headers"].lower()


async def test_an_ephemeral_file_ends_in_time(server, web):
    romeo = await server.session("romeo")
    purpose = "<ephemeral xmlns='urn:xmpp:http:upload:purpose:0' expire-before='2000-01-01T00:00:00Z'/>"

    answer = await _ask(romeo, server, more=purpose)
    assert answer.child("error").has("not-acceptable", STANZAS)

    put, _ = await _slot(romeo, server, more=purpose.replace("2000", "2999"))
    async with web.put(put, data=BYTES, headers={"Content-Type": "image/png"}) as put_answer:
        assert (await put_answer.json())["expires"].startswith("2999-01-01T00:00:00")


async def test_what_is_too_large_is_told_how_large_it_may_be(server):
    romeo = await server.session("romeo")

    error = (await _ask(romeo, server, size=10**15)).child("error")

    assert error["type"] == "modify" and error.has("not-acceptable", STANZAS)
    assert int(error.child("file-too-large", UPLOAD).text_of("max-file-size")) > 1_000_000


async def test_who_has_asked_too_often_is_told_when_to_come_again(server):
    romeo = await server.session("romeo")
    for _ in range(100):
        await _slot(romeo, server, size=1)

    error = (await _ask(romeo, server, size=1)).child("error")

    assert error["type"] == "wait" and error.has("resource-constraint", STANZAS)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z", error.child("retry", UPLOAD)["stamp"])


async def test_nobody_without_an_account_sends_files(start):
    stage = await start(anonymous=True)
    somebody = await stage.wire(type=Session)
    await somebody.opened()
    assert (await somebody.auth("ANONYMOUS", "")).name == "success"
    await somebody.opened()
    await somebody.bind()

    error = (await _ask(somebody, stage)).child("error")

    assert error["type"] == "auth" and error.has("forbidden", STANZAS)


async def test_slixmpp_sends_a_file(server, web, authority, monkeypatch, tmp_path):
    context = ssl.create_default_context(cafile=str(authority.path))
    trusting = lambda **how: aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), **how)  # noqa: E731
    monkeypatch.setattr(http_upload, "ClientSession", functools.wraps(aiohttp.ClientSession)(trusting))
    romeo, juliet = await server.login("romeo", type=Sender), await server.login("juliet", type=Sender)
    picture = tmp_path / "rose.png"
    picture.write_bytes(BYTES)

    url = await within(romeo.plugin["xep_0363"].upload_file(picture, domain=server.domain), "the upload")
    message = romeo.make_message(mto=juliet.boundjid.bare, mbody=url, mtype="chat")
    message["oob"]["url"] = url
    message.send()

    assert await juliet.hears() == url
    assert await _get(web, url) == (200, BYTES)


@pytest.mark.parametrize(
    "element",
    [
        "<x xmlns='jabber:x:oob'><url>https://a/b</url><desc>a rose</desc></x>",
        "<reference xmlns='urn:xmpp:reference:0' type='data' begin='0' end='1'>"
        "<media-sharing xmlns='urn:xmpp:sims:1'><file xmlns='urn:xmpp:jingle:apps:file-transfer:5'>"
        "<media-type>image/png</media-type><name>rose.png</name><size>3</size></file>"
        "<sources><reference xmlns='urn:xmpp:reference:0' type='data' uri='https://a/b'/></sources>"
        "</media-sharing></reference>",
        "<file-sharing xmlns='urn:xmpp:sfs:0' disposition='inline'><file xmlns='urn:xmpp:file:metadata:0'>"
        "<name>rose.png</name><size>3</size><hash xmlns='urn:xmpp:hashes:2' algo='sha-256'>AAAA</hash></file>"
        "<sources><url-data xmlns='http://jabber.org/protocol/url-data' target='https://a/b'/></sources></file-sharing>",
    ],
    ids=["oob", "sims", "sfs"],
)
async def test_what_says_that_there_is_a_file_is_passed_on(server, element):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.message(juliet.bare, "https://a/b", more=element)

    heard = await juliet.hears()
    (passed_on,) = [child for child in heard.children if child.name not in ("body", "stanza-id")]
    assert passed_on.same_as(parse(element))
