"""Following: no gap and no repeat at the seam, slow readers fed from the log, one encoding for many."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from tests.contract.log_suite import draft
from tidings.clock import SystemClock
from tidings.errors import CursorExpired, InvalidCursor
from tidings.event import Index
from tidings.hub import Hub, channel
from tidings.log.base import Batch
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.query.ast import EVERYTHING, Column, Compare, Words

encodings: list[int] = []


def encode(batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
    """One frame an event: its index and a blank."""
    encodings.append(batch.count)
    places = range(batch.count) if picks is None else picks
    return [b"%d " % (batch.first + at) for at in places]


class Pipe:
    """A sink whose reader takes bytes when the test says so; *room* bounds what may wait in it."""

    def __init__(self, room: int = 1 << 20) -> None:
        self.room, self.waiting, self.taken = room, b"", b""
        self.most = 0
        self._drained = asyncio.Event()

    def write(self, data: bytes) -> bool:
        self.waiting += data
        self.most = max(self.most, len(self.waiting))
        return len(self.waiting) < self.room

    async def drained(self) -> None:
        while len(self.waiting) >= self.room:
            self._drained.clear()
            await self._drained.wait()

    def read(self) -> None:
        self.taken, self.waiting = self.taken + self.waiting, b""
        self._drained.set()

    @property
    def indexes(self) -> list[int]:
        return [int(word) for word in (self.taken + self.waiting).split()]


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[SegmentLog]:
    async with SegmentLog(tmp_path, SystemClock(), SegmentOptions(durable=False, segment_events=500)) as log:
        yield log


async def until_read(pipe: Pipe, last: int) -> None:
    async with asyncio.timeout(20):
        while not pipe.indexes or pipe.indexes[-1] < last:
            pipe.read()
            await asyncio.sleep(0)


async def append(log: SegmentLog, events: int, per_append: int = 1) -> None:
    for n in range(0, events, per_append):
        await log.append([draft(n + k, severity="error" if (n + k) % 2 else "normal") for k in range(per_append)])


async def test_a_follower_gets_everything_after_its_cursor_once_and_in_order(log: SegmentLog) -> None:
    hub = Hub(log)
    await append(log, 300, 7)
    head = log.head
    cursors = [0, 1, 6, 7, 8, 150, head - 1, head]
    pipes = [Pipe() for _ in cursors]
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(hub.follow(Index(after), EVERYTHING, encode, pipe))
            for after, pipe in zip(cursors, pipes, strict=True)
        ]
        await append(log, 200, 3)
        for after, pipe in zip(cursors, pipes, strict=True):
            await until_read(pipe, log.head)
            assert pipe.indexes == list(range(after + 1, log.head + 1))
        for task in tasks:
            task.cancel()
    assert hub.subscribers == 0
    assert hub.channels == 0


async def test_followers_that_come_and_go_while_events_arrive_see_no_gap(log: SegmentLog) -> None:
    hub = Hub(log)
    chance = random.Random(4)
    done = asyncio.Event()

    async def visit() -> None:
        position = 0
        while not (done.is_set() and position == log.head):
            pipe = Pipe(room=chance.choice([10, 200, 10_000]))
            task = asyncio.ensure_future(hub.follow(Index(position), EVERYTHING, encode, pipe))
            for _ in range(chance.randrange(1, 30)):
                if chance.random() < 0.7:
                    pipe.read()
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            seen = pipe.indexes
            assert seen == list(range(position + 1, position + 1 + len(seen)))
            position += len(seen)

    async with asyncio.timeout(50), asyncio.TaskGroup() as group:
        for _ in range(8):
            group.create_task(visit())
        await asyncio.gather(*(append(log, 150, 4) for _ in range(4)))
        done.set()


async def test_a_condition_is_kept_live_and_in_the_past(log: SegmentLog) -> None:
    hub = Hub(log)
    await append(log, 100)
    pipe = Pipe()
    task = asyncio.ensure_future(hub.follow(Index(0), Compare(Column.SEVERITY, "=", 3), encode, pipe))
    await append(log, 100)
    await until_read(pipe, 200)
    task.cancel()
    assert pipe.indexes == list(range(2, 201, 2))


async def test_a_reader_that_stalls_is_bounded_and_gets_all_in_the_end(
    log: SegmentLog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channel, "_CHUNK_BYTES", 500)
    monkeypatch.setattr(channel, "_REMEMBERED_BYTES", 2000)
    hub = Hub(log)
    slow, quick = Pipe(room=100), Pipe()
    tasks = [asyncio.ensure_future(hub.follow(Index(0), EVERYTHING, encode, pipe)) for pipe in (slow, quick)]
    await append(log, 3000, 10)
    await until_read(quick, 3000)
    assert hub.lagging == 1
    assert slow.most < 100 + 2 * 500 + 10
    await until_read(slow, 3000)
    assert slow.indexes == list(range(1, 3001))
    assert quick.indexes == list(range(1, 3001))
    for task in tasks:
        task.cancel()


async def test_readers_of_the_same_stream_share_one_encoding(log: SegmentLog) -> None:
    hub = Hub(log)
    pipes = [Pipe() for _ in range(50)]
    tasks = [asyncio.ensure_future(hub.follow(Index(0), Words("happened"), encode, pipe)) for pipe in pipes]
    await asyncio.sleep(0)
    encodings.clear()
    await append(log, 5)
    for pipe in pipes:
        await until_read(pipe, 5)
    assert len(encodings) == 5
    assert hub.channels == 1
    for task in tasks:
        task.cancel()


async def test_a_sink_that_breaks_ends_only_its_own_reader(log: SegmentLog) -> None:
    class Broken(Pipe):
        async def drained(self) -> None:
            raise ConnectionResetError

    hub = Hub(log)
    broken, whole = Broken(room=1), Pipe()
    tasks = [asyncio.ensure_future(hub.follow(Index(0), EVERYTHING, encode, pipe)) for pipe in (broken, whole)]
    await append(log, 20)
    await until_read(whole, 20)
    with pytest.raises(ConnectionResetError):
        await tasks[0]
    tasks[1].cancel()
    assert hub.subscribers == 1
    await asyncio.gather(tasks[1], return_exceptions=True)


async def test_positions_that_were_never_given_out_or_are_gone_are_refused(log: SegmentLog) -> None:
    hub = Hub(log)
    await append(log, 1000, 100)
    with pytest.raises(InvalidCursor, match="never given out"):
        hub.check(Index(1001))
    async with asyncio.timeout(20):
        while log.oldest == 1:
            await log.trim(log.head)
            await asyncio.sleep(0)
    with pytest.raises(CursorExpired):
        hub.check(Index(1))
    hub.check(Index(0))
    hub.check(Index(log.oldest - 1))


async def test_readers_inside_the_server_get_events(log: SegmentLog) -> None:
    hub = Hub(log)
    await append(log, 3)
    seen: list[int] = []

    async def watch() -> None:
        async for events in hub.events(Index(1), EVERYTHING):
            seen.extend(event.index for event in events)
            if seen[-1] == 6:
                return

    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        group.create_task(watch())
        await append(log, 3)
    assert seen == [2, 3, 4, 5, 6]
