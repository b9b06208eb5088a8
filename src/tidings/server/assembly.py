"""A server's parts, put together."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from tidings.auth import Certificates, Gate, Passwords, Sessions, Tokens
from tidings.clock import Clock
from tidings.collect import Collectors
from tidings.config import Config
from tidings.core import Core
from tidings.dialects import load_collector
from tidings.health import Health, WarningType
from tidings.hub import Hub
from tidings.jobs import Jobs
from tidings.log.base import Batch
from tidings.log.segments import SegmentLog
from tidings.projections import KnownState
from tidings.removed import Removed
from tidings.server.client_certificate import ensure_client_certificate, is_wanted
from tidings.server.collectors import metrics_of
from tidings.server.context import Context, Parts
from tidings.server.log_jobs import log_jobs
from tidings.server.settings_change import announce_changes, changed_settings, remember_settings
from tidings.server.usage import usage_of
from tidings.store import Store

ADMIN_TOKEN_FILE = "admin.token"  # noqa: S105 (a file's name)


async def assemble(config: Config, clock: Clock, log: SegmentLog, stack: AsyncExitStack) -> tuple[Context, bool]:
    """Put the parts together, below *stack*, and tell whether it is the first start.

    The directory is locked by *log*, so nobody else has the other files open.
    """
    store = await asyncio.to_thread(Store.open, config.data / "state.db")
    stack.push_async_callback(asyncio.to_thread, store.close)
    tokens, passwords, certificates = await asyncio.to_thread(
        lambda: (Tokens(store, clock), Passwords(store), Certificates(store, clock))
    )
    is_first_start = await asyncio.to_thread(tokens.ensure_admin_token, config.data / ADMIN_TOKEN_FILE)
    stack.push_async_callback(asyncio.to_thread, tokens.flush)
    sessions = await asyncio.to_thread(Sessions, store, clock, config.session_idle, passwords=passwords, tokens=tokens)
    stack.push_async_callback(asyncio.to_thread, sessions.flush)
    gate = Gate(
        tokens, passwords, clock, certificates=certificates, sessions=sessions, group=config.socket_group or None
    )
    stack.push_async_callback(asyncio.to_thread, gate.close)
    hub = Hub(log)
    core = Core(log, hub)
    jobs = Jobs(core, clock, config.job_after)
    log.on_maintenance(log_jobs(jobs, config.segment_events))
    health = await asyncio.to_thread(Health, core, clock, store)
    stack.push_async_callback(asyncio.to_thread, health.close)
    rows = config.tables["collect"]
    if is_wanted(rows):
        await asyncio.to_thread(ensure_client_certificate, config.data, clock)
    collectors = await asyncio.to_thread(Collectors, core, clock, store, rows, load_collector, health, config.data)
    quarantined = {entry.file for entry in log.state.manifest.quarantined}
    health.resolve_others(WarningType.SEGMENT_QUARANTINED, quarantined)
    health.resolve_others(WarningType.COLLECTOR_DOWN, {f"collector {one.name}" for one in collectors.status()})
    removed = Removed(core, clock)
    await removed.load()
    state = await asyncio.to_thread(KnownState, log, store)
    stack.push_async_callback(asyncio.to_thread, state.close)
    parts = Parts(
        core,
        gate,
        tokens,
        passwords,
        certificates,
        sessions,
        jobs,
        health,
        collectors,
        removed,
        state,
        store,
        lambda: hub.lagging,
        lambda: usage_of(log),
    )
    context = Context(config, clock, parts)
    stack.push_async_callback(asyncio.to_thread, context.close)
    metrics = context.metrics

    def count(batch: Batch) -> None:
        metrics.stored += batch.count

    log.on_commit(count)
    metrics.ask_collectors(lambda: metrics_of(collectors.status()))
    await announce_changes(context, await asyncio.to_thread(changed_settings, store, config))
    await asyncio.to_thread(remember_settings, store, config)
    return context, is_first_start
