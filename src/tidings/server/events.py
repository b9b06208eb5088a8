"""Publish events, search them, get one: ``/v1/events`` and what counts them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiohttp import web
from aiohttp.hdrs import ACCEPT, CONTENT_TYPE

from tidings.answers import NDJSON, NEXT_CURSOR, Count, Ends
from tidings.auth import Principal
from tidings.errors import NotFound, TooLarge
from tidings.event import Draft, Index
from tidings.log.base import Appended
from tidings.query.ast import Column, Compare, Order, Query, conjoin
from tidings.query.parser import parse
from tidings.server import export, ingest, parameters
from tidings.server.context import Context
from tidings.server.cursors import decode_cursor, encode_cursor
from tidings.server.errors import BadRequest
from tidings.server.replies import reply, reply_bytes, reply_json

ONE = "application/cloudevents+json"
MANY = "application/cloudevents-batch+json"
CSV = "text/csv"
MEDIA_TYPES = {"json": MANY, "ndjson": NDJSON, "csv": f"{CSV}; charset=utf-8"}
MAX_PAGE = 10_000
DEFAULT_PAGE = 100

_LARGE_BYTES = 1 << 20
"""Bodies above are decoded in a thread, so that the other requests are not held up."""

_JOB_BYTES = 4 << 20
"""Bodies from this size on are a job of their own."""


async def publish(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Store the events of the body, all or none, and answer once they are on disk."""
    length = request.content_length
    if length is not None and length > context.config.max_body_size:
        raise TooLarge("the request's body", length, context.config.max_body_size, "max_body_size")
    body = await request.read()
    if len(body) <= _LARGE_BYTES:
        done = await _store(context, _decode(context, request, body), who)
    elif len(body) < _JOB_BYTES:
        done = await _store(context, await asyncio.to_thread(_decode, context, request, body), who)
    else:
        done = await _import(context, request, body, who)
    return reply_json(b'{"stored":%d,"duplicates":%d,"head":%d}' % (done.stored, done.duplicates, done.head))


async def _import(context: Context, request: web.Request, body: bytes, who: Principal) -> Appended:
    """Store a body so large that it is a job."""
    with context.jobs.open("Importing events", actor=who.name) as job:
        job.progress(bytes=len(body))
        drafts = await asyncio.to_thread(_decode, context, request, body)
        job.progress(events=len(drafts), bytes=len(body))
        return await _store(context, drafts, who)


async def _store(context: Context, drafts: Sequence[Draft], who: Principal) -> Appended:
    begun = time.perf_counter()
    done = await context.core.publish(drafts, who)
    metrics = context.metrics
    metrics.publish_took(time.perf_counter() - begun)
    metrics.duplicates += done.duplicates
    return done


def _decode(context: Context, request: web.Request, body: bytes) -> Sequence[Draft]:
    form, source = "auto", ""
    if request.rel_url.raw_query_string:
        form = parameters.choice(request, "format", ingest.FORMATS, "auto")
        source = parameters.text(request, "source")
    return ingest.read_events(
        body,
        request.headers.get(CONTENT_TYPE, ""),
        request.headers.items(),
        format=form,
        default_source=source,
        max_event_size=context.config.max_event_size,
        now_ns=context.clock.now_ns(),
    )


async def search(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one page of what matches, or with ``export=1`` everything."""
    form = _form(request)
    is_export = parameters.switch(request, "export")
    after = parameters.index(request, "after")
    order = parameters.choice(request, "order", ("newest", "oldest"), "oldest" if is_export else "newest")
    query = read_query(context, request, order)
    if is_export:
        if "cursor" in request.query:
            raise BadRequest("cursor", "an export has no pages; leave out cursor, or export")
        limit = parameters.integer(request, "max", 0, 0, parameters.MAX_INDEX) or 0
        wish = export.Wish(query, after or Index(0), limit, MEDIA_TYPES[form])
        return await export.stream(context, request, who, wish, export.WRITERS[form](request))
    hint = "; with export=1 there is no bound"
    limit = parameters.integer(request, "max", DEFAULT_PAGE, 1, MAX_PAGE, hint) or DEFAULT_PAGE
    described = (parameters.text(request, "search"), order, after, parameters.text(request, "zone"))
    if after and query.order == Order(descending=False):
        context.core.check_cursor(after)  # whoever pages on by index must not miss what was trimmed meanwhile
    position = None
    if cursor := parameters.text(request, "cursor"):
        position = decode_cursor(cursor, query.order, context.core.oldest, *described)
    where = conjoin(query.where, Compare(Column.INDEX, ">", after)) if after else query.where
    page = await context.core.search(Query(where, query.order, limit, position, 1 if position else query.page), who)
    headers = {NEXT_CURSOR: encode_cursor(page.next, *described)} if page.next else None
    return reply_bytes(export.WRITERS[form](request).whole(page.lines), MEDIA_TYPES[form], headers)


def read_query(context: Context, request: web.Request, order: str = "newest") -> Query:
    """Return what ``search=`` asks for; *order* holds where the text doesn't say how to sort. Raises QuerySyntaxError."""
    query = parse(parameters.text(request, "search"), context.clock.now_ns(), parameters.zone(request))
    if query.order == Order():
        return Query(query.where, Order(descending=order == "newest"), page=query.page)
    return query


def _form(request: web.Request) -> str:
    """Return the form asked for by ``format=``, else by the Accept header, else JSON."""
    if "format" in request.query:
        return parameters.choice(request, "format", tuple(MEDIA_TYPES), "json")
    for part in request.headers.get(ACCEPT, "").split(","):
        match part.partition(";")[0].strip().lower():
            case "application/x-ndjson" | "application/ndjson" | "application/jsonl":
                return "ndjson"
            case "text/csv":
                return "csv"
            case "application/json" | "application/cloudevents-batch+json":
                return "json"
    return "json"


async def one(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer the event at one index."""
    word = request.match_info["index"]
    if not (word.isascii() and word.isdigit()) or len(word) > 19 or int(word) > parameters.MAX_INDEX:
        raise NotFound(f"{word[:80]!r} is no index; kept are {context.core.oldest} to {context.core.head}")
    event = await context.core.get(Index(int(word)), who)
    return reply_bytes(event.line, ONE)


async def head(context: Context, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer the two ends of the log."""
    return reply(Ends(context.core.head, context.core.oldest))


async def count(context: Context, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer how many events match."""
    return reply(Count(await context.core.count(read_query(context, request).where, who)))
