"""`Core.wait`: the first event that matches, however many wait for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from tidings.auth import Principal, Role
from tidings.clock import ManualClock
from tidings.core import Core
from tidings.errors import InvalidCursor
from tidings.event import Draft, Event, Index
from tidings.hub import Hub
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.query.ast import EVERYTHING, Column, Compare, Pattern

READER = Principal("ann", Role.READER)
WRITER = Principal("bob", Role.WRITER)
OF_WEB = Principal("eve", Role.READER, ("web",))
DONE = Compare(Column.KIND, "=", Pattern(("done",)))


class Waited(Core):
    """A core that tells how many it keeps."""

    def __init__(self, log: SegmentLog) -> None:
        self.hub = Hub(log)
        super().__init__(log, self.hub)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Waited]:
    async with SegmentLog(tmp_path, ManualClock(), SegmentOptions(durable=False)) as log:
        yield Waited(log)


def draft(kind: str, scope: str = "") -> Draft:
    return Draft(specversion="1.0", source="s", type=kind, scope=scope, time="2026-01-01T00:00:00Z", severity="normal")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.002)


def index_of(event: Event | None) -> int:
    assert event is not None
    return event.index


async def test_what_is_stored_already_is_found_at_once(core: Waited) -> None:
    await core.publish([draft("begun"), draft("done"), draft("done")], WRITER)
    assert index_of(await core.wait(Index(0), DONE, 30, READER)) == 2
    assert index_of(await core.wait(Index(2), DONE, 30, READER)) == 3
    assert index_of(await core.wait(Index(0), EVERYTHING, 30, READER)) == 1


async def test_the_first_to_come_ends_the_wait(core: Waited) -> None:
    task = asyncio.create_task(core.wait(Index(0), DONE, 30, READER))
    await until(lambda: core.hub.subscribers == 1)
    await core.publish([draft("begun")], WRITER)
    await core.publish([draft("done"), draft("done")], WRITER)
    assert index_of(await task) == 2
    assert core.hub.subscribers == 0


async def test_a_wait_in_vain_ends_with_nothing(core: Waited) -> None:
    await core.publish([draft("begun")], WRITER)
    assert await core.wait(Index(0), DONE, 0.01, READER) is None
    assert core.hub.subscribers == 0


async def test_what_somebody_may_not_see_does_not_end_his_wait(core: Waited) -> None:
    await core.publish([draft("done", "data"), draft("done", "web")], WRITER)
    assert index_of(await core.wait(Index(0), DONE, 30, OF_WEB)) == 2


async def test_an_index_that_was_never_given_out_is_refused(core: Waited) -> None:
    with pytest.raises(InvalidCursor):
        await core.wait(Index(7), DONE, 30, READER)


async def test_five_thousand_who_wait_for_the_same_share_one_channel_and_go_with_one_commit(core: Waited) -> None:
    tasks = [asyncio.create_task(core.wait(Index(0), DONE, 60, READER)) for _ in range(5000)]
    async with asyncio.timeout(30):
        await until(lambda: core.hub.subscribers == 5000)
        assert core.hub.channels == 1
        for task in tasks[:10]:
            task.cancel()
        await asyncio.gather(*tasks[:10], return_exceptions=True)
        assert core.hub.subscribers == 4990
        await core.publish([draft("begun")], WRITER)
        await core.publish([draft("done")], WRITER)
        assert {index_of(await task) for task in tasks[10:]} == {2}
    assert core.hub.subscribers == core.hub.channels == 0
