"""One stream of bytes for all who want the same: filtered once, encoded once, sent joined."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

from tidings.hub.subscriber import Chunk, Subscriber
from tidings.log.base import Batch
from tidings.query.ast import EVERYTHING, Condition
from tidings.query.predicate import compile_predicate

_CHUNK_BYTES = 64 * 1024
_REMEMBERED_BYTES = 4 * 1024 * 1024
_MAX_PAUSE_S = 0.02
_FEW = 2  # batches; while no more gather during a sending, waiting would only delay them

Encoder = Callable[[Batch, Sequence[int] | None], list[bytes]]
"""Turns the events of a batch at the given positions (None: all) into frames, one each (b"" leaves it out). Must be a plain function
or another hashable constant: subscribers with an equal encoder share a channel."""


class Channel:
    """One condition in one encoding, and the subscribers that are up to date in it."""

    def __init__(self, where: Condition, encode: Encoder, start: int) -> None:
        self._matches = None if where == EVERYTHING else compile_predicate(where)
        self._encode = encode
        self.live: set[Subscriber] = set()
        self.members = 0
        self._start = start
        self.sent = start
        """Live subscribers have got everything up to here."""
        self._remembered: deque[Chunk] = deque()
        self._remembered_bytes = 0
        self._unsent: list[Chunk] = []
        self._scheduled: asyncio.Handle | None = None
        self._not_before = 0.0

    def frames(self, batch: Batch) -> list[Chunk]:
        """Return the batch filtered, encoded and joined; the last chunk reaches the batch's end, maybe without bytes."""
        picks: list[int] | None = None
        if self._matches is not None:
            matches = self._matches
            picks = [at for at, event in enumerate(batch.events) if matches(event)]
            if not picks:
                return [Chunk(batch.last, b"")]
        frames = self._encode(batch, picks)
        places = range(batch.count) if picks is None else picks
        chunks: list[Chunk] = []
        start = size = 0
        for at, frame in enumerate(frames):
            size += len(frame)
            if size >= _CHUNK_BYTES:
                chunks.append(Chunk(batch.first + places[at], b"".join(frames[start : at + 1])))
                start, size = at + 1, 0
        chunks.append(Chunk(batch.last, b"".join(frames[start:])))
        return chunks

    def feed(self, batch: Batch) -> None:
        """Take newly committed events; they go out in this loop turn, or a little later when the last sending took long."""
        for chunk in self.frames(batch):
            self._remember(chunk)
            self._unsent.append(chunk)
        if self._scheduled is None:
            loop = asyncio.get_running_loop()
            delay = self._not_before - loop.time()
            self._scheduled = loop.call_soon(self.send) if delay <= 0 else loop.call_later(delay, self.send)

    def after(self, position: int) -> Chunk | int:
        """Return the remembered frames that follow *position* and are sent, joined up to a bound.

        Where *position* is older than what is remembered, or in the midst of a chunk: the index up to which the log must be read.
        """
        if position < self._start:
            return self._start
        previous, last, size = self._start, position, 0
        found: list[bytes] = []
        for chunk in self._remembered:
            if chunk.last > self.sent or size >= _CHUNK_BYTES:
                break
            if chunk.last > position:
                if not found and previous != position:
                    return chunk.last
                found.append(chunk.data)
                last, size = chunk.last, size + len(chunk.data)
            previous = chunk.last
        return Chunk(last, b"".join(found))

    def _remember(self, chunk: Chunk) -> None:
        self._remembered.append(chunk)
        self._remembered_bytes += len(chunk.data) + 64
        while self._remembered_bytes > _REMEMBERED_BYTES and len(self._remembered) > 1:
            gone = self._remembered.popleft()
            self._remembered_bytes -= len(gone.data) + 64
            self._start = gone.last

    def send(self) -> None:
        """Write what is unsent to every live subscriber, joined: a write costs much more than the frames in it."""
        loop = asyncio.get_running_loop()
        begun = loop.time()
        self.close()
        unsent, self._unsent = self._unsent, []
        for chunk in _joined(unsent):
            if chunk.data:
                for subscriber in [s for s in self.live if not s.take(chunk)]:
                    self.live.discard(subscriber)
                    subscriber.fall_behind(chunk.last)
            self.sent = chunk.last
        ended = loop.time()
        if len(unsent) > _FEW:
            # under load rest as long as the sending took: meanwhile frames gather and the next writes are fewer and larger
            self._not_before = ended + min(ended - begun, _MAX_PAUSE_S)

    def close(self) -> None:
        """Forget what is scheduled."""
        if self._scheduled is not None:
            self._scheduled.cancel()
            self._scheduled = None


def _joined(chunks: Sequence[Chunk]) -> list[Chunk]:
    joined: list[Chunk] = []
    parts: list[bytes] = []
    size = 0
    for chunk in chunks:
        parts.append(chunk.data)
        size += len(chunk.data)
        if size >= _CHUNK_BYTES:
            joined.append(Chunk(chunk.last, b"".join(parts)))
            parts, size = [], 0
    if parts:
        joined.append(Chunk(chunks[-1].last, b"".join(parts)))
    return joined
