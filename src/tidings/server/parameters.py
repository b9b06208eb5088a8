"""What stands behind the question mark of a URL: named, typed, documented, and refused when it makes no sense."""

from __future__ import annotations

import difflib
import functools
import zoneinfo
from collections.abc import Collection, Iterable
from datetime import UTC, tzinfo
from typing import Literal, NamedTuple

from aiohttp import web

from tidings import rfc3339
from tidings.errors import InvalidCursor
from tidings.event import Index
from tidings.server.errors import BadRequest
from tidings.units import parse_duration

MAX_INDEX = 2**63 - 1


class Parameter(NamedTuple):
    """One query parameter, as the API's description shows it."""

    name: str
    help: str
    type: Literal["string", "integer", "number"] = "string"
    choices: tuple[str, ...] = ()
    default: str | int | None = None


def refuse_unknown(request: web.Request, known: Collection[str]) -> None:
    """Raise BadRequest for a parameter that the route doesn't have, or one that isn't text: a typo must not change an answer."""
    for name, value in request.query.items():
        if name not in known:
            close = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {close[0]!r}?" if close else f"; known are: {', '.join(known)}" if known else ""
            raise BadRequest(name, f"unknown parameter {name[:80]!r}{hint}")
        if not value.isascii():
            _check_text(name, value)


def text(request: web.Request, name: str, default: str = "") -> str:
    """Return a parameter as it is."""
    return request.query.get(name, default)


def choice(request: web.Request, name: str, choices: Collection[str], default: str) -> str:
    """Return a parameter that is one of a few words."""
    value = request.query.get(name, default)
    if value not in choices:
        raise BadRequest(name, f"{name} must be one of {', '.join(choices)}, not {value[:80]!r}")
    return value


def switch(request: web.Request, name: str) -> bool:
    """Return whether ``name=1`` was given."""
    return choice(request, name, ("0", "1", "false", "true", ""), "0") in ("1", "true")


def integer(request: web.Request, name: str, default: int | None, least: int, most: int, hint: str = "") -> int | None:
    """Return a whole number from *least* to *most*."""
    value = request.query.get(name)
    if value is None:
        return default
    if value.isascii() and value.isdigit() and len(value) <= 19 and least <= (number := int(value)) <= most:
        return number
    raise BadRequest(name, f"{name} must be a whole number from {least} to {most}, not {value[:80]!r}{hint}")


def index(request: web.Request, name: str) -> Index | None:
    """Return an index, None when it isn't given."""
    value = integer(request, name, None, 0, MAX_INDEX)
    return None if value is None else Index(value)


def seconds(request: web.Request, name: str, default: float, least: float, most: float) -> float:
    """Return a duration such as ``90``, ``90s`` or ``1h``."""
    value = request.query.get(name)
    if value is None:
        return default
    try:
        duration = parse_duration(value)
    except ValueError as fault:
        raise BadRequest(name, f"{name}: {fault}") from None
    if not least <= duration <= most:
        raise BadRequest(name, f"{name} must be from {least:g} to {most:g} seconds, not {value[:80]!r}")
    return duration


def time(request: web.Request, name: str) -> int | None:
    """Return an RFC 3339 time as nanoseconds, None when it isn't given."""
    value = request.query.get(name)
    if value is None:
        return None
    try:
        return rfc3339.parse(value.replace(" ", "+"))  # a plus sign that wasn't escaped arrives as a space
    except rfc3339.InvalidTime as fault:
        raise BadRequest(name, f"{name}: {fault}") from None


def zone(request: web.Request) -> tzinfo:
    """Return the time zone that times without one are meant in."""
    name = request.query.get("zone", "")
    return _zone(name) if name else UTC


def last_event_id(request: web.Request) -> Index | None:
    """Return the position that a reconnecting stream names in its header."""
    value = request.headers.get("Last-Event-ID")
    if not value:
        return None
    if not (value.isascii() and value.isdigit() and len(value) <= 19 and int(value) <= MAX_INDEX):
        raise InvalidCursor(f"Last-Event-ID must be an index of this log, not {value[:80]!r}")
    return Index(int(value))


def names(parameters: Iterable[Parameter]) -> frozenset[str]:
    """Return the parameters' names."""
    return frozenset(parameter.name for parameter in parameters)


@functools.lru_cache(maxsize=64)
def _zone(name: str) -> tzinfo:
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; no name at all, such as ../x; a folder of zones
        raise BadRequest("zone", f"unknown time zone {name[:80]!r}; use a name such as Europe/Vienna") from None


def _check_text(name: str, value: str) -> None:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise BadRequest(name, f"{name} is not valid UTF-8") from None
