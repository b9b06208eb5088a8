"""What a collector received and hasn't stored yet, with a bound."""

from __future__ import annotations

import asyncio

from tidings.event import Draft

MAX_EVENTS = 20_000
MAX_BYTES = 32 * 1024 * 1024


class Backlog:
    """One task puts what arrives, another takes all of it at once: what arrived together is stored together, in its order.

    When it is full, `put` waits, so that its caller reads no further from the network and the other side has to wait too.
    """

    def __init__(self, max_events: int = MAX_EVENTS, max_bytes: int = MAX_BYTES) -> None:
        self._max_events, self._max_bytes = max_events, max_bytes
        self._drafts: list[Draft] = []
        self._bytes = 0
        self._fault: BaseException | None = None
        self._something, self._room = asyncio.Event(), asyncio.Event()
        self._room.set()

    async def put(self, draft: Draft, size: int) -> None:
        """Add an event of *size* bytes, when there is room; one that is larger than the bound goes in alone."""
        while self._drafts and (len(self._drafts) >= self._max_events or self._bytes + size > self._max_bytes):
            self._room.clear()
            await self._room.wait()
        self._drafts.append(draft)
        self._bytes += size
        self._something.set()

    def touch(self) -> None:
        """Let `take` return even if there is no event: something else arrived."""
        self._something.set()

    def end(self, fault: BaseException) -> None:
        """Let `take` raise *fault* when all that is here was taken."""
        self._fault = fault
        self._something.set()

    async def arrival(self) -> None:
        """Wait until something arrives. Raises what `end` was given when that was all."""
        await self._something.wait()
        if self._fault is not None and not self._drafts:
            raise self._fault

    async def take(self) -> list[Draft]:
        """Return everything, waiting until something arrives. Raises what `end` was given."""
        if self._fault is not None and not self._something.is_set():
            raise self._fault
        await self._something.wait()
        self._something.clear()
        drafts, self._drafts, self._bytes = self._drafts, [], 0
        self._room.set()
        return drafts
