"""The table of Container Station's routes; each below every prefix, with or without a slash at its end."""

from __future__ import annotations

from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.container_station.routes import containers, event, log, session
from tidings.dialects.container_station.routes.answers import refuse
from tidings.dialects.routes import Answer, Api, Host, Refusal, Route

PREFIXES = ("/api/v1", "/containerstation/api/v1", "/container-station/api/v1")
"""Where it was in 2015, from 2017 on, and from 2021 on."""


async def _action(_host: Host, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Refuse to do anything to a container: this is a log."""
    raise Refusal(501, "Not implemented: tidings keeps events, it runs no containers")


_ONE = "/container/{type}/{id}"
_ROUTES: tuple[tuple[str, str, Answer, bool, bool], ...] = (
    # method, path, answer, whether everybody may, whether it lasts
    ("POST", "/login", session.log_in, True, False),
    ("GET", "/login_refresh", session.refresh, False, False),
    ("PUT", "/logout", session.log_out, False, False),
    ("GET", "/log", log.list_log, False, False),
    ("DELETE", "/log", log.clear, False, False),
    ("GET", "/log/export", log.export, False, False),
    ("GET", "/event", event.poll, False, True),
    ("GET", "/event/wait/{type}/{id}/{state}", containers.wait, False, True),
    ("GET", "/container", containers.list_containers, False, False),
    ("GET", _ONE, containers.one_container, False, False),
    ("PUT", f"{_ONE}/{{action}}", _action, False, False),
    ("POST", "/container", _action, False, False),
    ("DELETE", _ONE, _action, False, False),
)

API = Api(
    PREFIXES,
    tuple(
        Route(method, f"{prefix}{path}{{slash:/?}}", answer, None, lasting)
        if is_open
        else Route(method, f"{prefix}{path}{{slash:/?}}", answer, lasting=lasting)
        for prefix in PREFIXES
        for method, path, answer, is_open, lasting in _ROUTES
    ),
    refuse,
    session.COOKIE,
)
