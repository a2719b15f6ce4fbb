"""`anser chat` at a terminal and at a pipe, against the real server. The library under it is ours."""

import signal

import pytest

from support import programs

pytestmark = pytest.mark.anser_only("it is Anser's own program")

LEFT, RIGHT, UP, BACKSPACE, DELETE, HOME = "\x1b[D", "\x1b[C", "\x1b[A", "\x7f", "\x1b[3~", "\x01"
FAMILY = "👩‍👩‍👧"


@pytest.fixture
async def chat(server, authority):
    """`romeo = await chat("romeo")`: the program at a terminal, logged in; `pipe=True` for a pipe."""
    running = []

    async def start(name: str, *, stage=server, **how) -> programs.Chat:
        program = await programs.chat(stage, await stage.account(name), authority, **how).start()
        running.append(program)
        await program.shows("logged in as")
        return program

    yield start
    for program in running:
        await program.close()


async def _talks(program: programs.Chat, to: str) -> None:
    program.type(f"/chat {to}\r" if not program._pipe else f"/chat {to}\n")
    await program.shows(f"chat with {to}")


# At a terminal


async def test_two_people_talk(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)

    romeo.type("Wilt thou be gone?\r")
    message = await juliet.hears()
    assert message.text_of("body") == "Wilt thou be gone?"
    await juliet.message(message["from"], "It is not yet near day")

    await romeo.shows(f"{juliet.bare}: It is not yet near day")
    await romeo.shows("Wilt thou be gone?")
    await romeo.prompts(f"{juliet.bare} ✓>")


async def test_chinese_and_emoji_are_edited_as_people_see_them(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)

    romeo.type("你好吗" + BACKSPACE)
    await romeo.prompts(f"{juliet.bare}> 你好")
    romeo.type(LEFT + "们")
    await romeo.prompts(f"{juliet.bare}> 你们好")
    romeo.type(HOME + RIGHT + DELETE)
    await romeo.prompts(f"{juliet.bare}> 你好")
    romeo.type(RIGHT + f"{FAMILY}x" + LEFT + BACKSPACE)
    await romeo.prompts(f"{juliet.bare}> 你好x")
    romeo.type(FAMILY + LEFT + "y\r")

    assert (await juliet.hears()).text_of("body") == f"你好y{FAMILY}x"


async def test_what_is_typed_survives_what_arrives(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)
    romeo.type("你好, half a senten")
    await romeo.prompts(f"{juliet.bare}> 你好, half a senten")

    await juliet.message(romeo_address := (await server.account("romeo")).jid, "first\nsecond")

    await romeo.shows(f"{juliet.bare}: first")
    await romeo.prompts(f"{juliet.bare}> 你好, half a senten")
    romeo.type("ce\r")
    assert (await juliet.hears()).text_of("body") == "你好, half a sentence"
    assert romeo_address in romeo.screen.text()


async def test_a_line_longer_than_the_terminal_survives_too(server, chat):
    romeo, juliet = await chat("romeo", columns=60), await server.session("juliet")
    await _talks(romeo, juliet.bare)
    text = "好" * 70
    romeo.type(text)
    await romeo.until(lambda: romeo.screen.text().count("好") == 70, "70 characters")
    rows = romeo.screen.text().split("\n")

    await juliet.message((await server.account("romeo")).jid, "hark!")

    await romeo.shows(": hark!")
    await romeo.until(lambda: romeo.screen.text().count("好") == 70, "70 characters again")
    assert romeo.screen.text().split("\n")[-3:] == rows[-3:]
    romeo.type("\r")
    assert (await juliet.hears()).text_of("body") == text
    await romeo.prompts(f"{juliet.bare} ✓>")
    assert romeo.screen.text().count("好") == 70  # as what was said, no longer as what was typed
    assert ": hark!\n" in romeo.screen.text()


async def test_lines_come_back_with_the_arrow_key(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)

    romeo.type("anon\r")
    await juliet.hears()
    await romeo.shows("anon")
    romeo.type(UP + "!\r")

    assert (await juliet.hears()).text_of("body") == "anon!"


async def test_nobody_draws_on_my_terminal(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)

    await juliet.message((await server.account("romeo")).jid, "a\u202eb\u009b31m c")

    await romeo.shows("a<U+202E>b<U+009B>31m c")
    assert "\u202e" not in romeo.raw and "\u009b" not in romeo.raw


async def test_somebody_is_seen_typing(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)
    romeo_jid = (await server.account("romeo")).jid

    await juliet.message(romeo_jid, None, more="<composing xmlns='http://jabber.org/protocol/chatstates'/>")

    await romeo.prompts(f"{juliet.bare} is typing…>")
    romeo.type("I come")
    told = await juliet.hears()
    assert told.has("composing", "http://jabber.org/protocol/chatstates")


async def test_a_receipt_is_two_marks(server, chat):
    romeo, juliet = await chat("romeo"), await server.session("juliet")
    await _talks(romeo, juliet.bare)
    romeo.type("hello\r")
    message = await juliet.hears()
    await romeo.prompts(f"{juliet.bare} ✓>")

    await juliet.message(message["from"], None, more=f"<received xmlns='urn:xmpp:receipts' id='{message['id']}'/>")

    await romeo.prompts(f"{juliet.bare} ✓✓>")


async def test_colours_are_used_unless_somebody_minds(server, chat):
    colourful, plain, dull = await chat("romeo"), await chat("juliet", NO_COLOR="1"), await chat("nurse", TERM="vt100")

    assert "\x1b[2m--" in colourful.raw
    for program in (plain, dull):
        assert "\x1b[2m" not in program.raw
        assert "-- logged in as" in program.raw


async def test_control_c_clears_the_line_and_then_leaves(server, chat):
    romeo = await chat("romeo")
    romeo.type("half a sen")
    await romeo.prompts("> half a sen")

    romeo.type("\x03")
    await romeo.prompts(">")
    romeo.type("\x03")

    assert await romeo.exit_code() == 0


async def test_control_d_leaves(server, chat):
    romeo = await chat("romeo")
    await romeo.prompts(">")

    romeo.type("\x04")

    assert await romeo.exit_code() == 0


async def test_the_password_is_asked_for_and_not_shown(server, authority):
    account = await server.account("romeo")
    romeo = await programs.chat(server, account, authority, password=None).start()
    try:
        await romeo.shows(f"Password for {account.jid}:")
        romeo.type(account.password + "\r")
        await romeo.shows("logged in as")
        assert account.password not in romeo.raw
    finally:
        await romeo.close()


# At either


async def test_the_roster_shows_who_is_there_first(server, chat):
    _, juliet = await server.friends("romeo", "juliet")
    benvolio = await server.account("benvolio")
    romeo = await chat("romeo", pipe=True)
    await romeo.shows(f"● {juliet.bare}")

    romeo.type(f"/add {benvolio.jid} Cousin\n")
    await romeo.shows(f"added {benvolio.jid}")
    romeo.type(f"/rename {juliet.bare} 茱丽叶\n")
    await romeo.shows("is called 茱丽叶 now")
    await juliet.presence("<show>away</show><status>at the window</status>")
    await romeo.shows("-- 茱丽叶: away: at the window")
    romeo.type("/roster\n")

    await romeo.shows("  1 ● 茱丽叶")
    await romeo.shows("  2 ○ Cousin")
    await romeo.shows("(has not answered yet)")
    romeo.type("/remove Cousin\n")
    await romeo.shows(f"removed {benvolio.jid}")


async def test_who_wants_to_see_me_is_asked_about(server, chat):
    romeo, juliet = await chat("romeo", pipe=True), await server.session("juliet", roster=True)
    romeo_jid = (await server.account("romeo")).jid

    await juliet.presence(kind="subscribe", to=romeo_jid)
    await romeo.shows(f"{juliet.bare} asks to see when you are there")
    romeo.type("/accept\n")

    await juliet.hears("presence", "subscribed")
    await juliet.hears("presence", "subscribe")


async def test_other_chats_are_counted_and_opened_by_number(server, chat):
    romeo, juliet = await chat("romeo", pipe=True), await server.session("juliet")
    romeo_jid = (await server.account("romeo")).jid

    await juliet.message(romeo_jid, "Art thou there?")
    await romeo.shows(f"{juliet.bare} (1 unread): Art thou there?")
    await juliet.message(romeo_jid, "Romeo?")
    await romeo.shows(f"{juliet.bare} (2 unread): Romeo?")
    romeo.type("/roster\n")
    await romeo.shows("[2 unread]")
    romeo.type("/chat 1\n")

    await romeo.shows(f"{juliet.bare}: Art thou there?")  # from the archive, and only once
    await romeo.shows(f" {juliet.bare}: Romeo?")
    assert romeo.screen.text().count(f" {juliet.bare}: Romeo?") == 1


async def test_history_comes_from_the_archive_in_pages(server, chat):
    juliet, first = await server.session("juliet"), await server.session("romeo")
    for number in range(50):
        await juliet.message(first.bare, f"number {number}.")
    await juliet.settled()
    romeo = await chat("romeo", pipe=True)

    await _talks(romeo, juliet.bare)
    await romeo.shows("number 49.")
    await romeo.shows("/more shows")
    assert "number 29." not in romeo.screen.text()
    romeo.type("/more\n")
    await romeo.shows("number 29.")
    await romeo.until(lambda: romeo.screen.text().count("end of the older page") == 1, "a page")
    assert "number 9." not in romeo.screen.text()
    romeo.type("/more\n")
    await romeo.shows("number 0.")
    romeo.type("/more\n")
    await romeo.shows("there is nothing before that")


async def test_other_devices_of_mine_are_seen(server, chat):
    romeo, juliet = await chat("romeo", pipe=True), await server.session("juliet")
    phone = await server.session("romeo", "phone")
    await _talks(romeo, juliet.bare)

    await phone.message(juliet.bare, "from my phone")

    await romeo.shows(f"{phone.account.local}: from my phone")


async def test_what_did_not_arrive_is_told(server, chat):
    romeo, nobody = await chat("romeo", pipe=True), server.unregistered("nobody")
    await _talks(romeo, nobody.jid)

    romeo.type("hello?\n")

    await romeo.shows(f'!! not delivered to {nobody.jid}: "hello?"')


async def test_a_script_that_ends_its_input_loses_nothing(server, chat):
    romeo, juliet = await chat("romeo", pipe=True), await server.session("juliet")

    romeo.type(f"/chat {juliet.bare}\n" + "".join(f"line {number}\n" for number in range(50)) + "/me leaves\n")
    romeo.end_of_input()

    assert await romeo.exit_code() == 0
    assert [(await juliet.hears()).text_of("body") for _ in range(51)] == [f"line {n}" for n in range(50)] + ["/me leaves"]


async def test_status_is_told_to_contacts(server, chat):
    _, juliet = await server.friends("romeo", "juliet")
    romeo = await chat("romeo", pipe=True)
    await juliet.hears("presence", None)

    romeo.type("/status away in the garden\n")

    await romeo.shows("your status is away: in the garden")
    presence = await juliet.take(lambda s: s.name == "presence" and s.text_of("show") == "away", "away")
    assert presence.text_of("status") == "in the garden"


async def test_mistakes_are_answered_in_words(server, chat):
    romeo = await chat("romeo", pipe=True)

    for line, answer in {
        "hello": "no chat is open",
        "/dance": "there is no command /dance",
        "/chat": "it goes like this: /chat WHO",
        "/chat 9": "there is no number 9",
        "/more": "no chat is open",
        "/accept": "nobody has asked",
        "/remove x@y": "!!",
        "/help": "/rename WHO NAME",
    }.items():
        romeo.type(f"{line}\n")
        await romeo.shows(answer)
    romeo.type("/quit\n")

    assert await romeo.exit_code() == 0


async def test_a_lost_connection_comes_back_and_says_so(start, chat):
    stage = await start(resume_seconds=60)
    romeo, juliet = await chat("romeo", stage=stage, pipe=True), await stage.account("juliet")
    await _talks(romeo, juliet.jid)

    stage.house.kill()
    await romeo.shows("the connection is lost")
    await romeo.shows("trying again in")
    romeo.type("said meanwhile\n")
    stage.house.start()

    await romeo.shows("stored: said meanwhile")
    assert (await (await stage.session(juliet)).hears()).text_of("body") == "said meanwhile"


async def test_a_wrong_password_ends_it_with_a_sentence(server, authority):
    account = await server.account("romeo")
    romeo = await programs.chat(server, account, authority, pipe=True, password="wrong").start()
    try:
        assert await romeo.exit_code() == 1
        await romeo._reader
        assert "not-authorized" in romeo.screen.text()
    finally:
        await romeo.close()


async def test_sigterm_says_goodbye(server, chat):
    _, juliet = await server.friends("romeo", "juliet")
    romeo = await chat("romeo")
    await juliet.hears("presence", None)

    romeo.interrupt(signal.SIGTERM)

    await juliet.hears("presence", "unavailable")
    assert await romeo.exit_code() == 0
