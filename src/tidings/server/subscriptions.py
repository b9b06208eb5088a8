"""All requests that last: streams, and those that wait for an event. Bounded in number, kept alive, ended with a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple, NoReturn, TypeVar

from tidings.auth import Principal
from tidings.errors import Busy, Stopping

T = TypeVar("T")
_LOOK_EVERY_S = 1.0


class Ended(Exception):
    """A subscription was told to end; *reason* is for the client, empty when there is none any more."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


class Pulse(NamedTuple):
    """*ping* is written between two frames every *interval_s* seconds (empty: never).

    With *most_unanswered* a client that leaves more pings than that without an answer is cut off.
    """

    ping: bytes
    interval_s: float
    most_unanswered: int | None = None


class Subscription:
    """One of them."""

    def __init__(
        self, transport: asyncio.Transport, owner: Principal, pulse: Pulse, max_unsent: int, next_ping: float
    ) -> None:
        self._transport, self._pulse, self._max_unsent = transport, pulse, max_unsent
        self.owner = owner
        self._next_ping = next_ping
        self._unanswered = 0
        self._reason: str | None = None
        self._running: asyncio.Task[Any] | None = None

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Return what *work* returns. Raises Ended when `end` is called meanwhile, or was before."""
        if (reason := self._told()) is not None:
            work.close()
            raise Ended(reason)
        task = self._running = asyncio.current_task()
        assert task is not None
        try:
            return await work
        except asyncio.CancelledError:
            if (reason := self._told()) is None:
                raise  # somebody else wants this task to end
            task.uncancel()
            raise Ended(reason) from None
        finally:
            self._running = None

    def _told(self) -> str | None:
        return self._reason

    def end(self, reason: str) -> None:
        """Make `run` raise; the first reason counts."""
        if self._reason is None:
            self._reason = reason
            if self._running is not None:
                self._running.cancel()

    def answered(self) -> None:
        """The client answered a ping."""
        self._unanswered = 0

    def look_after(self, now: float) -> None:
        """End it when its client has gone, else give a sign of life when it is time for one."""
        if self._transport.is_closing():
            self.end("")
        elif self._pulse.ping and now >= self._next_ping:
            self._next_ping = now + self._pulse.interval_s
            self.ping()

    def ping(self) -> None:
        """Write a ping, unless the client has so much to read that it needs none; cut off one that is dead."""
        transport, most = self._transport, self._pulse.most_unanswered
        unsent = transport.get_write_buffer_size()
        if unsent >= self._max_unsent:
            return  # slow is not dead, and the buffer must stay bounded
        if not unsent:
            if most is not None and self._unanswered > most:
                transport.abort()
                self.end("")
                return
            # one that waits behind unsent frames hasn't reached the client, which can't be blamed for it
            self._unanswered += 1
        transport.write(self._pulse.ping)


_NO_PULSE = Pulse(b"", 0.0)


class Subscriptions:
    """Lives on the event loop; `keep` runs beside it."""

    def __init__(self, limit: int, max_unsent: int) -> None:
        self._limit, self._max_unsent = limit, max_unsent
        self._open: set[Subscription] = set()
        self._stopping = ""
        self._empty = asyncio.Event()
        self._empty.set()

    def __len__(self) -> int:
        return len(self._open)

    @contextmanager
    def open(
        self, transport: asyncio.Transport | None, owner: Principal, pulse: Pulse = _NO_PULSE
    ) -> Iterator[Subscription]:
        """Take a place for one request. Raises Busy when all are taken, Stopping at the end."""
        if self._stopping:
            raise Stopping(self._stopping)
        if len(self._open) >= self._limit:
            raise Busy(f"{len(self._open)} streams are open, the limit (max_streams) is {self._limit}", retry_after_s=5)
        if transport is None:
            raise ConnectionResetError
        now = asyncio.get_running_loop().time()
        subscription = Subscription(transport, owner, pulse, self._max_unsent, now + pulse.interval_s)
        self._open.add(subscription)
        self._empty.clear()
        try:
            yield subscription
        finally:
            self._open.discard(subscription)
            if not self._open:
                self._empty.set()

    async def keep(self) -> NoReturn:
        """Look after all of them for ever: one timer for ten thousand streams."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            now = asyncio.get_running_loop().time()
            for subscription in tuple(self._open):
                subscription.look_after(now)

    def end_of(self, name: str, origin: str, reason: str) -> None:
        """End those of somebody who is trusted no more."""
        for subscription in tuple(self._open):
            if (subscription.owner.name, subscription.owner.origin) == (name, origin):
                subscription.end(reason)

    async def stop(self, reason: str) -> None:
        """Take no more, end all there are with *reason*, and wait until they have said so to their clients."""
        self._stopping = reason
        for subscription in tuple(self._open):
            subscription.end(reason)
        await self._empty.wait()
