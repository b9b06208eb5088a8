"""The log's own long work, sealing and merging, as jobs."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from tidings.jobs import Jobs
from tidings.log.segments import Work

_LEAST_EVENTS = 100


def log_jobs(jobs: Jobs, segment_events: int) -> Callable[[Work], AbstractContextManager[object]]:
    """Return what makes a job of each merging, and of sealing each full journal (*segment_events* in it).

    Others aren't worth one: a small journal may hold nothing but what was told of jobs, and each job is told of by three
    events at least, so that sealing it would be the reason for the next one. The same goes for journals full with a few.
    """
    least = max(segment_events, _LEAST_EVENTS)

    def job(work: Work) -> AbstractContextManager[object]:
        if work.what == "merge":
            return jobs.open(f"Merging events {work.first} to {work.last}")
        if work.last - work.first + 1 >= least:
            return jobs.open(f"Sealing events {work.first} to {work.last}")
        return nullcontext()

    return job
