"""Every event as a row of the export: what `log_rows` says, made straight from the stored lines.

Quotes stand only where Python's csv module puts them, which the documented export agrees with. A million rows are a usual
export, so nothing is decoded that isn't shown.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Callable

import msgspec

from tidings.dialects.container_station.categories import NAME, category_of
from tidings.dialects.container_station.log_rows import LEVELS, SYSTEM_USER, own_text
from tidings.event import NO_PAYLOAD

CSV_HEADER = b"Date,Level,Category,User,Message\r\n"

_LEVELS = {severity.label: level for severity, level in LEVELS.items()}
_needs_quotes = re.compile(r'[,"\r\n]').search
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class _Line(msgspec.Struct, gc=False):
    """The members of a stored line that rows are made of."""

    time: str
    severity: str
    type: str
    dialect: str = ""
    actor: str = ""
    message: str = ""
    data: msgspec.Raw = NO_PAYLOAD


_LINES = msgspec.json.Decoder(_Line)


def csv_rows(blob: bytes, zone: dt.tzinfo, *, is_safe: bool = False) -> bytes:
    """Return the rows, each with its line end, of the stored lines in *blob*; dates are told in *zone*.

    With *is_safe*, a cell that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    cell = _defused if is_safe else _quoted
    cached = functools.lru_cache(maxsize=1024)(cell)  # users and categories are few
    local = _local_times(zone)
    rows: list[str] = []
    for line in _LINES.decode_lines(blob):
        time, kind = line.time, line.type
        message, user = line.message or kind, line.actor or SYSTEM_USER
        if line.dialect == NAME and (own := own_text(kind, line.data)) is not None:
            message, user = own.message, own.user
        fraction = time[20:-1][:6].ljust(6, "0")
        rows.append(
            f"{local(time[:19])}.{fraction},{_LEVELS[line.severity]},{cached(category_of(kind))},{cached(user)},{cell(message)}\r\n"
        )
    return "".join(rows).encode()


def _quoted(text: str) -> str:
    if _needs_quotes(text) is None:
        return text
    doubled = text.replace('"', '""')
    return f'"{doubled}"'


def _defused(text: str) -> str:
    return _quoted(f"'{text}" if text.startswith(_FORMULA) else text)


@functools.lru_cache(maxsize=16)
def _local_times(zone: dt.tzinfo) -> Callable[[str], str]:
    """Return what turns ``2015-03-17T17:27:06``, in UTC, to the date and clock of *zone*."""

    def exact(stamp: str) -> str:
        instant = dt.datetime.fromisoformat(stamp).replace(tzinfo=zone)
        return str(zone.fromutc(instant))[:19]

    @functools.lru_cache(maxsize=4096)
    def hour(stamp: str) -> str:
        """Return the local date and hour if nothing else changes in that hour, which is so in nearly all zones, else empty."""
        first, last = exact(f"{stamp}:00:00"), exact(f"{stamp}:59:59")
        return first[:13] if (first[13:], last) == (":00:00", f"{first[:13]}:59:59") else ""

    cached = functools.lru_cache(maxsize=4096)(exact)

    def local(stamp: str) -> str:
        # an hour serves many rows where a second serves few
        date_hour = hour(stamp[:13])
        return date_hour + stamp[13:] if date_hour else cached(stamp)

    return local
