"""The Flutter app that the WebSocket door is for, ported line by line to Node.js with ws and protobufjs, among people
with XMPP: it knows two types of messages, a heartbeat, and a reconnection every three seconds."""

import json
from urllib.parse import urlencode

import pytest

from support.frames import Presence
from support.node import Puppet
from support.web_tokens import keys, token

pytestmark = pytest.mark.anser_only("it is Anser's own protocol")

HEART = '{"module":"HEART_CHECK","message":"请求心跳"}'


@pytest.fixture
async def flutter(packages):
    """`app = await flutter(server, account, token=...)`: the app, as that account."""
    made = []

    async def start(server, account, **query: str) -> Puppet:
        query = query or {"user": account.local, "password": account.password}
        url = f"ws://127.0.0.1:{server.house.settings.http_port}/ws?{urlencode(query)}"
        made.append(await Puppet.starts("flutter.js", {"url": url}))
        await made[-1].tells("open", 20)
        return made[-1]

    yield start
    for app in made:
        await app.ends()


async def _says(app: Puppet, to: str, body: str, event: str = "####") -> None:
    await app.does(type=11, content={"eventId": event, "to": to, "type": "text", "body": body})
    await app.tells("message", frame=10, eventId=event)


async def test_it_chats_with_slixmpp(server, flutter):
    romeo, juliet = await server.account("romeo"), await server.login("juliet")
    app = await flutter(server, romeo)

    for body in ("hello world", "art thou there?", "在吗 😀"):  # all of them with the same eventId
        await _says(app, juliet.account.jid, body)
        assert await juliet.hears() == body
    await juliet.says(romeo.jid, "anon, good nurse! 来了")

    heard = await app.tells("message", frame=11)
    assert heard["from"].startswith(juliet.account.jid)
    assert heard["body"] == "anon, good nurse! 来了"
    assert heard["eventId"] and heard["createAt"]


async def test_it_signs_in_with_a_token(start, flutter, folder):
    server = await start(token_keys=keys(folder))
    romeo, juliet = await server.account("romeo"), await server.app("juliet")

    app = await flutter(server, romeo, token=token("HS256", romeo.local))
    await _says(app, juliet.bare, "by token")

    await juliet.hears("by token")


async def test_its_message_without_to_reaches_its_own_devices(server, flutter):
    """As in its example."""
    romeo = await server.account("romeo")
    desk = await server.session(romeo)
    tablet = await server.app(romeo)
    await desk.set("<enable xmlns='urn:xmpp:carbons:2'/>")
    app = await flutter(server, romeo)

    await app.does(type=11, content={"eventId": "####", "type": "text", "body": "hello world"})

    await app.tells("message", frame=10, eventId="####")
    await tablet.hears("hello world")
    assert "hello world" in str(await desk.hears())


async def test_its_heart_beats(server, flutter):
    app = await flutter(server, await server.account("romeo"))

    for _ in range(2):
        beat = await app.tells("text", 12)
        assert json.loads(beat["text"]) == json.loads(HEART)


async def test_it_comes_back_after_a_drop(server, flutter):
    romeo, juliet = await server.account("romeo"), await server.session("juliet")
    app = await flutter(server, romeo)
    await juliet.message(romeo.jid, "before")
    await app.tells("message", body="before")

    await app.does(drop=True)
    await app.tells("open", 12)
    await juliet.message(romeo.jid, "after")

    await app.tells("message", body="after")
    await _says(app, juliet.bare, "I am back")
    assert (await juliet.hears()).text_of("body") == "I am back"


async def test_it_comes_back_after_the_server(start, flutter):
    """And gets what came in between."""
    server = await start()
    romeo, account = await server.account("romeo"), await server.account("juliet")
    app = await flutter(server, romeo)
    await _says(app, account.jid, "before")

    server.house.kill()
    server.house.start()
    juliet = await server.session(account)
    assert (await juliet.hears()).text_of("body") == "before"
    await juliet.message(romeo.jid, "meanwhile")

    await app.tells("message", 12, body="meanwhile")
    await _says(app, account.jid, "I am back")
    assert (await juliet.hears()).text_of("body") == "I am back"


async def test_it_hears_of_nothing_that_it_does_not_know(server, flutter):
    romeo, juliet = await server.account("romeo"), await server.app("juliet")
    app = await flutter(server, romeo)

    await juliet.send(Presence(to=romeo.jid, type="subscribe"))
    await app.does(type=11, content={"eventId": "e1", "to": "a@b@c", "body": "whither?"})
    error = await app.tells("message", type="system")
    assert error["eventId"] == "e1" and error["body"]
    await juliet.says(romeo.jid, "words")

    await app.tells("message", body="words")
    assert app.told("unknown") == []
