"""Warnings of the server's own health: kept over restarts, and told of in the log."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidings.auth import Principal, Role
from tidings.clock import ManualClock
from tidings.core import Core
from tidings.errors import Busy, NotFound, StorageError
from tidings.event import Draft, Event
from tidings.health import Health, HealthWarning, _health, disk
from tidings.hub import Hub
from tidings.log.base import Appended
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.own_events import ITSELF
from tidings.query.ast import EVERYTHING, Order, Query
from tidings.severity import Severity
from tidings.store import Store

ALICE = Principal("alice", Role.ADMIN)
REQUESTOR = {"username": "alice", "protocol": "unix", "address": "@"}
MIB = 1024 * 1024


class Grudging(Core):
    """A core that refuses to publish while *refuses* is set."""

    refuses = False
    refused = 0

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        if self.refuses:
            self.refused += 1
            raise Busy("too much waits")
        return await super().publish(drafts, who)


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Grudging]:
    async with SegmentLog(tmp_path, ManualClock(), SegmentOptions(durable=False)) as log:
        yield Grudging(log, Hub(log))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def health(core: Core, clock: ManualClock, store: Store) -> Iterator[Health]:
    health = Health(core, clock, store)
    yield health
    health.close()


@asynccontextmanager
async def kept(health: Health) -> AsyncIterator[None]:
    """Run the task that writes and tells; at the end everything is written and told."""
    task = asyncio.create_task(health.run())
    try:
        yield
        await asyncio.sleep(0)  # a task that never began has no end either
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def stored(core: Core, clock: ManualClock, store: Store) -> list[HealthWarning]:
    """Return what a restarted server knows."""
    again = Health(core, clock, store)
    again.close()
    return again.list()


async def events(core: Core) -> list[Event]:
    page = await core.search(Query(EVERYTHING, Order(descending=False), 1000), ITSELF)
    return page.events


async def kinds(core: Core) -> list[str]:
    return [event.kind.removeprefix("tidings.") for event in await events(core)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.005)


async def test_a_warning_is_new_and_told_of_once(core: Core, clock: ManualClock, health: Health) -> None:
    async with kept(health):
        health.raise_("collector-down", "lxd/prod-1", "lxd/prod-1 can't be reached")
        clock.advance(60)
        health.raise_("collector-down", "lxd/prod-1", "lxd/prod-1 still can't be reached")
    (warning,) = health.list()
    assert (warning.type, warning.entity, warning.severity) == ("collector-down", "lxd/prod-1", "moderate")
    assert (warning.status, warning.count, warning.message) == ("new", 2, "lxd/prod-1 still can't be reached")
    assert (warning.last_ns - warning.first_ns, warning.updated_ns) == (60_000_000_000, warning.last_ns)
    (event,) = await events(core)
    assert (event.kind, event.severity, event.subject) == (
        "tidings.warning-raised",
        Severity.WARNING,
        f"warning {warning.id}",
    )
    assert event.message == "Warning raised: lxd/prod-1 can't be reached"
    assert msgspec.json.decode(event.payload) == {
        "id": warning.id,
        "type": "collector-down",
        "entity": "lxd/prod-1",
        "status": "new",
        "message": "lxd/prod-1 can't be reached",
    }


async def test_what_is_in_order_again_is_resolved_and_new_when_it_comes_back(core: Core, health: Health) -> None:
    async with kept(health):
        health.resolve("disk-nearly-full", "/data")
        health.raise_("disk-nearly-full", "/data", "little is left")
        (first,) = health.list()
        health.resolve("disk-nearly-full", "/data")
        health.resolve("disk-nearly-full", "/data")
        assert health.get(first.id).status == "resolved"
        health.raise_("disk-nearly-full", "/data", "little is left")
    assert [(warning.id, warning.status, warning.count) for warning in health.list()] == [(first.id, "new", 2)]
    assert await kinds(core) == ["warning-raised", "warning-resolved", "warning-raised"]
    assert (await events(core))[1].severity == Severity.NORMAL


async def test_an_acknowledged_warning_stays_so_until_it_is_reset_or_resolved(core: Core, health: Health) -> None:
    async with kept(health):
        health.raise_("collector-down", "a", "down")
        (warning,) = health.list()
        await health.acknowledge(warning.id, ALICE)
        health.raise_("collector-down", "a", "down")
        assert health.get(warning.id).status == "acknowledged"
        assert (await health.reset(warning.id, ALICE)).status == "new"
        await health.acknowledge(warning.id, ALICE)
        health.resolve("collector-down", "a")
        health.raise_("collector-down", "a", "down")
        assert (health.get(warning.id).status, health.get(warning.id).count) == ("new", 3)


async def test_an_answered_change_is_on_disk_and_told_with_who_asked(
    core: Core, clock: ManualClock, store: Store, health: Health
) -> None:
    health.raise_("segment-quarantined", "segment-1.db", "events 1 to 9 are missing")
    (warning,) = health.list()
    assert warning.severity == "high"
    await health.acknowledge(warning.id, ALICE, REQUESTOR)
    assert stored(core, clock, store) == health.list()
    await health.reset(warning.id, ALICE, REQUESTOR)
    assert stored(core, clock, store) == health.list()
    await health.delete(warning.id, ALICE, REQUESTOR)
    assert (stored(core, clock, store), health.list()) == ([], [])
    raised, *changes = await events(core)
    assert (raised.kind, raised.actor) == ("tidings.warning-raised", "")
    assert [(event.kind.rpartition("-")[2], event.actor, event.severity.label) for event in changes] == [
        ("acknowledged", "alice", "normal"),
        ("reset", "alice", "normal"),
        ("deleted", "alice", "normal"),
    ]
    payloads = [msgspec.json.decode(event.payload) for event in changes]
    assert {(payload["id"], payload["entity"]) for payload in payloads} == {(warning.id, "segment-1.db")}
    assert [payload["status"] for payload in payloads] == ["acknowledged", "new", "new"]
    assert [payload["requestor"] for payload in payloads] == [REQUESTOR] * 3


async def test_warnings_outlive_a_restart(core: Core, clock: ManualClock, store: Store, health: Health) -> None:
    async with kept(health):
        health.raise_("collector-down", "a", "down")
        clock.advance(1)
        health.raise_("segment-quarantined", "b", "broken")
        clock.advance(1)
        health.raise_("collector-down", "a", "down again")
        health.resolve("segment-quarantined", "b")
    assert stored(core, clock, store) == health.list()
    assert [(warning.entity, warning.count, warning.status) for warning in health.list()] == [
        ("a", 2, "new"),
        ("b", 1, "resolved"),
    ]


async def test_a_deleted_warning_comes_back_as_another(
    core: Core, clock: ManualClock, store: Store, health: Health
) -> None:
    async with kept(health):
        health.raise_("collector-down", "a", "down")
        (first,) = health.list()
        await health.delete(first.id, ALICE)
        health.raise_("collector-down", "a", "down")
    (second,) = health.list()
    assert second.id != first.id
    assert (second.count, stored(core, clock, store)) == (1, [second])


@pytest.mark.parametrize("change", ["acknowledge", "reset", "delete"])
async def test_a_warning_that_is_not_there_can_not_be_changed(health: Health, change: str) -> None:
    with pytest.raises(NotFound, match="no warning 'nonsense'"):
        await getattr(health, change)("nonsense", ALICE)
    with pytest.raises(NotFound):
        health.get("nonsense")


@pytest.mark.parametrize("change", ["acknowledge", "delete"])
async def test_a_change_that_can_not_be_written_is_none(
    core: Core, clock: ManualClock, store: Store, health: Health, change: str
) -> None:
    async with kept(health):
        health.raise_("collector-down", "a", "down")
    store.close()
    (before,) = health.list()
    with pytest.raises(StorageError):
        await getattr(health, change)(before.id, ALICE)
    assert health.list() == [before]
    assert await kinds(core) == ["warning-raised"]


def test_a_type_that_nobody_knows_is_a_mistake(health: Health) -> None:
    with pytest.raises(ValueError, match="world-ended"):
        health.raise_("world-ended", "everything", "run")


async def test_what_is_known_to_be_wrong_at_a_start_resolves_the_rest(health: Health) -> None:
    health.raise_("segment-quarantined", "a", "broken")
    health.raise_("segment-quarantined", "b", "broken")
    health.raise_("collector-down", "c", "down")
    health.resolve_others("segment-quarantined", ["b"])
    assert {warning.entity: warning.status.value for warning in health.list()} == {
        "a": "resolved",
        "b": "new",
        "c": "new",
    }


async def test_while_disk_and_log_refuse_nothing_is_lost(
    core: Grudging, clock: ManualClock, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        """A store whose disk is full while *refuses* is set."""

        refuses, refused = True, 0

        def __getattr__(self, name: str) -> Any:
            if self.refuses and name == "transaction":
                self.refused += 1
                raise StorageError("the disk is full")
            return getattr(store, name)

    monkeypatch.setattr(_health, "_RETRY_S", 0.01)
    full, core.refuses = Full(), True
    health = Health(core, clock, full)  # type: ignore[arg-type]
    async with kept(health):
        health.raise_("collector-down", "a", "down")
        await until(lambda: full.refused > 1)
        full.refuses = False
        await until(lambda: core.refused > 1)
        health.resolve("collector-down", "a")
        core.refuses = False
        await until(lambda: core.head == 2)
    health.close()
    assert stored(core, clock, store) == health.list()
    assert await kinds(core) == ["warning-raised", "warning-resolved"]


async def test_when_there_are_too_many_the_oldest_resolved_one_goes_first(
    core: Core, clock: ManualClock, store: Store, health: Health, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_health, "_MOST_WARNINGS", 3)
    async with kept(health):
        for entity in ("a", "b", "c"):
            health.raise_("segment-quarantined", entity, "broken")
            clock.advance(1)
        health.resolve("segment-quarantined", "b")
        for entity, left in (("d", "acd"), ("e", "cde")):
            health.raise_("segment-quarantined", entity, "broken")
            assert "".join(warning.entity for warning in health.list()) == left
            clock.advance(1)
    assert stored(core, clock, store) == health.list()


async def test_a_disk_with_little_room_is_warned_of_until_there_is_some_more(health: Health, tmp_path: Path) -> None:
    seen = []
    for free in (1000 * MIB, 999 * MIB, 1050 * MIB, 1100 * MIB, 1050 * MIB):
        await disk.look_at_disk(health, tmp_path, 1000 * MIB, lambda _, free=free: free)  # type: ignore[misc]
        seen.append([(warning.status.value, warning.count) for warning in health.list()])
    assert seen == [[], [("new", 1)], [("new", 1)], [("resolved", 1)], [("resolved", 1)]]
    (warning,) = health.list()
    assert (warning.type, warning.entity, warning.severity) == ("disk-nearly-full", str(tmp_path), "high")
    assert warning.message.startswith(f"999 MiB are free for {tmp_path}, less than the 1000 MiB of disk_low; ")


async def test_the_disk_is_looked_at_again_and_again_even_when_that_fails(
    health: Health, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(disk, "_LOOK_EVERY_S", 0.001)
    looks = 0

    def free(directory: Path) -> int:
        nonlocal looks
        looks += 1
        if looks == 1:
            raise OSError("not now")
        return 5

    watching = asyncio.create_task(disk.watch_disk(health, tmp_path, 10, free))
    await until(lambda: looks > 3)
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert health.list()[0].count >= 2


def test_the_room_on_a_disk_is_what_the_system_says(tmp_path: Path) -> None:
    assert disk.free_bytes(tmp_path) > 0
    with pytest.raises(OSError, match="gone"):
        disk.free_bytes(tmp_path / "gone")
