"""Is it alive, is it ready, what does it count, what can it do."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.errors import Stopping
from tidings.server.context import Context
from tidings.server.replies import reply, reply_bytes, reply_json
from tidings.telemetry.metrics import CONTENT_TYPE


class Status(msgspec.Struct, frozen=True):
    """How the server is."""

    status: str


async def healthz(_context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Say that the process lives."""
    return reply(Status("ok"))


async def readyz(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Say whether requests are taken. Raises Stopping."""
    if context.stopping:
        raise Stopping(context.stopping)
    return reply(Status("ready"))


async def metrics(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer the metrics in Prometheus' text format."""
    await context.look_at_log()
    return reply_bytes(context.metrics.render(), CONTENT_TYPE)


async def openapi(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer the description of all routes."""
    return reply_json(context.description)
