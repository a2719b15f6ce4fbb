"""XEP-0077: accounts made, changed and removed by their owners, before login and after."""

import pytest

from support.session import Account, Session
from support.wire import failure_of
from support.xml import REGISTER

FEATURE = "http://jabber.org/features/iq-register"


async def _stranger(stage) -> Session:
    session = await stage.wire(type=Session)
    session.first_features = await session.opened()
    return session


def _form(more: str = "", **fields: str) -> str:
    inner = "".join(f"<{name}>{value}</{name}>" for name, value in fields.items())
    return f"<query xmlns='{REGISTER}'>{inner}{more}</query>"


async def _can_log_in(stage, account: Account, password: str | None = None) -> bool:
    wire = await stage.wire()
    await wire.opened()
    return (await wire.plain(account.local, password or account.password)).name == "success"


async def test_registration_is_announced(server):
    stranger = await _stranger(server)

    assert stranger.first_features.has("register", FEATURE)


async def test_a_stranger_is_told_what_to_provide(server):
    stranger = await _stranger(server)

    answer = await stranger.ask(_form(), to=server.domain)

    query = answer.child("query", REGISTER)
    assert answer["type"] == "result"
    assert query.text_of("instructions")
    assert query.has("username") and query.has("password")
    assert not query.has("registered")


async def test_a_stranger_may_ask_without_naming_the_server(server):
    stranger = await _stranger(server)

    answer = await stranger.ask(_form())

    assert answer["type"] == "result"
    assert answer.has("query", REGISTER)


async def test_a_new_account_can_be_used_at_once_on_the_same_stream(server):
    stranger = await _stranger(server)
    bill = server.unregistered("bill")

    answer = await stranger.set(_form(username=bill.local, password=bill.password), to=server.domain)

    assert answer["type"] == "result"
    assert (await stranger.plain(bill.local, bill.password)).name == "success"
    assert (await stranger.opened()).has("bind")


async def test_name_and_mail_may_be_given_and_may_be_blank(server):
    """Old Smack sends every field that was offered, blank if it has nothing to say."""
    stranger, other = await _stranger(server), await _stranger(server)
    bill, jack = server.unregistered("bill"), server.unregistered("jack")

    full = await stranger.set(
        _form(username=bill.local, password=bill.password, name="William", email="bard@shakespeare.lit")
    )
    blank = await other.set(
        _form(
            username=jack.local, password=jack.password, name="", email="", instructions="", first="", last="", city=""
        )
    )

    assert full["type"] == blank["type"] == "result"
    assert await _can_log_in(server, bill)
    assert await _can_log_in(server, jack)


async def test_a_data_form_will_do_if_it_was_offered(server):
    stranger = await _stranger(server)
    offered = (await stranger.ask(_form())).child("query", REGISTER).child("x", "jabber:x:data")
    if offered is None:
        return
    bill = server.unregistered("bill")

    answer = await stranger.set(
        _form(
            "<x xmlns='jabber:x:data' type='submit'><field var='FORM_TYPE'><value>jabber:iq:register</value></field>"
            f"<field var='username'><value>{bill.local}</value></field>"
            f"<field var='password'><value>{bill.password}</value></field></x>"
        )
    )

    assert answer["type"] == "result"
    assert await _can_log_in(server, bill)


async def test_a_taken_name_is_a_conflict(server):
    bill = await server.account("bill")
    stranger = await _stranger(server)

    for name in (bill.local, bill.local.upper()):
        answer = await stranger.set(_form(username=name, password="mine now"))
        assert answer["type"] == "error"
        assert answer.error.condition == "conflict"
        assert (answer.error.type, answer.error.code) == ("cancel", "409")

    assert await _can_log_in(server, bill)
    assert not await _can_log_in(server, bill, "mine now")


async def test_after_a_conflict_another_name_may_be_tried(server):
    taken, bill = await server.account("bill"), server.unregistered("bill")
    stranger = await _stranger(server)
    await stranger.set(_form(username=taken.local, password="x"))

    answer = await stranger.set(_form(username=bill.local, password=bill.password))

    assert answer["type"] == "result"


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"username": "bill"},
        {"password": "x"},
        {"username": "", "password": "x"},
        {"username": "bill", "password": ""},
    ],
)
async def test_what_is_missing_is_not_acceptable(server, fields):
    stranger = await _stranger(server)

    answer = await stranger.set(_form(**fields))

    assert answer["type"] == "error"
    assert answer.error.condition in ("not-acceptable", "bad-request")
    assert answer.error.code in ("406", "400", None) and answer.error.type == "modify"


@pytest.mark.parametrize(
    "name", ["bill@shakespeare.lit", "b ill", "bill/globe", "b&lt;ill", "b&quot;ill", "x" * 1024, "bi:ll"]
)
async def test_a_name_that_no_address_can_have_is_refused(server, name):
    stranger = await _stranger(server)

    answer = await stranger.set(_form(username=name, password="Calliope"))

    assert answer["type"] == "error"
    assert answer.error.condition in ("not-acceptable", "bad-request", "jid-malformed")


async def test_a_name_is_prepared_before_it_is_kept(server):
    stranger = await _stranger(server)
    bill = server.unregistered("bill")

    answer = await stranger.set(_form(username=bill.local.upper(), password=bill.password))

    assert answer["type"] == "result"
    assert await _can_log_in(server, bill)


@pytest.mark.parametrize("name", ["жюльетта", "茱麗葉", "jürgen"])
async def test_names_may_be_in_any_script(server, name):
    bill = await server.account(name)

    assert await _can_log_in(server, bill)


async def test_one_stream_makes_one_account(server):
    stranger = await _stranger(server)
    bill, jack = server.unregistered("bill"), server.unregistered("jack")
    await stranger.set(_form(username=bill.local, password=bill.password))

    await stranger.iq(_form(username=jack.local, password=jack.password), "set", id="second")
    answer = await stranger.next()

    if answer.name == "iq":
        assert answer.error.condition in ("not-acceptable", "not-allowed", "policy-violation", "unexpected-request")
    assert not await _can_log_in(server, jack)


async def test_accounts_are_made_on_the_host_of_the_stream(server):
    romeo = await server.account("romeo", "capulet.test")
    here = await server.wire()
    await here.opened()
    there = await server.wire(domain="capulet.test")
    await there.opened()

    assert failure_of(await here.plain(romeo.local, romeo.password)) == "not-authorized"
    assert (await there.plain(romeo.local, romeo.password)).name == "success"


async def test_markup_in_a_password_is_only_text(server):
    stranger = await _stranger(server)
    bill = Account(server.unregistered("bill").local, server.domain, "a<b>&\"c'")

    answer = await stranger.set(_form(username=bill.local, password="a&lt;b&gt;&amp;&quot;c&apos;"))

    assert answer["type"] == "result"
    assert await _can_log_in(server, bill)


# After login


async def test_who_is_registered_is_told_so(server):
    bill = await server.session("bill")

    for to in (None, server.domain):
        query = (await bill.ask(_form(), to=to)).child("query", REGISTER)
        assert query.has("registered")
        assert query.text_of("username") == bill.account.local
        assert not query.text_of("password")


async def test_a_password_can_be_changed(server):
    bill = await server.session("bill")

    answer = await bill.set(_form(username=bill.account.local, password="newpass"), to=server.domain)

    assert answer["type"] == "result"
    assert await _can_log_in(server, bill.account, "newpass")
    assert not await _can_log_in(server, bill.account)
    await bill.settled()


@pytest.mark.anser_only("what happens to the other sessions is a choice")
async def test_a_changed_password_ends_the_other_sessions(server):
    """Whoever knew only the old one is out; RFC 6120 §4.9.3.16 has `reset` for streams whose security has changed."""
    bill = await server.session("bill")
    other = await server.session(bill.account, available=False)

    answer = await bill.set(_form(username=bill.account.local, password="newpass"), to=server.domain)

    assert answer["type"] == "result"
    await other.fails("reset")
    await bill.settled()


async def test_a_changed_password_works_with_every_mechanism(server):
    bill = await server.session("bill")
    await bill.set(_form(username=bill.account.local, password="newpass"))

    wire = await server.wire()
    offered = [m.text for m in (await wire.opened()).child("mechanisms").children]
    for mechanism in (m for m in offered if m.startswith("SCRAM-") and not m.endswith("-PLUS")):
        wire = await server.wire()
        await wire.opened()
        assert (await wire.scram(mechanism[6:], bill.account.local, "newpass")).name == "success"


@pytest.mark.parametrize("fields", [{"password": ""}, {"username": "{local}", "password": ""}, {"username": "{local}"}])
async def test_an_empty_new_password_changes_nothing(server, fields):
    bill = await server.session("bill")

    answer = await bill.set(_form(**{k: v.format(local=bill.account.local) for k, v in fields.items()}))

    assert answer["type"] == "error"
    assert answer.error.condition in ("bad-request", "not-acceptable")
    assert await _can_log_in(server, bill.account)


async def test_nobody_changes_the_password_of_another(server):
    bill, jack = await server.session("bill"), await server.account("jack")

    answer = await bill.set(_form(username=jack.local, password="stolen"))

    assert answer["type"] == "error"
    assert await _can_log_in(server, jack)
    assert not await _can_log_in(server, jack, "stolen")


async def test_nobody_takes_an_account_by_changing_a_password_without_login(server):
    bill = await server.account("bill")
    stranger = await _stranger(server)

    answer = await stranger.set(_form(username=bill.local, password="stolen"))

    assert answer["type"] == "error"
    assert not await _can_log_in(server, bill, "stolen")
    assert await _can_log_in(server, bill)


async def test_a_password_change_without_login_leaves_no_account_behind(server):
    """Smack 3.2.1 sends the name "null" when it is not logged in."""
    stranger = await _stranger(server)

    answer = await stranger.set(_form(username="null", password="newpass"))

    assert answer["type"] == "error"
    assert not await _can_log_in(server, Account("null", server.domain, "newpass"))


async def test_a_broken_password_ends_the_stream_and_nothing_else(server):
    """Old Smack does not escape: an ampersand in a password arrives as broken XML."""
    bill = await server.session("bill")

    await bill.iq(_form(username=bill.account.local, password="fish&chips<"), "set", id="change")

    await bill.fails("not-well-formed", "bad-format")
    assert await _can_log_in(server, bill.account)


# Removal


async def test_an_account_can_be_removed(server):
    bill = await server.session("bill", "globe")
    other = await server.session(bill.account, "street")

    await bill.iq(_form("<remove/>"), "set", id="unreg1")

    answer = await bill.take(lambda s: s.name == "error" or s["id"] == "unreg1", "an answer to the removal")
    assert answer.name == "error" or answer["type"] == "result"
    await bill.is_cut()
    await other.is_cut()
    assert not await _can_log_in(server, bill.account)


async def test_after_removal_the_name_is_free_and_nothing_of_it_is_left(server):
    romeo, juliet = await server.friends("romeo", "juliet")
    await juliet.set("<query xmlns='jabber:iq:private'><notes xmlns='urn:notes'>secret</notes></query>")
    await juliet.set("<vCard xmlns='vcard-temp'><FN>Juliet</FN></vCard>")
    await juliet.iq(_form("<remove/>"), "set", id="unreg1")
    await juliet.is_cut()
    await romeo.message(juliet.bare, "art thou there?")
    await romeo.settled()

    await server.register(juliet.account)
    again = await server.session(juliet.account)

    assert await again.roster() == {}
    notes = await again.ask("<query xmlns='jabber:iq:private'><notes xmlns='urn:notes'/></query>")
    assert b"secret" not in repr(notes).encode()
    card = await again.ask("<vCard xmlns='vcard-temp'/>")
    assert "Juliet" not in repr(card)
    assert again.heard("message") == []


async def test_friends_of_a_removed_account_lose_it(server):
    """RFC 6121 section 3: as if it had cancelled every subscription."""
    romeo, juliet = await server.friends("romeo", "juliet")

    await juliet.iq(_form("<remove/>"), "set", id="unreg1")
    await juliet.is_cut()

    gone = await romeo.take(
        lambda s: s.name == "presence" and s["type"] in ("unavailable", "unsubscribed"), "Juliet's farewell"
    )
    assert gone["from"].startswith(juliet.bare)
    await romeo.hears("presence", "unsubscribed", juliet.bare)
    await romeo.settled()
    assert (await romeo.roster())[juliet.bare]["subscription"] == "none"


async def test_a_removal_with_company_is_a_bad_request(server):
    bill = await server.session("bill")

    answer = await bill.set(_form("<remove/>", username=bill.account.local, password="x"))

    assert answer["type"] == "error"
    assert answer.error.condition == "bad-request"
    assert await _can_log_in(server, bill.account)


async def test_a_stranger_removes_nobody(server):
    bill = await server.account("bill")
    stranger = await _stranger(server)

    await stranger.iq(_form("<remove/>", username=bill.local), "set", id="unreg1")
    answer = await stranger.next()

    assert answer.name == "error" or answer["type"] == "error"
    assert await _can_log_in(server, bill)


async def test_nobody_removes_another(server):
    bill, jack = await server.session("bill"), await server.account("jack")

    answer = await bill.set(_form("<remove/>"), to=jack.jid)

    assert answer["type"] == "error"
    assert await _can_log_in(server, jack)


# Where it is not open


async def test_closed_registration_is_neither_announced_nor_done(start):
    server = await start(registration="closed")
    stranger = await _stranger(server)
    bill = server.unregistered("bill")

    assert not stranger.first_features.has("register", FEATURE)
    answer = await stranger.ask(_form())
    assert answer.error.condition in ("service-unavailable", "not-allowed", "forbidden")
    answer = await stranger.set(_form(username=bill.local, password=bill.password))
    assert answer.error.condition in ("service-unavailable", "not-allowed", "forbidden")
    assert not await _can_log_in(server, bill)


@pytest.mark.anser_only("the mode 'local' is ours")
async def test_local_registration_is_open_on_loopback(start):
    server = await start(registration="local")
    stranger = await _stranger(server)
    bill = server.unregistered("bill")

    answer = await stranger.set(_form(username=bill.local, password=bill.password))

    assert answer["type"] == "result"


@pytest.mark.anser_only("its limit has other units elsewhere")
async def test_an_address_makes_only_so_many_accounts(start):
    server = await start(registrations_per_address=3)
    answers = []
    for _ in range(5):
        stranger = await _stranger(server)
        bill = server.unregistered("bill")
        answers.append(await stranger.set(_form(username=bill.local, password=bill.password)))

    assert [a["type"] for a in answers] == ["result"] * 3 + ["error"] * 2
    assert answers[-1].error.condition in ("resource-constraint", "not-acceptable", "policy-violation", "not-allowed")
    assert answers[-1].error.type == "wait" or answers[-1].error.condition != "resource-constraint"
