"""A server from start to stop: its parts put together, its background tasks, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from typing import NoReturn

import structlog
from aiohttp import web

from tidings.auth import Gate, Passwords, Tokens
from tidings.clock import Clock, SystemClock
from tidings.config import Address, Config
from tidings.core import Core
from tidings.errors import ConfigError, StorageError
from tidings.hub import Hub
from tidings.log.base import Batch
from tidings.log.segments import Quarantined, SegmentLog, SegmentOptions
from tidings.server import demonstration, retention
from tidings.server.app import build_app
from tidings.server.context import Context
from tidings.server.listeners import tcp_socket, unix_socket
from tidings.server.own_events import announce
from tidings.server.systemd import Notifier
from tidings.server.usage import usage_of
from tidings.severity import Severity
from tidings.store import Store

ADMIN_TOKEN_FILE = "admin.token"  # noqa: S105 (a file's name)
_STOPPING = "the server is stopping; try again when it is back"
_FLUSH_EVERY_S = 60.0
_CLOSE_TIMEOUT_S = 0.5
_MAX_LINE = 128 * 1024  # a query of 10,000 characters, each percent-encoded, fits into the request line
_SEGMENTS_PER_AGE = 10  # retention by age deletes in steps of a tenth of it
_log = structlog.get_logger(__name__)


class Running:
    """A server that takes requests. *address* is where it really listens; *is_first_start*: it made its admin token just now."""

    def __init__(self, context: Context, address: Address | None, *, is_first_start: bool) -> None:
        self.context, self.address, self.is_first_start = context, address, is_first_start


@asynccontextmanager
async def running(config: Config, clock: Clock | None = None, *, demo: bool = False) -> AsyncIterator[Running]:
    """Start a server; leaving the block stops it gracefully. Raises TidingsError when it can't start, with what to do."""
    clock = clock or SystemClock()
    notifier = Notifier(os.environ)
    if config.tls_listen is not None:
        raise ConfigError(
            "tls_listen is set, but this version has no TLS listener; set it to off and put a proxy before it"
        )
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(SegmentLog(config.data, clock, _options(config)))
        context, hub, is_first_start = await _assemble(config, clock, log, stack)
        # Below the runner in the stack, because it lets go of the sockets before they are closed.
        address, sockets = _bind(config, stack)
        runner = web.AppRunner(
            build_app(context),
            access_log=None,
            shutdown_timeout=_CLOSE_TIMEOUT_S,
            keepalive_timeout=75.0,
            max_line_size=_MAX_LINE,
            max_field_size=_MAX_LINE,
        )
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        for sock in sockets:
            await web.SockSite(runner, sock).start()
        is_empty = hub.head == 0
        async with asyncio.TaskGroup() as group:
            if demo and is_empty:
                await demonstration.replay(context.core, clock)
            works: list[tuple[str, Callable[[], Awaitable[None]]]] = [
                ("retention", lambda: _retain(context)),
                ("tokens", lambda: _flush_tokens(context)),
                ("streams", context.subscriptions.keep),
                ("watchdog", notifier.keep_watchdog),
            ]
            if demo:
                works.append(("demo", lambda: demonstration.trickle(context.core, clock)))
            tasks = [group.create_task(_kept(context, name, work), name=f"tidings-{name}") for name, work in works]
            log.on_quarantine(lambda entry: tasks.append(group.create_task(_announce_quarantine(context, entry))))
            notifier.tell("READY=1")
            try:
                yield Running(context, address, is_first_start=is_first_start)
            finally:
                notifier.tell("STOPPING=1")
                await _stop(context, runner)
                for task in tasks:
                    task.cancel()


def _options(config: Config) -> SegmentOptions:
    return SegmentOptions(
        segment_events=config.segment_events,
        merge_events=config.merge_events,
        merge_span_s=config.retain_age / _SEGMENTS_PER_AGE,
        max_unsealed=config.max_unsealed_segments,
        seal_idle_s=config.seal_idle,
        dedupe_window=config.dedupe_window,
        pending_bytes=config.max_pending_bytes,
        search_timeout_s=config.search_timeout,
        search_threads=config.search_threads,
        durable=config.fsync,
    )


async def _assemble(config: Config, clock: Clock, log: SegmentLog, stack: AsyncExitStack) -> tuple[Context, Hub, bool]:
    """Put the parts together, below *stack*. The directory is locked by *log*, so nobody else has the other files open."""
    store = await asyncio.to_thread(Store.open, config.data / "state.db")
    stack.push_async_callback(asyncio.to_thread, store.close)
    tokens, passwords = await asyncio.to_thread(lambda: (Tokens(store, clock), Passwords(store)))
    is_first_start = await asyncio.to_thread(tokens.ensure_admin_token, config.data / ADMIN_TOKEN_FILE)
    stack.push_async_callback(asyncio.to_thread, tokens.flush)
    gate = Gate(tokens, passwords, clock, group=config.socket_group or None)
    stack.push_async_callback(asyncio.to_thread, gate.close)
    hub = Hub(log)
    context = Context(
        config, clock, Core(log, hub), gate, tokens, passwords, lambda: hub.lagging, lambda: usage_of(log)
    )
    stack.push_async_callback(asyncio.to_thread, context.close)
    metrics = context.metrics

    def count(batch: Batch) -> None:
        metrics.stored += batch.count

    log.on_commit(count)
    return context, hub, is_first_start


def _bind(config: Config, stack: AsyncExitStack) -> tuple[Address | None, list[socket.socket]]:
    """Return the sockets to listen on, and where the TCP one is."""
    address, sockets = None, []
    if config.listen is not None:
        sockets.append(stack.enter_context(tcp_socket(config.listen)))
        address = Address(config.listen.host, sockets[0].getsockname()[1])
    if config.socket is not None:
        sockets.append(stack.enter_context(unix_socket(config.socket, config.socket_group)))
    if not sockets:
        raise ConfigError("both listen and socket are off, so nobody could reach the server; set one of them")
    return address, sockets


async def _stop(context: Context, runner: web.AppRunner) -> None:
    """Take no new requests, tell every stream why it ends, let requests in flight finish for a while."""
    context.stopping = _STOPPING
    for site in runner.sites:
        await site.stop()
    try:
        async with asyncio.timeout(context.config.stop_timeout):
            await context.subscriptions.stop("the server is stopping")
            await context.idle()
    except TimeoutError:
        _log.warning("requests cut short", requests=context.in_flight, streams=len(context.subscriptions))


async def _announce_quarantine(context: Context, entry: Quarantined) -> None:
    message = f"Events {entry.first} to {entry.last} can't be read: {entry.file} is set aside ({entry.reason})"
    payload = {"segment": entry.file, "first": entry.first, "last": entry.last, "reason": entry.reason}
    work = announce(
        context.core,
        context.clock,
        "segment-quarantined",
        message,
        severity=Severity.ALERT,
        subject=entry.file,
        payload=payload,
    )
    await _kept(context, "quarantine", lambda: work)


async def _kept(context: Context, name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a background task; should it fail, that is logged and counted, and the server goes on without it."""
    try:
        await work()
    except Exception:  # noqa: BLE001 (the top of a task)
        context.metrics.fault(name)
        _log.exception("background task failed", task=name)


async def _retain(context: Context) -> NoReturn:
    config, core, clock = context.config, context.core, context.clock
    rule = retention.Rule(config.retain_age, config.retain_size)
    while True:
        usage = await context.look_at_log()
        due = retention.excess(usage.segments, usage.size_bytes, rule, clock.now_ns())
        if due is not None:
            await retention.trim(core, clock, *due)
        await asyncio.sleep(config.retention_interval)


async def _flush_tokens(context: Context) -> NoReturn:
    while True:
        await asyncio.sleep(_FLUSH_EVERY_S)
        try:
            await context.blocking(context.tokens.flush)
        except StorageError as fault:  # a full disk: the next time may be better
            _log.warning("when tokens were last used is not saved", reason=str(fault))
