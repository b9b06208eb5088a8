"""Right passwords are remembered for a minute, as keyed hashes, until any user changes."""

import pytest

from tidings.auth import Principal, Role
from tidings.auth._verified import VerifiedPasswords
from tidings.clock import ManualClock

ANN = Principal("ann", Role.WRITER, (), "password")


@pytest.fixture
def verified(clock: ManualClock) -> VerifiedPasswords:
    return VerifiedPasswords(clock, max_entries=2)


def test_a_pair_is_remembered_for_a_minute(verified: VerifiedPasswords, clock: ManualClock) -> None:
    verified.put("ann", "secret", 0, ANN)
    clock.advance(59)
    assert verified.get("ann", "secret", 0) == ANN
    clock.advance(1)
    assert verified.get("ann", "secret", 0) is None


def test_a_clock_set_back_makes_it_forget(verified: VerifiedPasswords, clock: ManualClock) -> None:
    verified.put("ann", "secret", 0, ANN)
    clock.advance(-1)
    assert verified.get("ann", "secret", 0) is None


@pytest.mark.parametrize(("name", "password"), [("ann", "Secret"), ("bob", "secret"), ("anns", "ecret"), ("", "")])
def test_any_other_pair_is_unknown(verified: VerifiedPasswords, name: str, password: str) -> None:
    verified.put("ann", "secret", 0, ANN)
    assert verified.get(name, password, 0) is None


def test_a_new_generation_forgets_everything(verified: VerifiedPasswords) -> None:
    verified.put("ann", "secret", 0, ANN)
    assert verified.get("ann", "secret", 1) is None
    assert verified.get("ann", "secret", 0) is None


def test_what_was_verified_before_a_change_isnt_remembered_after_it(verified: VerifiedPasswords) -> None:
    verified.get("ann", "secret", 1)
    verified.put("ann", "secret", 0, ANN)
    assert verified.get("ann", "secret", 1) is None


def test_beyond_the_bound_the_oldest_is_forgotten(verified: VerifiedPasswords) -> None:
    for name in ("ann", "bob", "ann", "eve"):
        verified.put(name, "secret", 0, ANN)
    assert verified.get("ann", "secret", 0) == ANN
    assert verified.get("eve", "secret", 0) == ANN
    assert verified.get("bob", "secret", 0) is None


def test_neither_password_nor_plain_hash_is_in_memory(verified: VerifiedPasswords, clock: ManualClock) -> None:
    other = VerifiedPasswords(clock)
    verified.put("ann", "secret", 0, ANN)
    other.put("ann", "secret", 0, ANN)
    assert set(verified._principals).isdisjoint(other._principals)
