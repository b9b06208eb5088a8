"""Taking apart what somebody saved or exported: each piece is one row or one event line for `codec.decode`."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from tidings.dialects.container_station.wire import text_of, zone_of
from tidings.errors import InvalidEvent

COLUMNS = ("Date", "Level", "Category", "User", "Message")
UTC = "UTC"

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_BLANKS = b" \t\r\n"


class _Numbered(msgspec.Struct):
    id: int = 0


class _ExportedRow(msgspec.Struct, omit_defaults=True):
    """What a row of an export is kept as. *zone* makes the date an instant, *repeat* tells equal rows from each other."""

    date: str
    level: str
    category: str
    user: str
    message: str
    zone: str = UTC
    repeat: int = 0


def split(body: bytes, zone: str = UTC) -> list[bytes]:
    """Return the rows and lines in *body*, the oldest first.

    The body is an answer of ``log`` (an array), of ``event`` (an object with ``messages``) or of ``log/export`` (CSV, whose
    dates are in *zone*), or holds one row as JSON or one event line in each line. Answers that are newest first are turned
    round. Equal rows of an export are numbered, so that each has an id of its own, the same whenever it is published again.
    Raises InvalidEvent.
    """
    body = body.removeprefix(_BYTE_ORDER_MARK).lstrip(_BLANKS)
    text = text_of(body)
    if text.startswith("["):
        return _array(body.rstrip(_BLANKS))
    if text.startswith("{"):
        whole = _object(body.rstrip(_BLANKS))
        if whole is not None:
            return whole
    elif tuple(_header(text)) == COLUMNS:
        return list(_exported(text, zone))
    # only these end a line: JSON may hold the others that str.splitlines knows
    return [line for line in (line.strip(_BLANKS) for line in body.split(b"\n")) if line]


def _array(body: bytes) -> list[bytes]:
    try:
        values = msgspec.json.decode(body, type=list[msgspec.Raw])
    except RecursionError:
        raise InvalidEvent("the JSON is nested too deeply") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"the body begins as a JSON array, but is none: {fault}") from None
    pieces = [_piece(bytes(value)) for value in values]
    return pieces if _is_ascending(values) else pieces[::-1]


def _object(body: bytes) -> list[bytes] | None:
    """Return the pieces of one JSON object, None when there is more than one or none at all."""
    try:
        members = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    except (msgspec.DecodeError, RecursionError):
        return None
    messages = members.get("messages")
    return [body] if messages is None else _array(bytes(messages))


def _piece(value: bytes) -> bytes:
    return msgspec.json.decode(value, type=str).encode() if value[:1] == b'"' else value


def _is_ascending(values: Sequence[msgspec.Raw]) -> bool:
    """Whether the rows come in the order of their ids; those of the device never do."""
    if not values:
        return True
    try:
        first, last = (msgspec.json.decode(value, type=_Numbered).id for value in (values[0], values[-1]))
    except (msgspec.DecodeError, RecursionError):
        return False
    return first <= last


def _header(text: str) -> list[str]:
    return [cell.strip().strip('"').capitalize() for cell in text.partition("\n")[0].split(",")]


def _exported(text: str, zone: str) -> Iterator[bytes]:
    zone_of(zone)  # one that doesn't exist is said once, and not of the first row
    seen: Counter[bytes] = Counter()
    rows = csv.reader(io.StringIO(text, newline=""), strict=True)
    try:
        next(rows)
        for cells in rows:
            if not cells:
                continue
            if len(cells) != len(COLUMNS):
                raise InvalidEvent(f"a row of an export has {len(COLUMNS)} columns, not {len(cells)}", rows.line_num)
            date, level, category, user, message = cells
            row = _ExportedRow(date, level, category, user, message, zone)
            payload = msgspec.json.encode(row)
            row.repeat = seen[payload]
            seen[payload] += 1
            yield msgspec.json.encode(row) if row.repeat else payload
    except csv.Error as fault:
        raise InvalidEvent(f"not CSV: {fault}", rows.line_num) from None
