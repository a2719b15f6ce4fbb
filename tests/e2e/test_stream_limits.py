"""XEP-0478: the limits of a stream are announced, and they hold."""

import pytest

from support.sasl2 import bind2, door, stream_fails
from support.session import Session
from support.xml import LIMITS

pytestmark = pytest.mark.anser_only("neither Prosody 0.12 nor ejabberd 23.01 knows it")


async def test_limits_are_announced_before_login_and_after(start):
    """Example 1; they may change between."""
    server = await start(limits={"stanza_bytes": 20_000, "stanza_bytes_before_login": 11_000})
    account = await server.account("juliet")
    session = await server.wire(type=Session, domain=account.domain)

    before = (await session.opened()).child("limits", LIMITS)
    await session.plain(account.local, account.password)
    after = (await session.opened()).child("limits", LIMITS)

    assert (before.text_of("max-bytes"), after.text_of("max-bytes")) == ("11000", "20000")
    for limits in (before, after):
        idle = limits.text_of("idle-seconds")
        assert idle is None or int(idle) > 0


async def test_limits_are_announced_after_a_new_login_too(start):
    server = await start(limits={"stanza_bytes": 20_000})
    account = await server.account("juliet")
    session = await door(server, account)
    assert session.offered.has("limits", LIMITS)

    await session.plain2(account, bind2())

    assert (await session.features()).child("limits", LIMITS).text_of("max-bytes") == "20000"


async def test_the_limit_is_kept_to_the_byte(start):
    server = await start(limits={"stanza_bytes": 20_000})
    juliet, romeo = await server.session("juliet"), await server.session("romeo")
    limit = int(juliet.bound_features.child("limits", LIMITS).text_of("max-bytes"))
    empty = f"<message to='{romeo.jid}' type='chat'><body></body></message>"

    await juliet.send(empty.replace("<body>", "<body>" + "x" * (limit - len(empty))))

    assert len((await romeo.hears()).text_of("body")) == limit - len(empty)
    await juliet.send(empty.replace("<body>", "<body>" + "x" * (limit - len(empty) + 1)))
    await stream_fails(juliet, "policy-violation")
