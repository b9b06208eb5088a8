"""Follow: replay from the log, then live, with no gap and no repeat at the seam.

Subscribers with the same condition and encoding share a channel: an event is filtered once and encoded once, and the same bytes,
many frames joined, go to every socket. A subscriber whose buffer is full leaves its channel and is fed at its own pace, first from
what the channel still remembers, else from the log, until it has caught up; it is never skipped, never dropped, and costs one
buffer of memory however far behind it is.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from tidings.errors import CursorExpired, InvalidCursor
from tidings.event import Event, Index
from tidings.log.base import Batch, Log
from tidings.query.ast import EVERYTHING, Condition
from tidings.query.predicate import compile_predicate

_CHUNK_BYTES = 64 * 1024
_REMEMBERED_BYTES = 4 * 1024 * 1024
_MAX_PAUSE_S = 0.02


class Sink(Protocol):
    """Where a subscriber's bytes go; the hub knows no socket."""

    def write(self, data: bytes) -> bool:
        """Take *data*; False when the buffer is past its bound now, so that nothing more should come until `drained`."""

    async def drained(self) -> None:
        """Wait until there is room again. Raises ConnectionError when the other side has gone."""


Encoder = Callable[[Batch, Sequence[int] | None], list[bytes]]
"""Turns the events of a batch at the given positions (None: all) into frames, one each (b"" leaves it out). Must be a plain function
or another hashable constant: subscribers with an equal encoder share a channel."""


class Chunk(NamedTuple):
    """Joined frames; *last*: the index up to which a reader has everything once it has these."""

    last: int
    data: bytes


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


class Hub:
    """Feeds every subscriber. Lives on the event loop; subscribers run in their callers' tasks."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._channels: dict[tuple[Condition, Encoder], Channel] = {}
        self._waiting: set[asyncio.Future[None]] = set()
        self.head = log.head
        log.on_commit(self._committed)

    @property
    def subscribers(self) -> int:
        """How many readers there are."""
        return sum(channel.members for channel in self._channels.values())

    @property
    def lagging(self) -> int:
        """How many of them are behind, fed from the log."""
        return sum(channel.members - len(channel.live) for channel in self._channels.values())

    @property
    def channels(self) -> int:
        """How many different streams they share."""
        return len(self._channels)

    def check(self, after: Index) -> None:
        """Raise CursorExpired when events after *after* are gone (0 stands for the oldest kept), InvalidCursor when it is to come."""
        oldest = self._log.oldest
        if not 0 <= after <= self.head:
            raise InvalidCursor(
                f"index {after} was never given out, the newest is {self.head}; was the log replaced? follow from after=0"
            )
        if 0 < after < oldest - 1:
            raise CursorExpired(after, oldest)

    async def follow(self, after: Index, where: Condition, encode: Encoder, sink: Sink) -> None:
        """Write to *sink* every matching event after *after*, in index order, without end.

        Ends by being cancelled, by what *sink* raises, or with CursorExpired when retention overtakes a reader that is far behind.
        """
        self.check(after)
        key = (where, encode)
        channel = self._channels.get(key)
        if channel is None:
            channel = self._channels[key] = Channel(where, encode, self.head)
        channel.members += 1
        subscriber = Subscriber(sink, after)
        try:
            while True:
                if subscriber.position > channel.sent:
                    channel.send()  # else it would get what is on its way now, which lies before its start
                await self._catch_up(channel, subscriber)
                # no await between the last look at the channel and joining it, so nothing can come between
                channel.live.add(subscriber)
                await subscriber.wait_behind()
        finally:
            channel.live.discard(subscriber)
            channel.members -= 1
            if not channel.members:
                channel.close()
                del self._channels[key]

    async def _catch_up(self, channel: Channel, subscriber: Subscriber) -> None:
        """Feed *subscriber* until it has all that live ones have got."""
        while subscriber.position < channel.sent:
            chunk = channel.after(subscriber.position)
            if isinstance(chunk, Chunk):
                await subscriber.send(chunk)
                continue
            async for batch in self._log.read(Index(subscriber.position), Index(chunk)):
                for found in channel.frames(batch):
                    await subscriber.send(found)
            subscriber.position = max(subscriber.position, chunk)  # a quarantined segment ends a read early

    async def events(self, after: Index, where: Condition) -> AsyncIterator[list[Event]]:
        """Yield the matching events after *after* in groups, then new ones, without end: for readers inside the server."""
        self.check(after)
        matches = compile_predicate(where)
        position = after
        while True:
            async for batch in self._log.read(position, self.head):
                found = [event for event in batch.events if matches(event)]
                position = batch.last
                if found:
                    yield found
            if position >= self.head:
                await self.news()

    async def news(self) -> None:
        """Wait for the next commit."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.add(future)
        try:
            await future
        finally:
            self._waiting.discard(future)

    def _committed(self, batch: Batch) -> None:
        self.head = batch.last
        for channel in self._channels.values():
            channel.feed(batch)
        for future in self._waiting:
            if not future.done():
                future.set_result(None)
        self._waiting.clear()
