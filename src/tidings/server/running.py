"""A server from start to stop: its parts put together, its background tasks, and an end that loses nothing."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import structlog
from aiohttp import web

from tidings.clock import Clock, SystemClock
from tidings.config import Config
from tidings.dialects import load_apis
from tidings.dialects.lxd.routes import DEVLXD
from tidings.log.segments import SegmentLog, SegmentOptions
from tidings.server import background, demonstration, openapi
from tidings.server.app import build_app
from tidings.server.assembly import assemble
from tidings.server.context import Context
from tidings.server.listeners import BACKLOG, Bound, Site, bind
from tidings.server.routes import ROUTES
from tidings.server.systemd import Notifier
from tidings.server.tls import TlsSite

_STOPPING = "the server is stopping; try again when it is back"
_CLOSE_TIMEOUT_S = 0.5
_MAX_LINE = 128 * 1024  # a query of 10,000 characters, each percent-encoded, fits into the request line
_SEGMENTS_PER_AGE = 10  # retention by age deletes in steps of a tenth of it
_log = structlog.get_logger(__name__)


class Running:
    """A server that takes requests. The addresses are where it really listens; *is_first_start*: it made its admin token just now."""

    def __init__(self, context: Context, bound: Bound, *, is_first_start: bool) -> None:
        self.context, self.is_first_start = context, is_first_start
        self.address, self.tls_address = bound.address, bound.tls_address


@asynccontextmanager
async def running(config: Config, clock: Clock | None = None, *, demo: bool = False) -> AsyncIterator[Running]:
    """Start a server; leaving the block stops it gracefully. Raises TidingsError when it can't start, with what to do."""
    clock = clock or SystemClock()
    notifier = Notifier(os.environ)
    async with AsyncExitStack() as stack:
        log = await stack.enter_async_context(SegmentLog(config.data, clock, _options(config)))
        context, is_first_start = await assemble(config, clock, log, stack)
        context.description = openapi.describe(ROUTES)
        # Below the runners in the stack, because it lets go of the sockets before they are closed.
        bound = await bind(context, stack)
        runners = [
            await _serve(build_app(context, apis=load_apis()), bound.sites, stack),
            await _serve(build_app(context, (), (DEVLXD,)), bound.devlxd_sites, stack),
        ]
        is_empty = context.core.head == 0
        async with asyncio.TaskGroup() as group:
            if demo and is_empty:
                await demonstration.replay(context.core, clock)
            works = background.works_of(context)
            works.append(("watchdog", notifier.keep_watchdog))
            if demo:
                works.append(("demo", lambda: demonstration.trickle(context.core, clock)))
            tasks = [
                group.create_task(background.kept(context, name, work), name=f"tidings-{name}") for name, work in works
            ]
            log.on_quarantine(lambda entry: tasks.append(group.create_task(background.quarantined(context, entry))))
            notifier.tell("READY=1")
            try:
                yield Running(context, bound, is_first_start=is_first_start)
            finally:
                notifier.tell("STOPPING=1")
                await _stop(context, runners)
                for task in tasks:
                    task.cancel()


async def _serve(app: web.Application, sites: Sequence[Site], stack: AsyncExitStack) -> web.AppRunner:
    runner = web.AppRunner(
        app,
        access_log=None,
        shutdown_timeout=_CLOSE_TIMEOUT_S,
        keepalive_timeout=75.0,
        max_line_size=_MAX_LINE,
        max_field_size=_MAX_LINE,
    )
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for site in sites:
        if site.tls is None:
            await web.SockSite(runner, site.socket, backlog=BACKLOG).start()
        else:
            await TlsSite(runner, site.socket, ssl_context=site.tls, backlog=BACKLOG).start()
    return runner


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


async def _stop(context: Context, runners: Sequence[web.AppRunner]) -> None:
    """Take no new requests, tell every stream why it ends, let requests in flight finish for a while."""
    context.stopping = _STOPPING
    for runner in runners:
        for site in runner.sites:
            await site.stop()
    try:
        async with asyncio.timeout(context.config.stop_timeout):
            await context.subscriptions.stop("the server is stopping")
            await context.idle()
    except TimeoutError:
        _log.warning("requests cut short", requests=context.in_flight, streams=len(context.subscriptions))
