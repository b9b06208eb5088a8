"""Which row of the log and which event line tell of the same happening.

They don't name each other. But the device's own log says in words what a line says in JSON, and `message_of` puts a line into
those words: ``Stop container (docker, 397568fb6bde, DockerTestAPI)``. So the two are one when category, words, type, name and,
where both have one, id agree. When the line tells a time as well, both must be within `WINDOW_NS`.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple

from tidings import rfc3339
from tidings.dialects.container_station.message import message_of
from tidings.dialects.container_station.wire import read_line, read_row
from tidings.errors import InvalidEvent

WINDOW_NS = 10_000_000_000

_NS = 1_000_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_SAID = re.compile(r"([^()]{1,200}) \(([a-z]{1,20}), (?:([0-9a-f]{12,64}), )?([^(),]{1,300})\)", re.ASCII)


class Traits(NamedTuple):
    """What a partner is known by; *key* must be equal, *id* and *time_ns* may be missing."""

    key: tuple[str, ...]
    id: str
    time_ns: int | None


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


def pair(rows: Sequence[Traits | None], lines: Sequence[Traits | None], *, newest_first: bool) -> list[tuple[int, int]]:
    """Return the positions of those that belong together; both lists are in the order in which things happened.

    What happened more than once is paired in order. That begins at the oldest, or with *newest_first* at the newest, for when
    one of the lists reaches further into the past than the other.
    """
    step = -1 if newest_first else 1
    free: defaultdict[tuple[str, ...], list[int]] = defaultdict(list)
    for at, row in list(enumerate(rows))[::step]:
        if row is not None:
            free[row.key].append(at)
    found: list[tuple[int, int]] = []
    for at, line in list(enumerate(lines))[::step]:
        candidates = free.get(line.key, []) if line is not None else []
        partner = next((one for one in candidates if _fits(rows[one], line)), None)
        if partner is not None:
            candidates.remove(partner)
            found.append((partner, at))
    return found


def _fits(row: Traits | None, line: Traits | None) -> bool:
    assert row is not None
    assert line is not None
    if row.id and line.id and row.id[:12] != line.id[:12]:
        return False
    return row.time_ns is None or line.time_ns is None or abs(row.time_ns - line.time_ns) <= WINDOW_NS


def _traits(category: str, message: str, time_ns: int | None) -> Traits | None:
    match = _SAID.match(message)
    if match is None:
        return None
    words, type, id, name = match.groups()
    return Traits((category, words.lower(), type, name), id or "", time_ns)
