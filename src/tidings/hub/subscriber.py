"""One reader's place in a stream, and the sink that its bytes go to."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, Protocol


class Sink(Protocol):
    """Where a subscriber's bytes go; the hub knows no socket."""

    def write(self, data: bytes) -> bool:
        """Take *data*; False when the buffer is past its bound now, so that nothing more should come until `drained`."""

    async def drained(self) -> None:
        """Wait until there is room again. Raises ConnectionError when the other side has gone."""


class Chunk(NamedTuple):
    """Joined frames; *last*: the index up to which a reader has everything once it has these."""

    last: int
    data: bytes


class Subscriber:
    """One reader's place in the stream."""

    def __init__(self, sink: Sink, position: int) -> None:
        self._sink = sink
        self.position = position
        self._behind = asyncio.Event()

    def take(self, chunk: Chunk) -> bool:
        """Write *chunk*; see `Sink.write`."""
        return self._sink.write(chunk.data)

    def fall_behind(self, position: int) -> None:
        """Called by the channel that it no longer belongs to."""
        self.position = position
        self._behind.set()

    async def wait_behind(self) -> None:
        """Wait, while live, until the channel lets go of it; then until its sink has room."""
        self._behind.clear()
        await self._behind.wait()
        await self._sink.drained()

    async def send(self, chunk: Chunk) -> None:
        """Write *chunk* at the reader's pace."""
        if chunk.data and not self._sink.write(chunk.data):
            await self._sink.drained()
        self.position = chunk.last
