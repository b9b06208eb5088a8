"""The event stream of ``/dev/lxd/sock``, as an instance sees it: bare JSON without envelopes, for root only."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec
from aiohttp import web

from tidings.auth import Principal, Role
from tidings.dialects.lxd.frames import devlxd_message
from tidings.dialects.lxd.routes.events import HEARTBEAT, can_upgrade
from tidings.dialects.routes import Following, Host, Refusal
from tidings.query.ast import AnyOf, Column, Compare, Pattern

_TYPES = ("config", "device")
_INSIDE = Principal("root", Role.READER, (), "socket")
"""Everything there is belongs to who may open the socket: it holds nothing but these two types."""


async def root(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer which versions of the API there are."""
    _check(host, request)
    return _bare(["/1.0"])


async def describe(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer what this is."""
    _check(host, request)
    return _bare({"api_version": "1.0", "location": "none", "instance_type": "container", "state": "Started"})


async def events(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Follow: by WebSocket, or without an upgrade as JSON lines without end. A type that isn't known stays silent."""
    _check(host, request)
    names = request.query.get("type") or ",".join(_TYPES)
    chosen = [name for name in names.split(",") if name in _TYPES]
    where = AnyOf(tuple(Compare(Column.KIND, "=", Pattern((f"lxd.{name}",), case_sensitive=True)) for name in chosen))
    following = Following(host.core.head, where, devlxd_message)
    if can_upgrade(request):
        return await host.web_socket(request, _INSIDE, following, HEARTBEAT)
    return await host.lines(request, _INSIDE, following, "application/json")


def refuse(_host: Host, _request: web.Request, status: int, message: str, headers: Mapping[str, str]) -> web.Response:
    """Return the answer that says no: plain text."""
    return web.Response(status=status, text=f"{message}\n", headers=headers)


def _check(host: Host, request: web.Request) -> None:
    peer = host.peer(request)
    if peer is None or peer.uid != 0:
        raise Refusal(401, "this is for root only")


def _bare(value: object) -> web.Response:
    return web.Response(body=msgspec.json.encode(value), content_type="application/json")
