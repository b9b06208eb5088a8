"""Times as people write them in a search: dates, times, relative times and day names."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from typing import NamedTuple

from tidings.rfc3339 import MAX_NS, MIN_NS

_ISO = re.compile(
    r"(\d{4})-(\d\d)-(\d\d)"
    r"(?:[Tt ](\d\d):(\d\d)(?::(\d\d)(?:[.,](\d{1,18}))?)?(?:([Zz])|([+-])(\d\d):?(\d\d)?)?)?",
    re.ASCII,
)
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_SPOKEN = re.compile(
    rf"(?:(?:{'|'.join(WEEKDAYS)}),?\s+)?([a-z]{{3,9}})\.?\s+(\d{{1,2}}),?\s+(\d{{4}})(?:,?\s+(\d{{1,2}}):(\d\d)(?::(\d\d))?)?",
    re.ASCII | re.IGNORECASE,
)
_RELATIVE = re.compile(r"-(?:\d{1,12}[smhdw])+", re.ASCII | re.IGNORECASE)
_STEP = re.compile(r"(\d+)([smhdw])", re.ASCII | re.IGNORECASE)
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_EPOCH_DIGITS = re.compile(r"\d{10,19}", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_RANGE = ".."


class UnreadableTime(ValueError):
    """Not a time; the message says why, *hint* what to write instead."""

    def __init__(self, reason: str, hint: str) -> None:
        self.hint = hint
        super().__init__(reason)


class Span(NamedTuple):
    """From *start_ns* to just before *end_ns*; without an end it is the one instant."""

    start_ns: int
    end_ns: int | None
    is_range: bool = False


def read_span(text: str, now_ns: int, zone: tzinfo) -> Span:
    """Return the span that *text* names: a day, a minute, an instant, or ``FROM..TO``. Raises UnreadableTime.

    What is written without a zone is meant in *zone*. TO is included when it is a day or a minute, else it is the first
    instant left out.
    """
    first, is_range, last = text.partition(_RANGE)
    if not is_range:
        return _read_one(text, now_ns, zone)
    start, end = _read_one(first, now_ns, zone), _read_one(last, now_ns, zone)
    end_ns = end.start_ns if end.end_ns is None else end.end_ns
    return Span(start.start_ns, end_ns, is_range=True)


def _read_one(text: str, now_ns: int, zone: tzinfo) -> Span:
    word = " ".join(text.lower().split())
    if word == "now":
        return Span(now_ns, None)
    if (days_back := _days_back(word, now_ns, zone)) is not None:
        return Span(*_day(_today(now_ns, zone) - timedelta(days=days_back), zone))
    if _RELATIVE.fullmatch(word):
        ago_s = sum(int(number) * _UNIT_S[unit] for number, unit in _STEP.findall(word))
        return _checked(text, now_ns - 1_000_000_000 * ago_s, None)
    if _EPOCH_DIGITS.fullmatch(word):
        return _checked(text, int(word) * 10 ** (9 - 3 * ((len(word) - 8) // 3)), None)
    if match := _ISO.fullmatch(text.strip()):
        return _read_iso(match, zone)
    if match := _SPOKEN.fullmatch(word):
        return _read_spoken(match, zone)
    if _RELATIVE.fullmatch(f"-{word}"):
        raise UnreadableTime(f"'{text[:40]}' is not a time", f"did you mean '-{word[:40]}', that long ago?")
    raise _unreadable(text)


def _unreadable(text: str) -> UnreadableTime:
    return UnreadableTime(
        f"'{text[:40]}' is not a time",
        "write 2026-11-20, 2026-11-20T10:15, -2h, today, yesterday, monday or 'Jan 5, 2017'; quote a time that has spaces",
    )


def _today(now_ns: int, zone: tzinfo) -> date:
    return (_EPOCH + timedelta(microseconds=now_ns // 1000)).astimezone(zone).date()


def _days_back(word: str, now_ns: int, zone: tzinfo) -> int | None:
    if word in ("today", "yesterday"):
        return int(word == "yesterday")
    if word not in WEEKDAYS:
        return None
    return (_today(now_ns, zone).weekday() - WEEKDAYS.index(word) - 1) % 7 + 1


def _checked(text: str, start_ns: int, end_ns: int | None) -> Span:
    if not MIN_NS <= start_ns <= (end_ns or start_ns) <= MAX_NS:
        raise _too_far(text)
    return Span(start_ns, end_ns)


def _too_far(text: str) -> UnreadableTime:
    return UnreadableTime(f"'{text[:40]}' is outside the years 1678 to 2261", "write a time within them")


def _ns(moment: datetime) -> int:
    return (moment - _EPOCH) // timedelta(microseconds=1) * 1000


def _day(day: date, zone: tzinfo) -> tuple[int, int]:
    # the next midnight, not 24 hours later: a day with a clock change has 23 or 25
    midnights = (datetime.combine(each, time(), zone) for each in (day, day + timedelta(days=1)))
    start_ns, end_ns = (_ns(midnight) for midnight in midnights)
    return start_ns, end_ns


def _moment(text: str, day: tuple[int, int, int], clock: tuple[int, int, int], zone: tzinfo) -> datetime:
    if not 1677 <= day[0] <= 2262:  # far from what datetime can hold, so that no zone leads out of that
        raise _too_far(text)
    try:
        return datetime(*day, *clock, tzinfo=zone)
    except ValueError as fault:
        raise UnreadableTime(f"'{text}' can't be: {fault}", "write year-month-day and hour:minute:second") from None


def _precise(text: str, moment: datetime, *, has_clock: bool, has_seconds: bool, fraction: str = "") -> Span:
    if not has_clock:
        assert moment.tzinfo is not None
        return _checked(text, *_day(moment.date(), moment.tzinfo))
    start_ns = _ns(moment) + int(fraction[:9].ljust(9, "0"))
    return _checked(text, start_ns, None if has_seconds else start_ns + 60_000_000_000)


def _read_iso(match: re.Match[str], zone: tzinfo) -> Span:
    year, month, day, hour, minute, second, fraction, utc, sign, zone_hours, zone_minutes = match.groups()
    if utc:
        zone = UTC
    elif sign:
        offset = timedelta(hours=int(zone_hours), minutes=int(zone_minutes or 0))
        if offset >= timedelta(hours=24):
            raise UnreadableTime(f"'{match.group()}' has an impossible zone", "write the zone as Z or +02:00")
        zone = timezone(-offset if sign == "-" else offset)
    clock = (int(hour or 0), int(minute or 0), 59 if second == "60" else int(second or 0))  # 60: a leap second
    moment = _moment(match.group(), (int(year), int(month), int(day)), clock, zone)
    return _precise(match.group(), moment, has_clock=bool(hour), has_seconds=bool(second), fraction=fraction or "")


def _read_spoken(match: re.Match[str], zone: tzinfo) -> Span:
    name, day, year, hour, minute, second = match.groups()
    months = [number for number, month in enumerate(_MONTHS, 1) if name in (month, month[:3])]
    if not months:
        raise _unreadable(match.group())
    clock = (int(hour or 0), int(minute or 0), int(second or 0))
    moment = _moment(match.group(), (int(year), months[0], int(day)), clock, zone)
    return _precise(match.group(), moment, has_clock=bool(hour), has_seconds=bool(second))
