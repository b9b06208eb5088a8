"""Who is let in: what a request shows is turned into a principal, or refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION, ORIGIN

from tidings.auth import Principal, Role
from tidings.errors import Busy, Forbidden, Stopping, Unauthenticated
from tidings.server.connection import fingerprint_of, peer_of
from tidings.server.context import Context

Admission = Callable[[web.Request], Awaitable[Principal]]

_SAFE = ("GET", "HEAD")

NOBODY = Principal("nobody", Role.READER, ("",), "nobody")
"""Who asks on routes that are open to everybody; an event without a scope is all it could see."""


def admission(context: Context, role: Role | None, cookie: str = "") -> Admission:
    """Return what lets a request in: it returns who asks, or raises what is against it. *role* None asks nobody who he is.

    *cookie* is the name of one that may hold a session's secret, where there is no Authorization header; empty: none may.
    """
    limit, authenticate_fast = context.config.max_requests, context.gate.authenticate_fast

    async def admit(request: web.Request) -> Principal:
        if role is None:
            return NOBODY
        if context.stopping:
            raise Stopping(context.stopping)
        if context.in_flight > limit:
            raise Busy(f"{limit} requests are in flight, which is the limit (max_requests); try again")
        authorization = request.headers.get(AUTHORIZATION)
        who = authenticate_fast(authorization) or _by_cookie(context, request, authorization, cookie)
        if who is None:
            who = await context.gate.authenticate(
                authorization, peer_of(request), request.remote or "", fingerprint_of(request)
            )
        if not who.role.allows(role) or (role is Role.ADMIN and not who.is_admin):
            raise Forbidden(f"{who.name} may not do this: the role {role} is needed")
        return who

    return admit


def open_admission(context: Context, cookie: str = "") -> Admission:
    """Return what lets everybody in, and still tells who it is."""
    known = admission(context, Role.READER, cookie)

    async def admit(request: web.Request) -> Principal:
        try:
            return await known(request)
        except Unauthenticated:
            return NOBODY

    return admit


def _by_cookie(context: Context, request: web.Request, authorization: str | None, cookie: str) -> Principal | None:
    """Return whose session the cookie holds; made for this cookie, so that one API's session is no other's."""
    if authorization is not None or not cookie:
        return None
    secret = request.cookies.get(cookie)
    who = context.sessions.verify(secret, cookie) if secret else None
    if who is not None and request.method not in _SAFE:
        # a browser sends the cookie with whatever another site makes it ask, and says which site that was
        origin = request.headers.get(ORIGIN, "")
        if origin and origin.partition("://")[2] != request.host:
            raise Forbidden(f"a page of {origin[:80]!r} may not use this session")
    return who
