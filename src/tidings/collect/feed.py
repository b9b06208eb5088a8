"""One collector at work: what it brings, what is known of its connection, and the gaps between its connections."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

import structlog

from tidings import rfc3339
from tidings.auth import Principal, Role
from tidings.clock import Clock
from tidings.collect.base import Collector
from tidings.collect.gaps import gap_event
from tidings.collect.places import Place
from tidings.collect.status import CollectorStatus, State
from tidings.collect.storing import Insistence, Pause, store
from tidings.core import Core
from tidings.errors import StorageError
from tidings.event import Draft
from tidings.following import Backoff
from tidings.log.base import Appended

STOPPED = "tidings was stopped"
_KILLED = "tidings ended without being stopped"
_GOOD_AFTER_S = 60
_SECOND_NS = 1_000_000_000
_log = structlog.get_logger(__name__)


class Tools(NamedTuple):
    """What all feeds share. *save* makes a feed's `place` durable, or raises StorageError."""

    core: Core
    clock: Clock
    backoff: Backoff
    pause: Pause
    save: Callable[[Feed], Awaitable[None]]


class Feed:
    """The `Intake` of one collector, and its status."""

    def __init__(self, collector: Collector, place: Place, tools: Tools) -> None:
        settings = collector.settings
        self.collector, self.name, self.source = collector, settings.name, settings.source
        self.key = (settings.kind, settings.name)
        self.place = place
        """What must outlive this process."""
        self.is_changed = False
        """Whether *place* differs from what was saved; whoever saves it takes this back."""
        self._core, self.clock, self._save = tools.core, tools.clock, tools.save
        self._insistence = Insistence(tools.backoff, tools.pause, self._hold)
        self._who = Principal(f"collector {settings.name}", Role.WRITER)
        now_ns = self.clock.now_ns()
        self._state, self._detail, self._since_ns = State.CONNECTING, "", now_ns
        self._down_since_ns: int | None = now_ns
        self._heard_ns = place.seen_ns
        # Of this connection: its first sign of life, when it was found good, and what the collector says of it.
        self._first_heard_ns: int | None = None
        self._connected_ns: int | None = None
        self._description = ""
        self._last_event: int | None = None
        self._lag_s: float | None = None
        self._events = self._gaps = self._connections = 0

    @property
    def cursor(self) -> str:
        """See `Intake.cursor`."""
        return self.place.cursor

    @property
    def is_live(self) -> bool:
        """Whether it is connected and what it brings is stored."""
        return self._state is State.LIVE

    @property
    def down_s(self) -> float:
        """For how long it has not been live; 0 while it is."""
        return 0.0 if self._down_since_ns is None else self._seconds_since(self._down_since_ns)

    @property
    def detail(self) -> str:
        """Why it is not live, or what it is connected to."""
        return self._detail

    @property
    def status(self) -> CollectorStatus:
        """How it is now."""
        settings = self.collector.settings
        return CollectorStatus(
            name=self.name,
            kind=settings.kind,
            source=self.source,
            url=_without_credentials(settings.url),
            state=self._state,
            since=rfc3339.render(self._since_ns),
            detail=self._detail,
            events=self._events,
            last_event=self._last_event,
            last_seen=None if self._heard_ns is None else rfc3339.render(self._heard_ns),
            lag_s=self._lag_s,
            gaps=self._gaps,
            reconnects=max(0, self._connections - 1),
        )

    def begin(self) -> None:
        """Note that a connection is tried."""
        self._first_heard_ns = self._connected_ns = None
        self._turn(State.CONNECTING, self._detail)

    def alive(self) -> None:
        """See `Intake.alive`."""
        self._heard_ns = self.clock.now_ns()
        if self._first_heard_ns is None:
            self._first_heard_ns = self._heard_ns

    async def connected(self, detail: str = "") -> None:
        """See `Intake.connected`."""
        if self._connected_ns is not None:
            return
        if self._first_heard_ns is None:
            self.alive()
        await self._close_gap()
        try:
            await self._save(self)
        except StorageError as fault:  # it stays marked as changed, so it is tried again soon
            _log.warning("a collector's place is not saved", collector=self.name, reason=str(fault))
        self._connected_ns = self.clock.now_ns()
        self._connections += 1
        self._description = detail
        self._turn(State.LIVE, detail)
        _log.info("collector is live", collector=self.name)

    async def publish(self, drafts: Sequence[Draft], cursor: str | None = None) -> Appended:
        """See `Intake.publish`."""
        await self.connected()
        # What is heard while this is being stored isn't in it.
        heard_ns = self._heard_ns
        appended = Appended(0, 0, self._core.head, ())
        if drafts:
            appended = await store(self._core, drafts, self._who, self._insistence)
            self._events += appended.stored
            self._last_event = appended.indexes[-1]
            self._lag_s = self._seconds_since(rfc3339.parse(drafts[-1].time))
        self._remember(self.place._replace(seen_ns=heard_ns))
        if cursor is not None and cursor != self.cursor:
            self._remember(self.place._replace(cursor=cursor))
            await self._insistence.on(lambda: self._save(self))
        return appended

    def lost(self, reason: str) -> bool:
        """Note that the connection, or the attempt, failed; return whether it had been good for a while."""
        was_good = self._connected_ns is not None and self._seconds_since(self._connected_ns) >= _GOOD_AFTER_S
        self._disconnect(reason)
        self._turn(State.WAITING, reason)
        return was_good

    def stop(self) -> None:
        """Note that tidings ends."""
        self._disconnect(STOPPED)
        self._turn(State.STOPPED, STOPPED)

    async def _close_gap(self) -> None:
        assert self._first_heard_ns is not None
        since_ns, until_ns = self.place.seen_ns, self._first_heard_ns
        if since_ns is not None and not self.collector.resumes:
            gap = gap_event(self.name, self.source, since_ns, until_ns, self.place.reason or _KILLED)
            await store(self._core, [gap], self._who, self._insistence)
            self._gaps += 1
        self._remember(self.place._replace(seen_ns=until_ns, reason=""))

    def _disconnect(self, reason: str) -> None:
        # What failed to connect since leaves the first reason as it is: that one made the gap.
        if self._connected_ns is not None:
            self._remember(self.place._replace(reason=reason))
        self._connected_ns = None

    def _hold(self, reason: str) -> None:
        """Show that the log, not the system, is waited for; it is live again when *reason* is empty."""
        if reason:
            self._turn(State.WAITING, f"waiting for the log: {reason}")
        elif self._connected_ns is not None:
            self._turn(State.LIVE, self._description)

    def _remember(self, place: Place) -> None:
        if place != self.place:
            self.place, self.is_changed = place, True

    def _turn(self, state: State, detail: str) -> None:
        now_ns = self.clock.now_ns()
        if state is not self._state:
            self._since_ns = now_ns
        self._state, self._detail = state, detail
        if state is State.LIVE:
            self._down_since_ns = None
        elif self._down_since_ns is None:
            self._down_since_ns = now_ns

    def _seconds_since(self, ns: int) -> float:
        return (self.clock.now_ns() - ns) / _SECOND_NS


def _without_credentials(url: str) -> str:
    """Return *url* without a user, a password and a query, each of which may be a secret."""
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2], query="", fragment="").geturl()
