"""The gate: every kind of credentials, which of them wins, what a refusal says, and how guessing is held up."""

import asyncio
import base64
import os
import threading
from collections.abc import Callable, Iterator

import argon2
import pytest

from tests.server.client_certificates import make_certificate
from tidings.auth import Certificates, Gate, Passwords, Principal, Role, Sessions, Tokens, gate, socket_principal
from tidings.clock import ManualClock
from tidings.errors import Busy, Stopping, Unauthenticated
from tidings.store import Store

PASSWORD = "correct horse"
ADDRESS = "192.0.2.1"
ROOT = (1, 0, 0)
STRANGER = (1, 4_000_001, 4_000_001)


class WatchedPasswords(Passwords):
    """Notes each verification and its thread, and holds it up while `may_go_on` is cleared."""

    def __init__(self, store: Store, hasher: argon2.PasswordHasher) -> None:
        super().__init__(store, hasher=hasher)
        self.threads: list[str] = []
        self.may_go_on = threading.Event()
        self.may_go_on.set()

    def verify(self, name: str, password: str) -> Principal | None:
        self.threads.append(threading.current_thread().name)
        assert self.may_go_on.wait(20)
        return super().verify(name, password)


@pytest.fixture
def passwords(store: Store, hasher: argon2.PasswordHasher) -> WatchedPasswords:
    passwords = WatchedPasswords(store, hasher)
    passwords.add("ann", PASSWORD, Role.WRITER)
    return passwords


@pytest.fixture
def certificates(store: Store, clock: ManualClock) -> Certificates:
    return Certificates(store, clock)


@pytest.fixture
def door(
    tokens: Tokens, passwords: WatchedPasswords, certificates: Certificates, live: Sessions, clock: ManualClock
) -> Iterator[Gate]:
    door = Gate(tokens, passwords, clock, certificates=certificates, sessions=live)
    yield door
    passwords.may_go_on.set()
    door.close()


def basic(name: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()


RIGHT, WRONG = basic("ann", PASSWORD), basic("ann", "wrong password")


async def until(holds: Callable[[], bool]) -> None:
    """Give the loop turns until the condition holds; threads set it, which no asyncio.Event may be told by."""
    while not holds():  # noqa: ASYNC110
        await asyncio.sleep(0)


@pytest.mark.parametrize("scheme", ["Bearer ", "bearer ", "BEARER   "])
async def test_a_bearer_token_opens(door: Gate, tokens: Tokens, scheme: str) -> None:
    _, secret = tokens.create("ci", Role.WRITER, ["finance"])
    expected = Principal("ci", Role.WRITER, ("finance",), "token")
    assert door.authenticate_fast(scheme + secret) == expected
    assert await door.authenticate(scheme + secret, None, ADDRESS) == expected


def test_a_bearer_token_is_checked_without_awaiting_anything(door: Gate, tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    with pytest.raises(StopIteration) as answered:
        door.authenticate(f"Bearer {secret}", None, ADDRESS).send(None)
    assert answered.value.value == Principal("ci", Role.WRITER, (), "token")


@pytest.mark.parametrize("header", [None, "", "Bearer", "Bearer ", "Bearer nonsense", RIGHT, "tdg_bare"])
def test_the_fast_path_leaves_everything_else_to_the_slow_one(door: Gate, header: str | None) -> None:
    assert door.authenticate_fast(header) is None


async def test_a_session_opens_as_a_bearer_until_it_is_revoked(door: Gate, live: Sessions) -> None:
    ann = await door.log_in("ann", PASSWORD, ADDRESS)
    secret = live.create(ann, "ovirt")
    assert door.authenticate_fast(f"Bearer {secret}") is ann
    assert await door.authenticate(f"bearer {secret}", None, ADDRESS) is ann
    live.revoke(secret)
    with pytest.raises(Unauthenticated, match="log in again"):
        await door.authenticate(f"Bearer {secret}", None, ADDRESS)


@pytest.mark.parametrize("token", ["", "nonsense", "tdg_" + "A" * 43, "tds_" + "A" * 43, "\udcff"])
async def test_an_unknown_token_is_refused_and_not_quoted(door: Gate, token: str) -> None:
    with pytest.raises(Unauthenticated) as caught:
        await door.authenticate(f"Bearer {token}", None, ADDRESS)
    assert str(caught.value) == gate._BAD_TOKEN


async def test_an_expired_token_is_refused(door: Gate, tokens: Tokens, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER, expires_s=60)
    clock.advance(60)
    with pytest.raises(Unauthenticated, match="unknown, revoked or expired"):
        await door.authenticate(f"Bearer {secret}", None, ADDRESS)


@pytest.mark.parametrize("header", ["", "Digest username=ann", "tdg_" + "A" * 43, "Basic", "Basically"])
async def test_another_scheme_is_refused_and_not_quoted(door: Gate, header: str) -> None:
    with pytest.raises(Unauthenticated, match="neither Bearer nor Basic; send 'Authorization: Bearer TOKEN'") as caught:
        await door.authenticate(header, None, ADDRESS)
    assert "AAAA" not in str(caught.value)


async def test_no_credentials_are_refused_with_what_to_send(door: Gate) -> None:
    with pytest.raises(Unauthenticated, match="send 'Authorization: Bearer TOKEN'"):
        await door.authenticate(None, None, ADDRESS)


async def test_name_and_password_open(door: Gate) -> None:
    assert await door.authenticate(RIGHT, None, ADDRESS) == Principal("ann", Role.WRITER, (), "password")


async def test_a_password_may_hold_colons_and_any_letter(door: Gate, passwords: Passwords) -> None:
    passwords.add("bob", "a:b:ç:\u4e2d", Role.READER)
    assert (await door.authenticate(basic("bob", "a:b:ç:\u4e2d"), None, ADDRESS)).name == "bob"


@pytest.mark.parametrize("user", ["", "token", "ann", "ü" * 200])
async def test_a_token_as_password_opens_with_any_user_name(
    door: Gate, tokens: Tokens, passwords: WatchedPasswords, user: str
) -> None:
    _, secret = tokens.create("ci", Role.READER)
    assert await door.authenticate(basic(user, secret), None, ADDRESS) == Principal("ci", Role.READER, (), "token")
    assert passwords.threads == []


async def test_a_password_that_looks_like_a_token_still_opens(door: Gate, passwords: Passwords) -> None:
    passwords.add("bob", "tdg_" + "A" * 43, Role.READER)
    assert (await door.authenticate(basic("bob", "tdg_" + "A" * 43), None, ADDRESS)).name == "bob"


@pytest.mark.parametrize("header", [WRONG, basic("bob", PASSWORD), basic("no such name!", PASSWORD), basic("", "")])
async def test_wrong_name_and_wrong_password_are_told_the_same(door: Gate, header: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^wrong user name or password$"):
        await door.authenticate(header, None, ADDRESS)


@pytest.mark.parametrize(
    "credentials", ["", "?", "YW5u", "YW5uOg", "é", base64.b64encode(b"ann:\xff\xfe").decode(), "YW5u Ong="]
)
async def test_malformed_basic_credentials_say_what_is_expected(door: Gate, credentials: str) -> None:
    with pytest.raises(Unauthenticated, match="malformed Basic credentials: the base64 of NAME:PASSWORD"):
        await door.authenticate(f"Basic {credentials}", None, ADDRESS)


@pytest.mark.parametrize("name", ["ann", "ann@internal", "ann@a profile", "ann@"])
async def test_a_form_with_name_and_password_opens_whatever_the_profile(door: Gate, name: str) -> None:
    assert await door.log_in(name, PASSWORD, ADDRESS) == Principal("ann", Role.WRITER, (), "password")
    assert (await door.authenticate(basic(name, PASSWORD), None, ADDRESS)).name == "ann"


async def test_only_what_follows_the_last_at_is_a_profile(door: Gate, passwords: Passwords) -> None:
    passwords.add("ann@example.com", "another password", Role.READER)
    assert (await door.log_in("ann@example.com@internal", "another password", ADDRESS)).name == "ann@example.com"


async def test_a_user_called_just_so_comes_before_one_with_a_profile(door: Gate, passwords: Passwords) -> None:
    passwords.add("ann@internal", "another password", Role.READER)
    assert (await door.log_in("ann@internal", "another password", ADDRESS)).name == "ann@internal"
    with pytest.raises(Unauthenticated):
        await door.log_in("ann@internal", PASSWORD, ADDRESS)


@pytest.mark.parametrize("name", ["bob@internal", "@internal", "@", "", "ann@internal@internal"])
async def test_a_profile_makes_no_user(door: Gate, name: str) -> None:
    with pytest.raises(Unauthenticated, match=r"^wrong user name or password$"):
        await door.log_in(name, PASSWORD, ADDRESS)


@pytest.mark.parametrize("name", ["ann", "bob"])
async def test_guesses_with_many_profiles_are_held_up_as_one_user(door: Gate, name: str) -> None:
    for guess in range(5):
        with pytest.raises(Unauthenticated):
            await door.log_in(f"{name}@profile{guess}", "wrong password", ADDRESS)
    with pytest.raises(Busy):
        await door.log_in(name, PASSWORD, ADDRESS)


async def test_a_token_in_place_of_the_password_opens_a_form_too(door: Gate, tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.READER)
    assert (await door.log_in("admin@internal", secret, ADDRESS)).name == "ci"


async def test_passwords_are_verified_in_their_own_thread(door: Gate, passwords: WatchedPasswords) -> None:
    await door.authenticate(RIGHT, None, ADDRESS)
    assert passwords.threads == ["tidings-password_0"]


async def test_a_right_password_is_hashed_once_a_minute(
    door: Gate, passwords: WatchedPasswords, clock: ManualClock
) -> None:
    for _ in range(5):
        await door.authenticate(RIGHT, None, ADDRESS)
    assert len(passwords.threads) == 1
    clock.advance(60)
    await door.authenticate(RIGHT, None, ADDRESS)
    assert len(passwords.threads) == 2


async def test_the_same_password_sent_many_times_at_once_is_hashed_once(
    door: Gate, passwords: WatchedPasswords
) -> None:
    principals = await asyncio.gather(*(door.authenticate(RIGHT, None, ADDRESS) for _ in range(20)))
    assert {principal.name for principal in principals} == {"ann"}
    assert len(passwords.threads) == 1


async def test_a_changed_password_stops_working_at_once(door: Gate, passwords: Passwords) -> None:
    await door.authenticate(RIGHT, None, ADDRESS)
    passwords.set_password("ann", "another password")
    with pytest.raises(Unauthenticated):
        await door.authenticate(RIGHT, None, ADDRESS)


async def test_a_removed_user_is_refused_at_once(door: Gate, passwords: Passwords) -> None:
    await door.authenticate(RIGHT, None, ADDRESS)
    passwords.remove("ann")
    with pytest.raises(Unauthenticated):
        await door.authenticate(RIGHT, None, ADDRESS)


async def test_guessing_is_held_up_for_that_user_and_address_only(
    door: Gate, passwords: Passwords, clock: ManualClock
) -> None:
    passwords.add("bob", PASSWORD, Role.READER)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await door.authenticate(WRONG, None, ADDRESS)
    with pytest.raises(Busy):
        await door.authenticate(RIGHT, None, ADDRESS)
    assert (await door.authenticate(RIGHT, None, "192.0.2.2")).name == "ann"
    assert (await door.authenticate(basic("bob", PASSWORD), None, ADDRESS)).name == "bob"
    clock.advance(1)
    assert (await door.authenticate(RIGHT, None, ADDRESS)).name == "ann"


async def test_a_remembered_password_is_no_way_around_the_throttle(door: Gate) -> None:
    await door.authenticate(RIGHT, None, ADDRESS)
    for _ in range(5):
        with pytest.raises(Unauthenticated):
            await door.authenticate(WRONG, None, ADDRESS)
    with pytest.raises(Busy):
        await door.authenticate(RIGHT, None, ADDRESS)


async def test_a_right_password_forgives_earlier_failures(door: Gate) -> None:
    for header in [WRONG] * 4 + [RIGHT] + [WRONG] * 4:
        await asyncio.gather(door.authenticate(header, None, ADDRESS), return_exceptions=True)
    assert (await door.authenticate(RIGHT, None, ADDRESS)).name == "ann"


async def test_many_guesses_sent_at_once_get_no_more_tries(door: Gate, passwords: WatchedPasswords) -> None:
    guesses = (door.authenticate(basic("ann", f"guess number {n}"), None, ADDRESS) for n in range(40))
    answers = await asyncio.gather(*guesses, return_exceptions=True)
    assert [type(answer) for answer in answers] == [Unauthenticated] * 5 + [Busy] * 35
    assert len(passwords.threads) == 5


async def test_more_checks_than_may_wait_are_told_to_come_back(door: Gate, passwords: WatchedPasswords) -> None:
    passwords.may_go_on.clear()
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(door.authenticate(RIGHT, None, ADDRESS)) for _ in range(gate.MAX_WAITING)]
        await until(lambda: door._waiting == gate.MAX_WAITING)
        with pytest.raises(Busy, match="too many password checks are waiting"):
            await door.authenticate(RIGHT, None, ADDRESS)
        passwords.may_go_on.set()
    assert {task.result().name for task in waiting} == {"ann"}
    assert (await door.authenticate(basic("ann", PASSWORD), None, ADDRESS)).name == "ann"


async def test_a_caller_that_goes_away_frees_its_place(door: Gate, passwords: WatchedPasswords) -> None:
    passwords.may_go_on.clear()
    async with asyncio.TaskGroup() as group:
        task = group.create_task(door.authenticate(RIGHT, None, ADDRESS))
        await until(lambda: door._waiting == 1)
        task.cancel()
    assert door._waiting == 0


async def test_a_token_never_waits_for_passwords(door: Gate, tokens: Tokens, passwords: WatchedPasswords) -> None:
    _, secret = tokens.create("ci", Role.READER)
    passwords.may_go_on.clear()
    async with asyncio.TaskGroup() as group:
        group.create_task(door.authenticate(RIGHT, None, ADDRESS))
        await until(lambda: door._waiting == 1)
        assert (await door.authenticate(basic("x", secret), None, ADDRESS)).name == "ci"
        assert (await door.authenticate(None, ROOT, "")).is_admin
        passwords.may_go_on.set()


async def test_root_on_the_socket_is_an_admin(door: Gate) -> None:
    assert await door.authenticate(None, ROOT, "") == Principal("root", Role.ADMIN, (), "socket")


async def test_a_stranger_on_the_socket_is_refused_with_who_would_be_trusted(
    tokens: Tokens, passwords: Passwords, certificates: Certificates, live: Sessions, clock: ManualClock
) -> None:
    door = Gate(tokens, passwords, clock, certificates=certificates, sessions=live, group="operators")
    message = "trusts root and the server's own user and members of group 'operators', not user id 4000001; send"
    with pytest.raises(Unauthenticated, match=message):
        await door.authenticate(None, STRANGER, "")
    door.close()


async def test_a_header_wins_over_the_socket(door: Gate, tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.READER)
    assert (await door.authenticate(f"Bearer {secret}", ROOT, "")).role is Role.READER
    with pytest.raises(Unauthenticated):
        await door.authenticate("Bearer nonsense", ROOT, "")


async def test_a_trusted_client_certificate_opens(door: Gate, certificates: Certificates) -> None:
    added = certificates.add("web1", make_certificate().pem, Role.WRITER, ["default"])
    expected = Principal(added.fingerprint, Role.WRITER, ("default",), "tls")
    assert door.authenticate_fast(None, added.fingerprint) == expected
    assert await door.authenticate(None, None, ADDRESS, added.fingerprint) == expected


async def test_an_unknown_client_certificate_is_refused_with_how_to_trust_it(door: Gate) -> None:
    fingerprint = make_certificate().fingerprint
    assert door.authenticate_fast(None, fingerprint) is None
    with pytest.raises(
        Unauthenticated, match=f"certificate {fingerprint} is not trusted.*'tidings trust add NAME FILE'"
    ):
        await door.authenticate(None, None, ADDRESS, fingerprint)


async def test_a_removed_client_certificate_is_refused_at_once(door: Gate, certificates: Certificates) -> None:
    added = certificates.add("web1", make_certificate().pem, Role.WRITER)
    certificates.remove(added.fingerprint)
    with pytest.raises(Unauthenticated):
        await door.authenticate(None, None, ADDRESS, added.fingerprint)


async def test_a_header_wins_over_a_client_certificate(door: Gate, tokens: Tokens, certificates: Certificates) -> None:
    added = certificates.add("web1", make_certificate().pem, Role.ADMIN)
    _, secret = tokens.create("ci", Role.READER)
    for principal in (
        door.authenticate_fast(f"Bearer {secret}", added.fingerprint),
        await door.authenticate(f"Bearer {secret}", None, ADDRESS, added.fingerprint),
    ):
        assert principal == Principal("ci", Role.READER, (), "token")
    for header in ("", "Bearer nonsense", WRONG):
        assert door.authenticate_fast(header, added.fingerprint) is None
        with pytest.raises(Unauthenticated):
            await door.authenticate(header, None, ADDRESS, added.fingerprint)


async def test_a_peer_is_looked_up_once_a_minute_in_a_thread(
    door: Gate, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up: list[str] = []

    def look_up(uid: int, gid: int, group: str | None) -> Principal | None:
        looked_up.append(threading.current_thread().name)
        return socket_principal(uid, gid, group)

    monkeypatch.setattr(gate, "socket_principal", look_up)
    for _ in range(3):
        await door.authenticate(None, (os.getpid(), os.geteuid(), os.getegid()), "")
    assert looked_up == ["tidings-peer_0"]
    clock.advance(60)
    await door.authenticate(None, (os.getpid(), os.geteuid(), os.getegid()), "")
    assert len(looked_up) == 2


async def test_the_memory_of_peers_is_bounded(door: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "MAX_PEERS", 3)
    for gid in range(10):
        await door.authenticate(None, (1, 0, gid), "")
    assert len(door._peers) <= 3


async def test_a_closed_gate_answers_that_the_server_stops(door: Gate) -> None:
    door.close()
    with pytest.raises(Stopping):
        await door.authenticate(RIGHT, None, ADDRESS)
    with pytest.raises(Stopping):
        await door.authenticate(None, ROOT, "")


async def test_checks_that_wait_when_the_gate_closes_end_with_stopping(door: Gate, passwords: WatchedPasswords) -> None:
    passwords.may_go_on.clear()
    headers = [RIGHT, basic("bob", PASSWORD), basic("eve", PASSWORD)]
    checks = asyncio.gather(*(door.authenticate(header, None, ADDRESS) for header in headers), return_exceptions=True)
    await until(lambda: door._waiting == 3 and bool(passwords.threads))
    closing = asyncio.get_running_loop().run_in_executor(None, door.close)
    await until(lambda: door._closed)
    passwords.may_go_on.set()
    first, *others = await checks
    assert isinstance(first, Principal)
    assert [type(other) for other in others] == [Stopping, Stopping]
    await closing
