"""`anser send`: what a script learns from its exit code and its standard error. The library under it is ours."""

import asyncio

import pytest

from support import programs
from support.waits import free_port, patient

pytestmark = pytest.mark.anser_only("it is Anser's own program")


@pytest.fixture
async def stage(server):
    await server.account("romeo")
    return server


async def test_words_on_the_command_line_are_a_message(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")

    code, err = await programs.send(stage, romeo, authority, "--to", juliet.bare, "Wilt", "thou be gone?")

    assert (code, err) == (0, "")
    message = await juliet.hears()
    assert message.text_of("body") == "Wilt thou be gone?"
    assert message["type"] == "chat"


async def test_standard_input_is_one_message(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")
    text = "It was the nightingale,\nand not the lark. 你好 👩‍👩‍👧"

    code, err = await programs.send(
        stage, romeo, authority, "--to", juliet.bare, "--type", "headline", "--subject", "birds", stdin=f"{text}\n".encode()
    )

    assert (code, err) == (0, "")
    message = await juliet.hears()
    assert message.text_of("body") == text
    assert (message["type"], message.text_of("subject")) == ("headline", "birds")


async def test_a_thousand_lines_are_a_thousand_messages_in_order(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")
    lines = "".join(f"line {number}\n\n" for number in range(1000))

    sending = asyncio.create_task(
        programs.send(stage, romeo, authority, "--to", juliet.bare, "--lines", stdin=lines.encode())
    )
    heard = [(await juliet.hears()).text_of("body") for _ in range(1000)]

    assert heard == [f"line {number}" for number in range(1000)]
    assert await sending == (0, "")


async def test_who_is_away_gets_it_later(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.account("juliet")

    code, err = await programs.send(stage, romeo, authority, "--to", juliet.jid, "good night")

    assert (code, err) == (0, "")
    assert (await (await stage.session(juliet)).hears()).text_of("body") == "good night"


async def test_it_takes_nothing_that_waits_for_the_account(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")
    await juliet.message(romeo, "for a person")

    await programs.send(stage, romeo, authority, "--to", juliet.bare, "from a script")

    assert (await (await stage.session(romeo)).hears()).text_of("body") == "for a person"


async def test_nobody_there_is_a_failure(stage, authority):
    romeo, nobody = await stage.account("romeo"), stage.unregistered("nobody")

    code, err = await programs.send(stage, romeo, authority, "--to", nobody.jid, "hello")

    assert code == 1
    assert "the message was not delivered" in err and "service-unavailable" in err
    assert err.count("\n") == 1


async def test_each_line_that_fails_is_named(stage, authority):
    romeo, nobody = await stage.account("romeo"), stage.unregistered("nobody")

    code, err = await programs.send(stage, romeo, authority, "--to", nobody.jid, "--lines", stdin=b"a\nb\n")

    assert code == 1
    assert "line 1: " in err and "line 2: " in err
    assert "2 of 2 messages were not delivered" in err


async def test_a_line_that_cannot_be_sent_does_not_stop_the_others(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")

    code, err = await programs.send(
        stage, romeo, authority, "--to", juliet.bare, "--lines", stdin=b"one\nbad \xff\nbad \x01\nfour\n"
    )

    assert code == 1
    assert "line 2: the message was not delivered: it is not UTF-8" in err and "line 3: " in err
    assert "\x01" not in err
    assert [(await juliet.hears()).text_of("body") for _ in range(2)] == ["one", "four"]


async def test_a_wrong_password_is_one_sentence(stage, authority):
    romeo = await stage.account("romeo")

    code, err = await programs.send(stage, romeo, authority, "--to", romeo.jid, "x", password="a guess")

    assert code == 1
    assert err.startswith("anser: ") and err.count("\n") == 1
    assert "not-authorized" in err
    assert "a guess" not in err


async def test_the_password_may_come_from_a_file(stage, authority, folder):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")
    file = folder / "password"
    file.write_text(f"{romeo.password}\n")

    code, err = await programs.send(
        stage, romeo, authority, "--to", juliet.bare, "--password-file", str(file), "x", password="wrong"
    )

    assert (code, err) == (0, "")


async def test_a_server_that_is_not_there_is_one_sentence(stage, authority):
    romeo = await stage.account("romeo")

    process = await asyncio.create_subprocess_exec(
        *(programs.Anser.binary(), "send", "--account", romeo.jid, "--host", "127.0.0.1", "--port", str(free_port())),
        *("--insecure", "--to", romeo.jid, "x"),
        stderr=asyncio.subprocess.PIPE,
        env=programs.environment(romeo.password),
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)
    assert process.returncode == 1
    assert err.startswith(b"anser: ") and err.count(b"\n") == 1


async def test_a_certificate_of_a_stranger_is_refused(stage):
    romeo = await stage.account("romeo")
    port = stage.house.settings.port

    process = await asyncio.create_subprocess_exec(
        *(programs.Anser.binary(), "send", "--account", romeo.jid, "--host", "127.0.0.1", "--port", str(port)),
        *("--to", romeo.jid, "x"),
        stderr=asyncio.subprocess.PIPE,
        env=programs.environment(romeo.password),
    )
    _, err = await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 1
    assert b"certificate" in err


@pytest.mark.parametrize(
    "arguments",
    [
        ["send"],
        ["send", "--account", "romeo@localhost", "x"],
        ["send", "--account", "romeo@localhost", "--to", "a@b", "--type", "groupchat", "x"],
        ["send", "--account", "romeo@localhost", "--to", "a@b", "--lines", "x"],
        ["send", "--account", "romeo@localhost", "--to", "a@b", "--ca", "f", "--insecure", "x"],
        ["chat"],
    ],
)
async def test_wrong_usage_is_2(stage, arguments):
    process = await asyncio.create_subprocess_exec(
        programs.Anser.binary(), *arguments, stderr=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    await asyncio.wait_for(process.communicate(), 30)

    assert process.returncode == 2


@pytest.mark.parametrize("text", [b"", b"\n", b"not UTF-8: \xff"])
async def test_what_is_no_text_is_not_sent(stage, authority, text):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")

    code, err = await programs.send(stage, romeo, authority, "--to", juliet.bare, stdin=text)

    assert code == 1
    assert err.startswith("anser: the") and err.count("\n") == 1
    await juliet.settled()
    assert not juliet.heard("message")


async def test_more_than_the_server_takes_fails_with_words(start, authority):
    stage = await start(limits={"stanza_bytes": 20_000})
    romeo, juliet = await stage.account("romeo"), await stage.account("juliet")

    code, err = await programs.send(stage, romeo, authority, "--to", juliet.jid, stdin=b"x" * 100_000)

    assert code == 1
    assert "policy-violation" in err, err


async def test_more_than_it_takes_itself_is_not_even_sent(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.account("juliet")

    code, err = await programs.send(stage, romeo, authority, "--to", juliet.jid, stdin=b"x" * 1_100_000)

    assert code == 1
    assert "longer than" in err


async def test_a_receipt_can_be_waited_for(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")

    sending = asyncio.create_task(
        programs.send(stage, romeo, authority, "--to", juliet.bare, "--wait-receipt", "art thou there?")
    )
    message = await juliet.hears()
    assert message.has("request", "urn:xmpp:receipts")
    await juliet.message(
        message["from"], None, more=f"<received xmlns='urn:xmpp:receipts' id='{message['id']}'/>"
    )

    assert await sending == (0, "")


async def test_a_receipt_that_does_not_come_is_a_failure(stage, authority):
    romeo, juliet = await stage.account("romeo"), await stage.session("juliet")

    code, err = await programs.send(
        stage, romeo, authority, "--to", juliet.bare, "--wait-receipt", "--patience", str(round(patient(1))), "art thou there?"
    )

    assert code == 1
    assert "no receipt" in err
