"""Follow the log over a connection: server-sent events, or a WebSocket when the client asks to upgrade; and wait for one event."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.hdrs import UPGRADE

from tidings.auth import Principal
from tidings.errors import Stopping, TidingsError
from tidings.event import Index
from tidings.hub import Encoder
from tidings.query.ast import Condition
from tidings.server import parameters
from tidings.server.context import Context
from tidings.server.events import ONE, read_query
from tidings.server.frames import SSE_PING, WS_PING, sse_bye, sse_frames, ws_frames
from tidings.server.replies import HEADERS, reply_bytes, reply_nothing
from tidings.server.subscriptions import Ended, Subscription

MAX_WAIT_S = 3600.0
_FAREWELL_S = 2.0
_GOING_AWAY, _FAULT = 1001, 1011
_MAX_REASON_BYTES = 123  # what a WebSocket close frame has room for
_MAX_MESSAGE = 64 * 1024
_STREAM_HEADERS = {**HEADERS, "Content-Type": "text/event-stream; charset=utf-8", "X-Accel-Buffering": "no"}


class TransportSink:
    """Writes frames straight to the socket's transport: aiohttp's own writers cost more than the frames."""

    def __init__(self, transport: asyncio.Transport, writer: AbstractStreamWriter, max_unsent: int) -> None:
        self._transport, self._writer, self._max_unsent = transport, writer, max_unsent
        transport.set_write_buffer_limits(high=max_unsent)

    def write(self, data: bytes) -> bool:
        """Take *data*; False when it is time to wait, also for a client that has gone: `drained` tells."""
        transport = self._transport
        if transport.is_closing():
            return False
        transport.write(data)
        return transport.get_write_buffer_size() < self._max_unsent

    async def drained(self) -> None:
        """Wait until there is room again. Raises ConnectionResetError when the client has gone."""
        if not self._transport.is_closing():
            await self._writer.drain()
        if self._transport.is_closing():
            raise ConnectionResetError

    async def finish(self, last: bytes) -> None:
        """Write *last* and give the client a moment to take everything; what it doesn't take then is dropped."""
        transport = self._transport
        transport.set_write_buffer_limits(high=0)
        try:
            async with asyncio.timeout(_FAREWELL_S):
                self.write(last)
                await self._writer.drain()
        except (TimeoutError, ConnectionError):
            transport.abort()


class _EventStream(web.StreamResponse):
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
    send = _web_socket if request.headers.get(UPGRADE, "").lower() == "websocket" else _events
    return await send(context, request, who, after, where)


async def _events(
    context: Context, request: web.Request, who: Principal, after: Index, where: Condition
) -> web.StreamResponse:
    transport = request.transport
    with context.subscriptions.open(transport, SSE_PING) as subscription:
        response = _EventStream(headers=_STREAM_HEADERS)
        response.force_close()
        writer = await response.prepare(request)
        assert transport is not None
        assert writer is not None
        sink = TransportSink(transport, writer, context.config.stream_buffer)
        reason, _ = await _follow(context, subscription, sink, sse_frames, (after, where, who))
        if reason:
            await sink.finish(sse_bye(reason))
    return response


async def _web_socket(
    context: Context, request: web.Request, who: Principal, after: Index, where: Condition
) -> web.StreamResponse:
    transport = request.transport
    with context.subscriptions.open(transport, WS_PING) as subscription:
        # What the client may say is nothing, so what it does say is read, kept small, and ignored.
        socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_MESSAGE, timeout=_FAREWELL_S)
        writer = await socket.prepare(request)
        assert transport is not None
        sink = TransportSink(transport, writer, context.config.stream_buffer)
        async with asyncio.TaskGroup() as group:
            reading = group.create_task(_read_until_closed(socket, lambda: subscription.end("")))
            reason, code = await _follow(context, subscription, sink, ws_frames, (after, where, who))
            reading.cancel()
        if reason:
            await _close(socket, transport, code, reason)
    return socket


async def _follow(
    context: Context,
    subscription: Subscription,
    sink: TransportSink,
    encode: Encoder,
    what: tuple[Index, Condition, Principal],
) -> tuple[str, int]:
    """Follow until it ends; return why, for the client (empty: it has gone), and the WebSocket code for it."""
    after, where, who = what
    try:
        await subscription.run(context.core.follow(after, where, encode, sink, who))
    except ConnectionError:
        pass
    except Ended as end:
        return end.reason, _GOING_AWAY
    except TidingsError as fault:
        return str(fault), _FAULT
    return "", _GOING_AWAY


async def _read_until_closed(socket: web.WebSocketResponse, closed: Callable[[], None]) -> None:
    """Answer the client's pings and notice when it closes."""
    async for _ in socket:
        pass
    closed()


async def _close(socket: web.WebSocketResponse, transport: asyncio.Transport, code: int, reason: str) -> None:
    message = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
    try:
        async with asyncio.timeout(_FAREWELL_S):
            await socket.close(code=code, message=message)
    except (TimeoutError, ConnectionError):
        transport.abort()


async def wait(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the first event that matches after a position, or 204 when none came in time."""
    where = read_query(context, request).where
    timeout_s = parameters.seconds(request, "timeout", 60.0, 0.0, MAX_WAIT_S)
    after = parameters.index(request, "after")
    position = context.core.head if after is None else after
    context.core.check_cursor(position)
    with context.subscriptions.open(request.transport) as subscription:
        try:
            event = await subscription.run(context.core.wait(position, where, timeout_s, who))
        except Ended as end:
            if end.reason:
                raise Stopping(end.reason) from None
            raise ConnectionResetError from None
    return reply_nothing() if event is None else reply_bytes(event.line, ONE)
