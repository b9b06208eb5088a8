"""What the server does beside answering: each its own task, and none that can take the server down."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

from tidings.errors import StorageError
from tidings.health import WarningType, watch_disk
from tidings.log.segments import Quarantined
from tidings.own_events import announce
from tidings.server import retention
from tidings.server.context import Context
from tidings.severity import Severity

Work = tuple[str, Callable[[], Awaitable[None]]]
_FLUSH_EVERY_S = 60.0
_log = structlog.get_logger(__name__)


def works_of(context: Context) -> list[Work]:
    """Return all lasting works of a server, named."""
    config = context.config
    return [
        ("retention", lambda: _retain(context)),
        ("tokens", lambda: _flush_tokens(context)),
        ("streams", context.subscriptions.keep),
        ("jobs", context.jobs.run),
        ("health", context.health.run),
        ("disk", lambda: watch_disk(context.health, config.data, config.disk_low)),
        ("collectors", context.collectors.run),
        ("state", context.state.run),
    ]


async def kept(context: Context, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a background task; should it fail, that is logged and counted, and the server goes on without it."""
    try:
        await work()
    except Exception:  # noqa: BLE001 (the top of a task)
        context.metrics.fault(name)
        _log.exception("background task failed", task=name)


async def quarantined(context: Context, entry: Quarantined) -> None:
    """Announce that a segment is set aside, and warn of it."""
    message = f"Events {entry.first} to {entry.last} can't be read: {entry.file} is set aside ({entry.reason})"
    payload = {"segment": entry.file, "first": entry.first, "last": entry.last, "reason": entry.reason}

    # The warning first: it can't fail, and the disk that damaged a segment may refuse the event too.
    context.health.raise_(WarningType.SEGMENT_QUARANTINED, entry.file, message)
    work = announce(
        context.core,
        context.clock,
        "segment-quarantined",
        message,
        severity=Severity.ALERT,
        subject=entry.file,
        payload=payload,
    )
    await kept(context, "quarantine", lambda: work)


async def _retain(context: Context) -> NoReturn:
    config, core, clock = context.config, context.core, context.clock
    rule = retention.Rule(config.retain_age, config.retain_size)
    while True:
        usage = await context.look_at_log()
        due = retention.excess(usage.segments, usage.size_bytes, rule, clock.now_ns())
        if due is not None:
            await retention.trim(core, clock, context.jobs, *due)
        await asyncio.sleep(config.retention_interval)


async def _flush_tokens(context: Context) -> NoReturn:
    while True:
        await asyncio.sleep(_FLUSH_EVERY_S)
        try:
            await context.blocking(context.tokens.flush)
            await context.blocking(context.sessions.flush)
        except StorageError as fault:  # a full disk: the next time may be better
            _log.warning("when tokens were last used is not saved", reason=str(fault))
