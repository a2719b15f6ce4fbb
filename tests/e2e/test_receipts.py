"""XEP-0184 and XEP-0333: receipts and markers go through unchanged, to all devices, and wait for who is away."""

import pytest

RECEIPTS = "urn:xmpp:receipts"
MARKERS = "urn:xmpp:chat-markers:0"
HINTS = "urn:xmpp:hints"
CARBONS = "urn:xmpp:carbons:2"

_WORDS = {
    "a request for a receipt": f"<body>hark</body><request xmlns='{RECEIPTS}'/>",
    "a receipt": f"<received xmlns='{RECEIPTS}' id='m0'/>",
    "a markable message": f"<body>hark</body><markable xmlns='{MARKERS}'/>",
    "a marker": f"<displayed xmlns='{MARKERS}' id='m0'/><thread>t</thread>",
}
words = pytest.mark.parametrize("content", _WORDS.values(), ids=_WORDS)
kinds = pytest.mark.parametrize("kind", ["chat", None])


def children(message):
    return [(c.name, c.ns, dict(c.attributes), c.text) for c in message.children if c.ns in (RECEIPTS, MARKERS)]


@words
@kinds
async def test_they_go_through_unchanged(server, kind, content):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.stanza("message", content, type=kind, to=juliet.bare, id="m1")
    await juliet.stanza("message", content, type=kind, to=romeo.jid, id="m2")

    there, back = await juliet.hears(), await romeo.hears()
    assert (there["id"], back["id"]) == ("m1", "m2")
    assert children(there) == children(back) != []


@words
@kinds
async def test_they_wait_for_who_is_away(server, kind, content):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", available=False)

    await romeo.stanza("message", content, type=kind, to=juliet.bare, id="m1")
    await romeo.settled()
    await juliet.available()

    (late,) = await juliet.all_that_waited()
    assert late["id"] == "m1" and children(late) != []


async def test_they_do_not_wait_if_their_sender_says_so(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet", available=False)

    for content in _WORDS.values():
        await romeo.stanza("message", f"{content}<no-store xmlns='{HINTS}'/>", type="chat", to=juliet.bare)
    await romeo.settled()
    await juliet.available()

    assert await juliet.all_that_waited() == []


async def test_a_marker_clears_the_notice_on_the_other_device(server):
    romeo = await server.session("romeo")
    phone, desk = await server.session("juliet", "phone"), await server.session("juliet", "desk")
    await phone.set(f"<enable xmlns='{CARBONS}'/>")

    await desk.stanza("message", _WORDS["a marker"], type="chat", to=romeo.jid, id="m1")

    forwarded = (await phone.hears()).child("sent", CARBONS).children[0].child("message")
    assert children(forwarded) == children(await romeo.hears()) != []
