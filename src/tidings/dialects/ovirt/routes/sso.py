"""Signing on and off, at the paths where the SDK looks for them whatever the API's own address is."""

from __future__ import annotations

from urllib.parse import parse_qs

import msgspec
from aiohttp import web

from tidings.auth import Principal
from tidings.dialects.routes import Host
from tidings.errors import Busy, Unauthenticated

REALM = "ovirt"
SCOPE = "ovirt-app-api"
_MAX_FORM_BYTES = 64 * 1024
_TOO_LARGE = f"the form may have at most {_MAX_FORM_BYTES} bytes"
_MS = 1_000


async def token(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Answer a bearer token for a name and a password. It ends when nobody uses it for a while, at the latest when it is revoked."""
    form = await _form(request)
    if form is None:
        return _error("invalid_request", _TOO_LARGE)
    if form.get("grant_type") != "password":
        return _error("unsupported_grant_type", "only grant_type=password is known here")
    if SCOPE not in form.get("scope", "").split():
        return _error("invalid_scope", f"the scope must be {SCOPE}")
    name, password = form.get("username", ""), form.get("password", "")
    if not name or not password:
        return _error("invalid_request", "username and password are needed")
    try:
        who = await host.log_in(name, password, request)
        secret = await host.blocking(lambda: host.sessions.create(who, REALM))
    except (Unauthenticated, Busy) as fault:
        return _error("access_denied", f"Cannot authenticate user {name!r}: {fault}.")
    ends_ms = host.clock.now_ns() // 1_000_000 + int(host.config.session_idle * _MS)
    return _reply({"access_token": secret, "scope": SCOPE, "expires_in": str(ends_ms), "token_type": "bearer"})


async def token_by_negotiation(_host: Host, _request: web.Request, _who: Principal) -> web.StreamResponse:
    """Refuse Kerberos, in words."""
    return _error("unsupported_grant_type", "Kerberos is not supported; use a user name and a password")


async def log_out(host: Host, request: web.Request, _who: Principal) -> web.StreamResponse:
    """Revoke a token; one that is none any more is no error, because it is gone."""
    form = await _form(request)
    if form is None:
        return _error("invalid_request", _TOO_LARGE)
    await host.blocking(lambda: host.sessions.revoke(form.get("token", "")))
    return _reply({})


async def _form(request: web.Request) -> dict[str, str] | None:
    """Return the fields, those of the address too; None when there is too much to read."""
    body = bytearray()
    while piece := await request.content.readany():
        body += piece
        if len(body) > _MAX_FORM_BYTES:
            return None
    fields = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
    return {**request.query, **{name: values[0] for name, values in fields.items()}}


def _error(code: str, message: str) -> web.Response:
    return _reply({"error_code": code, "error": message}, 400)


def _reply(members: dict[str, str], status: int = 200) -> web.Response:
    return web.Response(
        status=status,
        body=msgspec.json.encode(members),
        headers={"Content-Type": "application/json", "Cache-Control": "no-store", "Server": "tidings"},
    )
