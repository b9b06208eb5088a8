"""Where a stream's bytes go: the socket's transport itself."""

from __future__ import annotations

import asyncio

from aiohttp.abc import AbstractStreamWriter

FAREWELL_S = 2.0


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

    def write_if_room(self, data: bytes) -> None:
        """Take *data* unless the client has too much to read already: for what it can do without."""
        if not self._transport.is_closing() and self._transport.get_write_buffer_size() < self._max_unsent:
            self._transport.write(data)

    def abort(self) -> None:
        """End the connection at once; what is unsent is dropped."""
        self._transport.abort()

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
            async with asyncio.timeout(FAREWELL_S):
                self.write(last)
                await self._writer.drain()
        except (TimeoutError, ConnectionError):
            transport.abort()
