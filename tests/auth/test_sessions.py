"""Sessions: only hashes on disk, checked from memory, ending when idle, and never outliving the account they are of."""

import hashlib
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from tidings.auth import Passwords, Principal, Role, Sessions, Tokens, sessions
from tidings.clock import ManualClock
from tidings.errors import StorageError, Unauthenticated
from tidings.store import Store

PASSWORD = "correct horse"
IDLE_S = 1800.0

Reopen = Callable[[], Sessions]


@pytest.fixture
def ann(passwords: Passwords) -> Principal:
    passwords.add("ann", PASSWORD, Role.WRITER)
    return logged_in(passwords)


@pytest.fixture
def reopened(store: Store, clock: ManualClock, hasher: object) -> Reopen:
    """Opens all accounts anew, as a restart does."""
    return lambda: Sessions(store, clock, IDLE_S, passwords=Passwords(store), tokens=Tokens(store, clock))


def logged_in(passwords: Passwords, password: str = PASSWORD) -> Principal:
    found = passwords.verify("ann", password)
    assert found is not None
    return found


def by_token(tokens: Tokens, expires_s: float | None = None) -> Principal:
    found = tokens.verify(tokens.create("ci", Role.WRITER, ["finance"], expires_s)[1])
    assert found is not None
    return found


def rows(store: Store) -> int:
    return len(store.query("SELECT 1 FROM sessions"))


def test_a_secret_is_recognisable_and_holds_256_random_bits(live: Sessions, ann: Principal) -> None:
    first, second = live.create(ann, "console"), live.create(ann, "console")
    assert re.fullmatch(r"tds_[A-Za-z0-9_-]{43}", first)
    assert first != second


def test_a_session_is_its_users(live: Sessions, ann: Principal) -> None:
    assert live.verify(live.create(ann, "ovirt")) == Principal("ann", Role.WRITER, (), "password")


def test_a_session_of_a_token_has_the_tokens_limits(live: Sessions, tokens: Tokens) -> None:
    secret = live.create(by_token(tokens), "ovirt")
    assert live.verify(secret) == Principal("ci", Role.WRITER, ("finance",), "token")


def test_who_has_no_account_gets_no_session(live: Sessions) -> None:
    with pytest.raises(ValueError, match="not what is authenticated by socket"):
        live.create(Principal("root", Role.ADMIN, (), "socket"), "console")


def test_a_session_is_of_the_realm_that_made_it(live: Sessions, ann: Principal) -> None:
    secret = live.create(ann, "console")
    assert live.verify(secret, "console") == live.verify(secret) == ann
    assert live.verify(secret, "container-station") is None


@pytest.mark.parametrize("secret", ["", "tds_", "tds_" + "A" * 43, "tds_" + "\udcff" * 43, "é" * 47, "x" * 100_000])
def test_anything_else_opens_nothing(live: Sessions, ann: Principal, secret: str) -> None:
    live.create(ann, "console")
    assert live.verify(secret) is None


def test_the_files_hold_the_hash_and_never_the_secret(
    live: Sessions, ann: Principal, store: Store, tmp_path: Path
) -> None:
    secret = live.create(ann, "console")
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in on_disk
    assert secret.removeprefix("tds_").encode() not in on_disk


def test_verifying_needs_no_disk(live: Sessions, ann: Principal, store: Store) -> None:
    secret = live.create(ann, "console")
    store.close()
    assert live.verify(secret) is ann


def test_a_session_ends_when_nobody_used_it_for_the_idle_time(
    live: Sessions, ann: Principal, clock: ManualClock
) -> None:
    secret = live.create(ann, "console")
    for _ in range(3):
        clock.advance(IDLE_S - 0.001)
        assert live.verify(secret) is ann
    clock.advance(IDLE_S)
    assert live.verify(secret) is None


def test_asking_in_the_wrong_realm_keeps_no_session_from_ending(
    live: Sessions, ann: Principal, clock: ManualClock
) -> None:
    secret = live.create(ann, "console")
    clock.advance(IDLE_S - 1)
    live.verify(secret, "ovirt")
    clock.advance(1)
    assert live.verify(secret, "console") is None


def test_a_clock_set_back_ends_no_session(live: Sessions, ann: Principal, clock: ManualClock) -> None:
    secret = live.create(ann, "console")
    clock.advance(-86_400)
    assert live.verify(secret) is ann
    clock.advance(IDLE_S)
    assert live.verify(secret) is None


def test_a_revoked_session_opens_nothing_now_and_after_a_restart(
    live: Sessions, ann: Principal, reopened: Reopen
) -> None:
    secret, other = live.create(ann, "console"), live.create(ann, "console")
    live.revoke(secret)
    assert (live.verify(secret), live.verify(other)) == (None, ann)
    again = reopened()
    assert (again.verify(secret), again.verify(other)) == (None, ann)


@pytest.mark.parametrize("secret", ["", "nonsense", "\udcff", "tds_" + "A" * 43])
def test_revoking_what_is_no_session_does_nothing(live: Sessions, store: Store, secret: str) -> None:
    store.close()
    live.revoke(secret)


def test_a_revoked_session_opens_nothing_even_when_the_disk_refuses(
    live: Sessions, ann: Principal, store: Store
) -> None:
    secret = live.create(ann, "console")
    store.query("PRAGMA query_only = 1")
    with pytest.raises(StorageError):
        live.revoke(secret)
    assert live.verify(secret) is None


def test_sessions_survive_a_restart_with_their_realm(live: Sessions, ann: Principal, reopened: Reopen) -> None:
    secret = live.create(ann, "console")
    again = reopened()
    assert again.verify(secret, "ovirt") is None
    assert again.verify(secret, "console") == ann


def test_a_session_of_a_token_survives_a_restart(live: Sessions, tokens: Tokens, reopened: Reopen) -> None:
    secret = live.create(by_token(tokens), "ovirt")
    assert reopened().verify(secret) == Principal("ci", Role.WRITER, ("finance",), "token")


def test_the_idle_time_goes_on_while_the_server_is_down(
    live: Sessions, ann: Principal, clock: ManualClock, reopened: Reopen
) -> None:
    secret = live.create(ann, "console")
    clock.advance(IDLE_S)
    assert reopened().verify(secret) is None


def test_last_use_is_kept_by_flush(live: Sessions, ann: Principal, clock: ManualClock, reopened: Reopen) -> None:
    secret = live.create(ann, "console")
    clock.advance(IDLE_S - 1)
    live.verify(secret)
    live.flush()
    clock.advance(1)
    assert reopened().verify(secret) == ann


def test_flush_writes_nothing_when_nothing_was_used(
    live: Sessions, ann: Principal, clock: ManualClock, store: Store
) -> None:
    secret = live.create(ann, "console")
    clock.advance(1)
    live.verify(secret)
    live.flush()
    store.close()
    live.flush()


def test_a_flush_that_fails_is_made_up_for_by_the_next(
    live: Sessions, ann: Principal, clock: ManualClock, store: Store, reopened: Reopen
) -> None:
    secret = live.create(ann, "console")
    clock.advance(IDLE_S - 1)
    live.verify(secret)
    store.query("PRAGMA query_only = 1")
    with pytest.raises(StorageError):
        live.flush()
    store.query("PRAGMA query_only = 0")
    live.flush()
    clock.advance(1)
    assert reopened().verify(secret) == ann


def test_flush_forgets_what_has_ended(live: Sessions, ann: Principal, clock: ManualClock, store: Store) -> None:
    live.create(ann, "console")
    clock.advance(1)
    kept = live.create(ann, "console")
    clock.advance(IDLE_S - 1)
    live.flush()
    assert (rows(store), len(live._live)) == (1, 1)
    assert live.verify(kept) is ann


def test_a_removed_users_sessions_open_nothing(
    live: Sessions, ann: Principal, passwords: Passwords, store: Store
) -> None:
    secret = live.create(ann, "console")
    passwords.remove("ann")
    assert live.verify(secret) is None
    assert rows(store) == 0
    live.end_of("ann")
    passwords.add("ann", PASSWORD, Role.ADMIN)
    assert live.verify(secret) is None


def test_a_revoked_or_expired_tokens_sessions_open_nothing(
    live: Sessions, tokens: Tokens, clock: ManualClock, store: Store
) -> None:
    secret = live.create(by_token(tokens, expires_s=60), "ovirt")
    clock.advance(60)
    assert live.verify(secret) is None
    tokens.revoke("ci")
    secret = live.create(by_token(tokens), "ovirt")
    tokens.revoke("ci")
    assert live.verify(secret) is None
    assert rows(store) == 0


def test_flush_forgets_the_sessions_of_a_removed_user(live: Sessions, ann: Principal, passwords: Passwords) -> None:
    live.create(ann, "console")
    passwords.remove("ann")
    live.flush()
    assert live._live == {}


def test_a_users_role_is_the_one_it_has_now(live: Sessions, ann: Principal, store: Store, reopened: Reopen) -> None:
    secret = live.create(ann, "console")
    store.execute("UPDATE users SET role = 'reader'")
    assert reopened().verify(secret) == Principal("ann", Role.READER, (), "password")


def test_all_sessions_of_a_user_can_be_ended(
    live: Sessions, ann: Principal, passwords: Passwords, tokens: Tokens, reopened: Reopen
) -> None:
    passwords.add("bob", PASSWORD, Role.READER)
    bob = passwords.principal("bob")
    assert bob is not None
    ended = [live.create(ann, "console"), live.create(ann, "ovirt")]
    kept = [live.create(bob, "console"), live.create(by_token(tokens), "ovirt")]
    live.end_of("ann")
    for each in (live, reopened()):
        assert [each.verify(secret) for secret in ended] == [None, None]
        assert None not in [each.verify(secret) for secret in kept]


def test_a_token_and_a_user_of_the_same_name_are_told_apart(
    live: Sessions, passwords: Passwords, tokens: Tokens
) -> None:
    passwords.add("ci", PASSWORD, Role.READER)
    user = passwords.principal("ci")
    assert user is not None
    of_user, of_token = live.create(user, "console"), live.create(by_token(tokens), "console")
    live.end_of("ci", "token")
    assert live.verify(of_user) is user
    assert live.verify(of_token) is None


def test_who_logged_in_with_a_password_that_was_changed_meanwhile_gets_no_session(
    live: Sessions, ann: Principal, passwords: Passwords
) -> None:
    passwords.set_password("ann", "another password")
    with pytest.raises(Unauthenticated, match="the account ann was changed while you logged in; log in again"):
        live.create(ann, "console")
    assert live.verify(live.create(logged_in(passwords, "another password"), "console")) is not None


def test_who_logged_in_and_was_removed_meanwhile_gets_no_session(
    live: Sessions, ann: Principal, passwords: Passwords, store: Store
) -> None:
    passwords.remove("ann")
    with pytest.raises(Unauthenticated):
        live.create(ann, "console")


def test_a_user_gone_from_the_disk_gets_no_session(live: Sessions, ann: Principal, store: Store) -> None:
    store.execute("DELETE FROM users")
    with pytest.raises(Unauthenticated):
        live.create(ann, "console")
    assert live._live == {}


def test_beyond_the_bound_the_session_not_used_for_longest_goes(
    live: Sessions, ann: Principal, clock: ManualClock, store: Store, tokens: Tokens, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "MAX_PER_ACCOUNT", 3)
    other = live.create(by_token(tokens), "console")
    made = []
    for _ in range(3):
        clock.advance(1)
        made.append(live.create(ann, "console"))
    clock.advance(1)
    live.verify(made[0])
    made.append(live.create(ann, "console"))
    assert [live.verify(secret) is ann for secret in made] == [True, False, True, True]
    assert live.verify(other) is not None
    assert rows(store) == 4
