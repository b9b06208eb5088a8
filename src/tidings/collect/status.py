"""How a collector is, as users see it."""

from __future__ import annotations

import enum

import msgspec


class State(enum.StrEnum):
    """Where a collector stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    WAITING = "waiting"
    STOPPED = "stopped"


class CollectorStatus(msgspec.Struct, frozen=True):
    """One collector. Times are RFC 3339 in UTC, counts begin at zero with each start of tidings, None means not yet.

    *detail* says why it is not live, or what it is connected to. *last_seen* is the last sign of life, *lag_s* the seconds from
    the last event's own time to its storing here (it may be negative when clocks differ). *url* holds no credentials.
    """

    name: str
    kind: str
    source: str
    url: str
    state: State
    since: str
    detail: str
    events: int
    last_event: int | None
    last_seen: str | None
    lag_s: float | None
    gaps: int
    reconnects: int
