"""Signing on and off. The body is what it looks like, JSON or a form: clients send either with any content type, or none."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.container_station.routes.answers import reply
from tidings.dialects.routes import Host, Refusal
from tidings.errors import Unauthenticated

COOKIE = "CS_SESS_ID"
_MAX_BODY_BYTES = 64 * 1024


async def log_in(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Begin a session for a name and a password. A cookie that came along, maybe of a session that has ended, doesn't count."""
    fields = _fields(await request.content.read(_MAX_BODY_BYTES))
    name, password = fields.get("username") or fields.get("user", ""), fields.get("password", "")
    if not name or not password:
        raise Refusal(400, "Invalid parameter: username and password are needed")
    try:
        who = await host.log_in(name, password, request)
        secret = await host.blocking(lambda: host.sessions.create(who, COOKIE))
    except Unauthenticated as fault:
        raise Refusal(401, str(fault)) from None
    answer = _session(host, who)
    answer.set_cookie(COOKIE, secret, path="/", httponly=True, samesite="Lax", secure=request.secure)
    return answer


async def refresh(host: Host, _request: web.Request, who: Principal) -> web.StreamResponse:
    """Tell who is logged in; being asked keeps the session from ending."""
    return _session(host, who)


async def log_out(host: Host, request: web.Request, who: Principal) -> web.StreamResponse:
    """End the session."""
    secret = request.cookies.get(COOKIE)
    if secret is not None:
        await host.blocking(lambda: host.sessions.revoke(secret))
    answer = reply({"username": who.name})
    answer.del_cookie(COOKIE, path="/")
    return answer


def _session(host: Host, who: Principal) -> web.Response:
    now = datetime.fromtimestamp(host.clock.now_ns() / 1e9, UTC)
    return reply(
        {
            "anonymous": False,
            "isAdmin": who.is_admin,
            "logintime": now.strftime("%Y-%m-%d %H:%M:%S"),
            "username": who.name,
        }
    )


def _fields(body: bytes) -> dict[str, str]:
    if body.lstrip().startswith(b"{"):
        try:
            members = msgspec.json.decode(body, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Refusal(400, "Invalid parameter: the body is no JSON object") from None
        return {name: value for name, value in members.items() if isinstance(value, str)}
    form = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {name: values[0] for name, values in form.items()}
