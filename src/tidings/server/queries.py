"""Answers about many events, and about what can be asked: histogram, facets, kinds, fields."""

from __future__ import annotations

import msgspec
from aiohttp import web

from tidings import rfc3339
from tidings.answers import FieldInfo, KindInfo
from tidings.auth import Principal
from tidings.kinds import catalogue, find
from tidings.kinds import describe as describe_kind
from tidings.query.ast import EVERYTHING, Column
from tidings.query.fields import BY_NAME, FACETS, FIELDS, OPERATORS
from tidings.server import parameters
from tidings.server.context import Context
from tidings.server.errors import BadRequest
from tidings.server.events import read_query
from tidings.server.replies import reply
from tidings.severity import Severity

MAX_STEP_S = 366.0 * 86_400
MAX_BUCKETS = 10_000
MAX_FACET_VALUES = 1_000
_MAX_KINDS = 10_000
_SECOND_NS = 1_000_000_000


class Bucket(msgspec.Struct, frozen=True):
    """One span: when it starts, and how many events of each severity."""

    start: str
    debug: int
    normal: int
    warning: int
    error: int
    alert: int


class Buckets(msgspec.Struct, frozen=True):
    """Counts by severity in spans of *step_s* seconds; spans without any event are left out."""

    step_s: float
    buckets: list[Bucket]


class FacetValue(msgspec.Struct, frozen=True):
    """One value and how many events have it."""

    value: str
    count: int


async def histogram(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer how many events of each severity happened in each span of time; spans without any are left out."""
    step_s = parameters.seconds(request, "step", 3600.0, 1.0, MAX_STEP_S)
    start, end = parameters.time(request, "from"), parameters.time(request, "to")
    step_ns = int(step_s * _SECOND_NS)
    if start is not None and end is not None and (end - start) // step_ns > MAX_BUCKETS:
        raise _too_many(step_s)
    where = read_query(context, request).where
    counts: dict[int, list[int]] = {}
    for bucket in await context.core.histogram(where, who, start, end, step_ns):
        row = counts.setdefault(bucket.start, [0] * len(Severity))
        row[bucket.severity] = bucket.total
    if len(counts) > MAX_BUCKETS:
        raise _too_many(step_s)
    buckets = [Bucket(rfc3339.render(max(at, rfc3339.MIN_NS)), *row) for at, row in counts.items()]
    return reply(Buckets(int(step_s) if step_s == int(step_s) else step_s, buckets))


def _too_many(step_s: float) -> BadRequest:
    return BadRequest(
        "step", f"steps of {step_s:g} s make more than {MAX_BUCKETS} spans; take a longer step or a shorter time"
    )


async def facets(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the most frequent values of some fields among the events that match."""
    wanted = parameters.text(request, "fields", "kind,severity,source")
    columns = [_facet(name.strip()) for name in wanted.split(",")]
    limit = parameters.integer(request, "max", 20, 1, MAX_FACET_VALUES) or 20
    where = read_query(context, request).where
    found = await context.core.facet(where, who, list(dict.fromkeys(columns)), limit)
    return reply({column.value: [FacetValue(value, count) for value, count in rows] for column, rows in found.items()})


def _facet(name: str) -> Column:
    field = BY_NAME.get(name.lower())
    if field is None or not field.facet:
        known = ", ".join(column.value for column in FACETS)
        raise BadRequest("fields", f"{name[:80]!r} can't be counted by value; choose from {known}")
    return field.column


async def kinds(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the kinds of events that are documented or were seen, with how often each was seen."""
    words = parameters.text(request, "search")
    found = await context.core.facet(EVERYTHING, who, [Column.KIND], _MAX_KINDS)
    seen = dict(found.get(Column.KIND, ()))
    documented = find(words)
    rows = [
        KindInfo(
            kind.kind, kind.system, kind.title, kind.description, kind.severity, kind.fields, seen.get(kind.kind, 0)
        )
        for kind in documented
    ]
    return reply(rows + _undocumented(seen, words.casefold().split()))


def _undocumented(seen: dict[str, int], words: list[str]) -> list[KindInfo]:
    rows: list[KindInfo] = []
    for name in sorted(seen.keys() - catalogue().keys()):
        if all(word in name.casefold() for word in words):
            known = describe_kind(name)  # documented in another mixture of upper and lower case
            rows.append(
                KindInfo(name, seen=seen[name])
                if known is None
                else KindInfo(
                    name, known.system, known.title, known.description, known.severity, known.fields, seen[name]
                )
            )
    return rows


async def fields(_context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer the table of searchable fields."""
    return reply(
        [
            FieldInfo(field.name, field.type.value, OPERATORS[field.type], field.aliases, field.help, field.example)
            for field in FIELDS
        ]
    )
