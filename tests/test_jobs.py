"""Jobs: listed, waited for, cancelled, and told of in the log when they last."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidings.auth import Principal
from tidings.clock import ManualClock
from tidings.core import Core
from tidings.errors import Forbidden, NotFound, StorageError
from tidings.event import Draft, Event
from tidings.hub import Hub
from tidings.jobs import Jobs, JobStatus, _jobs, _teller
from tidings.log.base import Appended
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.own_events import ITSELF
from tidings.query.ast import EVERYTHING, Order, Query
from tidings.severity import Severity

CREATED = "2026-09-21T14:13:20Z"  # where a ManualClock stands


class Grudging(Core):
    """A core that refuses to publish while *refuses* is set; *forgetful* stores and then says it didn't, once."""

    refuses = forgetful = False
    refused = 0

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        if self.refuses:
            self.refused += 1
            raise StorageError("the disk is full")
        done = await super().publish(drafts, who)
        if self.forgetful:
            self.forgetful = False
            raise StorageError("the disk went away")
        return done


@pytest.fixture
async def core(tmp_path: Path) -> AsyncIterator[Grudging]:
    async with SegmentLog(tmp_path, ManualClock(), SegmentOptions(durable=False)) as log:
        yield Grudging(log, Hub(log))


@asynccontextmanager
async def telling(jobs: Jobs) -> AsyncIterator[None]:
    """Run the task that tells of jobs; at the end it has told all it will."""
    task = asyncio.create_task(jobs.run())
    try:
        yield
        await asyncio.sleep(0)  # a task that never began has no end either
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def events(core: Core) -> list[Event]:
    page = await core.search(Query(EVERYTHING, Order(descending=False), 1000), ITSELF)
    return page.events


async def told(core: Core) -> list[dict[str, Any]]:
    return [msgspec.json.decode(event.payload) for event in await events(core)]


async def statuses(core: Core) -> list[str]:
    return [str(job["status"]) for job in await told(core)]


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.005)


async def test_a_job_is_told_of_from_pending_to_its_end(core: Core) -> None:
    clock = ManualClock()
    jobs = Jobs(core, clock, 0)
    async with telling(jobs):
        with jobs.open("Exporting events", resources={"events": ["/1.0/events"]}, actor="alice") as job:
            clock.advance(2)
            job.progress(events=120_000)
    found = await events(core)
    assert [event.message for event in found] == [
        "Exporting events: Pending",
        "Exporting events: Running",
        "Exporting events: Success, 120000 events",
    ]
    assert {(event.kind, event.severity, event.actor, event.correlation) for event in found} == {
        ("tidings.job", Severity.DEBUG, "alice", job.now.id)
    }
    assert [event.time - clock.now_ns() for event in found] == [-2_000_000_000, -2_000_000_000, 0]
    assert msgspec.json.decode(found[-1].payload) == {
        "id": job.now.id,
        "class": "task",
        "description": "Exporting events",
        "created": CREATED,
        "updated": "2026-09-21T14:13:22Z",
        "status": "Success",
        "resources": {"events": ["/1.0/events"]},
        "progress": {"events": 120_000},
        "may_cancel": False,
        "error": "",
    }


async def test_a_short_job_is_not_told_of(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 3600)
    async with telling(jobs):
        with jobs.open("Exporting events"):
            pass
        with pytest.raises(LookupError), jobs.open("Exporting events"):
            raise LookupError
    assert core.head == 0


async def test_a_job_is_told_of_while_it_runs_once_it_has_lasted(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 0.02)
    async with telling(jobs):
        with jobs.open("Exporting events", cancel=lambda: None):
            assert core.head == 0
            await until(lambda: core.head == 2)
    assert [(job["status"], job["may_cancel"]) for job in await told(core)] == [
        ("Pending", True),
        ("Running", True),
        ("Success", False),
    ]


async def test_progress_is_told_while_the_job_runs(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_teller, "_PROGRESS_EVERY_S", 0.01)
    jobs = Jobs(core, ManualClock(), 0)
    async with telling(jobs):
        with jobs.open("Exporting events") as job:
            await until(lambda: core.head == 2)
            job.progress(events=5, percent=50)
            await until(lambda: core.head == 3)
            assert (await told(core))[-1]["progress"] == {"events": 5, "percent": 50}
            assert (await events(core))[-1].message == "Exporting events: Running, 5 events, 50 percent"


async def test_of_much_progress_the_log_hears_the_newest(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_teller, "_PROGRESS_EVERY_S", 3600)
    jobs = Jobs(core, ManualClock(), 0)
    async with telling(jobs):
        with jobs.open("Exporting events") as job:
            await until(lambda: core.head == 2)
            for events_out in range(1000):
                job.progress(events=events_out)
                await asyncio.sleep(0)
    assert [(job["status"], job["progress"]) for job in await told(core)] == [
        ("Pending", None),
        ("Running", None),
        ("Success", {"events": 999}),
    ]


@pytest.mark.parametrize(
    ("fault", "status", "error", "severity"),
    [
        (StorageError("the disk failed"), "Failure", "the disk failed", Severity.ERROR),
        (LookupError("secret"), "Failure", "LookupError", Severity.ERROR),
        (asyncio.CancelledError(), "Cancelled", "", Severity.WARNING),
        (ConnectionResetError("broken pipe"), "Cancelled", "the client went away", Severity.WARNING),
    ],
)
async def test_what_leaves_the_block_is_how_the_job_ended(
    core: Core, fault: BaseException, status: str, error: str, severity: Severity
) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    async with telling(jobs):
        with pytest.raises(type(fault)), jobs.open("Exporting events") as job:
            raise fault
    assert (job.now.status.value, job.now.error) == (status, error)
    assert [(job["status"], job["error"]) for job in await told(core)] == [
        ("Pending", ""),
        ("Running", ""),
        (status, error),
    ]
    assert (await events(core))[-1].severity == severity


async def test_a_cancelled_job_is_asked_to_end_and_is_cancelled_when_it_has(core: Core) -> None:
    jobs, asked = Jobs(core, ManualClock(), 0), asyncio.Event()
    with jobs.open("Exporting events", cancel=asked.set) as job:
        assert jobs.get(job.now.id).may_cancel
        jobs.cancel(job.now.id)
        assert asked.is_set()
        assert jobs.get(job.now.id).status is JobStatus.RUNNING
        with pytest.raises(Forbidden, match="can't be cancelled: that was asked for before"):
            jobs.cancel(job.now.id)
    assert jobs.get(job.now.id).status is JobStatus.CANCELLED


async def test_what_cancelling_breaks_is_no_failure(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    with pytest.raises(StorageError), jobs.open("Exporting events", cancel=lambda: None) as job:
        jobs.cancel(job.now.id)
        raise StorageError("cut")
    assert (job.now.status, job.now.error) == (JobStatus.CANCELLED, "")


async def test_a_job_that_can_not_be_cancelled_says_why(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    with (
        jobs.open("Importing events") as job,
        pytest.raises(Forbidden, match=r"\(Importing events\) can't be cancelled: it runs to its end"),
    ):
        jobs.cancel(job.now.id)
    with pytest.raises(Forbidden, match=r"it has ended \(Success\)"):
        jobs.cancel(job.now.id)
    with pytest.raises(NotFound, match="no job 'nonsense'"):
        jobs.cancel("nonsense")


async def test_waiting_ends_with_the_job_or_with_patience(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    with jobs.open("Exporting events") as job:
        assert (await jobs.wait(job.now.id, 0.01)).status is JobStatus.RUNNING
        waiting = asyncio.create_task(jobs.wait(job.now.id, None))
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert (await waiting).status is JobStatus.SUCCESS
        assert (await jobs.wait(job.now.id, None)).status is JobStatus.SUCCESS
    with pytest.raises(NotFound):
        await jobs.wait("nonsense", 0)


async def test_the_list_holds_what_runs_and_what_ended_lately(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    jobs = Jobs(core, clock, 3600)
    with jobs.open("first"):
        clock.advance(1)
        with jobs.open("second"):
            pass
        assert [(job.description, job.status.value) for job in jobs.list()] == [
            ("first", "Running"),
            ("second", "Success"),
        ]
        monkeypatch.setattr(_jobs, "_REMEMBERED_S", -1.0)  # as if a minute had passed
        assert [job.description for job in jobs.list()] == ["first"]


async def test_the_list_is_bounded(core: Core) -> None:
    clock = ManualClock()
    jobs = Jobs(core, clock, 3600)
    for number in range(1002):
        with jobs.open(f"job {number}"):
            clock.advance(1)
    assert [job.description for job in jobs.list()] == [f"job {number}" for number in range(2, 1002)]


async def test_a_log_that_refuses_holds_up_no_job_and_hears_it_all_later(
    core: Grudging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_teller, "_RETRY_S", 0.01)
    jobs = Jobs(core, ManualClock(), 0)
    core.refuses = True
    async with telling(jobs):
        with jobs.open("Exporting events") as job:
            await until(lambda: core.refused > 0)
            job.progress(events=1)
            job.progress(events=2)
        core.refuses = False
        await until(lambda: core.head == 3)
    assert [(job["status"], job["progress"]) for job in await told(core)] == [
        ("Pending", None),
        ("Running", None),
        ("Success", {"events": 2}),
    ]


async def test_what_was_stored_without_a_word_is_not_stored_again(
    core: Grudging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_teller, "_RETRY_S", 0.01)
    jobs = Jobs(core, ManualClock(), 0)
    core.forgetful = True
    async with telling(jobs):
        with jobs.open("Exporting events"):
            await until(lambda: core.head == 2)
        await until(lambda: core.head == 3)
    assert await statuses(core) == ["Pending", "Running", "Success"]


async def test_when_too_many_ends_wait_new_jobs_are_not_told_of(core: Core, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_teller, "_MOST_ENDS_UNTOLD", 2)
    jobs = Jobs(core, ManualClock(), 0)
    for name in ("first", "second", "third"):
        with jobs.open(name):
            pass
    async with telling(jobs):
        await until(lambda: core.head == 6)
        with jobs.open("fourth"):
            pass
    names = [job["description"] for job in await told(core)]
    assert names == ["first"] * 3 + ["second"] * 3 + ["fourth"] * 3


async def test_what_still_runs_at_the_stop_is_told_to_be_cancelled(core: Core) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    with jobs.open("Sealing events 1 to 100") as job:
        async with telling(jobs):
            await until(lambda: core.head == 2)
    assert (await told(core))[-1]["error"] == "the server was stopped"
    assert await statuses(core) == ["Pending", "Running", "Cancelled"]
    assert job.now.status is JobStatus.CANCELLED
    with jobs.open("after the stop"):
        pass
    assert core.head == 3


async def test_a_stop_does_not_wait_for_a_log_that_refuses(core: Grudging) -> None:
    jobs = Jobs(core, ManualClock(), 0)
    core.refuses = True
    async with asyncio.timeout(10), telling(jobs):
        with jobs.open("Exporting events"):
            await until(lambda: core.refused > 0)
    assert core.head == 0
