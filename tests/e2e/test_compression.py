"""XEP-0138: zlib after login, before or after a resource is bound."""

import pytest

from support.session import Session
from support.wire import Gone, header
from support.xml import COMPRESS, PING

FEATURE = "http://jabber.org/features/compress"


async def _logged_in(server, name: str = "romeo") -> Session:
    """After login, before bind."""
    session = await server.wire(type=Session)
    await session.authenticate(await server.account(name))
    return session


async def test_compression_is_offered_after_login_and_not_before(server):
    romeo = await server.wire(type=Session)
    before = await romeo.opened()
    await romeo.plain((await server.account("romeo")).local, (await server.account("romeo")).password)

    after = await romeo.opened()

    assert not before.has("compression")
    assert [m.text for m in after.child("compression", FEATURE).children] == ["zlib"]


async def test_a_stream_goes_on_compressed(server):
    romeo, juliet = await _logged_in(server), await server.session("juliet")

    await romeo.compress()
    features = await romeo.opened()
    await romeo.bind()
    await romeo.available()

    assert features.has("bind")
    assert not features.has("compression")
    await romeo.message(juliet.jid, "small words")
    assert (await juliet.hears()).text_of("body") == "small words"
    await juliet.message(romeo.jid, "sweet sorrow " * 1000)
    assert (await romeo.hears()).text_of("body") == "sweet sorrow " * 1000


async def test_a_bound_stream_goes_on_with_its_address(server):
    """Old Smack binds, asks for a session, and only then for compression; it does not bind again."""
    romeo, juliet = await server.session("romeo", available=False), await server.session("juliet")
    before = romeo.jid

    await romeo.compress()
    await romeo.restart(header(server.domain))
    await romeo.header()
    await romeo.roster()
    await romeo.available()

    await juliet.message(before, "still thou?")
    assert (await romeo.hears())["to"] == before


async def test_stanzas_may_come_right_behind_the_new_header(server):
    romeo = await server.session("romeo", available=False)

    await romeo.compress()
    await romeo.restart(header(server.domain) + f"<iq id='p1' type='get'><ping xmlns='{PING}'/></iq>")

    await romeo.header()
    assert (await romeo.answer_to("p1"))["type"] == "result"


async def test_what_arrives_while_a_bound_stream_restarts_is_not_lost(server):
    romeo, juliet = await server.session("romeo"), await server.session("juliet")

    await romeo.compress()
    await juliet.message(romeo.jid, "between")
    await juliet.settled()
    await romeo.restart(header(server.domain))
    await romeo.header()

    assert (await romeo.hears()).text_of("body") == "between"


async def test_each_answer_is_flushed(server):
    romeo = await _logged_in(server)
    await romeo.compress()
    await romeo.opened()
    await romeo.bind()

    for _ in range(20):
        await romeo.settled()


async def test_an_unknown_method_is_unsupported_and_the_stream_lives(server):
    romeo = await server.session("romeo")

    await romeo.send(f"<compress xmlns='{COMPRESS}'><method>lzw</method></compress>")

    failure = await romeo.next()
    assert (failure.name, failure.ns, failure.names) == ("failure", COMPRESS, ["unsupported-method"])
    await romeo.settled()


async def test_no_method_at_all_fails_to_set_up(server):
    romeo = await server.session("romeo")

    await romeo.send(f"<compress xmlns='{COMPRESS}'/>")

    failure = await romeo.next()
    assert (failure.name, failure.ns) == ("failure", COMPRESS)
    assert failure.names[0] in ("setup-failed", "unsupported-method")
    await romeo.settled()


async def test_after_a_refusal_zlib_may_still_be_asked_for(server):
    romeo = await server.session("romeo", available=False)
    await romeo.send(f"<compress xmlns='{COMPRESS}'><method>lzw</method></compress>")
    await romeo.next()

    await romeo.compress()
    await romeo.opened()

    await romeo.settled()


async def test_compression_before_login_is_refused(server):
    wire = await server.wire()
    await wire.opened()

    await wire.send(f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>")

    answer = await wire.next()
    assert answer.name in ("failure", "error")


async def test_compression_twice_is_refused(server):
    romeo = await _logged_in(server)
    await romeo.compress()
    await romeo.opened()
    await romeo.bind()

    await romeo.send(f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>")

    assert (await romeo.next()).name in ("failure", "error")


async def test_compression_works_inside_tls(server):
    romeo = await server.wire(type=Session)
    romeo.account = account = await server.account("romeo")
    await romeo.opened()
    await romeo.starttls()
    await romeo.opened()
    await romeo.plain(account.local, account.password)
    await romeo.opened()

    await romeo.compress()
    await romeo.opened()
    await romeo.bind()

    await romeo.settled()


async def test_what_is_not_zlib_ends_the_stream(server):
    romeo = await _logged_in(server)
    await romeo.compress()
    await romeo.opened()

    await romeo.send_in_the_clear(b"this was never compressed" * 20)

    error = await romeo.fails("undefined-condition")
    assert error.child("failure", COMPRESS).names == ["processing-failed"]


@pytest.mark.slow
async def test_a_zlib_bomb_ends_the_stream_and_disturbs_nobody(server):
    """A hundred megabytes of blanks inside one stanza, in a hundred kilobytes."""
    bomber, juliet, nurse = await _logged_in(server), await server.session("juliet"), await server.session("nurse")
    await bomber.compress()
    await bomber.opened()
    await bomber.bind()
    before = server.house.memory()
    try:
        await bomber.send(f"<message to='{juliet.bare}'><body>")
        for _ in range(100):
            bomber.post(b"x" * 1_000_000)
        await bomber.is_cut(20)
    except (Gone, ConnectionError):
        pass
    await nurse.message(juliet.jid, "all is well")

    assert (await juliet.hears()).text_of("body") == "all is well"
    assert server.house.memory() - before < 50_000_000


@pytest.mark.slow
async def test_a_bomb_of_white_space_is_one_too(server):
    """Outside any stanza nothing limits size but the ratio."""
    bomber, juliet = await _logged_in(server), await server.session("juliet")
    await bomber.compress()
    await bomber.opened()
    await bomber.bind()

    try:
        for _ in range(300):
            bomber.post(b" " * 1_000_000)
        await bomber.is_cut(20)
    except ConnectionError:
        pass

    await juliet.settled()


async def test_compression_is_off_unless_it_is_on(start):
    server = await start(compression=False)
    romeo = await _logged_in(server)

    assert not romeo.bound_features.has("compression")
    await romeo.bind()
    await romeo.send(f"<compress xmlns='{COMPRESS}'><method>zlib</method></compress>")
    answer = await romeo.next()
    assert answer.name in ("failure", "error")


@pytest.mark.parametrize("chunk", [1, 7, 1000])
async def test_compressed_bytes_may_come_in_any_pieces(server, chunk):
    romeo = await _logged_in(server)
    await romeo.compress()
    await romeo.opened()
    await romeo.bind()
    data = romeo.encoded(f"<message to='{romeo.jid}'><body>{'in pieces ' * 50}</body></message>")

    for start in range(0, len(data), chunk):
        await romeo.send_in_the_clear(data[start : start + chunk])

    assert (await romeo.hears()).text_of("body") == "in pieces " * 50
