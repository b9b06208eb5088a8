"""The list of jobs: opened, listed, waited for, cancelled."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import NoReturn

from tidings.clock import Clock
from tidings.core import Core
from tidings.errors import Forbidden, NotFound, TidingsError
from tidings.jobs._teller import Teller
from tidings.jobs.job import Job, JobStatus, Ongoing, Resources

_REMEMBERED_S = 60.0
_MOST_LISTED = 1_000


class Jobs:
    """All jobs of the server. Lives on the event loop; its owner runs `run` beside it.

    The log hears of a job, see `Teller`, once it has lasted *long_after_s* seconds (0: of every one).
    """

    def __init__(self, core: Core, clock: Clock, long_after_s: float) -> None:
        self._clock = clock
        self._teller = Teller(core, long_after_s)
        self._running: dict[str, Ongoing] = {}
        self._ended: deque[Ongoing] = deque(maxlen=_MOST_LISTED)

    async def run(self) -> NoReturn:
        """Tell the log of jobs, without end. When cancelled it first says that those not finished are."""
        await self._teller.run()

    @contextmanager
    def open(
        self, description: str, *, resources: Resources | None = None, cancel: Callable[[], None] | None = None,
        actor: str = "",
    ) -> Iterator[Ongoing]:  # fmt: skip
        """Be a job for as long as the block lasts; neither entering nor leaving waits. *actor* is who asked for it.

        An exception that leaves the block makes it Failure, but for those by which somebody gives up (the task is
        cancelled, the client goes away). *cancel* is called when `cancel` is, and must see to it that the block ends.
        """
        now_ns = self._clock.now_ns()
        job = Job(
            id=str(uuid.uuid4()), description=description, created_ns=now_ns, updated_ns=now_ns, resources=resources,
            may_cancel=cancel is not None, actor=actor,
        )  # fmt: skip
        work = Ongoing(job, self._clock, cancel)
        self._running[job.id] = work
        self._teller.begin(work)
        work.begin()
        try:
            yield work
        except BaseException as fault:
            self._end(work, *_outcome(work, fault))
            raise
        self._end(work, JobStatus.CANCELLED if work.is_cancelled else JobStatus.SUCCESS, "")

    def list(self) -> list[Job]:
        """Return the jobs that run, and those that ended within a minute; oldest first, the newest 1,000."""
        self._forget()
        jobs = [work.now for work in (*self._ended, *self._running.values())]
        return sorted(jobs, key=lambda job: job.created_ns)[-_MOST_LISTED:]

    def get(self, id: str) -> Job:
        """Return one of these. Raises NotFound."""
        return self._find(id).now

    async def wait(self, id: str, timeout_s: float | None) -> Job:
        """Return a job once it has ended, or as it stands after *timeout_s* seconds (None: however long it takes). Raises NotFound."""
        work = self._find(id)
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await work.ended()
        return work.now

    def cancel(self, id: str) -> None:
        """Have a job end soon; `wait` for its end. Raises NotFound, and Forbidden when that is not possible (any more)."""
        work = self._find(id)
        job = work.now
        if not job.may_cancel:
            why = (
                f"it has ended ({job.status})" if job.status.is_final
                else "that was asked for before" if work.is_cancelled
                else "it runs to its end"
            )  # fmt: skip
            raise Forbidden(f"job {id} ({job.description}) can't be cancelled: {why}")
        work.cancel()

    def _end(self, work: Ongoing, status: JobStatus, error: str) -> None:
        work.end(status, error)
        work.ended_at = asyncio.get_running_loop().time()
        self._teller.end(work)
        del self._running[work.now.id]
        self._ended.append(work)

    def _forget(self) -> None:
        horizon = asyncio.get_running_loop().time() - _REMEMBERED_S
        while self._ended and self._ended[0].ended_at < horizon:
            self._ended.popleft()

    def _find(self, id: str) -> Ongoing:
        self._forget()
        found = self._running.get(id) or next((work for work in self._ended if work.now.id == id), None)
        if found is None:
            raise NotFound(f"there is no job {id[:80]!r}, or it ended more than a minute ago")
        return found


def _outcome(work: Ongoing, fault: BaseException) -> tuple[JobStatus, str]:
    """Return what *fault* makes of a job; what isn't made for users is named by its class only."""
    if work.is_cancelled or isinstance(fault, asyncio.CancelledError):
        return JobStatus.CANCELLED, ""
    if isinstance(fault, ConnectionError):
        return JobStatus.CANCELLED, "the client went away"
    return JobStatus.FAILURE, str(fault) if isinstance(fault, TidingsError) else type(fault).__name__
