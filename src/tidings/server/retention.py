"""Delete the oldest segments when they are too old or the log is too large; each deletion is announced in the log first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tidings.clock import Clock
from tidings.core import Core
from tidings.event import Index
from tidings.jobs import Jobs
from tidings.own_events import ITSELF, announce
from tidings.server.usage import Span

_SECOND_NS = 1_000_000_000


class Rule(NamedTuple):
    """What is kept: how long, and how much (0: no bound)."""

    age_s: float
    size_bytes: int


def excess(spans: Sequence[Span], log_bytes: int, rule: Rule, now_ns: int) -> tuple[int, str] | None:
    """Return the index before which *rule* wants everything deleted, and why; None when all may stay.

    *spans* ascend. Deleting goes from the oldest on without a gap, so a part that may stay protects all after it.
    """
    before, reason = 0, ""
    for span in spans:
        if rule.age_s and span.received_max < now_ns - int(rule.age_s * _SECOND_NS):
            why = "age"
        elif rule.size_bytes and log_bytes > rule.size_bytes:
            why = "size"
        else:
            break
        before, reason = span.last + 1, reason or why
        log_bytes -= span.size_bytes
    return (before, reason) if before else None


def reachable(spans: Sequence[Span], before: int) -> int:
    """Return how much of the wish to delete what lies below *before* can be granted: the end of the last whole span below."""
    return max((span.last + 1 for span in spans if span.last < before), default=0)


async def trim(core: Core, clock: Clock, jobs: Jobs, before: int, reason: str, actor: str = "") -> int:
    """Announce and delete what lies below *before*, the end of a span; return the oldest index then kept. It is a job."""
    oldest = core.oldest
    if before > oldest:
        message = f"Events {oldest} to {before - 1} deleted ({reason})"
        payload = {"before": before, "count": before - oldest, "reason": reason}
        with jobs.open(f"Deleting events {oldest} to {before - 1}", actor=actor):
            await announce(core, clock, "trimmed", message, actor=actor, payload=payload)
            await core.trim(Index(before), ITSELF)
    return core.oldest
