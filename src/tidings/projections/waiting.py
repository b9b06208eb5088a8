"""Who waits for a thing to come into a state: one list for each thing, so that an event costs nothing to those who wait for others."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tidings.projections.thing import Key, Thing


class Waiting:
    """All who wait. Lives on the event loop; how many there are is up to who lets them in."""

    def __init__(self) -> None:
        self._waiters: dict[Key, dict[asyncio.Future[Thing], frozenset[str]]] = {}

    @property
    def count(self) -> int:
        """How many wait."""
        return sum(map(len, self._waiters.values()))

    def tell(self, thing: Thing) -> None:
        """Release those who wait for this thing to be as it is now; they go on in this turn of the loop or the next."""
        if not self._waiters:
            return
        for future, states in self._waiters.get(thing.key, {}).items():
            if thing.state in states and not future.done():
                future.set_result(thing)

    async def wait(self, key: Key, states: Collection[str], timeout_s: float) -> Thing | None:
        """Return the thing once it is told to be in one of *states*, None when it wasn't for *timeout_s* seconds.

        One that is cancelled, because its client left, is forgotten at once.
        """
        future: asyncio.Future[Thing] = asyncio.get_running_loop().create_future()
        waiters = self._waiters.setdefault(key, {})
        waiters[future] = frozenset(states)
        try:
            async with asyncio.timeout(timeout_s):
                return await future
        except TimeoutError:
            return future.result() if future.done() and not future.cancelled() else None
        finally:
            del waiters[future]
            if not waiters and self._waiters.get(key) is waiters:
                del self._waiters[key]
