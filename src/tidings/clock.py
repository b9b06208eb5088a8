"""Injected time: nothing in tidings asks the operating system for the time but through a Clock."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """Says what time it is."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC; may jump when the system clock is set."""


class SystemClock:
    """The operating system's clock."""

    def now_ns(self) -> int:
        """Return nanoseconds since the epoch, UTC."""
        return time.time_ns()


class ManualClock:
    """A clock for tests: stands still until it is moved."""

    def __init__(self, now_ns: int = 1_790_000_000_000_000_000) -> None:
        self._now_ns = now_ns

    def now_ns(self) -> int:
        """Return the time that was last set."""
        return self._now_ns

    def advance(self, seconds: float) -> None:
        """Move the clock by *seconds* (may be negative)."""
        self._now_ns += int(seconds * 1e9)
