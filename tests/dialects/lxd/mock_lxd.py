"""A stand-in for the LXD daemon's event API, on a Unix socket or TLS: its connections do what a test says."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from aiohttp import WSMsgType, web

ENVIRONMENT = {"server": "lxd", "server_version": "5.0.2", "server_name": "node1", "certificate": "…"}


class Connection:
    """One listener: what it is sent, and the pongs it sends."""

    def __init__(self, socket: web.WebSocketResponse, request: web.Request) -> None:
        self.socket, self._request = socket, request
        self.pongs: list[bytes] = []
        self.data: list[Any] = []
        self.headers = request.headers

    async def ping(self, payload: bytes = b"keepalive") -> None:
        await self.socket.ping(payload)

    async def send(self, *frames: bytes) -> None:
        """Send frames as the daemon does: text, each with a line end."""
        for frame in frames:
            await self.socket.send_frame(frame + b"\n", WSMsgType.TEXT)

    def abort(self) -> None:
        """Break the connection as a crash does."""
        assert self._request.transport is not None
        self._request.transport.abort()


class MockLxd:
    """What the daemon answers; set its attributes to make it answer otherwise."""

    def __init__(self) -> None:
        self.root: Any = {"error": "", "metadata": {"auth": "trusted", "environment": ENVIRONMENT}}
        self.refusal: tuple[int, str] | None = None
        self.queries: list[str] = []
        self.port = 0
        self._connections: asyncio.Queue[Connection] = asyncio.Queue()

    async def connection(self) -> Connection:
        """Wait for the next listener."""
        return await asyncio.wait_for(self._connections.get(), 10)

    @asynccontextmanager
    async def serving(self, where: Path | ssl.SSLContext) -> AsyncIterator[None]:
        """Listen on a Unix socket, or with TLS on a free port."""
        app = web.Application()
        app.router.add_get("/1.0", self._root)
        app.router.add_get("/1.0/events", self._events)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site: web.BaseSite
        if isinstance(where, Path):
            site = web.UnixSite(runner, where)
        else:
            site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=where)
        await site.start()
        if not isinstance(where, Path):
            self.port = runner.addresses[0][1]
        try:
            yield
        finally:
            await runner.cleanup()

    async def _root(self, _request: web.Request) -> web.StreamResponse:
        return web.json_response(self.root)

    async def _events(self, request: web.Request) -> web.StreamResponse:
        self.queries.append(request.query_string)
        if self.refusal is not None:
            status, text = self.refusal
            return web.json_response({"type": "error", "error": text, "metadata": None}, status=status)
        socket = web.WebSocketResponse(autoping=False, compress=False)
        await socket.prepare(request)
        connection = Connection(socket, request)
        self._connections.put_nowait(connection)
        async for message in socket:
            if message.type is WSMsgType.PONG:
                connection.pongs.append(message.data)
            else:
                connection.data.append(message)
        return socket
