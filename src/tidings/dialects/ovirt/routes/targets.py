"""What a request asks for: where, with which parameters, and in which form the answer shall be.

A parameter stands in the query, or in the path as a matrix parameter (``/events;from=5;max=2``), or, some, in a header; the
first of these counts. What can't be read as a number or a truth value counts as not given, as at the engine.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import unquote

from aiohttp import web

from tidings.dialects.routes import Refusal
from tidings.errors import TooLarge

_TRUE = frozenset({"t", "true", "y", "yes", "1"})
_FALSE = frozenset({"f", "false", "n", "no", "0"})
_VERSIONS = frozenset({"3", "4"})
_VERSION_SEGMENT = re.compile(r"v(\d+)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_NOT_IN_CORRELATION = re.compile(r"[^A-Za-z0-9_-]")
_MAX_CORRELATION = 36
_ABOVE = 2  # of "/ovirt-engine/api" lie before its last segment
_WEIGHT = re.compile(r";\s*q\s*=\s*([01](?:\.[0-9]{0,3})?)")


class Target(NamedTuple):
    """The *path* behind ``/ovirt-engine/api``, without empty segments and the version, and all parameters."""

    path: tuple[str, ...]
    parameters: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return a parameter, empty when it isn't given."""
        return self.parameters.get(name, "")

    def number(self, name: str) -> int | None:
        """Return a whole number; None when it isn't given or is none."""
        text = self.text(name).strip()
        return int(text) if _NUMBER.fullmatch(text) else None

    def switch(self, name: str, *, empty: bool) -> bool | None:
        """Return a truth value, *empty* when it is given without one; None when it isn't given or is none."""
        text = self.parameters.get(name)
        if text is None:
            return None
        word = text.strip().lower()
        return empty if not word else True if word in _TRUE else False if word in _FALSE else None


def read_target(request: web.Request) -> Target:
    """Return what *request* asks for. Raises Refusal for another version of the API."""
    path: list[str] = []
    parameters: dict[str, str] = {}
    versions = [request.headers.get("Version", "4").strip()]
    # As it was sent: match_info is decoded, and a slash or semicolon in a value would count as one of the path's.
    entry, *below = request.rel_url.raw_path.split("/")[_ABOVE:]
    segments = [";" + entry.partition(";")[2], *(segment for segment in below if segment)]
    for place, segment in enumerate(segments):
        name, *matrix = map(unquote, segment.split(";"))
        for pair in matrix:
            key, _, value = pair.partition("=")
            parameters[key] = value
        if place == 1 and (version := _VERSION_SEGMENT.fullmatch(name)):
            versions.append(version[1])
        elif name:
            path.append(name)
    if not _VERSIONS.issuperset(versions):
        raise Refusal(400, "")
    return Target(tuple(path), {**parameters, **request.query})


async def read_body(request: web.Request, what: str, limit: int) -> bytes:
    """Return the body, which is *what*, read no further than the setting max_event_size, *limit*. Raises TooLarge."""
    pieces = bytearray()
    while piece := await request.content.readany():
        pieces += piece
        if len(pieces) > limit:
            raise TooLarge(what, len(pieces), limit, "max_event_size")
    return bytes(pieces)


def wants_json(request: web.Request) -> bool:
    """Whether the answer shall be JSON; XML unless that weighs more, or as much and is named first."""
    wish = (request.query.get("accept", "") or request.headers.get("Accept", "")).lower()
    forms = [form for form in wish.split(",") if "json" in form or "xml" in form]
    return bool(forms) and "json" in max(forms, key=_weight)


def _weight(form: str) -> float:
    weight = _WEIGHT.search(form)
    return float(weight[1]) if weight else 1.0


def correlation_of(request: web.Request) -> str:
    """Return what the answer is labelled with: the request's own label in safe letters, or one made up."""
    given = request.headers.get("Correlation-Id") or request.query.get("correlation_id", "")
    return _NOT_IN_CORRELATION.sub("", given)[:_MAX_CORRELATION] or str(uuid.uuid4())
