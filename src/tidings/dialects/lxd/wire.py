"""Reading LXD's JSON without trusting its shapes.

Only ``type`` and ``timestamp`` are required of an event. Everything below ``metadata`` may be missing or of the wrong
type: it then reads as empty, because a log that refuses what it doesn't understand loses it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from tidings import rfc3339
from tidings.errors import InvalidEvent

Members = Mapping[str, object]
_NOTHING: Members = {}
_NULL = msgspec.Raw(b"null")

# Line breaks, other control characters and the two separators that some programs break lines at.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")


class _Envelope(msgspec.Struct):
    type: object = None
    timestamp: object = None
    # apart, since what msgspec can't hold, such as 1e999, is no reason to refuse an event
    metadata: msgspec.Raw = _NULL
    location: object = None
    project: object = None


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One LXD event, read: *time* in ns since the epoch; objects that are missing or something else are empty.

    *context* and *requestor* are members of *metadata*, here because nearly every column asks for them.
    """

    type: str
    time: int
    metadata: Members
    context: Members
    requestor: Members
    location: str
    project: str


_ENVELOPES = msgspec.json.Decoder(_Envelope)
_ANYTHING = msgspec.json.Decoder()


def read_frame(payload: bytes) -> Frame:
    """Return the event in *payload*. Raises InvalidEvent unless it is JSON with a type and a timestamp."""
    try:
        # msgspec looks at the bytes of a string only when it hands the string out, so the check is ours to make
        payload.decode()
        envelope = _ENVELOPES.decode(payload)
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"an LXD event must be UTF-8, byte {fault.start + 1} is not") from None
    except RecursionError:
        raise InvalidEvent("an LXD event may not be nested this deeply") from None
    except msgspec.ValidationError as fault:
        raise InvalidEvent(f"an LXD event must be a JSON object with a type and a timestamp: {fault}") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"an LXD event must be JSON: {fault}") from None
    try:
        time = rfc3339.parse(_required("timestamp", envelope.timestamp))
    except rfc3339.InvalidTime as fault:
        raise InvalidEvent(f"timestamp: {fault}") from None
    metadata = _object(_read(envelope.metadata))
    return Frame(
        type=_required("type", envelope.type),
        time=time,
        metadata=metadata,
        context=members(metadata, "context"),
        requestor=members(metadata, "requestor"),
        location=_string(envelope.location),
        project=_string(envelope.project),
    )


def read_object(payload: bytes) -> Members:
    """Return the JSON object in *payload*, an empty one where there is none."""
    return _object(_read(payload))


def text(members: Members, name: str) -> str:
    """Return the member called *name* if it is a string, else empty."""
    return _string(members.get(name))


def members(parent: Members, name: str) -> Members:
    """Return the member called *name* if it is an object, else an empty one."""
    return _object(parent.get(name))


def one_line(value: str, limit: int) -> str:
    """Return *value* fit for a column or a terminal.

    Control characters are folded to spaces, NUL to U+FFFD, and what is longer than *limit* is cut.
    """
    # isprintable is several times faster than the pattern and true for nearly every value
    value = value[: limit + 1]
    if not value.isprintable():
        value = _CONTROLS.sub(_replacement, value)
    value = value.strip()
    return value if len(value) <= limit else value[: limit - 1].rstrip() + "…"


def _replacement(match: re.Match[str]) -> str:
    return "\ufffd" if match[0] == "\0" else " "


def _required(name: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise InvalidEvent(f"an LXD event needs the member {name!r}, a non-empty string")
    return value


def _read(raw: bytes | msgspec.Raw) -> object:
    try:
        return cast(object, _ANYTHING.decode(raw))
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None


def _string(value: object) -> str:
    return value if isinstance(value, str) else ""


def _object(value: object) -> Members:
    return cast(Members, value) if isinstance(value, dict) else _NOTHING
