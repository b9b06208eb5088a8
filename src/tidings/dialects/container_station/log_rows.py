"""Every event as a row of the log: those that came in as one in their own words, others from the canonical fields.

=========  ===========================================================================================================
log        tidings
=========  ===========================================================================================================
category   the kind's: see `category_of`
id         index
level      severity: ``INFO`` up to normal, ``WARN``, ``ERROR`` from error on
message    message, the kind where there is none
ts         time, in whole seconds: true Unix time, where later devices tell local time
user       actor, ``system`` where there is none
=========  ===========================================================================================================
"""

from __future__ import annotations

from typing import TypedDict

import msgspec

from tidings.dialects.container_station.categories import NAME, category_of
from tidings.event import Event
from tidings.severity import Severity

SYSTEM_USER = "system"
LEVELS = {
    Severity.DEBUG: "INFO",
    Severity.NORMAL: "INFO",
    Severity.WARNING: "WARN",
    Severity.ERROR: "ERROR",
    Severity.ALERT: "ERROR",
}

_NS = 1_000_000_000


class LogRow(TypedDict):
    """The six members of a row."""

    category: str
    id: int
    level: str
    message: str
    ts: int
    user: str


class OwnText(msgspec.Struct, gc=False):
    """What a row that came in said: our columns hold its texts without control characters, and not all of a very long one."""

    message: str
    user: str = SYSTEM_USER


_OWN = msgspec.json.Decoder(OwnText)


def own_text(kind: str, payload: bytes | msgspec.Raw) -> OwnText | None:
    """Return the texts of an event of this dialect that is a row, None when it is something else."""
    if not kind.endswith(".log"):
        return None
    try:
        return _OWN.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None  # a line whose state is called "log", or a row with a number for its user


def log_row(event: Event) -> LogRow:
    """Return *event*, of whatever dialect, as ``log`` lists it."""
    own = own_text(event.kind, event.payload) if event.dialect == NAME else None
    return LogRow(
        category=category_of(event.kind),
        id=event.index,
        level=LEVELS[event.severity],
        message=own.message if own is not None else event.message or event.kind,
        ts=event.time // _NS,
        user=own.user if own is not None else event.actor or SYSTEM_USER,
    )
