"""``/1.0/warnings``: what the server itself warns of, and what was done about it."""

from __future__ import annotations

from typing import Literal

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.lxd.routes.envelope import is_recursive, read_body, requestor_of, sync, time_of
from tidings.dialects.routes import Host, Refusal
from tidings.errors import NotFound
from tidings.health import HealthWarning

_URL = "/1.0/warnings/"


class StatusWish(msgspec.Struct, frozen=True):
    """What a warning shall be."""

    status: Literal["new", "acknowledged"]


async def list_warnings(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer all warnings, as URLs or whole; somebody limited to some projects sees none, for they are about the server."""
    found = [] if who.scopes else host.health.list()
    return sync([_shown(one) if is_recursive(request) else _URL + one.id for one in found])


async def one_warning(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Answer one warning."""
    return sync(_shown(_find(host, request, who)))


async def change_warning(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Acknowledge a warning, or make it new again."""
    warning = _find(host, request, who)
    wish = await read_body(request, StatusWish)
    change = host.health.acknowledge if wish.status == "acknowledged" else host.health.reset
    await change(warning.id, who, requestor_of(host, request, who))
    return sync({})


async def delete_warning(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """Delete a warning; should its cause last, it comes again."""
    warning = _find(host, request, who)
    await host.health.delete(warning.id, who, requestor_of(host, request, who))
    return sync({})


def _find(host: Host, request: web.Request, who: Principal) -> HealthWarning:
    try:
        if not who.scopes:
            return host.health.get(request.match_info["id"])
    except NotFound:
        pass
    raise Refusal(404, "Warning not found")


def _shown(one: HealthWarning) -> dict[str, object]:
    return {
        "uuid": one.id, "location": "", "project": "", "entity_url": "", "type": f"{one.type}: {one.entity}",
        "count": one.count, "first_seen_at": time_of(one.first_ns), "last_seen_at": time_of(one.last_ns),
        "last_message": one.message, "severity": one.severity, "status": one.status,
    }  # fmt: skip
