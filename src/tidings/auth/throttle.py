"""Slows down whoever guesses passwords."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import NamedTuple

from tidings.clock import Clock
from tidings.errors import Busy

FREE_FAILURES = 5
"""How many failures in a row cost nothing but the last."""

MAX_DELAY_S = 60
FORGET_AFTER_S = 900
MAX_ENTRIES = 10_000

_SECOND_NS = 1_000_000_000


class _Failures(NamedTuple):
    total: int
    last_ns: int
    delay_s: int


class Throttle:
    """Counts failures per user and address; from the fifth on each doubles the wait, 1, 2, 4 … 60 seconds.

    Success, and a quarter of an hour without failure, start the count anew. Beyond *max_entries* pairs the one that
    failed least recently is forgotten. In memory only; safe to use from any thread.
    """

    def __init__(self, clock: Clock, max_entries: int = MAX_ENTRIES) -> None:
        self._clock = clock
        self._max_entries = max_entries
        self._lock = threading.Lock()
        self._failures: OrderedDict[tuple[str, str], _Failures] = OrderedDict()

    def check(self, user: str, address: str) -> None:
        """Raise Busy, saying for how long, while *user* must wait at *address*."""
        with self._lock:
            failures = self._failures.get((user, address))
        if failures is None or not failures.delay_s:
            return
        waited_ns = self._clock.now_ns() - failures.last_ns
        left_ns = failures.delay_s * _SECOND_NS - waited_ns
        # Negative waiting means the clock was set back: who knows for how long, so let them try.
        if waited_ns < 0 or left_ns <= 0:
            return
        left_s = -(-left_ns // _SECOND_NS)
        raise Busy(f"too many failed passwords for this user from this address; try again in {left_s} s", left_s)

    def fail(self, user: str, address: str) -> None:
        """Count a wrong password."""
        key, now_ns = (user, address), self._clock.now_ns()
        with self._lock:
            before = self._failures.pop(key, None)
            total = 1
            if before is not None and now_ns - before.last_ns < FORGET_AFTER_S * _SECOND_NS:
                total += before.total
            self._failures[key] = _Failures(total, now_ns, _delay_s(total))
            if len(self._failures) > self._max_entries:
                self._failures.popitem(last=False)

    def succeed(self, user: str, address: str) -> None:
        """Forget the failures after a right password."""
        with self._lock:
            self._failures.pop((user, address), None)


def _delay_s(total: int) -> int:
    excess = total - FREE_FAILURES
    return 0 if excess < 0 else min(MAX_DELAY_S, 1 << min(excess, 6))
