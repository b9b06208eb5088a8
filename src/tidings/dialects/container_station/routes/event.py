"""``event``: lines to poll, by the index of the log."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.container_station.lines import event_line
from tidings.dialects.container_station.routes import parameters
from tidings.dialects.container_station.routes.answers import reply
from tidings.dialects.container_station.routes.log import shown
from tidings.dialects.routes import Host
from tidings.event import Event, Index
from tidings.query.ast import Column, Compare, Condition, Order, Query, conjoin

MAX_LINES = 1_000
MAX_WAIT_S = 300.0
_LATEST = 20
_MAX_INDEX = 2**63 - 1


async def poll(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the events behind ``index``, newest first, the oldest thousand of them when there are more; by default the latest 20.

    The answer's ``offset`` is what to ask behind next. With ``wait=SECONDS`` it is given when there is something to tell.
    """
    wait_s = parameters.seconds(request, "wait", 0.0, MAX_WAIT_S)
    after = parameters.number(request, "index", 0) if request.query.get("index") else None
    until = parameters.number(request, "offset", _MAX_INDEX)
    has_times = parameters.switch(request, "timestamps", default=host.config.container_station_event_timestamps)
    where = await shown(host)
    if after is None:
        return _answer(await _latest(host, where, who, min(until, host.core.head)), has_times=has_times)
    found = await _behind(host, where, who, after, until)
    if not found.events and wait_s and host.core.oldest - 1 <= after <= host.core.head < until:
        position = Index(after)
        await host.held(request, who, lambda: host.core.wait(position, where, wait_s, who))
        found = await _behind(host, where, who, after, until)
    return _answer(found, has_times=has_times)


class _Lines(NamedTuple):
    """The *events* behind *after*, newest first, up to *offset*."""

    after: int
    events: Sequence[Event]
    offset: int


async def _latest(host: Host, where: Condition, who: Principal, until: int) -> _Lines:
    """Return the newest events up to *until*."""
    query = Query(conjoin(where, Compare(Column.INDEX, "<=", until)), limit=_LATEST)
    events = (await host.core.search(query, who)).events
    return _Lines(events[-1].index - 1 if events else until, events, until)


async def _behind(host: Host, where: Condition, who: Principal, after: int, until: int) -> _Lines:
    """Return the events behind *after*; where retention took some of them, those behind what it took."""
    head = host.core.head
    if after >= head:
        return _Lines(head, (), head)
    after, end = max(after, host.core.oldest - 1), min(until, head)
    span = (Compare(Column.INDEX, ">", after), Compare(Column.INDEX, "<=", end))
    query = Query(conjoin(where, *span), Order(Column.INDEX, descending=False), MAX_LINES)
    page = await host.core.search(query, who)
    events = page.events
    # A page cut short ends at its last event, so that the next poll goes on right there; any other at the newest looked at.
    offset = events[-1].index if page.next is not None else max(end, after)
    return _Lines(after, events[::-1], offset)


def _answer(lines: _Lines, *, has_times: bool) -> web.Response:
    messages = [event_line(event, has_times) for event in lines.events]
    return reply({"index": lines.after, "messages": messages, "offset": lines.offset})
