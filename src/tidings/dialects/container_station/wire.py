"""Reading what Container Station writes, without trusting its shapes: rows of the log and event lines.

The rows and lines are those of the published documentation, see tests/golden/container_station/.
"""

from __future__ import annotations

import datetime as dt
import functools
import math
import re
import zoneinfo
from collections.abc import Mapping
from typing import NamedTuple, cast

import msgspec

from tidings import rfc3339
from tidings.dialects.container_station.categories import MAX_WORD
from tidings.errors import InvalidEvent

Members = Mapping[str, object]

_NS = 1_000_000_000
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_MICROSECOND = dt.timedelta(microseconds=1)
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{1,6})?", re.ASCII)
# Users with a colon would make a line that nobody can split, so the device can't have them.
_LINE = re.compile(
    rf"([^:\x00-\x1f]{{1,{MAX_WORD}}}):([^:\x00-\x1f]{{0,200}}):(?:(\d{{1,10}}):)?[ \t]*(?=\{{)", re.ASCII
)
_ANYTHING = msgspec.json.Decoder()


class Row(NamedTuple):
    """One row of the log, texts as they are. *number* is the device's own, None where there is none, as in an export."""

    category: str
    level: str
    user: str
    message: str
    time_ns: int
    number: int | None
    is_exported: bool


class Line(NamedTuple):
    """One event line: *head* is all before *json*, the JSON object; *time_ns* is None where it tells no time."""

    category: str
    user: str
    time_ns: int | None
    head: str
    json: str
    members: Members


class _Row(msgspec.Struct):
    category: object = None
    level: object = None
    user: object = None
    message: object = None
    id: object = None
    ts: object = None
    date: object = None
    zone: object = None


_ROWS = msgspec.json.Decoder(_Row)


def read_row(payload: bytes) -> Row:
    """Return the row in a JSON object: of the log, with ``ts``, or of an export, with ``date`` and maybe ``zone``. Raises InvalidEvent."""
    text_of(payload)
    try:
        row = _ROWS.decode(payload)
    except RecursionError:
        raise InvalidEvent("a log row may not be nested this deeply") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"a log row must be a JSON object: {fault}") from None
    if not isinstance(row.message, str):
        raise InvalidEvent("a log row needs the member 'message', a string")
    return Row(
        category=text(row.category),
        level=text(row.level),
        user=text(row.user),
        message=row.message,
        time_ns=_time_of(row),
        number=row.id if type(row.id) is int else None,
        is_exported=row.ts is None,
    )


def read_line(payload: bytes) -> Line:
    """Return the event in ``Category:User:JSON`` or ``Category:User:Timestamp:JSON``. Raises InvalidEvent."""
    line = text_of(payload)
    match = _LINE.match(line)
    if match is None:
        raise InvalidEvent("neither a log row as JSON nor an event line such as image:all:{…}")
    category, user, seconds = match.groups()
    json = line[match.end() :]
    try:
        msgspec.json.decode(json, type=msgspec.Raw)
    except RecursionError:
        raise InvalidEvent("the JSON of an event line may not be nested this deeply") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"what follows {match[0][:40]!r} must be JSON: {fault}") from None
    time_ns = _in_range(int(seconds) * _NS) if seconds else None
    return Line(category, user, time_ns, match[0], json, _members(json))


def text_of(payload: bytes) -> str:
    """Return *payload* as text. Raises InvalidEvent."""
    try:
        return payload.decode()
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"a log row or an event line must be UTF-8, byte {fault.start + 1} is not") from None


def text(value: object) -> str:
    """Return *value* if it is a string, else empty."""
    return value if isinstance(value, str) else ""


@functools.lru_cache(maxsize=64)
def zone_of(name: str) -> dt.tzinfo:
    """Return the time zone called *name*. Raises InvalidEvent."""
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise InvalidEvent(f"zone: {name[:60]!r} is not the name of a time zone, such as Asia/Taipei") from None


def _members(json: str) -> Members:
    try:
        return cast(Members, _ANYTHING.decode(json))
    except msgspec.DecodeError:
        return {}  # it holds a number that is too big for us, which is no reason to refuse the event


def _time_of(row: _Row) -> int:
    if type(row.ts) is int or type(row.ts) is float:
        seconds = math.floor(row.ts)
        return _in_range(seconds * _NS + round((row.ts - seconds) * 1_000_000) * 1000)
    if row.ts is None and isinstance(row.date, str):
        return _in_range(_instant(row.date, text(row.zone)))
    raise InvalidEvent("a log row needs the member 'ts', seconds since 1970")


def _in_range(time_ns: int) -> int:
    if not rfc3339.MIN_NS <= time_ns <= rfc3339.MAX_NS:
        raise InvalidEvent("the time is outside the years 1678 to 2261 that nanoseconds can hold")
    return time_ns


def _instant(date: str, zone: str) -> int:
    if _DATE.fullmatch(date) is None:
        raise InvalidEvent(f"date: {date[:40]!r} is not a date such as 2015-03-17 17:27:06.452144")
    day, _, fraction = date.partition(".")
    try:
        local = dt.datetime.fromisoformat(f"{day}.{fraction:0<6}").replace(tzinfo=zone_of(zone) if zone else dt.UTC)
        return (local - _EPOCH) // _MICROSECOND * 1000
    except (ValueError, OverflowError) as fault:
        raise InvalidEvent(f"date: {date!r} is no date: {fault}") from None
