"""Following over a WebSocket: frames written straight to the transport, the client's own read only to answer and to notice its end."""

from __future__ import annotations

import asyncio
from typing import NamedTuple

from aiohttp import WSMsgType, web
from aiohttp.hdrs import SEC_WEBSOCKET_KEY

from tidings.auth import Principal
from tidings.errors import TidingsError
from tidings.event import Index
from tidings.hub import Encoder
from tidings.query.ast import Condition
from tidings.server.context import Context
from tidings.server.errors import BadRequest
from tidings.server.frames import pong_frame
from tidings.server.replies import HEADERS
from tidings.server.sinks import FAREWELL_S, TransportSink
from tidings.server.subscriptions import Ended, Pulse, Subscription

GOING_AWAY, FAULT = 1001, 1011
_MAX_REASON_BYTES = 123  # what a close frame has room for
_MAX_MESSAGE = 64 * 1024


class Wanted(NamedTuple):
    """What a stream carries, and for whom."""

    after: Index
    where: Condition
    encode: Encoder
    who: Principal


class Manners(NamedTuple):
    """How a WebSocket behaves: its pings, whether the first comes at once, and whether a client may say anything but control frames."""

    pulse: Pulse
    pings_at_once: bool = False
    client_may_talk: bool = True


async def follow_by_web_socket(
    context: Context, request: web.Request, wanted: Wanted, manners: Manners
) -> web.StreamResponse:
    """Upgrade and send until the client goes. What was stored since ``wanted.after`` was fixed is sent too, so the upgrade loses nothing."""
    transport = request.transport
    if not request.headers.get(SEC_WEBSOCKET_KEY, "").isascii():
        raise BadRequest(SEC_WEBSOCKET_KEY, "the key must be base64")  # aiohttp takes anything but this for a bad key
    with context.subscriptions.open(transport, wanted.who, manners.pulse) as subscription:
        # Not aiohttp's own pongs: what a flood of pings is answered with has to be bounded.
        socket = web.WebSocketResponse(compress=False, max_msg_size=_MAX_MESSAGE, timeout=FAREWELL_S, autoping=False)
        socket.headers.update(HEADERS)
        writer = await socket.prepare(request)
        assert transport is not None
        sink = TransportSink(transport, writer, context.config.stream_buffer)
        if manners.pings_at_once:
            subscription.ping()
        async with asyncio.TaskGroup() as group:
            listening = _Listening(socket, sink, subscription, client_may_talk=manners.client_may_talk)
            reading = group.create_task(listening.run())
            reason, code = await follow(context, subscription, sink, wanted)
            reading.cancel()
        if reason:
            await _close(socket, transport, code, reason)
    return socket


async def follow(context: Context, subscription: Subscription, sink: TransportSink, wanted: Wanted) -> tuple[str, int]:
    """Follow until it ends; return why, for the client (empty: it has gone), and the WebSocket code for it."""
    work = context.core.follow(wanted.after, wanted.where, wanted.encode, sink, wanted.who)
    try:
        await subscription.run(work)
    except ConnectionError:
        pass
    except Ended as end:
        return end.reason, GOING_AWAY
    except TidingsError as fault:
        return str(fault), FAULT
    return "", GOING_AWAY


class _Listening:
    """What the client says."""

    def __init__(
        self, socket: web.WebSocketResponse, sink: TransportSink, subscription: Subscription, *, client_may_talk: bool
    ) -> None:
        self._socket, self._sink, self._subscription = socket, sink, subscription
        self._client_may_talk = client_may_talk

    async def run(self) -> None:
        """Answer pings, note pongs, until the client closes or says what it may not."""
        async for message in self._socket:
            match message.type:
                case WSMsgType.PING:
                    self._sink.write_if_room(pong_frame(message.data))
                case WSMsgType.PONG:
                    self._subscription.answered()
                case _ if not self._client_may_talk:
                    self._sink.abort()
                    break
                case _:
                    pass  # read, kept small, and ignored
        self._subscription.end("")


async def _close(socket: web.WebSocketResponse, transport: asyncio.Transport, code: int, reason: str) -> None:
    message = reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
    try:
        async with asyncio.timeout(FAREWELL_S):
            await socket.close(code=code, message=message)
    except (TimeoutError, ConnectionError):
        transport.abort()
