"""Tells the log of long jobs: events of the kind ``tidings.job``, from Pending to the end of each."""

from __future__ import annotations

import asyncio
from typing import NamedTuple, NoReturn

import msgspec
import structlog

from tidings.core import Core
from tidings.errors import TidingsError
from tidings.event import Draft
from tidings.jobs.job import Job, JobStatus, Ongoing, payload_of
from tidings.own_events import ITSELF, own_draft
from tidings.severity import Severity

_PROGRESS_EVERY_S = 1.0
_RETRY_S = 1.0
_FAREWELL_S = 2.0
_MOST_ENDS_UNTOLD = 1_000
_SEVERITIES = {JobStatus.FAILURE: Severity.ERROR, JobStatus.CANCELLED: Severity.WARNING}
_log = structlog.get_logger(__name__)


class _News(NamedTuple):
    """What one event will say: how *job* stood, as the *number*-th thing that is told of it."""

    number: int
    job: Job


class _Story:
    """How much of one job was told; *due* is the event loop's time from which more may be."""

    def __init__(self, work: Ongoing, due: float) -> None:
        self.work, self.due = work, due
        self.told = 0
        self._last: Job | None = None

    def next(self, now: float) -> list[_News]:
        """Return what is new; at first also that the job was pending, and that it ran."""
        job, jobs = self.work.now, list[Job]()
        if self._last is None:
            begun = msgspec.structs.replace(
                job, updated_ns=job.created_ns, may_cancel=self.work.is_cancellable, progress=None, error=""
            )
            jobs = [msgspec.structs.replace(begun, status=status) for status in (JobStatus.PENDING, JobStatus.RUNNING)]
            if job.status is JobStatus.RUNNING:
                jobs.pop()
        if job is not self._last:
            jobs.append(job)
        self._last, self.due = job, now + _PROGRESS_EVERY_S
        news = [_News(number, job) for number, job in enumerate(jobs, self.told + 1)]
        self.told += len(news)
        return news


class Teller:
    """Publishes the events of all jobs in one task, so that no job ever waits for it.

    While the log refuses, what is newest takes the place of what was not told, but the ends of all jobs are kept. When
    1,000 of them wait to be told, jobs begun from then on are not told of at all.
    """

    def __init__(self, core: Core, long_after_s: float) -> None:
        self._core, self._long_after_s = core, long_after_s
        self._stories: dict[str, _Story] = {}
        self._ends = 0
        self._batch: list[_News] = []
        self._changed = asyncio.Event()
        self._is_closed = False

    def begin(self, work: Ongoing) -> None:
        """Watch a new job."""
        if self._is_closed or self._ends >= _MOST_ENDS_UNTOLD:
            return
        self._stories[work.now.id] = _Story(work, _loop_time() + self._long_after_s)
        self._changed.set()

    def end(self, work: Ongoing) -> None:
        """Note that a job ended; a short one is forgotten."""
        story = self._stories.get(work.now.id)
        if story is None:
            return
        if story.told or _loop_time() >= story.due:
            self._ends += 1
            self._changed.set()
        else:
            del self._stories[work.now.id]

    async def run(self) -> NoReturn:
        """Publish, without end. When cancelled: say that what still runs is Cancelled, as nobody will hear more of it."""
        try:
            while True:
                self._changed.clear()
                try:
                    await self._tell()
                except TidingsError as fault:
                    _log.warning("jobs can't be told of, trying again", reason=str(fault))
                    await asyncio.sleep(_RETRY_S)
                else:
                    await self._rest()
        finally:
            await self._close()

    async def _tell(self) -> None:
        """Publish what is due; what was not stored stays for the next time. The events' ids keep it from coming twice."""
        if not self._batch:
            self._batch = self._collect(_loop_time())
        if self._batch:
            await self._core.publish([_draft(news) for news in self._batch], ITSELF)
            self._batch = []

    def _collect(self, now: float) -> list[_News]:
        found: list[_News] = []
        for id, story in tuple(self._stories.items()):
            has_ended = story.work.now.status.is_final
            if has_ended or now >= story.due:
                found += story.next(now)
            if has_ended:
                del self._stories[id]
                self._ends -= 1
        return found

    async def _rest(self) -> None:
        """Wait until a job begins or ends, or one is due."""
        due = min((story.due for story in self._stories.values()), default=None)
        try:
            async with asyncio.timeout_at(due):
                await self._changed.wait()
        except TimeoutError:
            pass

    async def _close(self) -> None:
        self._is_closed = True
        for id, story in tuple(self._stories.items()):
            if story.work.now.status.is_final:
                continue
            if not story.told:
                del self._stories[id]
                continue
            story.work.end(JobStatus.CANCELLED, "the server was stopped")
            self._ends += 1
        try:
            async with asyncio.timeout(_FAREWELL_S):
                await self._tell()  # what a cancelled publish left
                await self._tell()
        except (TimeoutError, TidingsError) as fault:
            _log.warning("the ends of jobs are not told of", reason=str(fault) or "the log took too long")


def _draft(news: _News) -> Draft:
    number, job = news
    return own_draft(
        job.updated_ns,
        "job",
        _message(job),
        id=f"{job.id}/{number}",
        actor=job.actor,
        correlation=job.id,
        severity=_SEVERITIES.get(job.status, Severity.DEBUG),
        payload=payload_of(job),
    )


def _message(job: Job) -> str:
    progress = [f"{value} {name}" for name, value in (job.progress or {}).items()]
    words = ", ".join([job.status.value, *progress, *([job.error] if job.error else [])])
    return " ".join(f"{job.description}: {words}".split())


def _loop_time() -> float:
    return asyncio.get_running_loop().time()
