"""The last known state: up to date with the log, saved, and made again from it."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.projections.drafts import CLOCK, of_lxd, of_nas, of_ovirt
from tidings.auth import Principal, Role
from tidings.errors import Busy, SearchTimeout, StorageError
from tidings.event import Draft
from tidings.log.base import Page
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.projections import GONE, Key, KnownState, Thing, Wanted, state
from tidings.projections.rules import read_rules
from tidings.query.ast import Query
from tidings.store import Store

EVERYBODY = Principal("ann", Role.READER)
OF_WEB = Principal("bob", Role.READER, ("web",))
ALL = Wanted()
WEB1 = Key("instance", "lxd/prod-1", "default", "/1.0/instances/web1")


class Slow(SegmentLog):
    """A log whose searches wait while *gate* is closed, or fail as often as *failures* says."""

    failures = 0

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, CLOCK, SegmentOptions(durable=False))
        self.gate, self.searches = asyncio.Event(), 0
        self.gate.set()

    async def search(self, query: Query) -> Page:
        self.searches += 1
        page = await super().search(query)
        await self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise SearchTimeout("too slow")
        return page


@pytest.fixture
async def log(tmp_path: Path) -> AsyncIterator[Slow]:
    async with Slow(tmp_path / "log") as log:
        yield log


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    store = Store.open(tmp_path / "state.db")
    yield store
    store.close()


@asynccontextmanager
async def running(log: Slow, store: Store, known: KnownState | None = None) -> AsyncIterator[KnownState]:
    """Run it as the server does; afterwards it has saved all."""
    known = known or KnownState(log, store)
    task = asyncio.create_task(known.run())
    try:
        yield known
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        known.close()


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.002)


async def all_of(known: KnownState, wanted: Wanted = ALL, who: Principal = EVERYBODY) -> list[Thing]:
    return await known.select(wanted, who, 1000)


async def shown(known: KnownState, **wanted: str) -> list[tuple[str, str]]:
    return [(thing.name, thing.state) for thing in await all_of(known, Wanted(**wanted))]


def happening(chance: random.Random) -> Draft:
    """Return an event of one of a few things: created, renamed, deleted, told by less than it is known by, or none of these."""
    path, other = (f"/1.0/instances/i{chance.randrange(4)}" for _ in range(2))
    digit = str(chance.randrange(3))
    match chance.randrange(7):
        case 0:
            return of_lxd(f"instance-{chance.choice(['created', 'started', 'stopped', 'deleted'])}", path)
        case 1:
            return of_lxd("instance-renamed", path, old_name=other.rpartition("/")[2])
        case 2:
            return of_nas(container=f"n{digit}", id=digit * 64, state=chance.choice(["start", "die", "destroy"]))
        case 3:
            return of_nas(container=f"n{digit}", state=chance.choice(["start", "pause", "stop"]))
        case 4:
            return of_nas(container=None, id=digit * 12, state="start")
        case 5:
            return of_ovirt("USER_VDC_LOGIN")
        case _:
            return of_lxd("instance-exec", path)


async def test_an_event_is_known_when_its_append_returns(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started"), of_lxd("instance-exec")])
        assert await shown(known) == [("web1", "running")]
        assert known.count == 1


async def test_what_the_log_held_before_is_gathered_from_it(log: Slow, store: Store) -> None:
    await log.append([of_lxd("instance-created"), of_lxd("instance-started")])
    async with running(log, store) as known:
        assert await shown(known) == [("web1", "running")]


@pytest.mark.parametrize("seed", range(5))
async def test_gathered_anew_is_the_same_as_lived_through(log: Slow, store: Store, seed: int, tmp_path: Path) -> None:
    other = Store.open(tmp_path / "other.db")
    async with running(log, store) as known:
        await known.until_ready()
        chance = random.Random(seed)
        drafts = [happening(chance) for _ in range(300)]
        for start in range(0, 300, 7):
            await log.append(drafts[start : start + 7])
        async with running(log, other) as again:
            for wanted in ("", GONE):
                assert await all_of(again, Wanted(state=wanted)) == await all_of(known, Wanted(state=wanted))
    async with running(log, store) as saved:
        assert await all_of(saved) == await all_of(known)
    other.close()


async def test_what_is_committed_while_it_gathers_is_applied_after_what_came_before(log: Slow, store: Store) -> None:
    await log.append([of_lxd("instance-started")])
    log.gate.clear()
    async with running(log, store) as known:
        await until(lambda: log.searches == 1)
        await log.append([of_lxd("instance-stopped")])
        assert not known.is_ready
        log.gate.set()
        assert await shown(known) == [("web1", "stopped")]
        assert log.searches == 1


async def test_what_is_too_much_to_keep_while_it_gathers_is_read_from_the_log(
    log: Slow, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state, "_MOST_BUFFERED", 2)
    await log.append([of_lxd("instance-started")])
    log.gate.clear()
    async with running(log, store) as known:
        await until(lambda: log.searches == 1)
        for word in ("stopped", "started", "stopped", "deleted"):
            await log.append([of_lxd(f"instance-{word}")])
        log.gate.set()
        assert await shown(known, state=GONE) == [("web1", GONE)]
        assert log.searches == 2


async def test_a_long_log_is_read_in_spans_and_pages(log: Slow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_SPAN", 10)
    monkeypatch.setattr(state, "_PAGE", 3)
    await log.append([of_lxd("instance-started", f"/1.0/instances/i{number}") for number in range(25)])
    async with running(log, store) as known:
        assert len(await all_of(known)) == 25
        assert log.searches == 4 + 4 + 2


async def test_a_search_that_fails_is_tried_again(log: Slow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_RETRY_S", 0.001)
    await log.append([of_lxd("instance-started")])
    log.failures = 2
    async with running(log, store) as known:
        assert await shown(known) == [("web1", "running")]


async def test_while_it_gathers_a_question_waits_and_then_is_told_to_come_again(log: Slow, store: Store) -> None:
    await log.append([of_lxd("instance-started")])
    log.gate.clear()
    async with running(log, store) as known:
        with pytest.raises(Busy, match="still being gathered"):
            await known.until_ready(0.001)
        asked = asyncio.create_task(known.find("instance", "web1", EVERYBODY))
        await asyncio.sleep(0)
        log.gate.set()
        thing = await asked
        assert thing is not None
        assert thing.key == WEB1


async def test_after_a_stop_only_what_came_meanwhile_is_read(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started"), of_lxd("instance-started", "/1.0/instances/db")])
    await log.append([of_lxd("instance-stopped")])
    store.execute("UPDATE things SET name = 'kept' WHERE name = 'db'")  # the log doesn't say so
    async with running(log, store) as known:
        assert await shown(known) == [("web1", "stopped"), ("kept", "running")]


@pytest.mark.parametrize("lost", ["DELETE FROM things", "DELETE FROM things_progress"])
async def test_what_is_missing_on_disk_is_made_again(log: Slow, store: Store, lost: str) -> None:
    await log.append([of_lxd("instance-started")])
    async with running(log, store) as known:
        await known.until_ready()
    store.execute(lost)
    async with running(log, store) as known:
        assert await shown(known) == [("web1", "running")]


async def test_of_a_log_that_was_replaced_by_a_shorter_one_only_that_counts(
    log: Slow, store: Store, tmp_path: Path
) -> None:
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started"), of_lxd("instance-started", "/1.0/instances/db")])
    async with Slow(tmp_path / "replaced") as other:
        await other.append([of_lxd("instance-stopped")])
        for _ in range(2):
            async with running(other, store) as known:
                assert await shown(known) == [("web1", "stopped")]
    assert store.query("SELECT name, state FROM things") == [("web1", "stopped")]


async def test_other_rules_find_more_in_the_same_events_and_forget_nothing(log: Slow, store: Store) -> None:
    header = "kind,type,state,when,id,name,former,details\n"
    started = "lxd.lifecycle.instance-started,instance,running,,,,,\n"
    exec_ = "lxd.lifecycle.instance-exec,instance,busy,,,,,\n"
    await log.append([of_lxd("instance-exec", "/1.0/instances/db"), of_lxd("instance-started")])
    async with running(log, store, KnownState(log, store, read_rules(header + started))) as known:
        assert await shown(known) == [("web1", "running")]
    store.execute("UPDATE things SET name = 'kept'")
    async with running(log, store, KnownState(log, store, read_rules(header + started + exec_))) as known:
        assert await shown(known) == [("kept", "running"), ("db", "busy")]


async def test_what_changes_is_saved_while_it_runs(log: Slow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state, "_SAVE_EVERY_S", 0.001)
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started")])
        await until(lambda: store.query("SELECT state FROM things") == [("running",)])
        await log.append([of_lxd("instance-exec")])
        await until(lambda: store.query("SELECT applied FROM things_progress") == [(2,)])


async def test_what_could_not_be_saved_is_saved_later(log: Slow, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    attempts = list[int]()

    def refuse(*_: object) -> None:
        attempts.append(1)
        raise StorageError("the disk is full")

    monkeypatch.setattr(state, "_SAVE_EVERY_S", 0.001)
    with monkeypatch.context() as patched:
        patched.setattr(state, "write_things", refuse)
        known = KnownState(log, store)
        task = asyncio.create_task(known.run())
        await known.until_ready()
        await log.append([of_lxd("instance-started")])
        await until(lambda: len(attempts) > 2)
    await until(lambda: store.query("SELECT state FROM things") == [("running",)])
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    known.close()


async def test_a_stop_before_all_is_gathered_saves_nothing_half(log: Slow, store: Store) -> None:
    await log.append([of_lxd("instance-started")])
    log.gate.clear()
    async with running(log, store):
        await until(lambda: log.searches == 1)
    assert store.query("SELECT * FROM things_progress") == []


async def test_things_are_selected_by_what_they_are(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await log.append([
            of_lxd("instance-started", "/1.0/instances/web1", project="web"),
            of_lxd("instance-stopped", "/1.0/instances/db", project="data"),
            of_ovirt("USER_RUN_VM", vm="web2=aae9"),
            of_lxd("instance-deleted", "/1.0/instances/web3", project="web"),
        ])  # fmt: skip
        assert await shown(known) == [("web2", "up"), ("db", "stopped"), ("web1", "running")]
        assert await shown(known, type="instance") == [("db", "stopped"), ("web1", "running")]
        assert await shown(known, source="ovirt/east") == [("web2", "up")]
        assert await shown(known, scope="data") == [("db", "stopped")]
        assert await shown(known, state="running") == [("web1", "running")]
        assert await shown(known, state=GONE) == [("web3", GONE)]
        assert await shown(known, name="web*") == [("web2", "up"), ("web1", "running")]
        assert await shown(known, name="aae9") == [("web2", "up")]
        assert await shown(known, name="web") == []
        assert len(await known.select(Wanted(), EVERYBODY, 2)) == 2


async def test_who_has_scopes_sees_the_things_of_those(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await log.append([of_lxd("instance-started", project="web"), of_lxd("instance-stopped", project="data")])
        assert [thing.scope for thing in await all_of(known, who=OF_WEB)] == ["web"]
        assert await all_of(known, Wanted(scope="data"), OF_WEB) == []
        thing = await known.find("instance", "web1", OF_WEB)
        assert thing is not None
        assert thing.state == "running"
        assert await known.find("instance", "web1", Principal("c", Role.READER, ("data2",))) is None


async def test_what_is_gone_is_not_found(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await log.append([of_lxd("instance-started"), of_lxd("instance-deleted")])
        assert await known.find("instance", "web1", EVERYBODY) is None


async def test_who_waits_for_what_is_so_has_it_at_once(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started")])
        thing = await known.wait(WEB1, ("running",), 0)
        assert thing is not None
        assert thing.index == 1
        assert await known.wait(WEB1, ("stopped",), 0) is None
        assert await known.wait(WEB1, ("stopped",), 0.001) is None


async def test_five_thousand_who_wait_cost_other_events_nothing_and_go_with_one_commit(log: Slow, store: Store) -> None:
    released_at: list[float] = []

    async def wait(known: KnownState) -> None:
        thing = await known.wait(WEB1, ("stopped", GONE), 60)
        released_at.append(time.perf_counter())
        assert thing is not None
        assert thing.state == "stopped"

    async with running(log, store) as known, asyncio.timeout(30):
        await known.until_ready()
        await log.append([of_lxd("instance-started")])
        tasks = [asyncio.create_task(wait(known)) for _ in range(5000)]
        await until(lambda: known.waiting == 5000)
        for _ in range(3):
            await log.append([of_lxd("instance-stopped", "/1.0/instances/db"), of_lxd("instance-exec")])
        assert known.waiting == 5000
        for task in tasks[:10]:
            task.cancel()
        await asyncio.gather(*tasks[:10], return_exceptions=True)
        assert known.waiting == 4990
        committed_at: list[float] = []
        log.on_commit(lambda batch: committed_at.append(time.perf_counter()))
        await log.append([of_lxd("instance-stopped")])
        await asyncio.gather(*tasks[10:])
        assert known.waiting == 0
        assert len(released_at) == 4990
        assert max(released_at) - committed_at[0] < 1


async def test_a_state_that_lasts_for_no_time_releases_who_waited_for_it(log: Slow, store: Store) -> None:
    async with running(log, store) as known:
        await known.until_ready()
        await log.append([of_lxd("instance-started")])
        task = asyncio.create_task(known.wait(WEB1, ("stopped",), 60))
        await until(lambda: known.waiting == 1)
        await log.append([of_lxd("instance-stopped"), of_lxd("instance-started")])
        thing = await task
        assert thing is not None
        assert (thing.state, thing.index) == ("stopped", 2)
