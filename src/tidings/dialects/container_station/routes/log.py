"""``log``: the newest rows first, a page at a time; all of them as CSV; and clearing, where that is allowed."""

from __future__ import annotations

import zoneinfo
from collections.abc import AsyncIterator

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.container_station.clearing import Clearing
from tidings.dialects.container_station.csv_rows import CSV_HEADER, csv_rows
from tidings.dialects.container_station.filters import LogFilter, condition_of
from tidings.dialects.container_station.log_rows import log_row
from tidings.dialects.container_station.routes import parameters
from tidings.dialects.container_station.routes.answers import HEADERS, reply
from tidings.dialects.routes import Host, Refusal
from tidings.event import Event, decode_line
from tidings.query.ast import EVERYTHING, Column, Condition, Order, Query, conjoin

MAX_LIMIT = 10_000
_DEFAULT_LIMIT = 20
_STEP = 2_000
_PIECE_BYTES = 256 * 1024


async def list_log(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the newest rows that match, behind the first ``offset`` of them."""
    limit = min(parameters.number(request, "limit", _DEFAULT_LIMIT, 1), MAX_LIMIT)
    offset = parameters.number(request, "offset", 0)
    where = await _where(host, request)
    return reply([log_row(event) for event in await _newest(host, where, who, offset, limit)])


async def export(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer all rows that match as CSV, the oldest first."""
    zone = _zone(host, request)
    is_safe = parameters.switch(request, "safe", default=False)
    query = Query(await _where(host, request), Order(Column.INDEX, descending=False), _STEP)
    response = web.StreamResponse(
        headers={
            **HEADERS,
            "Content-Type": "text/csv; charset=utf-8",
            "Content-Disposition": 'attachment; filename="container-station-log.csv"',
        }
    )
    response.enable_chunked_encoding()
    pieces = _csv(host, query, who, zone, is_safe=is_safe)
    # what can't be read is an error only as long as nothing was sent
    first = await anext(pieces)
    await response.prepare(request)
    with host.jobs.open("Exporting events", actor=who.name):
        await response.write(first)
        async for piece in pieces:
            await response.write(piece)
    return response


async def clear(host: Host, _request: web.Request, who: Principal) -> web.StreamResponse:
    """Hide all rows there are, where the settings allow it."""
    if not host.config.container_station_allow_clear:
        raise Refusal(403, "The log is kept: clearing it is not allowed (container_station_allow_clear)")
    if not who.is_admin:
        raise Refusal(403, f"{who.name} may not clear the log: the role admin is needed")
    return reply({"records": await _clearing(host).clear(EVERYTHING, who)})


def _clearing(host: Host) -> Clearing:
    return host.own(Clearing, lambda: Clearing(host.core, host.clock))


async def shown(host: Host) -> Condition:
    """Return what holds for the events that this API shows."""
    return await _clearing(host).condition()


async def _newest(host: Host, where: Condition, who: Principal, skip: int, limit: int) -> list[Event]:
    """Return the *limit* newest events behind the first *skip*."""
    if not skip:
        return (await host.core.search(Query(where, limit=limit), who)).events
    lines: list[bytes] = []
    async for batch in host.core.export(Query(where, limit=_STEP), who):
        some = batch if isinstance(batch, list) else batch.lines
        lines += some[skip : skip + limit - len(lines)]
        skip = max(0, skip - len(some))
        if len(lines) == limit:
            break
    return [decode_line(line) for line in lines]


async def _csv(
    host: Host, query: Query, who: Principal, zone: zoneinfo.ZoneInfo, *, is_safe: bool
) -> AsyncIterator[bytes]:
    """Yield the header, then rows by the thousands."""
    piece = CSV_HEADER
    async for batch in host.core.export(query, who):
        blob = batch.blob if not isinstance(batch, list) else b"\n".join(batch) + b"\n"
        piece += csv_rows(blob, zone, is_safe=is_safe)
        if len(piece) >= _PIECE_BYTES:
            yield piece
            piece = b""
    if piece:
        yield piece


async def _where(host: Host, request: web.Request) -> Condition:
    wanted = LogFilter(
        start=parameters.instant(request, "time_start", "start"),
        end=parameters.instant(request, "time_end", "end"),
        user=request.query.get("user", ""),
        levels=parameters.words(request, "level"),
        categories=parameters.words(request, "category"),
        text=request.query.get("text", ""),
    )
    return conjoin(condition_of(wanted), await shown(host))


def _zone(host: Host, request: web.Request) -> zoneinfo.ZoneInfo:
    name = request.query.get("zone") or host.config.container_station_zone
    try:
        return zoneinfo.ZoneInfo(name)
    except (KeyError, ValueError, OSError):
        raise parameters.invalid("zone", "the name of a time zone, such as Asia/Taipei") from None
