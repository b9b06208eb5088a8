"""Removed events: left out until they are restored, told of in the log once, and known again from it after a restart."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import msgspec
import pytest

from tidings import removed as removed_module
from tidings.auth import Principal, Role
from tidings.clock import ManualClock
from tidings.core import Core
from tidings.errors import Forbidden, NotFound, StorageError
from tidings.event import Draft, Event, Index
from tidings.hub import Hub
from tidings.log.base import Appended
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.own_events import ITSELF
from tidings.query.ast import EVERYTHING, Column, Compare, Condition, Listed, Not, Order, Pattern, Query
from tidings.query.predicate import matches
from tidings.removed import Removed

WRITER = Principal("alice", Role.WRITER)
OF_FINANCE = Principal("bob", Role.WRITER, ("finance",))
READER = Principal("eve", Role.READER)


class Trimmable(Core):
    """A core that refuses to publish while *refuses* is set, and whose oldest event can be said."""

    refuses = False
    first_kept = 1

    @property
    def oldest(self) -> Index:
        return Index(self.first_kept)

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        if self.refuses:
            raise StorageError("the disk is full")
        return await super().publish(drafts, who)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Trimmable]:
    async with SegmentLog(tmp_path, ManualClock(), SegmentOptions(durable=False)) as log:
        core = Trimmable(log, Hub(log))
        await core.publish([draft(scope) for scope in ("", "", "finance", "finance", "sales")], ITSELF)
        yield core


@pytest.fixture
def removed(core: Core) -> Removed:
    return Removed(core, ManualClock())


def draft(scope: str = "", *, source: str = "s", type: str = "t", dialect: str = "ovirt", payload: object = 0) -> Draft:
    return Draft(
        specversion="1.0", source=source, type=type, dialect=dialect, scope=scope, time="2026-01-01T00:00:00Z",
        severity="normal", data=msgspec.Raw(msgspec.json.encode(payload)),
    )  # fmt: skip


async def told(core: Core) -> list[Event]:
    ours = Compare(Column.DIALECT, "=", Pattern(("tidings",)))
    return (await core.search(Query(ours, Order(descending=False)), ITSELF)).events


async def listed(core: Core, removed: Removed) -> list[int]:
    page = await core.search(Query(removed.condition(), Order(descending=False)), ITSELF)
    return [event.index for event in page.events if event.index <= 5]


async def after_restart(core: Core) -> Condition:
    again = Removed(core, ManualClock())
    await again.load()
    return again.condition()


async def test_nothing_is_removed_at_first(core: Core, removed: Removed) -> None:
    await removed.load()
    assert removed.condition() == EVERYTHING
    assert not removed.is_removed(Index(1))


async def test_a_removed_event_is_left_out_and_still_there(core: Core, removed: Removed) -> None:
    assert (await removed.remove(Index(2), WRITER)).index == 2
    assert [removed.is_removed(Index(index)) for index in (1, 2, 3)] == [False, True, False]
    assert await listed(core, removed) == [1, 3, 4, 5]
    assert not matches(removed.condition(), await core.get(Index(2), WRITER))


async def test_removing_is_told_of_with_who_asked(core: Core, removed: Removed) -> None:
    requestor = {"username": "alice", "protocol": "basic", "address": "192.0.2.1"}
    await removed.remove(Index(2), WRITER, requestor)
    (event,) = await told(core)
    assert (event.kind, event.actor, event.subject, event.message) == (
        "tidings.event-removed",
        "alice",
        "event 2",
        "Event 2 removed",
    )
    assert msgspec.json.decode(event.payload) == {"index": 2, "requestor": requestor}


async def test_removing_again_is_told_of_once(core: Core, removed: Removed) -> None:
    await asyncio.gather(*(removed.remove(Index(2), WRITER) for _ in range(5)))
    await removed.remove(Index(2), WRITER)
    assert [msgspec.json.decode(event.payload) for event in await told(core)] == [{"index": 2}]
    assert removed.condition() == Not(Listed((2,)))


async def test_restoring_brings_back_what_is_removed_and_tells_of_that_only(core: Core, removed: Removed) -> None:
    for index in (4, 1, 2):
        await removed.remove(Index(index), WRITER)
    await removed.restore([Index(4), Index(3), Index(1), Index(4)], WRITER)
    event = (await told(core))[-1]
    assert (event.kind, event.actor, event.message) == (
        "tidings.events-restored",
        "alice",
        "2 removed events restored",
    )
    assert msgspec.json.decode(event.payload) == {"indexes": [1, 4]}
    assert await listed(core, removed) == [1, 3, 4, 5]


async def test_restoring_nothing_is_not_told_of(core: Core, removed: Removed) -> None:
    await removed.restore([Index(1), Index(99)], WRITER)
    assert await told(core) == []


async def test_very_many_are_restored_by_several_events(
    core: Core, removed: Removed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removed_module, "_MOST_AT_ONCE", 2)
    for index in (1, 2, 3):
        await removed.remove(Index(index), WRITER)
    await removed.restore([Index(1), Index(2), Index(3)], WRITER)
    assert [event.message for event in (await told(core))[3:]] == ["2 removed events restored", "Event 3 restored"]
    assert removed.condition() == await after_restart(core) == EVERYTHING


async def test_a_restart_finds_the_same_in_the_log(
    core: Core, removed: Removed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(removed_module, "_PAGE", 2)
    for index in (5, 3, 1):
        await removed.remove(Index(index), WRITER)
    await removed.restore([Index(3), Index(5)], WRITER)
    await removed.remove(Index(5), WRITER)
    assert removed.condition() == await after_restart(core) == Not(Listed((1, 5)))


@pytest.mark.parametrize("source", ["tidings", "s"])
async def test_nobody_else_can_tell_what_is_removed(core: Core, source: str) -> None:
    forged = draft(source=source, type="tidings.event-removed", dialect="cloudevents", payload={"index": 1})
    await core.publish([forged], ITSELF)
    assert await after_restart(core) == EVERYTHING


async def test_the_condition_is_the_same_object_until_something_changes(removed: Removed) -> None:
    await removed.remove(Index(2), WRITER)
    before = removed.condition()
    await removed.remove(Index(2), WRITER)
    assert removed.condition() is before
    await removed.remove(Index(3), WRITER)
    assert removed.condition() is not before


async def test_what_the_log_has_no_more_is_forgotten(core: Trimmable, removed: Removed) -> None:
    for index in (1, 2, 4):
        await removed.remove(Index(index), WRITER)
    core.first_kept = 3
    assert removed.condition() == await after_restart(core) == Not(Listed((4,)))
    core.first_kept = 5
    assert removed.condition() == EVERYTHING


async def test_an_event_that_isnt_there_cant_be_removed(core: Core, removed: Removed) -> None:
    with pytest.raises(NotFound):
        await removed.remove(Index(99), WRITER)
    assert await told(core) == []


async def test_a_writer_removes_events_of_its_scopes_only(removed: Removed) -> None:
    await removed.remove(Index(3), OF_FINANCE)
    with pytest.raises(NotFound):
        await removed.remove(Index(5), OF_FINANCE)
    assert removed.condition() == Not(Listed((3,)))


async def test_a_reader_removes_nothing(core: Core, removed: Removed) -> None:
    with pytest.raises(Forbidden, match="eve may not remove event 3: the role writer is needed"):
        await removed.remove(Index(3), READER)
    assert await told(core) == []


@pytest.mark.parametrize("who", [READER, OF_FINANCE])
async def test_who_may_not_write_all_scopes_restores_nothing(core: Core, removed: Removed, who: Principal) -> None:
    await removed.remove(Index(3), WRITER)
    with pytest.raises(Forbidden, match="may not restore events: the role writer for all scopes is needed"):
        await removed.restore([Index(3)], who)
    assert removed.is_removed(Index(3))


async def test_what_could_not_be_told_of_did_not_happen(core: Trimmable, removed: Removed) -> None:
    await removed.remove(Index(1), WRITER)
    core.refuses = True
    with contextlib.suppress(StorageError):
        await removed.remove(Index(2), WRITER)
    with contextlib.suppress(StorageError):
        await removed.restore([Index(1)], WRITER)
    core.refuses = False
    assert removed.condition() == Not(Listed((1,)))
    await removed.remove(Index(2), WRITER)
    assert removed.condition() == await after_restart(core) == Not(Listed((1, 2)))
