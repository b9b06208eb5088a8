"""The server as a dialect's routes see it: see `tidings.dialects.routes.Host`."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from aiohttp import web

from tidings.auth import Certificates, Peer, Principal, Sessions
from tidings.clock import Clock
from tidings.config import Config
from tidings.core import Core
from tidings.dialects.routes import Following, Heartbeat
from tidings.health import Health
from tidings.jobs import Jobs
from tidings.projections import KnownState
from tidings.removed import Removed
from tidings.server.certificate import ServerCertificate
from tidings.server.connection import certificate_of, peer_of
from tidings.server.context import Context
from tidings.server.frames import Lines, WebSocketMessages, ping_frame
from tidings.server.replies import HEADERS
from tidings.server.streams import follow_by_body, held
from tidings.server.subscriptions import Pulse
from tidings.server.web_sockets import Manners, Wanted, follow_by_web_socket
from tidings.store import Store

T = TypeVar("T")


class Hosting:
    """Hands out the context's parts, and translates what a dialect says of its streams."""

    def __init__(self, context: Context) -> None:
        self._context = context

    @property
    def core(self) -> Core:
        """Publish, search, follow."""
        return self._context.core

    @property
    def config(self) -> Config:
        """All settings."""
        return self._context.config

    @property
    def clock(self) -> Clock:
        """The time."""
        return self._context.clock

    @property
    def jobs(self) -> Jobs:
        """What the server is busy with."""
        return self._context.jobs

    @property
    def health(self) -> Health:
        """What the server warns of."""
        return self._context.health

    @property
    def certificates(self) -> Certificates:
        """Which client certificates are trusted."""
        return self._context.certificates

    @property
    def sessions(self) -> Sessions:
        """Who has logged in."""
        return self._context.sessions

    @property
    def removed(self) -> Removed:
        """Which events somebody removed."""
        return self._context.removed

    @property
    def state(self) -> KnownState:
        """What the log told last of each thing."""
        return self._context.state

    @property
    def server_certificate(self) -> ServerCertificate | None:
        """None without a TLS listener."""
        return self._context.server_certificate

    @property
    def tls_addresses(self) -> list[str]:
        """Where clients reach the TLS listener."""
        return self._context.tls_addresses

    @property
    def store(self) -> Store:
        """What outlives a restart and is no event."""
        return self._context.store

    def account(self, name: str) -> str | None:
        """Return the user that *name* means."""
        principal = self._context.passwords.principal
        return next((each for each in (name, name.rpartition("@")[0]) if principal(each) is not None), None)

    def held_back(self, dialect: str) -> None:
        """Count an event that flood control held back."""
        self._context.metrics.held_back[dialect,] += 1

    async def log_in(self, name: str, password: str, request: web.Request) -> Principal:
        """Return whose name and password these are."""
        return await self._context.gate.log_in(name, password, request.remote or "")

    def own(self, kind: type[T], make: Callable[[], T]) -> T:
        """Return the one object of *kind* that is kept while the server runs."""
        return self._context.own(kind, make)

    async def blocking(self, work: Callable[[], T]) -> T:
        """Run *work* in the context's thread."""
        return await self._context.blocking(work)

    async def held(self, request: web.Request, who: Principal, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what *work* returns, holding a place among the streams meanwhile."""
        return await held(self._context, request, who, work)

    def end_streams(self, who: Principal, reason: str) -> None:
        """End the streams of somebody who is trusted no more."""
        self._context.subscriptions.end_of(who.name, who.origin, reason)

    def peer(self, request: web.Request) -> Peer | None:
        """Return the process at the other end of a Unix socket."""
        return peer_of(request)

    def certificate(self, request: web.Request) -> bytes | None:
        """Return the client certificate (DER) that was shown."""
        return certificate_of(request)

    async def web_socket(
        self, request: web.Request, who: Principal, following: Following, heartbeat: Heartbeat
    ) -> web.StreamResponse:
        """Follow over a WebSocket."""
        after, where, message = following
        self.core.check_cursor(after)
        pulse = Pulse(ping_frame(heartbeat.payload), heartbeat.interval_s, heartbeat.most_unanswered)
        manners = Manners(pulse, pings_at_once=True, client_may_talk=False)
        wanted = Wanted(after, where, WebSocketMessages(message), who)
        return await follow_by_web_socket(self._context, request, wanted, manners)

    async def lines(
        self, request: web.Request, who: Principal, following: Following, media_type: str
    ) -> web.StreamResponse:
        """Follow by a body without end; the connection's end is its only sign."""
        after, where, message = following
        self.core.check_cursor(after)
        wanted = Wanted(after, where, Lines(message), who)
        headers = {**HEADERS, "Content-Type": media_type}
        return await follow_by_body(self._context, request, wanted, headers, b"", lambda _: b"")
