"""Waiting for what other processes and threads do: looked at often, with a deadline, never for a guessed time."""

import time
from collections.abc import Callable
from typing import TypeVar

import pytest

T = TypeVar("T")
PATIENCE_S = 20.0
_LOOK_EVERY_S = 0.01


def until(look: Callable[[], T], what: str | Callable[[], str], timeout_s: float = PATIENCE_S) -> T:
    """Return what *look* returns as soon as that counts as true; else fail the test with *what* was waited for."""
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        if time.monotonic() > deadline:
            pytest.fail(f"waited {timeout_s:g} s in vain for {what if isinstance(what, str) else what()}")
        time.sleep(_LOOK_EVERY_S)
    return found
