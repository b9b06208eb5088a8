"""By what a row of the log and an event line are known to tell of the same happening.

They don't name each other. But the device's own log says in words what a line says in JSON, and `message_of` puts a line into
those words: ``Stop container (docker, 397568fb6bde, DockerTestAPI)``. So the two are one when category, words, type, name and,
where both have one, id agree. When the line tells a time as well, both must be within `WINDOW_NS`. `pairing` says which of
several it is.
"""

from __future__ import annotations

import datetime as dt
import re
from typing import NamedTuple

from tidings import rfc3339
from tidings.dialects.container_station.message import message_of
from tidings.dialects.container_station.wire import read_line, read_row
from tidings.errors import InvalidEvent

WINDOW_NS = 10_000_000_000

_NS = 1_000_000_000
_SHORT_ID = 12
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SAID = re.compile(r"([^()]{1,200}) \(([a-z]{1,20}), (?:([0-9a-f]{12,64}), )?([^(),]{1,300})\)", re.ASCII)


class Traits(NamedTuple):
    """What a partner is known by: *key* must be equal, *id* may be missing, and so may the *time_ns* of a line.

    Without *is_new* it was offered for pairing before, together with all others that aren't new either.
    """

    key: tuple[str, ...]
    id: str
    time_ns: int | None
    is_new: bool = True


def fits(row: Traits, line: Traits) -> bool:
    """Whether the two may tell of the same. Those that didn't go together in the company of others don't do so without it."""
    if not (row.is_new or line.is_new):
        return False
    if row.key != line.key or (row.id and line.id and row.id[:_SHORT_ID] != line.id[:_SHORT_ID]):
        return False
    return row.time_ns is None or line.time_ns is None or abs(row.time_ns - line.time_ns) <= WINDOW_NS


def row_traits(text: str, zone: dt.tzinfo) -> Traits | None:
    """Return the traits of a row, None when no line can be like it. Its time is local time of *zone*."""
    try:
        row = read_row(text.encode())
    except InvalidEvent:
        return None
    return _traits(row.category, row.message, true_time(row.time_ns, zone))


def line_traits(text: str) -> Traits | None:
    """Return the traits of a line, None when no row can be like it."""
    try:
        line = read_line(text.encode("utf-8", "replace"))
    except InvalidEvent:
        return None
    return _traits(line.category, message_of(line.category, line.members), line.time_ns)


def true_time(local_ns: int, zone: dt.tzinfo) -> int:
    """Return the instant at which the clocks of *zone* show what *local_ns* reads as in UTC, as the device's log tells it."""
    seconds, fraction = divmod(local_ns, _NS)
    local = (_EPOCH + dt.timedelta(seconds=seconds)).replace(tzinfo=zone)
    ns = int((local - _EPOCH).total_seconds()) * _NS + fraction
    return min(max(ns, rfc3339.MIN_NS), rfc3339.MAX_NS)


def _traits(category: str, message: str, time_ns: int | None) -> Traits | None:
    match = _SAID.match(message)
    if match is None:
        return None
    words, type, id, name = match.groups()
    return Traits((category, words.lower(), type, name), id or "", time_ns)
