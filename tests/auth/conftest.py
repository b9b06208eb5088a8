"""A fresh store and a clock that stands still."""

from collections.abc import Iterator
from pathlib import Path

import argon2
import pytest

from tidings.auth import Passwords, Sessions, Tokens
from tidings.clock import ManualClock
from tidings.store import Store


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store.open(tmp_path / "state.db")
    yield opened
    opened.close()


@pytest.fixture
def tokens(store: Store, clock: ManualClock) -> Tokens:
    return Tokens(store, clock)


@pytest.fixture
def hasher() -> argon2.PasswordHasher:
    """The cheapest parameters there are: these tests are not about the cost."""
    return argon2.PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


@pytest.fixture
def passwords(store: Store, hasher: argon2.PasswordHasher) -> Passwords:
    return Passwords(store, hasher=hasher)


@pytest.fixture
def live(store: Store, clock: ManualClock, passwords: Passwords, tokens: Tokens) -> Sessions:
    """Sessions that end after half an hour."""
    return Sessions(store, clock, 1800.0, passwords=passwords, tokens=tokens)
