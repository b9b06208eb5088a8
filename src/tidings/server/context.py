"""What the handlers of all routes work with."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, TypeVar

from aiohttp import web

from tidings.auth import Certificates, Gate, Passwords, Principal, Role, Sessions, Tokens
from tidings.clock import Clock
from tidings.collect import Collectors
from tidings.config import Config
from tidings.core import Core
from tidings.health import Health
from tidings.jobs import Jobs
from tidings.projections import KnownState
from tidings.removed import Removed
from tidings.server.certificate import ServerCertificate
from tidings.server.parameters import Parameter
from tidings.server.subscriptions import Subscriptions
from tidings.server.usage import NOTHING_USED, Usage
from tidings.store import Store
from tidings.telemetry import Metrics

T = TypeVar("T")
_LOOK_EVERY_S = 0.02


class Parts(NamedTuple):
    """What a server is put together from. *lagging* and *look* say how many streams are behind and what the log occupies."""

    core: Core
    gate: Gate
    tokens: Tokens
    passwords: Passwords
    certificates: Certificates
    sessions: Sessions
    jobs: Jobs
    health: Health
    collectors: Collectors
    removed: Removed
    state: KnownState
    store: Store
    lagging: Callable[[], int]
    look: Callable[[], Usage]


class Context:
    """One running server."""

    def __init__(self, config: Config, clock: Clock, parts: Parts) -> None:
        self.config, self.clock = config, clock
        self.core, self.gate, self.tokens, self.passwords, self.certificates, self.sessions = parts[:6]
        self.jobs, self.health, self.collectors, self.removed, self.state, self.store = parts[6:12]
        self._lagging, self._look = parts[12:]
        self._owned: dict[type, object] = {}
        self.server_certificate: ServerCertificate | None = None
        """What the TLS listener shows; None without one."""
        self.tls_addresses: list[str] = []
        """Where clients reach it, each ``host:port``."""
        self.subscriptions = Subscriptions(config.max_streams, config.stream_buffer)
        self.metrics = Metrics(self._gauges)
        self.in_flight = 0
        self.stopping = ""
        """Why no more requests are taken; empty while they are."""
        self.description = b""
        """The API's description, OpenAPI 3.1."""
        self.usage = NOTHING_USED
        """What `look_at_log` saw last."""
        # One thread: accounts change rarely, one at a time.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidings-accounts")

    def own(self, kind: type[T], make: Callable[[], T]) -> T:
        """Return the one object of *kind* that is kept while the server runs; *make* makes it when it is first asked for."""
        found = self._owned.get(kind)
        if not isinstance(found, kind):
            found = self._owned[kind] = make()
        return found

    async def look_at_log(self) -> Usage:
        """Find out what the log occupies now."""
        self.usage = await self.blocking(self._look)
        return self.usage

    async def blocking(self, work: Callable[[], T]) -> T:
        """Return what *work*, which waits for the disk, returns; run in a thread of its own."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def idle(self) -> None:
        """Wait until no request is in flight."""
        # Looked at now and then: an Event would cost every request something for the one time that somebody waits.
        while self.in_flight:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_EVERY_S)

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._thread.shutdown()

    def _gauges(self) -> dict[str, float]:
        usage = self.usage
        return {
            "tidings_requests_in_flight": self.in_flight,
            "tidings_streams": len(self.subscriptions),
            "tidings_streams_lagging": self._lagging(),
            "tidings_log_head": self.core.head,
            "tidings_log_oldest": self.core.oldest,
            "tidings_log_bytes": usage.size_bytes,
            "tidings_log_segments": len(usage.segments),
            "tidings_log_journals": usage.journals,
            "tidings_log_unindexed_events": usage.unindexed,
            "tidings_log_quarantined_segments": usage.quarantined,
            "tidings_things": self.state.count,
        }


Answer = Callable[[Context, web.Request, Principal], Awaitable[web.StreamResponse]]


class Body(NamedTuple):
    """A body as the API's description shows it: its media types, and the struct that it is in JSON, if it is one."""

    media_types: tuple[str, ...]
    type: object = None


class Route(NamedTuple):
    """One method of one path. *role*: what the caller must at least be, None lets everybody in.

    *lasting* routes hold a place among the streams, not among the requests in flight.
    """

    method: str
    path: str
    answer: Answer
    role: Role | None
    help: str
    parameters: tuple[Parameter, ...] = ()
    takes: Body | None = None
    gives: Body | None = None
    status: int = 200
    errors: tuple[int, ...] = ()
    lasting: bool = False
