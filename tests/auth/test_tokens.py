"""Tokens: only hashes on disk, checked from memory, expiring, revocable, and the admin token's file."""

import hashlib
import re
import stat
from pathlib import Path

import pytest

from tidings.auth import InvalidAccount, Principal, Role, Tokens
from tidings.clock import ManualClock
from tidings.errors import NotFound, StorageError
from tidings.store import Store

MINUTE_NS = 60_000_000_000


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_secret_is_recognisable_and_holds_256_random_bits(tokens: Tokens) -> None:
    _, first = tokens.create("a", Role.READER)
    _, second = tokens.create("b", Role.READER)
    assert re.fullmatch(r"tdg_[A-Za-z0-9_-]{43}", first)
    assert first != second


def test_a_secret_opens_with_the_name_role_and_scopes_of_its_token(tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.WRITER, ["finance", "sales"])
    assert tokens.verify(secret) == Principal("ci", Role.WRITER, ("finance", "sales"), "token")


def test_creating_returns_what_list_shows(tokens: Tokens, clock: ManualClock) -> None:
    info, secret = tokens.create("ci", Role.WRITER, ["finance"], expires_s=60)
    assert list(tokens.list()) == [info]
    assert info.id == hashlib.sha256(secret.encode()).hexdigest()[:12]
    assert (info.created_ns, info.expires_ns, info.last_used_ns) == (clock.now_ns(), clock.now_ns() + MINUTE_NS, None)


@pytest.mark.parametrize("secret", ["", "tdg_", "tdg_" + "A" * 43, "tdg_" + "\udcff" * 43, "é" * 47, "x" * 100_000])
def test_anything_else_opens_nothing(tokens: Tokens, secret: str) -> None:
    tokens.create("ci", Role.WRITER)
    assert tokens.verify(secret) is None


def test_a_secret_with_one_character_changed_opens_nothing(tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    assert tokens.verify(secret[:-5] + ("A" if secret[-5] != "A" else "B") + secret[-4:]) is None


def test_the_files_hold_the_hash_and_never_the_secret(tokens: Tokens, store: Store, tmp_path: Path) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.close()
    on_disk += (tmp_path / "state.db").read_bytes()
    assert hashlib.sha256(secret.encode()).hexdigest().encode() in on_disk
    assert secret.encode() not in on_disk
    assert secret.removeprefix("tdg_").encode() not in on_disk


def test_tokens_survive_a_restart(tokens: Tokens, store: Store, clock: ManualClock) -> None:
    info, secret = tokens.create("ci", Role.WRITER, ["finance"], expires_s=60)
    reopened = Tokens(store, clock)
    assert list(reopened.list()) == [info]
    assert reopened.verify(secret) == tokens.verify(secret)


def test_verifying_needs_no_disk(tokens: Tokens, store: Store) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    store.close()
    assert tokens.verify(secret) is not None
    assert tokens.verify("tdg_" + "A" * 43) is None


def test_a_token_opens_until_the_moment_it_expires(tokens: Tokens, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER, expires_s=60)
    clock.advance(59.999)
    assert tokens.verify(secret) is not None
    clock.advance(0.001)
    assert tokens.verify(secret) is None


def test_an_expired_token_stays_in_the_list_and_keeps_its_name(tokens: Tokens, clock: ManualClock) -> None:
    tokens.create("ci", Role.WRITER, expires_s=60)
    clock.advance(61)
    assert [info.name for info in tokens.list()] == ["ci"]
    with pytest.raises(InvalidAccount, match="exists already"):
        tokens.create("ci", Role.WRITER)


def test_a_revoked_token_opens_nothing_now_and_after_a_restart(
    tokens: Tokens, store: Store, clock: ManualClock
) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    tokens.revoke("ci")
    assert tokens.verify(secret) is None
    assert Tokens(store, clock).verify(secret) is None


@pytest.mark.parametrize("name", ["gone", "", "\udcff", "a\0b"])
def test_revoking_what_isnt_there_is_not_found(tokens: Tokens, name: str) -> None:
    with pytest.raises(NotFound, match="there is no token named"):
        tokens.revoke(name)


def test_a_token_is_known_by_its_name_until_it_is_revoked(tokens: Tokens, store: Store, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER, ["finance"])
    assert tokens.principal("ci") is tokens.verify(secret) is not None
    assert Tokens(store, clock).principal("ci") == Principal("ci", Role.WRITER, ("finance",), "token")
    tokens.revoke("ci")
    assert tokens.principal("ci") is None


def test_an_expired_token_is_known_no_more(tokens: Tokens, clock: ManualClock) -> None:
    tokens.create("ci", Role.WRITER, expires_s=60)
    clock.advance(60)
    assert tokens.principal("ci") is None


def test_a_name_can_be_used_again_after_revoking(tokens: Tokens) -> None:
    old, _ = tokens.create("ci", Role.WRITER)
    tokens.revoke("ci")
    new, _ = tokens.create("ci", Role.READER)
    assert old.id != new.id


def test_a_name_is_given_once(tokens: Tokens) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    with pytest.raises(InvalidAccount, match="a token named 'ci' exists already; revoke it first") as caught:
        tokens.create("ci", Role.READER)
    assert caught.value.field == "name"
    assert tokens.verify(secret) is not None


def test_tokens_are_listed_by_name(tokens: Tokens) -> None:
    for name in ("b", "c", "a"):
        tokens.create(name, Role.READER)
    assert [info.name for info in tokens.list()] == ["a", "b", "c"]


@pytest.mark.parametrize("name", ["", "a b", "a/b", "ü", "x" * 65, "a\n", ".", ".."])
def test_a_bad_name_is_refused_with_the_rule(tokens: Tokens, name: str) -> None:
    with pytest.raises(InvalidAccount, match="can't be a token name: use 1 to 64 letters") as caught:
        tokens.create(name, Role.READER)
    assert caught.value.field == "name"


@pytest.mark.parametrize("scopes", [[""], ["a\nb"], ["x" * 256], ["\udcff"], [f"s{n}" for n in range(101)]])
def test_bad_scopes_are_refused(tokens: Tokens, scopes: list[str]) -> None:
    with pytest.raises(InvalidAccount) as caught:
        tokens.create("ci", Role.WRITER, scopes)
    assert caught.value.field == "scopes"


def test_a_repeated_scope_is_kept_once(tokens: Tokens) -> None:
    info, _ = tokens.create("ci", Role.WRITER, ["b", "a", "b"])
    assert info.scopes == ("b", "a")


def test_an_admin_token_with_scopes_is_refused(tokens: Tokens) -> None:
    with pytest.raises(InvalidAccount, match="an admin token can't be limited to scopes"):
        tokens.create("ci", Role.ADMIN, ["finance"])


@pytest.mark.parametrize("expires_s", [0, -1, float("nan"), float("inf"), 1e18])
def test_an_impossible_lifetime_is_refused(tokens: Tokens, expires_s: float) -> None:
    with pytest.raises(InvalidAccount, match="a token can't expire in") as caught:
        tokens.create("ci", Role.WRITER, expires_s=expires_s)
    assert caught.value.field == "expires_s"


def test_last_use_moves_at_most_once_a_minute(tokens: Tokens, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    tokens.verify(secret)
    first = clock.now_ns()
    clock.advance(59)
    tokens.verify(secret)
    assert tokens.list()[0].last_used_ns == first
    clock.advance(1)
    tokens.verify(secret)
    assert tokens.list()[0].last_used_ns == first + MINUTE_NS


def test_last_use_is_kept_by_flush(tokens: Tokens, store: Store, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    tokens.verify(secret)
    assert Tokens(store, clock).list()[0].last_used_ns is None
    tokens.flush()
    assert Tokens(store, clock).list()[0].last_used_ns == clock.now_ns()


def test_flush_writes_nothing_when_nothing_was_used(tokens: Tokens, store: Store) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    tokens.verify(secret)
    tokens.flush()
    store.close()
    tokens.flush()


def test_a_flush_that_fails_is_made_up_for_by_the_next(tokens: Tokens, store: Store, clock: ManualClock) -> None:
    _, secret = tokens.create("ci", Role.WRITER)
    tokens.verify(secret)
    store.query("PRAGMA query_only = 1")
    with pytest.raises(StorageError):
        tokens.flush()
    store.query("PRAGMA query_only = 0")
    tokens.flush()
    assert Tokens(store, clock).list()[0].last_used_ns == clock.now_ns()


def test_the_first_start_writes_a_private_admin_token(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    assert tokens.ensure_admin_token(path)
    assert mode(path) == 0o600
    assert tokens.verify(path.read_text().strip()) == Principal("admin", Role.ADMIN, (), "token")
    assert sorted(file.name for file in tmp_path.iterdir() if "token" in file.name) == ["admin.token"]


def test_the_next_start_keeps_the_admin_token(tokens: Tokens, store: Store, clock: ManualClock, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    tokens.ensure_admin_token(path)
    before = path.read_text()
    assert not Tokens(store, clock).ensure_admin_token(path)
    assert path.read_text() == before


def test_a_lost_admin_token_is_replaced_and_stops_working(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    tokens.ensure_admin_token(path)
    lost = path.read_text().strip()
    path.unlink()
    assert tokens.ensure_admin_token(path)
    assert tokens.verify(lost) is None
    assert tokens.verify(path.read_text().strip()) is not None


@pytest.mark.parametrize("content", [b"", b"\xff\xfe garbage", b"tdg_" + b"A" * 43])
def test_a_useless_admin_token_file_is_replaced(tokens: Tokens, tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "admin.token"
    path.write_bytes(content)
    assert tokens.ensure_admin_token(path)
    assert tokens.verify(path.read_text().strip()) is not None


def test_a_token_of_another_name_doesnt_count_as_the_admin_token(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    _, other = tokens.create("other", Role.ADMIN)
    path.write_text(other)
    assert tokens.ensure_admin_token(path)
    assert path.read_text().strip() != other
    assert tokens.verify(other) is not None


def test_an_admin_token_that_others_could_read_becomes_private(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    tokens.ensure_admin_token(path)
    path.chmod(0o644)
    assert not tokens.ensure_admin_token(path)
    assert mode(path) == 0o600


def test_an_admin_token_that_cant_be_read_is_a_storage_error(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "admin.token"
    path.mkdir()
    with pytest.raises(StorageError, match=r"can't read .*admin\.token: Is a directory"):
        tokens.ensure_admin_token(path)


def test_an_admin_token_that_cant_be_written_is_a_storage_error(tokens: Tokens, tmp_path: Path) -> None:
    path = tmp_path / "gone" / "admin.token"
    with pytest.raises(StorageError, match=r"can't write .*admin\.token: No such file") as caught:
        tokens.ensure_admin_token(path)
    assert "tdg_" not in str(caught.value)
