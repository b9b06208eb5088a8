"""Who waits for a thing to come into a state: one list for each thing, so that an event costs nothing to those who wait for others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tidings.projections.thing import Key, Thing


class Waiting:
    """All who wait. Lives on the event loop; how many there are is up to who lets them in."""

    def __init__(self) -> None:
        self._waiters: dict[Key, dict[asyncio.Future[Thing | None], frozenset[str]]] = {}

    @property
    def count(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiters.values()))

    def tell(self, thing: Thing) -> None:
        """Release those who wait for this thing to be as it is now; they go on in the next turn of the loop."""
        if not self._waiters:
            return
        for future, states in self._waiters.get(thing.key, {}).items():
            if thing.state in states and not future.done():
                future.set_result(thing)

    async def wait(self, key: Key, states: Collection[str], timeout_s: float) -> Thing | None:
        """Return the thing once it is told to be in one of *states*, None when it wasn't for *timeout_s* seconds.

        One that is cancelled, because its client left, is forgotten at once.
        """
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Thing | None] = loop.create_future()
        # Not asyncio.timeout: thousands may go on at once, and this costs each of them less.
        timer = loop.call_later(timeout_s, _give_up, future)
        waiters = self._waiters.setdefault(key, {})
        waiters[future] = frozenset(states)
        try:
            return await future
        finally:
            timer.cancel()
            del waiters[future]
            if not waiters and self._waiters.get(key) is waiters:
                del self._waiters[key]


def _give_up(future: asyncio.Future[Thing | None]) -> None:
    if not future.done():
        future.set_result(None)
