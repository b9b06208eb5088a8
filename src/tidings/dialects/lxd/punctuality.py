"""Whether what is read from a server was sent just now, or lay unread for a while.

A server gives up a listener that doesn't read: LXD after a write that took 5 s, or three pings without an answer. What it
sent before is still there to be read afterwards, and looks like a sign of life; but what happened since is lost.
"""

from __future__ import annotations

import asyncio
from typing import NoReturn

from tidings.clock import Clock

HELD_UP_S = 1.0
"""A reader who couldn't go on for longer is behind; well below the 5 s after which LXD gives it up."""

OVERDUE_S = 15.0
"""Pings come every 10 s: after a longer silence the server had been stopped."""

QUIET_S = 0.1
"""A reader who had to wait so long has read all there was, so it isn't behind any more."""

_TICK_S, _PAUSED_S = 1.0, 2.5
_SECOND_NS = 1_000_000_000


class Punctuality:
    """Follows one reader, who tells each step of reading one message; `watch` runs beside it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._mark_ns = self._tick_ns = clock.now_ns()
        self._least_lag_ns: int | None = None
        self.is_behind = False
        """Whether what was read last may be old."""

    async def watch(self) -> NoReturn:
        """Notice when this process, or the whole machine, stood still for a while."""
        while True:
            await asyncio.sleep(_TICK_S)
            if self._stood_still():
                self.is_behind = True
            self._tick_ns = self._clock.now_ns()

    def reads(self) -> None:
        """Note that it begins to wait for the server."""
        self._mark_ns = self._clock.now_ns()

    def has_read(self) -> None:
        """Note that the wait is over."""
        waited_s = self._lap_s()
        if waited_s > OVERDUE_S or self._stood_still():
            self.is_behind = True
        elif waited_s >= QUIET_S:
            # and learn anew how late messages are: the clocks may have been set
            self.is_behind, self._least_lag_ns = False, None

    def was_sent(self, sent_ns: int) -> None:
        """Note the server's own time in what was read: the delay tells old from new where there is never a quiet moment."""
        lag_ns, least_ns = self._mark_ns - sent_ns, self._least_lag_ns
        if not self.is_behind:
            self._least_lag_ns = lag_ns if least_ns is None else min(least_ns, lag_ns)
        elif least_ns is not None and lag_ns <= least_ns + HELD_UP_S * _SECOND_NS:
            self.is_behind = False

    def has_handed_on(self) -> None:
        """Note that it can go on, however long that took."""
        if self._lap_s() > HELD_UP_S:
            self.is_behind = True

    def _stood_still(self) -> bool:
        return self._clock.now_ns() - self._tick_ns > _PAUSED_S * _SECOND_NS

    def _lap_s(self) -> float:
        # The wall clock, because the loop's stands still while the machine sleeps. One that was set back says nothing.
        before_ns, self._mark_ns = self._mark_ns, self._clock.now_ns()
        return (self._mark_ns - before_ns) / _SECOND_NS
