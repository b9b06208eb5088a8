"""``GET /events``: from the parameters to a query, and from its rows to a body, of whatever size, in constant memory."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import msgspec
import structlog
from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.ovirt.codes import NAME, kinds_of
from tidings.dialects.ovirt.faults import REFUSED, OvirtFault, refused
from tidings.dialects.ovirt.record import Record, read_record
from tidings.dialects.ovirt.routes.answers import headers_of, reply
from tidings.dialects.ovirt.routes.targets import Target, wants_json
from tidings.dialects.ovirt.writing import event_lines, event_objects, events_json, events_xml, list_ends
from tidings.dialects.routes import Host
from tidings.errors import QuerySyntaxError, SearchTimeout, TooLarge
from tidings.query.ast import EVERYTHING, AllOf, Column, Compare, Condition, Not, Order, Pattern, Query, conjoin
from tidings.query.ovirt import Parsed, parse

MAX_SORTED = 100_000
"""Rows that are sorted here, by a field that the log has no column for."""
MAX_POLLED = 10_000
"""The largest ``max`` with which a poller misses nothing, see `_oldest`."""

_STEP = 1_000
_ALL = 2**31 - 1
_CLEANED_AT = (3, 35, 35)  # the engine's daily clean-up
_NOT_SHOWN = re.compile(r"[^\x20-\x21\x23-\x5b\x5d-\x7e]")
_SORT_KEYS: dict[str, Callable[[Record], tuple[int, int | str]]] = {
    "type": lambda record: (1, record.code),
    "custom_event_id": lambda record: (1, record.custom_id),
    "origin": lambda record: _text_key(record.origin),
}
_log = structlog.get_logger(__name__)


class _Window(NamedTuple):
    """Which rows of the order are wanted: *limit* of them behind the first *skip*."""

    skip: int
    limit: int


async def list_events(host: Host, request: web.Request, target: Target, who: Principal) -> web.StreamResponse:
    """Answer the events that match, in the search's order, newest first where it names none."""
    limit = target.number("max")
    if limit is not None and limit < 0:
        raise refused(f"max is {limit}; it can't be negative")
    try:
        parsed = _parse(host, target)
    except QuerySyntaxError as fault:
        return _unreadable(host, request, fault)
    if limit is None:
        limit = host.config.ovirt_page_size if parsed.is_paged else _ALL
    window = _Window((parsed.query.page - 1) * limit, limit)
    query = msgspec.structs.replace(parsed.query, where=_where(host, parsed, target), limit=_STEP, page=1)
    if parsed.sort_by:
        rows = await _sorted(host, query, who, parsed)
        return _whole(request, rows[window.skip : window.skip + window.limit])
    if _is_polled(target, query.order, limit):
        return _whole(request, await _oldest(host, query, window, who))
    if window.limit <= _STEP:
        return await _page(host, request, query, window, who, parsed.query.page)
    return await _stream(request, _rows(host, query, window, who))


def _parse(host: Host, target: Target) -> Parsed:
    return parse(
        target.text("search"),
        host.clock.now_ns(),
        UTC,
        case_sensitive=bool(target.switch("case_sensitive", empty=True)),
        kinds_of=kinds_of,
    )


def _where(host: Host, parsed: Parsed, target: Target) -> Condition:
    after = target.number("from") or 0
    newer = Compare(Column.INDEX, ">", min(after, 2**63 - 1)) if after > 0 else EVERYTHING
    return conjoin(parsed.query.where, newer, host.removed.condition(), _kept(host))


def _kept(host: Host) -> Condition:
    """Return what holds for all events but those of oVirt that its daily clean-up would have deleted."""
    age_s = host.config.ovirt_retain_age
    if not age_s:
        return EVERYTHING
    now = datetime.fromtimestamp(host.clock.now_ns() / 1e9, UTC)
    hour, minute, second = _CLEANED_AT
    cleaned = now.replace(hour=hour, minute=minute, second=second, microsecond=0)
    cleaned -= timedelta(days=1) if cleaned > now else timedelta()
    horizon_ns = int((cleaned.timestamp() - age_s) * 1e9)
    own = Compare(Column.DIALECT, "=", Pattern((NAME,), case_sensitive=True))
    return Not(AllOf((own, Compare(Column.TIME, "<", horizon_ns))))


def _unreadable(host: Host, request: web.Request, fault: QuerySyntaxError) -> web.Response:
    """Answer a search that can't be read: as the engine does with an empty list, but saying why in a header."""
    if host.config.ovirt_strict_search:
        raise OvirtFault(REFUSED, f"[search, {fault}]")
    _log.info("search text can't be read", reason=str(fault))
    answer = reply(request, events_xml(()), events_json(()))
    # a header holds no quotes within quotes, and the SDK ends on bytes that aren't ASCII
    answer.headers["Warning"] = f'299 tidings "search, {_NOT_SHOWN.sub("?", str(fault))[:500]}"'
    return answer


async def _page(
    host: Host, request: web.Request, query: Query, window: _Window, who: Principal, page: int
) -> web.Response:
    if not window.limit:
        return _whole(request, [])
    found = await host.core.search(msgspec.structs.replace(query, limit=window.limit, page=page), who)
    return _whole(request, [read_record(line) for line in found.lines])


def _whole(request: web.Request, records: Sequence[Record]) -> web.Response:
    is_json = wants_json(request)
    body = events_json(records) if is_json else events_xml(records)
    return web.Response(body=body, headers=headers_of(request, is_json=is_json))


def _is_polled(target: Target, order: Order, limit: int) -> bool:
    """Whether somebody reads the log on, in bounded pages, each ``from`` where the one before ended."""
    is_by_time = order.column is Column.TIME and not order.descending
    return is_by_time and target.number("from") is not None and limit <= MAX_POLLED


async def _oldest(host: Host, query: Query, window: _Window, who: Principal) -> list[Record]:
    """Return the lowest indexes there are, by time.

    At the engine they are also the oldest events. Here one may be stored long after it happened, and many in one millisecond;
    if a page held the oldest ones, then ``from`` its highest index would leave out lower ones that were not on it.
    """
    step = min(_STEP, window.skip + window.limit)
    query = msgspec.structs.replace(query, order=Order(Column.INDEX, descending=False), limit=max(1, step))
    records = [record async for some in _rows(host, query, window, who) for record in some]
    return sorted(records, key=lambda record: (record.time_ns, -record.index))


async def _sorted(host: Host, query: Query, who: Principal, parsed: Parsed) -> list[Record]:
    """Return all rows in an order that the log can't give. Raises TooLarge rather than sort a log of millions in memory."""
    records: list[Record] = []
    async for some in _rows(host, query, _Window(0, MAX_SORTED + 1), who):
        records += some
    if len(records) > MAX_SORTED:
        raise TooLarge(f"a list sorted by {parsed.sort_by}", len(records), MAX_SORTED, "search: narrow it")
    name = parsed.sort_by
    key = _SORT_KEYS.get(name) or (lambda record: _text_key(_linked_name(record, name)))
    # rows come newest first, and sorting keeps that where the keys are equal
    return sorted(records, key=key, reverse=parsed.descending)


def _text_key(text: str) -> tuple[int, int | str]:
    return (1, text.casefold()) if text else (0, "")


def _linked_name(record: Record, field: str) -> str:
    type = {"event_storage": "storage_domain", "event_datacenter": "data_center"}.get(field, field[len("event_") :])
    return next((link.name for link in record.links if link.type == type), "")


async def _rows(host: Host, query: Query, window: _Window, who: Principal) -> AsyncIterator[list[Record]]:
    """Yield the rows of the window in steps."""
    skip, left = window
    async for batch in host.core.export(query, who):
        lines = batch if isinstance(batch, list) else batch.lines
        wanted = lines[skip : skip + left]
        skip = max(0, skip - len(lines))
        left -= len(wanted)
        if wanted:
            yield [read_record(line) for line in wanted]
        if not left:
            return


async def _stream(request: web.Request, rows: AsyncIterator[list[Record]]) -> web.StreamResponse:
    """Send a list too long for memory. Should it break, the connection does, so that nobody takes the part for the whole."""
    is_json = wants_json(request)
    write = event_objects if is_json else event_lines
    start, between, end = list_ends(is_json=is_json)
    first = await anext(aiter(rows), None)
    if first is None:
        return _whole(request, [])
    response = web.StreamResponse(headers=headers_of(request, is_json=is_json))
    response.enable_chunked_encoding()
    await response.prepare(request)
    try:
        await response.write(start + write(first))
        async for records in rows:
            await response.write(between + write(records))
    except SearchTimeout as fault:
        _log.warning("list cut short", reason=str(fault))
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from fault
    await response.write(end)
    return response
