"""One job: how it stands, and the handle by which its maker says how it gets on."""

from __future__ import annotations

import asyncio
import enum
from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from tidings import rfc3339
from tidings.clock import Clock

Progress = Mapping[str, float | str]
Resources = Mapping[str, list[str]]


class JobStatus(enum.StrEnum):
    """How far a job is."""

    PENDING = "Pending"
    RUNNING = "Running"
    SUCCESS = "Success"
    FAILURE = "Failure"
    CANCELLED = "Cancelled"

    @property
    def is_final(self) -> bool:
        """Whether nothing follows."""
        return self not in (JobStatus.PENDING, JobStatus.RUNNING)


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A job as it stood at *updated_ns*. *resources* are URLs or names by type; *error* says why it failed or was cancelled."""

    id: str
    description: str
    created_ns: int
    updated_ns: int
    status: JobStatus = JobStatus.PENDING
    resources: Resources | None = None
    progress: Progress | None = None
    may_cancel: bool = False
    error: str = ""
    actor: str = ""


def payload_of(job: Job) -> dict[str, Any]:
    """Return *job* as the payload of an event of the kind ``tidings.job``."""
    return {
        "id": job.id,
        "class": "task",
        "description": job.description,
        "created": rfc3339.render(job.created_ns),
        "updated": rfc3339.render(job.updated_ns),
        "status": job.status.value,
        "resources": job.resources,
        "progress": job.progress,
        "may_cancel": job.may_cancel,
        "error": job.error,
    }


class Ongoing:
    """A job that somebody is at work on; *now* is how it stands. Lives on the event loop."""

    def __init__(self, job: Job, clock: Clock, cancel: Callable[[], None] | None) -> None:
        self.now, self.is_cancelled, self.ended_at = job, False, 0.0
        self._clock, self._cancel, self._ended = clock, cancel, asyncio.Event()

    @property
    def is_cancellable(self) -> bool:
        """Whether it could be cancelled while it ran; *now* says whether it can be at the moment."""
        return self._cancel is not None

    def progress(self, **members: float | str) -> None:
        """Say how it gets on, e.g. ``events=2000``; replaces what was said before. Cheap: the log hears of it now and then."""
        self._change(progress=members)

    def begin(self) -> None:
        """Note that the work begins."""
        self._change(status=JobStatus.RUNNING)

    def cancel(self) -> None:
        """Have the work end soon; once only, and only if the job can be cancelled."""
        assert self._cancel is not None
        self.is_cancelled = True
        self._change(may_cancel=False)
        self._cancel()

    def end(self, status: JobStatus, error: str = "") -> None:
        """Note the outcome; only the first one counts."""
        self._change(status=status, error=error, may_cancel=False)
        self._ended.set()

    async def ended(self) -> None:
        """Wait for the outcome."""
        await self._ended.wait()

    def _change(self, **fields: object) -> None:
        if not self._ended.is_set():
            self.now = msgspec.structs.replace(self.now, updated_ns=self._clock.now_ns(), **fields)
