"""`anser send --file`: a file becomes a message with its address; and what a script learns when it does not."""

import ssl

import aiohttp
import pytest

from support import programs

pytestmark = pytest.mark.anser_only("it is Anser's own program")

BYTES = b"\x89PNG\r\n\x1a\n\x00\x00\x00\x0dIHDR" + bytes(range(256)) * 4000


@pytest.fixture
async def picture(tmp_path):
    path = tmp_path / "très cool 图.png"
    path.write_bytes(BYTES)
    return path


async def _fetch(authority, url: str) -> tuple[int, bytes, str]:
    context = ssl.create_default_context(cafile=str(authority.path))
    async with aiohttp.ClientSession() as web, web.get(url, ssl=context) as answer:
        return answer.status, await answer.read(), answer.content_type


async def test_a_file_becomes_a_message_with_its_address(server, authority, picture):
    romeo, juliet = await server.account("romeo"), await server.session("juliet")

    code, err = await programs.send(
        server, romeo, authority, "--to", juliet.bare, "--subject", "a picture", "--file", str(picture)
    )

    assert (code, err) == (0, "")
    message = await juliet.hears()
    url = message.text_of("body")
    assert url.endswith("/tr%C3%A8s%20cool%20%E5%9B%BE.png")
    assert message.child("x", "jabber:x:oob").text_of("url") == url
    assert message.text_of("subject") == "a picture"
    assert await _fetch(authority, url) == (200, BYTES, "image/png")


async def test_who_is_away_finds_the_address_later(server, authority, picture):
    romeo, juliet = await server.account("romeo"), await server.account("juliet")

    code, err = await programs.send(server, romeo, authority, "--to", juliet.jid, "--file", str(picture))

    assert (code, err) == (0, "")
    url = (await (await server.session(juliet)).hears()).text_of("body")
    assert (await _fetch(authority, url))[1] == BYTES


async def test_an_empty_file_is_refused_in_words(server, authority, tmp_path):
    romeo, juliet = await server.account("romeo"), await server.session("juliet")
    empty = tmp_path / "empty"
    empty.touch()

    code, err = await programs.send(server, romeo, authority, "--to", juliet.bare, "--file", str(empty))

    assert code == 1
    assert err.startswith("anser: ") and err.count("\n") == 1, err
    assert not (await juliet.settled()).heard("message")


@pytest.mark.parametrize("path, sentence", [("missing", "No such file or directory"), (".", "is no file")])
async def test_what_is_no_file_is_said_before_anybody_is_asked(server, authority, tmp_path, path, sentence):
    romeo, juliet = await server.account("romeo"), await server.session("juliet")

    code, err = await programs.send(
        server, romeo, authority, "--to", juliet.bare, "--file", str(tmp_path / path), password="wrong"
    )

    assert code == 1
    assert sentence in err and err.count("\n") == 1, err
    assert not (await juliet.settled()).heard("message")


async def test_a_file_that_is_too_large_is_refused_in_words(server, authority, tmp_path):
    romeo, juliet = await server.account("romeo"), await server.session("juliet")
    large = tmp_path / "large"
    with large.open("wb") as file:
        file.truncate(5 << 30)  # sparse

    code, err = await programs.send(server, romeo, authority, "--to", juliet.bare, "--file", str(large))

    assert code == 1
    assert "bytes" in err and err.count("\n") == 1, err
    assert not (await juliet.settled()).heard("message")
