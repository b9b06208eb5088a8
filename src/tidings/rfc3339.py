"""RFC 3339 times with nanoseconds, as integers since the epoch.

The standard library stops at microseconds; LXD and CloudEvents carry nanoseconds.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
import time

_SHAPE = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,18}))?(?:[Zz]|([+-])(\d\d):(\d\d))", re.ASCII)
_STAMP = re.compile(r"\d{4}-\d\d-\d\dT(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d", re.ASCII)
_EPOCH_DAY = dt.date(1970, 1, 1).toordinal()
# Python's own calendar ends here, and a signed 64-bit nanosecond count in 1677 and 2262: what is outside is refused, never wrapped.
MIN_NS = -(2**63)
MAX_NS = 2**63 - 1


class InvalidTime(ValueError):
    """Not an RFC 3339 time with a zone, or outside the years 1678 to 2261."""


_MANY_STAMPS = 4096
_known_stamps: set[str] = (
    set()
)  # the first 20 characters of canonical times: up to the point before the fraction, or the Z


@functools.lru_cache(maxsize=4096)
def _seconds(stamp: str) -> int:
    """Return the epoch seconds of ``YYYY-MM-DDTHH:MM:SS``; cached, because a stream repeats its seconds."""
    if _STAMP.fullmatch(stamp) is None:
        raise InvalidTime(f"{stamp!r} has a clock that no day has")
    return _day(stamp[:10]) + int(stamp[11:13]) * 3600 + int(stamp[14:16]) * 60 + int(stamp[17:19])


@functools.lru_cache(maxsize=1024)
def _day(date: str) -> int:
    """Return the epoch seconds of midnight UTC."""
    try:
        return (dt.date.fromisoformat(date).toordinal() - _EPOCH_DAY) * 86_400
    except ValueError as fault:
        raise InvalidTime(f"{date!r} is no date: {fault}") from None


def parse(text: str) -> int:
    """Return nanoseconds since the epoch; digits past the ninth are cut. Raises InvalidTime."""
    if is_canonical(text):  # what nearly all producers send, and all that is stored: no need for the general shape
        return _seconds(text[:19]) * 1_000_000_000 + (int(text[20:-1].ljust(9, "0")) if len(text) > 20 else 0)
    match = _SHAPE.fullmatch(text)
    if match is None:
        raise InvalidTime(f"{text[:40]!r} is not an RFC 3339 time such as 2026-11-20T22:18:27.759Z")
    day, clock, fraction, sign, hours, minutes = match.groups()
    if clock.endswith(":60"):  # a leap second counts as the second before it
        clock = clock[:-2] + "59"
    seconds = _seconds(f"{day}T{clock}")
    if sign:
        if int(hours) > 23 or int(minutes) > 59:
            raise InvalidTime(f"{text!r} has an impossible zone offset")
        offset = int(hours) * 3600 + int(minutes) * 60
        seconds += -offset if sign == "+" else offset
    ns = seconds * 1_000_000_000 + (int(fraction[:9].ljust(9, "0")) if fraction else 0)
    if not MIN_NS <= ns <= MAX_NS:
        raise InvalidTime(f"{text!r} is outside the years 1678 to 2261 that nanoseconds can hold")
    return ns


def is_canonical(text: str) -> bool:
    """Whether *text* is a UTC time in the form that `render` gives, but for zeros at the end of its fraction.

    The years are those that nanoseconds surely hold, 1700 to 2199.
    """
    if text[:20] in _known_stamps:  # a stream repeats its seconds
        return text[-1] == "Z" and (
            len(text) == 20 or (text[19] == "." and 21 < len(text) <= 30 and text[20:-1].isdecimal() and text.isascii())
        )
    if not (text[-1:] == "Z" and text[10:11] == "T" and "1700" <= text[:4] < "2200" and text.isascii()):
        return False
    if len(text) != 20 and not (21 < len(text) <= 30 and text[19] == "." and text[20:-1].isdecimal()):
        return False
    try:
        _seconds(text[:19])
    except InvalidTime:
        return False
    if len(_known_stamps) >= _MANY_STAMPS:
        _known_stamps.clear()
    _known_stamps.add(text[:20])
    return True


@functools.lru_cache(maxsize=4096)
def _stamp(seconds: int) -> str:
    # time.gmtime doesn't pad years below 1000, but MIN_NS lies in 1677
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))


def render(ns: int) -> str:
    """Return the UTC time as ``2026-11-20T22:18:27.75916896Z``: trailing zeros of the fraction trimmed, as Go does."""
    seconds, fraction = divmod(ns, 1_000_000_000)
    if not fraction:
        return f"{_stamp(seconds)}Z"
    return f"{_stamp(seconds)}.{fraction:09d}".rstrip("0") + "Z"
