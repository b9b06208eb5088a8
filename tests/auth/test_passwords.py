"""Users: salted hashes on disk, one cost for every wrong answer, better hashes over time."""

from pathlib import Path
from typing import Literal

import argon2
import pytest

from tidings.auth import InvalidAccount, Passwords, Principal, Role, UserInfo
from tidings.errors import NotFound
from tidings.store import Store

PASSWORD = "correct horse"


class CountingHasher(argon2.PasswordHasher):
    """Knows which hashes it was asked to verify."""

    def __init__(self) -> None:
        super().__init__(time_cost=1, memory_cost=8, parallelism=1)
        self.verified: list[str] = []

    def verify(self, hash: str | bytes, password: str | bytes) -> Literal[True]:
        self.verified.append(str(hash))
        return super().verify(hash, password)


def stored_hash(store: Store, name: str) -> str:
    [(hashed,)] = store.query("SELECT hash FROM users WHERE name = ?", (name,))
    return str(hashed)


def test_the_right_password_opens_with_name_and_role(passwords: Passwords) -> None:
    assert passwords.add("ann", PASSWORD, Role.WRITER) == UserInfo("ann", Role.WRITER)
    assert passwords.verify("ann", PASSWORD) == Principal("ann", Role.WRITER, (), "password")


@pytest.mark.parametrize("password", ["", "wrong password", PASSWORD + " ", PASSWORD.upper(), "\udcff", "x" * 100_000])
def test_a_wrong_password_opens_nothing(passwords: Passwords, password: str) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    assert passwords.verify("ann", password) is None


@pytest.mark.parametrize("name", ["bob", "", "Ann", "\udcff", "ann\0"])
def test_an_unknown_name_opens_nothing(passwords: Passwords, name: str) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    assert passwords.verify(name, PASSWORD) is None


def test_an_unknown_name_costs_a_hash_of_the_same_parameters(store: Store) -> None:
    hasher = CountingHasher()
    passwords = Passwords(store, hasher=hasher)
    passwords.add("ann", PASSWORD, Role.WRITER)
    passwords.verify("ann", "wrong password")
    passwords.verify("bob", "wrong password")
    known, unknown = (argon2.extract_parameters(hashed) for hashed in hasher.verified)
    assert known == unknown
    assert hasher.verified[0] != hasher.verified[1]


def test_the_shipped_parameters_are_those_owasp_asks_for(store: Store) -> None:
    passwords = Passwords(store)
    passwords.add("ann", PASSWORD, Role.WRITER)
    assert stored_hash(store, "ann").startswith("$argon2id$v=19$m=19456,t=2,p=1$")
    assert passwords.verify("ann", PASSWORD) is not None
    assert passwords.verify("bob", PASSWORD) is None


def test_the_file_never_holds_the_password(passwords: Passwords, store: Store, tmp_path: Path) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    on_disk = b"".join(file.read_bytes() for file in tmp_path.iterdir())
    store.close()
    on_disk += (tmp_path / "state.db").read_bytes()
    assert b"$argon2id$" in on_disk
    assert PASSWORD.encode() not in on_disk


def test_equal_passwords_have_different_hashes(passwords: Passwords, store: Store) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    passwords.add("bob", PASSWORD, Role.WRITER)
    assert stored_hash(store, "ann") != stored_hash(store, "bob")


def test_users_survive_a_restart(passwords: Passwords, store: Store, hasher: argon2.PasswordHasher) -> None:
    passwords.add("ann", PASSWORD, Role.ADMIN)
    assert Passwords(store, hasher=hasher).verify("ann", PASSWORD) == Principal("ann", Role.ADMIN, (), "password")


def test_users_are_listed_by_name_without_hashes(passwords: Passwords) -> None:
    passwords.add("bob", PASSWORD, Role.READER)
    passwords.add("ann", PASSWORD, Role.ADMIN)
    assert list(passwords.list()) == [UserInfo("ann", Role.ADMIN), UserInfo("bob", Role.READER)]


def test_a_changed_password_replaces_the_old_one(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    passwords.set_password("ann", "another password")
    assert passwords.verify("ann", PASSWORD) is None
    assert passwords.verify("ann", "another password") is not None


def test_a_removed_user_opens_nothing(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    passwords.remove("ann")
    assert passwords.verify("ann", PASSWORD) is None
    assert list(passwords.list()) == []


@pytest.mark.parametrize("name", ["ann", "\udcff"])
def test_removing_and_changing_what_isnt_there_is_not_found(passwords: Passwords, name: str) -> None:
    with pytest.raises(NotFound, match="there is no user named"):
        passwords.remove(name)
    with pytest.raises(NotFound, match="there is no user named"):
        passwords.set_password(name, PASSWORD)


def test_a_name_is_given_once(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    with pytest.raises(InvalidAccount, match="a user named 'ann' exists already") as caught:
        passwords.add("ann", "another password", Role.ADMIN)
    assert caught.value.field == "name"
    assert passwords.verify("ann", PASSWORD) is not None


@pytest.mark.parametrize("name", ["A", "a.b_c-d@e", "9" * 64, "..."])
def test_good_names_are_taken(passwords: Passwords, name: str) -> None:
    passwords.add(name, PASSWORD, Role.READER)
    assert passwords.verify(name, PASSWORD) is not None


@pytest.mark.parametrize("name", ["", "a:b", "a b", "ü", "x" * 65, "a\n", ".", ".."])
def test_a_bad_name_is_refused_with_the_rule(passwords: Passwords, name: str) -> None:
    with pytest.raises(InvalidAccount, match="can't be a user name: use 1 to 64 letters"):
        passwords.add(name, PASSWORD, Role.READER)


@pytest.mark.parametrize("password", ["12345678", "é" * 4, "x" * 1024, "with\0nul and:colon"])
def test_passwords_within_the_limits_are_taken(passwords: Passwords, password: str) -> None:
    passwords.add("ann", password, Role.READER)
    assert passwords.verify("ann", password) is not None


@pytest.mark.parametrize(("password", "size"), [("1234567", 7), ("é" * 3, 6), ("x" * 1025, 1025)])
def test_a_password_too_short_or_long_is_refused_and_not_quoted(passwords: Passwords, password: str, size: int) -> None:
    with pytest.raises(InvalidAccount) as caught:
        passwords.add("ann", password, Role.READER)
    assert str(caught.value) == f"a password has 8 to 1024 bytes; this one has {size}"
    assert caught.value.field == "password"


def test_a_password_that_is_no_text_is_refused(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.READER)
    with pytest.raises(InvalidAccount, match="valid Unicode"):
        passwords.set_password("ann", "eight\udcffchars")


def test_a_hash_of_older_parameters_is_renewed_at_the_next_right_password(passwords: Passwords, store: Store) -> None:
    passwords.add("ann", PASSWORD, Role.READER)
    stronger = Passwords(store, hasher=argon2.PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert stronger.verify("ann", "wrong password") is None
    assert argon2.extract_parameters(stored_hash(store, "ann")).memory_cost == 8
    assert stronger.verify("ann", PASSWORD) is not None
    assert argon2.extract_parameters(stored_hash(store, "ann")).memory_cost == 16
    assert stronger.verify("ann", PASSWORD) is not None


def test_renewing_a_hash_never_undoes_a_password_set_meanwhile(passwords: Passwords, store: Store) -> None:
    class Interrupted(argon2.PasswordHasher):
        def check_needs_rehash(self, hash: str | bytes) -> bool:
            passwords.set_password("ann", "another password")
            return True

    passwords.add("ann", PASSWORD, Role.READER)
    Passwords(store, hasher=Interrupted(time_cost=1, memory_cost=8, parallelism=1)).verify("ann", PASSWORD)
    assert passwords.verify("ann", PASSWORD) is None
    assert passwords.verify("ann", "another password") is not None


def test_a_hash_that_is_none_opens_nothing(passwords: Passwords, store: Store) -> None:
    passwords.add("ann", PASSWORD, Role.ADMIN)
    store.execute("UPDATE users SET hash = 'nonsense'")
    assert passwords.verify("ann", PASSWORD) is None


def test_a_user_is_known_without_the_disk(passwords: Passwords, store: Store) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    again = Passwords(store)
    store.close()
    assert again.principal("ann") == Principal("ann", Role.WRITER, (), "password")
    assert again.principal("bob") is None


def test_a_user_is_the_same_until_its_password_is_changed(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    before = passwords.principal("ann")
    assert passwords.verify("ann", PASSWORD) is before
    passwords.set_password("ann", "another password")
    assert passwords.principal("ann") == before
    assert passwords.principal("ann") is not before


def test_a_password_changed_while_the_old_one_is_checked_makes_another_user(store: Store) -> None:
    class Interrupted(argon2.PasswordHasher):
        def check_needs_rehash(self, hash: str | bytes) -> bool:
            passwords.set_password("ann", "another password")
            return False

    passwords = Passwords(store, hasher=Interrupted(time_cost=1, memory_cost=8, parallelism=1))
    passwords.add("ann", PASSWORD, Role.WRITER)
    verified = passwords.verify("ann", PASSWORD)
    assert verified == passwords.principal("ann")
    assert verified is not passwords.principal("ann")


def test_a_removed_user_is_known_no_more(passwords: Passwords) -> None:
    passwords.add("ann", PASSWORD, Role.WRITER)
    passwords.remove("ann")
    assert passwords.principal("ann") is None


def test_every_change_of_a_user_makes_a_new_generation(passwords: Passwords) -> None:
    seen = [passwords.generation]
    passwords.add("ann", PASSWORD, Role.READER)
    seen.append(passwords.generation)
    passwords.set_password("ann", "another password")
    seen.append(passwords.generation)
    passwords.remove("ann")
    seen.append(passwords.generation)
    assert len(set(seen)) == 4
