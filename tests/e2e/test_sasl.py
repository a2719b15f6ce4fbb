"""RFC 6120 section 6: PLAIN, SCRAM with and without channel binding, EXTERNAL, ANONYMOUS, and how each fails."""

import base64

import pytest

from support.certs import Authority
from support.scram import ScramClient, downgrade_hash
from support.session import Session
from support.stage import Stage
from support.wire import b64, failure_of
from support.xml import SASL

HASHES = ["SHA-1", "SHA-256", "SHA-512"]
CHANNEL_BINDING = "urn:xmpp:sasl-cb:0"


async def _at_login(server, tls: str | None = None, **how):
    """A stream on which login is due, under this version of TLS or in the clear."""
    wire = await server.wire(**how)
    features = await wire.opened()
    if tls:
        await wire.starttls(version=tls)
        features = await wire.opened()
    wire.mechanisms = [m.text for m in features.child("mechanisms", SASL).children]
    bindings = features.child("sasl-channel-binding", CHANNEL_BINDING)
    wire.bindings = [b["type"] for b in bindings.children] if bindings else []
    return wire


async def _is_logged_in(wire, account):
    features = await wire.opened()
    assert features.has("bind")


async def test_all_mechanisms_are_offered_under_tls(server):
    wire = await _at_login(server, "1.3")

    scram = {f"SCRAM-{hash_name}" for hash_name in HASHES}
    assert scram | {name + "-PLUS" for name in scram} | {"PLAIN"} <= set(wire.mechanisms)


async def test_without_tls_nothing_is_bound_to_a_channel(server):
    wire = await _at_login(server)

    assert not [m for m in wire.mechanisms if m.endswith("-PLUS")]
    assert wire.bindings == []


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("tls", [None, "1.2", "1.3"])
async def test_scram_works_and_the_server_proves_itself_too(server, hash_name, tls):
    account = await server.account("romeo")
    wire = await _at_login(server, tls)

    answer = await wire.scram(hash_name, account.local, account.password)

    assert answer.name == "success"
    await _is_logged_in(wire, account)


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize(
    "tls, binding",
    [("1.2", "tls-unique"), ("1.2", "tls-server-end-point"), ("1.3", "tls-exporter"), ("1.3", "tls-server-end-point")],
)
async def test_scram_can_be_bound_to_its_channel(server, hash_name, tls, binding):
    account = await server.account("romeo")
    wire = await _at_login(server, tls)
    assert f"SCRAM-{hash_name}-PLUS" in wire.mechanisms

    answer = await wire.scram(hash_name, account.local, account.password, binding=binding)

    assert answer.name == "success"
    await _is_logged_in(wire, account)


@pytest.mark.parametrize(
    "tls, announced",
    [("1.2", {"tls-unique", "tls-server-end-point"}), ("1.3", {"tls-exporter", "tls-server-end-point"})],
)
async def test_the_kinds_of_channel_binding_are_announced(server, tls, announced):
    """XEP-0440; tls-exporter under TLS 1.2 too is welcome."""
    wire = await _at_login(server, tls)

    assert announced <= set(wire.bindings)
    assert tls == "1.2" or "tls-unique" not in wire.bindings


@pytest.mark.parametrize("tls", ["1.2", "1.3"])
async def test_a_login_bound_to_another_channel_fails(server, tls):
    """What a man in the middle would look like."""
    account = await server.account("romeo")
    wire = await _at_login(server, tls)
    kind = "tls-server-end-point"
    client = ScramClient("SHA-1", account.local, account.password, binding=(kind, b"\0" * 32))

    challenge = await wire.auth("SCRAM-SHA-1-PLUS", client.first())
    answer = await wire.respond(client.final(base64.b64decode(challenge.text)))

    assert failure_of(answer) == "not-authorized"


async def test_an_unknown_kind_of_channel_binding_fails(server):
    account = await server.account("romeo")
    wire = await _at_login(server, "1.3")
    client = ScramClient("SHA-1", account.local, account.password, binding=("tls-of-my-own", b"x"))

    answer = await wire.auth("SCRAM-SHA-1-PLUS", client.first())

    assert failure_of(answer) in ("not-authorized", "malformed-request")


async def test_tls_unique_is_refused_under_tls_1_3(server):
    """RFC 9266 section 1: it is not defined there."""
    account = await server.account("romeo")
    wire = await _at_login(server, "1.3")
    client = ScramClient("SHA-1", account.local, account.password, binding=("tls-unique", b"\0" * 12))

    answer = await wire.auth("SCRAM-SHA-1-PLUS", client.first())
    if answer.name == "challenge":
        answer = await wire.respond(client.final(base64.b64decode(answer.text)))

    assert failure_of(answer) in ("not-authorized", "malformed-request")


async def test_a_client_that_was_shown_no_binding_finds_out_that_it_was_there(server):
    """RFC 5802 section 6: flag y, though the server offered -PLUS, means that somebody took it away."""
    account = await server.account("romeo")
    wire = await _at_login(server, "1.3")

    answer = await wire.scram("SHA-1", account.local, account.password, flag="y")

    assert failure_of(answer) == "not-authorized"


async def test_flag_y_is_honest_where_no_binding_was_offered(server):
    account = await server.account("romeo")
    wire = await _at_login(server)

    answer = await wire.scram("SHA-1", account.local, account.password, flag="y")

    assert answer.name == "success"


async def test_plus_without_binding_and_binding_without_plus_are_refused(server):
    account = await server.account("romeo")
    wire = await _at_login(server, "1.3")
    without = ScramClient("SHA-1", account.local, account.password)
    bound = ScramClient(
        "SHA-1", account.local, account.password, binding=("tls-exporter", wire.tls.binding("tls-exporter"))
    )

    assert failure_of(await wire.auth("SCRAM-SHA-1-PLUS", without.first())) in ("not-authorized", "malformed-request")
    assert failure_of(await wire.auth("SCRAM-SHA-1", bound.first())) in ("not-authorized", "malformed-request")


@pytest.mark.parametrize("hash_name", HASHES)
@pytest.mark.parametrize("tls", [None, "1.2", "1.3"])
async def test_the_server_signs_what_it_had_offered(server, hash_name, tls):
    """XEP-0474"""
    account = await server.account("romeo")
    wire = await _at_login(server, tls)

    await wire.scram(hash_name, account.local, account.password)

    said = wire.scram_client.challenge.get("h")
    assert said == downgrade_hash(hash_name, wire.mechanisms, wire.bindings)


async def test_scram_uses_enough_iterations(server):
    """RFC 7677 section 4: at least 4096."""
    account = await server.account("romeo")
    wire = await _at_login(server)

    await wire.scram("SHA-1", account.local, account.password)

    assert int(wire.scram_client.challenge["i"]) >= 4096
    assert len(base64.b64decode(wire.scram_client.challenge["s"])) >= 8


@pytest.mark.parametrize("hash_name", HASHES)
async def test_an_unknown_account_looks_like_a_wrong_password_to_scram(server, hash_name):
    account = await server.account("romeo")

    wrong = await _at_login(server)
    told_wrong = await wrong.scram(hash_name, account.local, "not my password")
    unknown = await _at_login(server)
    told_unknown = await unknown.scram(hash_name, account.local + "x", "not my password")

    assert failure_of(told_wrong) == failure_of(told_unknown) == "not-authorized"
    assert told_wrong.same_as(told_unknown)
    assert wrong.scram_client.challenge["i"] == unknown.scram_client.challenge["i"]
    assert len(wrong.scram_client.challenge["s"]) == len(unknown.scram_client.challenge["s"])


async def test_the_salt_of_an_unknown_account_stays_the_same(server):
    """Or who asks twice would know."""
    salts = set()
    for _ in range(2):
        wire = await _at_login(server)
        await wire.scram("SHA-1", "nobody-at-all", "guess")
        salts.add(wire.scram_client.challenge["s"])

    assert len(salts) == 1


async def test_an_unknown_account_looks_like_a_wrong_password_to_plain(server):
    account = await server.account("romeo")

    told_wrong = await (await _at_login(server)).plain(account.local, "not my password")
    told_unknown = await (await _at_login(server)).plain(account.local + "x", "not my password")

    assert failure_of(told_wrong) == failure_of(told_unknown) == "not-authorized"
    assert told_wrong.same_as(told_unknown)


async def test_after_a_failure_one_may_try_again_on_the_same_stream(server):
    account = await server.account("romeo")
    wire = await _at_login(server)

    assert failure_of(await wire.plain(account.local, "typo")) == "not-authorized"

    assert (await wire.scram("SHA-1", account.local, account.password)).name == "success"


async def test_too_many_failures_end_the_stream(server):
    """Section 6.4.5: two to five tries are recommended; more than ten nobody needs."""
    account = await server.account("romeo")
    wire = await _at_login(server)

    for _ in range(12):
        await wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{b64(f'{chr(0)}{account.local}{chr(0)}x')}</auth>")
        answer = await wire.next(30)
        if answer.name == "error":
            assert answer.names[0] in ("policy-violation", "not-authorized")
            return
        assert answer.names[0] in ("not-authorized", "temporary-auth-failure", "aborted")
    raise AssertionError("twelve guesses on one stream")


async def test_an_unknown_mechanism_is_invalid(server):
    wire = await _at_login(server)

    assert failure_of(await wire.auth("X-OWL-POST", "x")) == "invalid-mechanism"
    assert failure_of(await wire.auth("", "x")) == "invalid-mechanism"


async def test_a_login_can_be_aborted(server):
    account = await server.account("romeo")
    wire = await _at_login(server)
    client = ScramClient("SHA-1", account.local, account.password)
    assert (await wire.auth("SCRAM-SHA-1", client.first())).name == "challenge"

    await wire.send(f"<abort xmlns='{SASL}'/>")

    assert failure_of(await wire.sasl_answer()) == "aborted"
    assert (await wire.plain(account.local, account.password)).name == "success"


@pytest.mark.parametrize("text", ["$$$", "AAA", "====", "A", "AG\u00e9=", "AHJvbWVvAHNlY3JldA==trailing"])
async def test_what_is_not_base64_is_said_to_be_wrong(server, text):
    wire = await _at_login(server)

    await wire.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{text}</auth>")

    assert failure_of(await wire.sasl_answer()) in ("incorrect-encoding", "malformed-request")


@pytest.mark.parametrize(
    "said",
    ["", "romeo", "romeo\0secret", "\0\0", "\0romeo\0", "\0\0secret", "\0romeo\0secret\0more", b"\0\xff\0secret"],
)
async def test_malformed_plain_is_refused(server, said):
    wire = await _at_login(server)

    assert failure_of(await wire.auth("PLAIN", said)) in ("malformed-request", "not-authorized", "incorrect-encoding")


@pytest.mark.parametrize(
    "said",
    [
        "",
        "n",
        "n,,",
        "n,,n=romeo",
        "n,,r=abc",
        "n,,n=romeo,r=",
        "x,,n=romeo,r=abc",
        "n,,m=ext,n=romeo,r=abc",
        "n,,n=ro=me,r=abc",
    ],
)
async def test_malformed_scram_is_refused(server, said):
    wire = await _at_login(server)

    answer = await wire.auth("SCRAM-SHA-1", said)

    assert failure_of(answer) in ("malformed-request", "not-authorized", "incorrect-encoding")


@pytest.mark.parametrize("change", ["nonce", "proof", "binding", "rubbish"])
async def test_a_tampered_scram_response_is_refused(server, change):
    account = await server.account("romeo")
    wire = await _at_login(server)
    client = ScramClient("SHA-1", account.local, account.password)
    challenge = await wire.auth("SCRAM-SHA-1", client.first())
    final = client.final(base64.b64decode(challenge.text)).decode()
    proof = final.rpartition("p=")[2]
    final = {
        "nonce": final.replace("r=", "r=x", 1),
        "proof": final.replace(proof, b64(bytes(len(base64.b64decode(proof))))),
        "binding": final.replace("c=biws", "c=" + b64("y,,")),
        "rubbish": "rubbish",
    }[change]

    assert failure_of(await wire.respond(final)) in ("not-authorized", "malformed-request")


async def test_an_initial_response_may_come_later(server):
    """Section 6.4.2: an auth without it gets an empty challenge."""
    account = await server.account("romeo")
    wire = await _at_login(server)

    challenge = await wire.auth("PLAIN")
    assert (challenge.name, challenge.text) in (("challenge", ""), ("challenge", "="))

    assert (await wire.respond(f"\0{account.local}\0{account.password}")).name == "success"


async def test_a_response_to_no_challenge_is_refused(server):
    wire = await _at_login(server)

    await wire.send(f"<response xmlns='{SASL}'>{b64('hello')}</response>")

    answer = await wire.next()
    assert answer.name in ("failure", "error")


async def test_a_second_login_is_refused(server):
    romeo = await server.session("romeo")

    await romeo.send(f"<auth xmlns='{SASL}' mechanism='PLAIN'>{b64(f'{chr(0)}x{chr(0)}y')}</auth>")

    answer = await romeo.next()
    assert answer.name in ("failure", "error")


# Who may be whom


@pytest.mark.parametrize("authzid", ["{local}", "{jid}"])
async def test_an_authzid_that_names_the_own_account_is_fine(server, authzid):
    """Old Smack sends its bare user name."""
    account = await server.account("romeo")
    wire = await _at_login(server)

    answer = await wire.plain(account.local, account.password, authzid.format(local=account.local, jid=account.jid))

    assert answer.name == "success"


@pytest.mark.parametrize(
    "authzid", ["{other}", "{other}@{domain}", "{local}@capulet.test", "{local}@{domain}/x", "@{domain}", "{domain}"]
)
@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM"])
async def test_an_authzid_that_names_anybody_else_is_refused(server, authzid, mechanism):
    account, other = await server.account("romeo"), await server.account("juliet")
    wish = authzid.format(local=account.local, other=other.local, domain=server.domain)
    wire = await _at_login(server)

    if mechanism == "PLAIN":
        answer = await wire.plain(account.local, account.password, wish)
    else:
        answer = await wire.scram("SHA-1", account.local, account.password, authzid=wish)

    assert failure_of(answer) in ("invalid-authzid", "not-authorized")


async def test_a_user_name_is_the_same_in_capitals(server):
    account = await server.account("romeo")
    wire = await server.wire(type=Session)
    wire.account = account
    await wire.opened()

    assert (await wire.plain(account.local.upper(), account.password)).name == "success"
    await wire.opened()
    await wire.bind("x")

    assert wire.jid == f"{account.jid}/x"


async def test_a_user_name_with_commas_and_equals_signs_survives_scram(server):
    account = await server.account("ro=me,o")
    wire = await _at_login(server)

    assert (await wire.scram("SHA-1", account.local, account.password)).name == "success"


@pytest.mark.parametrize("password", ["pässwörd ☃", "with blanks ", "山" * 20, "x" * 500])
async def test_passwords_of_every_kind_work(server, password):
    account = await server.account("romeo", password=password)

    assert (await (await _at_login(server)).plain(account.local, password)).name == "success"
    assert (await (await _at_login(server)).scram("SHA-1", account.local, password)).name == "success"


async def test_a_password_is_prepared_the_same_way_everywhere(server):
    """RFC 8265 section 4.2: composed and decomposed letters are the same password."""
    account = await server.account("romeo", password="caf\u00e9 secret")
    wire = await _at_login(server)

    assert (await wire.plain(account.local, "cafe\u0301 secret")).name == "success"


async def test_capitals_in_a_password_matter(server):
    account = await server.account("romeo", password="Secret")
    wire = await _at_login(server)

    assert failure_of(await wire.plain(account.local, "secret")) == "not-authorized"


async def test_an_account_of_one_host_is_unknown_at_another(server):
    account = await server.account("romeo")
    wire = await _at_login(server, domain="capulet.test")

    assert failure_of(await wire.plain(account.local, account.password)) == "not-authorized"


# EXTERNAL


async def _with_certificate(stage, certificate):
    wire = await stage.wire(type=Session)
    await wire.opened()
    await wire.starttls(certificate=certificate)
    features = await wire.opened()
    wire.mechanisms = [m.text for m in features.child("mechanisms").children]
    return wire


@pytest.fixture(scope="module")
def house_with_authority(new_server, authority):
    return new_server(client_authority=authority.path)


@pytest.fixture
async def trusting(house_with_authority, server_log):
    server_log.append(house_with_authority)
    stage = Stage(house_with_authority)
    yield stage
    await stage.close()


async def test_a_client_certificate_is_enough_to_log_in(trusting, authority):
    account = await trusting.account("romeo")
    wire = await _with_certificate(trusting, authority.for_client(account.jid))
    wire.account = account
    assert "EXTERNAL" in wire.mechanisms

    assert (await wire.auth("EXTERNAL", "")).name == "success"

    await wire.opened()
    await wire.bind("x")
    assert wire.jid == f"{account.jid}/x"


async def test_a_client_certificate_works_with_its_name_said(trusting, authority):
    account = await trusting.account("romeo")
    wire = await _with_certificate(trusting, authority.for_client(account.jid))

    assert (await wire.auth("EXTERNAL", account.jid)).name == "success"


async def test_a_client_certificate_of_somebody_else_is_refused(trusting, authority):
    romeo, juliet = await trusting.account("romeo"), await trusting.account("juliet")
    wire = await _with_certificate(trusting, authority.for_client(romeo.jid))

    assert failure_of(await wire.auth("EXTERNAL", juliet.jid)) in ("invalid-authzid", "not-authorized")


async def test_a_client_certificate_from_an_unknown_authority_is_worth_nothing(trusting, folder):
    account = await trusting.account("romeo")
    forger = Authority(folder / "forger", "Forger")
    wire = await _with_certificate(trusting, forger.for_client(account.jid))

    assert "EXTERNAL" not in wire.mechanisms
    assert failure_of(await wire.auth("EXTERNAL", "")) in ("invalid-mechanism", "not-authorized")


async def test_without_a_client_certificate_there_is_no_external(trusting):
    wire = await _with_certificate(trusting, None)

    assert "EXTERNAL" not in wire.mechanisms
    assert failure_of(await wire.auth("EXTERNAL", "")) in ("invalid-mechanism", "not-authorized")


async def test_a_client_certificate_for_nobody_here_is_refused(trusting, authority):
    wire = await _with_certificate(trusting, authority.for_client("romeo@elsewhere.test"))

    if "EXTERNAL" in wire.mechanisms:
        assert failure_of(await wire.auth("EXTERNAL", "")) in ("invalid-authzid", "not-authorized")


# ANONYMOUS


async def test_anonymous_is_off_unless_it_is_on(server):
    wire = await _at_login(server)

    assert "ANONYMOUS" not in wire.mechanisms
    assert failure_of(await wire.auth("ANONYMOUS", "")) == "invalid-mechanism"


async def test_strangers_get_names_of_their_own(start):
    server = await start(anonymous=True)
    names = set()
    for _ in range(3):
        wire = await server.wire(type=Session)
        await wire.opened()
        assert (await wire.auth("ANONYMOUS", "")).name == "success"
        await wire.opened()
        await wire.bind()
        names.add(wire.jid.partition("@")[0])

    assert len(names) == 3


async def test_a_stranger_leaves_nothing_behind(start):
    server = await start(anonymous=True)
    wire = await server.wire(type=Session)
    await wire.opened()
    await wire.auth("ANONYMOUS", "trace@example.com")
    await wire.opened()
    await wire.bind()
    name = wire.jid.partition("/")[0]
    await wire.leaves()

    other = await server.wire(type=Session)
    await other.opened()
    await other.auth("ANONYMOUS", "")
    await other.opened()
    await other.bind()
    answer = await other.ask("<query xmlns='jabber:iq:last'/>", to=name)

    assert answer["type"] == "error"
