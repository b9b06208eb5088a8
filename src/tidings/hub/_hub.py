"""The hub itself: who follows what."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from tidings.errors import CursorExpired, InvalidCursor
from tidings.event import Event, Index
from tidings.hub.channel import Channel, Encoder
from tidings.hub.subscriber import Chunk, Sink, Subscriber
from tidings.log.base import Batch, Log
from tidings.query.ast import Condition
from tidings.query.predicate import compile_predicate


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
