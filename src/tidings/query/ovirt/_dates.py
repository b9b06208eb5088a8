"""Dates as the engine reads them in American English, which drops the time of day, and as an extension ISO 8601 with it."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta, tzinfo

from tidings.query._scanner import shown
from tidings.query._times import WEEKDAYS, Span, UnreadableTime, read_span
from tidings.query._values import Refusal
from tidings.query.ast import AllOf, Column, Compare, Condition, Operator

_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_MONTH_NUMBERS = {name: number for number, month in enumerate(_MONTHS, 1) for name in (month, month[:3])}
_DAY_NAMES = frozenset({"today", "yesterday", *WEEKDAYS})
# Only the beginning has to be a date: whatever follows, a clock for instance, the engine doesn't look at.
_WRITTEN = re.compile(rf"(?:(?:{'|'.join(WEEKDAYS)}), +)?([a-z]+) +(\d{{1,9}}), +(\d{{1,9}})", re.ASCII | re.IGNORECASE)
_SHORT = re.compile(r"(\d{1,9})/(\d{1,9})/(\d{1,9})", re.ASCII)
_ISO = re.compile(r"\d{4}-\d\d-\d\d(?:(?!\.\.).)*", re.ASCII)
_YEARS_AHEAD = 20


def compare_time(operator: Operator, text: str, now_ns: int, zone: tzinfo) -> Condition:
    """Return ``time operator text``. Raises Refusal when *text* is no date.

    A date is its midnight in *zone*; only ``=`` takes the day up to the next midnight, which it includes.
    """
    start_ns, end_ns, _ = _span(text, now_ns, zone)
    if operator != "=" or end_ns is None:
        return Compare(Column.TIME, operator, start_ns)
    before_end: Operator = "<" if ":" in text and _ISO.fullmatch(text) else "<="
    return AllOf((Compare(Column.TIME, ">=", start_ns), Compare(Column.TIME, before_end, end_ns)))


def _span(text: str, now_ns: int, zone: tzinfo) -> Span:
    # Each name of a weekday is the last such day before today. The engine takes yesterday's name for a day in 1970: a defect.
    if text.lower() not in _DAY_NAMES and not _ISO.fullmatch(text):
        text = _day(text, datetime.fromtimestamp(now_ns // 1_000_000_000, zone).year).isoformat()
    try:
        return read_span(text, now_ns, zone)
    except UnreadableTime as fault:
        raise Refusal(str(fault), fault.hint) from None


def _day(text: str, this_year: int) -> date:
    if match := _SHORT.match(text):
        month, day, year = match.groups()
        return _lenient(text, _full_year(year, this_year), int(month), int(day))
    if match := _WRITTEN.match(text):
        name, day, year = match.groups()
        if name.lower() in _MONTH_NUMBERS:
            return _lenient(text, int(year), _MONTH_NUMBERS[name.lower()], int(day))
    raise Refusal(
        f"{shown(text)} is not a date",
        'write "Jan 5, 2017", 1/5/2017, 2017-01-05, 2017-01-05T10:15Z, today, yesterday or a weekday',
    )


def _full_year(year: str, this_year: int) -> int:
    """Two digits mean a year from 80 before to 20 after this one; more or less than two are taken as they are."""
    if len(year) != 2:
        return int(year)
    latest = this_year + _YEARS_AHEAD
    return latest - (latest - int(year)) % 100


def _lenient(text: str, year: int, month: int, day: int) -> date:
    """Count on where a month or a day is too large: February 30 is March 2."""
    years, month = divmod(month - 1, 12)
    try:
        return date(year + years, month + 1, 1) + timedelta(days=day - 1)
    except (ValueError, OverflowError):
        raise Refusal(f"{shown(text)} is outside the years 1678 to 2261", "write the year in four digits") from None
