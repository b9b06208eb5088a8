"""What the HTTP side of a dialect is made of: its routes, how it says no, and what it is given to answer with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine, Mapping
from typing import Any, NamedTuple, Protocol, TypeVar

from aiohttp import web

from tidings.auth import Certificates, Peer, Principal, Role, Sessions
from tidings.clock import Clock
from tidings.config import Config
from tidings.core import Core
from tidings.errors import TidingsError
from tidings.event import Event, Index
from tidings.health import Health
from tidings.jobs import Jobs
from tidings.projections import KnownState
from tidings.query.ast import Condition
from tidings.removed import Removed
from tidings.store import Store

T = TypeVar("T")


class Refusal(TidingsError):
    """A dialect says no in its own way: with this HTTP status and message."""

    def __init__(self, status: int, message: str) -> None:
        self.status = status
        super().__init__(message)


class Heartbeat(NamedTuple):
    """How a WebSocket shows that it lives: a ping at once, one every *interval_s* seconds.

    A client that leaves more than *most_unanswered* of those that reached it without an answer is taken for dead.
    """

    payload: bytes
    interval_s: float
    most_unanswered: int


class Following(NamedTuple):
    """What a stream sends: *message* makes each event's bytes. It must be a plain function: streams with an equal one share the work."""

    after: Index
    where: Condition
    message: Callable[[Event], bytes]


class ServerCertificate(Protocol):
    """What the TLS listener shows; *fingerprint* is the SHA-256 of its DER in hexadecimal."""

    @property
    def fingerprint(self) -> str:
        """What clients pin."""

    @property
    def pem(self) -> str:
        """The certificate itself."""


class Host(Protocol):
    """The server, as a dialect sees it."""

    @property
    def core(self) -> Core:
        """Publish, search, follow."""

    @property
    def config(self) -> Config:
        """All settings."""

    @property
    def clock(self) -> Clock:
        """The time."""

    @property
    def jobs(self) -> Jobs:
        """What the server is busy with."""

    @property
    def health(self) -> Health:
        """What the server warns of."""

    @property
    def certificates(self) -> Certificates:
        """Which client certificates are trusted."""

    @property
    def sessions(self) -> Sessions:
        """Who has logged in."""

    @property
    def removed(self) -> Removed:
        """Which events somebody removed."""

    @property
    def state(self) -> KnownState:
        """What the log told last of each thing."""

    @property
    def server_certificate(self) -> ServerCertificate | None:
        """None without a TLS listener."""

    @property
    def tls_addresses(self) -> list[str]:
        """Where clients reach the TLS listener, each ``host:port``."""

    @property
    def store(self) -> Store:
        """What outlives a restart and is no event; every call blocks."""

    def account(self, name: str) -> str | None:
        """Return the user that *name* means at sign-on, where ``@`` and a profile may follow it; None when there is none."""

    def held_back(self, dialect: str) -> None:
        """Count an event that flood control held back."""

    async def log_in(self, name: str, password: str, request: web.Request) -> Principal:
        """Return whose name and password these are. Raises Unauthenticated, or Busy when they are tried too fast."""

    def own(self, kind: type[T], make: Callable[[], T]) -> T:
        """Return the one object of *kind* that is kept while the server runs; *make* makes it when it is first asked for."""

    async def blocking(self, work: Callable[[], T]) -> T:
        """Return what *work*, which waits for the disk, returns; run in a thread."""

    async def held(self, request: web.Request, who: Principal, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what *work*, which may wait long, returns, holding a place among the streams meanwhile. Raises Busy; Stopping when told to end."""

    def end_streams(self, who: Principal, reason: str) -> None:
        """End the streams of somebody who is trusted no more."""

    def peer(self, request: web.Request) -> Peer | None:
        """Return who is at the other end of a Unix socket, None on any other."""

    def certificate(self, request: web.Request) -> bytes | None:
        """Return the client certificate (DER) that this connection showed."""

    async def web_socket(
        self, request: web.Request, who: Principal, following: Following, heartbeat: Heartbeat
    ) -> web.StreamResponse:
        """Upgrade, then send until the client goes; a client that sends data is disconnected. Raises CursorExpired, InvalidCursor before the upgrade."""

    async def lines(
        self, request: web.Request, who: Principal, following: Following, media_type: str
    ) -> web.StreamResponse:
        """Send as a body without end, until the client goes."""


Answer = Callable[[Host, web.Request, Principal], Awaitable[web.StreamResponse]]


class Route(NamedTuple):
    """One method of one path. *role*: what the caller must at least be; None lets everybody in, and *who* is then whoever it is.

    *lasting* routes hold a place among the streams, not among the requests in flight.
    """

    method: str
    path: str
    answer: Answer
    role: Role | None = Role.READER
    lasting: bool = False


class Api(NamedTuple):
    """One dialect's HTTP side. Whatever lies below *prefixes* and is no route is refused in its words too.

    *refuse* makes the answer to a request from a status, a message for the user, and headers. *cookie* is the name of the one
    that may hold a session's secret instead of an Authorization header; empty: none does.
    """

    prefixes: tuple[str, ...]
    routes: tuple[Route, ...]
    refuse: Callable[[Host, web.Request, int, str, Mapping[str, str]], web.Response]
    cookie: str = ""
