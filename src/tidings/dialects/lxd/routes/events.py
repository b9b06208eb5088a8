"""``/1.0/events``: every check before the upgrade, in LXD's order; then the stream, without a gap and in order.

Extra, for those who ask: ``tidings-after=INDEX`` or ``tidings-since=1h`` replays first, and each event then carries its ``index``.
"""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.lxd import frames, projects
from tidings.dialects.lxd.selection import WITHOUT_PROJECT, UnsupportedType, condition, types_of
from tidings.dialects.routes import Following, Heartbeat, Host, Refusal
from tidings.errors import CursorExpired, InvalidCursor
from tidings.event import Event, Index
from tidings.query.ast import Column, Compare, Order, Query
from tidings.units import parse_duration

HEARTBEAT = Heartbeat(b"keepalive", 10.0, 2)
"""The real daemon's: the first at once, cut off when the third stays unanswered."""

_AFTER, _SINCE = "tidings-after", "tidings-since"
_MAX_DIGITS = 19


async def events(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Follow."""
    project = await _project(host, request, who)
    where = condition(_types(request, who), project)
    after, message = await _start(host, request, who)
    if not can_upgrade(request):
        return web.Response(status=400, text="Bad Request\n", headers={"Sec-Websocket-Version": "13"})
    try:
        return await host.web_socket(request, who, Following(after, where, message), HEARTBEAT)
    except (CursorExpired, InvalidCursor) as fault:
        raise Refusal(400, f"{_AFTER}: {fault}") from None


def can_upgrade(request: web.Request) -> bool:
    """Whether the request is a WebSocket's handshake (RFC 6455, section 4.2.1)."""
    headers = request.headers
    return (
        headers.get("Upgrade", "").lower() == "websocket"
        and "upgrade" in headers.get("Connection", "").lower()
        and headers.get("Sec-WebSocket-Version") == "13"
        and bool(headers.get("Sec-WebSocket-Key"))
    )


async def _project(host: Host, request: web.Request, who: Principal) -> str | None:
    """Return the project asked for, None for all of them."""
    name = request.query.get("project", "")
    if request.query.get("all-projects", "").lower() in ("true", "1"):
        if name:
            raise Refusal(400, "Cannot specify a project when requesting all projects")
        return None
    name = name or projects.DEFAULT
    if not await projects.exists(host.core, who, name):
        if who.scopes and name == projects.DEFAULT:
            raise Refusal(
                403, f"{who.name} may only see the projects {', '.join(who.scopes)}: name one, or all-projects"
            )
        raise Refusal(404, "Project not found")
    return name


def _types(request: web.Request, who: Principal) -> tuple[str, ...]:
    """Return the types to send. What the server says of itself is not for those who may see some projects only."""
    text = request.query.get("type")
    try:
        types = types_of(text, request.headers.get("User-Agent", ""))
    except UnsupportedType as fault:
        raise Refusal(400, str(fault)) from None
    if not who.scopes:
        return types
    if text and not set(types).isdisjoint(WITHOUT_PROJECT):
        raise Refusal(403, "Forbidden")
    return tuple(name for name in types if name not in WITHOUT_PROJECT)


async def _start(host: Host, request: web.Request, who: Principal) -> tuple[Index, Callable[[Event], bytes]]:
    """Return the index to start behind, and how events are written."""
    # Fixed before the upgrade: what is stored while it goes on is sent, where LXD's own listener misses it.
    head = host.core.head
    after, since = request.query.get(_AFTER), request.query.get(_SINCE)
    if after is not None and since is not None:
        raise Refusal(400, f"{_AFTER} and {_SINCE} both say where to begin; give one")
    if after is not None:
        if not (after.isascii() and after.isdigit() and len(after) <= _MAX_DIGITS):
            raise Refusal(400, f"{_AFTER} must be an index of the log, not {after[:80]!r}")
        return Index(int(after)), frames.indexed_message
    if since is not None:
        return await _since(host, since, who), frames.indexed_message
    return head, frames.message


async def _since(host: Host, since: str, who: Principal) -> Index:
    """Return the index before the first event that was stored since then."""
    try:
        age_s = parse_duration(since)
    except ValueError as fault:
        raise Refusal(400, f"{_SINCE}: {fault}") from None
    head = host.core.head
    where = Compare(Column.RECEIVED, ">=", max(0, host.clock.now_ns() - int(age_s * 1e9)))
    page = await host.core.search(Query(where, Order(Column.INDEX, descending=False), 1), who)
    return Index(page.events[0].index - 1) if page.lines else head
