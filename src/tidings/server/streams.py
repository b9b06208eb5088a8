"""Follow the log over a connection: server-sent events, or a WebSocket when the client asks to upgrade; and wait for one event."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from typing import Any, TypeVar

from aiohttp import web
from aiohttp.hdrs import UPGRADE

from tidings.auth import Principal
from tidings.errors import Stopping
from tidings.server import parameters
from tidings.server.context import Context
from tidings.server.events import ONE, read_query
from tidings.server.frames import SSE_PING, ping_frame, sse_bye, sse_frames, ws_frames
from tidings.server.replies import HEADERS, reply_bytes, reply_nothing
from tidings.server.sinks import TransportSink
from tidings.server.subscriptions import Ended, Pulse
from tidings.server.web_sockets import Manners, Wanted, follow, follow_by_web_socket

T = TypeVar("T")
MAX_WAIT_S = 3600.0
_STREAM_HEADERS = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


class _EndlessBody(web.StreamResponse):
    """A body without a length and without chunks: it ends with the connection."""

    _length_check = False


async def stream(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Send what matches after a position, then new events as they are stored, without end."""
    core = context.core
    where = read_query(context, request).where
    after = parameters.last_event_id(request)
    if after is None:
        after = parameters.index(request, "after")
    if after is None:
        after = core.head
    core.check_cursor(after)
    if request.headers.get(UPGRADE, "").lower() == "websocket":
        manners = Manners(Pulse(ping_frame(b""), context.config.ping_interval))
        return await follow_by_web_socket(context, request, Wanted(after, where, ws_frames, who), manners)
    return await follow_by_body(
        context, request, Wanted(after, where, sse_frames, who), _STREAM_HEADERS, SSE_PING, sse_bye
    )


async def follow_by_body(
    context: Context,
    request: web.Request,
    wanted: Wanted,
    headers: Mapping[str, str],
    ping: bytes,
    bye: Callable[[str], bytes],
) -> web.StreamResponse:
    """Send as a body that ends with the connection. *ping* is a sign of life in it (empty: none), *bye* tells why it ends."""
    transport = request.transport
    with context.subscriptions.open(transport, wanted.who, Pulse(ping, context.config.ping_interval)) as subscription:
        response = _EndlessBody(headers=headers)
        response.force_close()
        writer = await response.prepare(request)
        assert transport is not None
        assert writer is not None
        sink = TransportSink(transport, writer, context.config.stream_buffer)
        reason, _ = await follow(context, subscription, sink, wanted)
        if reason:
            await sink.finish(bye(reason))
    return response


async def wait(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the first event that matches after a position, or 204 when none came in time."""
    where = read_query(context, request).where
    timeout_s = parameters.seconds(request, "timeout", 60.0, 0.0, MAX_WAIT_S)
    after = parameters.index(request, "after")
    position = context.core.head if after is None else after
    context.core.check_cursor(position)
    event = await held(context, request, who, lambda: context.core.wait(position, where, timeout_s, who))
    return reply_nothing() if event is None else reply_bytes(event.line, ONE)


async def held(context: Context, request: web.Request, who: Principal, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Return what *work* returns, holding a place among the streams meanwhile. Raises Busy; Stopping when told to end."""
    with context.subscriptions.open(request.transport, who) as subscription:
        try:
            return await subscription.run(work())
        except Ended as end:
            if end.reason:
                raise Stopping(end.reason) from None
            raise ConnectionResetError from None
