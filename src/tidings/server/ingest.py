"""What a publish's body holds: decided by its media type and, line by line, by its content."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from tidings import rfc3339
from tidings.dialects import load_decoder
from tidings.dialects.cloudevents.binary import decode_binary, is_binary
from tidings.dialects.cloudevents.codec import Defaults, decode_many, decode_one
from tidings.dialects.cloudevents.places import column_of, explain
from tidings.dialects.container_station.splitting import split
from tidings.errors import InvalidEvent, NotFound, TidingsError, TooLarge
from tidings.event import Draft

FORMATS = ("auto", "cloudevents", "container-station", "lxd", "ovirt")
_LINES = (
    "application/x-ndjson",
    "application/ndjson",
    "application/jsonl",
    "application/x-jsonlines",
    "application/json-seq",
)
_DIALECTS = FORMATS[2:]
_OWN_FILES = "container-station"  # the dialect whose files are more than JSON
_DECODED_AT_ONCE = ("auto", "cloudevents")
_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_ESCAPED_NUL = b"\\u0000"


class UnsupportedMediaType(TidingsError):
    """The body's media type is none that we read."""


def read_events(
    body: bytes,
    content_type: str,
    headers: Iterable[tuple[str, str]],
    *,
    format: str,
    default_source: str,
    max_event_size: int,
    now_ns: int,
) -> Sequence[Draft]:
    """Return the drafts of all events in *body*, in their order.

    *format* is "auto" or a dialect for every event. Raises InvalidEvent (with the line), TooLarge, UnsupportedMediaType.
    """
    if format not in FORMATS:
        raise NotFound(f"format {format!r} is not known; known are: {', '.join(FORMATS)}")
    defaults = Defaults(default_source or "api", rfc3339.render(now_ns))
    media_type = content_type.partition(";")[0].strip().lower()
    if not media_type.startswith("application/cloudevents"):
        headers = list(headers)
        if is_binary(name for name, _ in headers):
            _check_size(len(body), max_event_size)
            return [decode_binary(headers, content_type, body, defaults)]
    body = body.removeprefix(_BYTE_ORDER_MARK)
    _check_utf8(body)
    if format == _OWN_FILES:
        pieces = split(body)
        return _drafts(pieces, b"", defaults, format, default_source, max_event_size)
    if media_type in _LINES or _is_lines(body):
        pieces, joined = _lines(body)
    elif (
        media_type.startswith("application/cloudevents")
        or media_type in ("", "application/json")
        or media_type.endswith("+json")
    ):
        pieces = _values(body)
        joined = b"\n".join(pieces)
    else:
        raise UnsupportedMediaType(
            f"media type {media_type!r} can't be read; send application/cloudevents+json, application/x-ndjson or application/json"
        )
    return _drafts(pieces, joined, defaults, format, default_source, max_event_size)


def _drafts(
    pieces: Sequence[bytes], joined: bytes, defaults: Defaults, format: str, source: str, max_event_size: int
) -> Sequence[Draft]:
    if not pieces:
        return []
    _check_size(max(map(len, pieces)), max_event_size, pieces)
    if format in _DECODED_AT_ONCE and b"\r" not in joined and not _has_nul(joined):
        drafts = decode_many(joined, pieces, defaults)
        if drafts is not None:
            return drafts
    found: list[Draft] = []
    for number, piece in enumerate(pieces, 1):
        try:
            found.append(_one(piece, defaults, format, source))
        except InvalidEvent as fault:
            raise InvalidEvent(fault.reason, number, fault.column) from None
    return found


def _has_nul(joined: bytes) -> bool:
    # one byte is found many times faster than six
    return b"\\" in joined and _ESCAPED_NUL in joined


def _one(piece: bytes, defaults: Defaults, format: str, source: str) -> Draft:
    if format == "auto":
        try:
            members = msgspec.json.decode(piece, type=dict[str, msgspec.Raw])
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            return decode_one(piece, defaults)  # which says what is wrong
        format = next((name for name in _DIALECTS if load_decoder(name).recognises(members)), "cloudevents")
    if format == "cloudevents":
        return decode_one(piece, defaults)
    try:
        return load_decoder(format).decode(piece, source)
    except InvalidEvent as fault:
        raise fault if fault.column or piece[:1] != b"{" else _placed(fault, piece) from None


def _placed(fault: InvalidEvent, piece: bytes) -> InvalidEvent:
    """Find the column for a dialect that names none: that of the JSON's own fault, else of the member in the reason."""
    try:
        members = msgspec.json.decode(piece, type=dict[str, msgspec.Raw])
    except msgspec.DecodeError as broken:
        reason, column = explain(piece, broken)
        return InvalidEvent(f"not a JSON object: {reason}", column=column)
    except RecursionError:
        return fault
    named = (name for name in members if fault.reason.startswith(f"{name}: ") or f"member {name!r}" in fault.reason)
    return InvalidEvent(fault.reason, column=column_of(piece, next(named, "")))


def _lines(body: bytes) -> tuple[list[bytes], bytes]:
    """Return the lines that aren't blank, and the body without the blank ones."""
    lines = body.split(b"\n")
    if lines[-1] == b"":
        lines.pop()
    if all(lines) and b"\r" not in body:
        return lines, body
    kept = [line.strip(b" \t\r") for line in lines]
    if not all(kept):
        kept = [line for line in kept if line]
    return kept, b"\n".join(kept)


def _is_lines(body: bytes) -> bool:
    """Whether a body called JSON is really one object a line, as people send it."""
    head, _, rest = body.partition(b"\n")
    return bool(rest.strip()) and head.rstrip().endswith(b"}") and head.lstrip().startswith(b"{")


def _values(body: bytes) -> list[bytes]:
    """Return the elements of a JSON array, or the one value."""
    if body[:1] == b"{" and b"\n" not in body:
        return [body]  # one object, which is looked at once and not twice
    try:
        if body.lstrip()[:1] == b"[":
            return [bytes(value) for value in msgspec.json.decode(body, type=list[msgspec.Raw])]
        return [bytes(msgspec.json.decode(body, type=msgspec.Raw))]
    except RecursionError:
        raise InvalidEvent("the JSON is nested too deeply") from None
    except msgspec.DecodeError as fault:
        reason, column = explain(body, fault)
        raise _at(f"the body is not JSON: {reason}", body, column - 1) from None


def _check_utf8(body: bytes) -> None:
    if body.isascii():
        return
    try:
        body.decode()
    except UnicodeDecodeError as fault:
        raise _at(f"not UTF-8: {fault.reason}", body, fault.start) from None


def _at(reason: str, body: bytes, offset: int) -> InvalidEvent:
    """Return the error with the line and column of the body's byte *offset*."""
    return InvalidEvent(reason, body.count(b"\n", 0, offset) + 1, offset - body.rfind(b"\n", 0, offset))


def _check_size(size: int, limit: int, pieces: Sequence[bytes] = ()) -> None:
    if size > limit:
        line = next((number for number, piece in enumerate(pieces, 1) if len(piece) == size), 1)
        raise TooLarge(f"the event in line {line}", size, limit, "max_event_size")
