"""The application: every route behind one guard, which bounds, authenticates, answers errors and counts."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable, Sequence

from aiohttp import web
from aiohttp.hdrs import AUTHORIZATION

from tidings.auth import Peer, Principal, Role, peer_uid
from tidings.errors import Busy, Forbidden, Stopping, TidingsError, TooLarge
from tidings.server import openapi, problems
from tidings.server.context import Context, Route
from tidings.server.errors import BadRequest, NoSuchRoute, WrongMethod
from tidings.server.parameters import names, refuse_unknown
from tidings.server.routes import ROUTES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

NOBODY = Principal("nobody", Role.READER, ("",))
"""Who asks on routes that are open to everybody; an event without a scope is all it could see."""


def build_app(context: Context, routes: Sequence[Route] = ROUTES) -> web.Application:
    """Return the application of all *routes*."""
    context.description = openapi.describe(routes)

    @web.middleware
    async def unmatched(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        return await refuse(request)

    app = web.Application(middlewares=[unmatched], client_max_size=context.config.max_body_size)
    for route in routes:
        if route.path == "/metrics" and context.config.metrics_public:
            route = route._replace(role=None)
        app.router.add_route(route.method, route.path, _guarded(context, route))
        if route.method == "GET" and not route.lasting:
            app.router.add_route("HEAD", route.path, _guarded(context, route))
    refuse = _guarded(context, Route("*", "", _no_such_route, Role.READER, ""), any_parameters=True)
    return app


def _guarded(context: Context, route: Route, *, any_parameters: bool = False) -> Handler:
    """Return the route's handler with everything around it that all routes have in common; it never raises an Exception."""
    answer, path, lasting = route.answer, route.path or "unmatched", route.lasting
    known, requests = names(route.parameters), context.metrics.requests
    admit = _admission(context, route.role)

    async def handle(request: web.Request) -> web.StreamResponse:
        context.in_flight += 1
        is_counted = True
        try:
            who = await admit(request)
            if request.rel_url.raw_query_string and not any_parameters:
                refuse_unknown(request, known)
            if lasting:
                context.in_flight -= 1
                is_counted = False
            response = await answer(context, request, who)
        except Exception as fault:  # noqa: BLE001 (the top of a request: everything becomes an answer)
            response = _answer_to(context, request, fault, path)
        finally:
            if is_counted:
                context.in_flight -= 1
        requests[path, str(response.status)] += 1
        return response

    return handle


def _admission(context: Context, role: Role | None) -> Callable[[web.Request], Awaitable[Principal]]:
    """Return what lets a request in: it returns who asks, or raises what is against it."""
    limit, authenticate_fast = context.config.max_requests, context.gate.authenticate_fast

    async def admit(request: web.Request) -> Principal:
        if role is None:
            return NOBODY
        if context.stopping:
            raise Stopping(context.stopping)
        if context.in_flight > limit:
            raise Busy(f"{limit} requests are in flight, which is the limit (max_requests); try again")
        who = authenticate_fast(request.headers.get(AUTHORIZATION)) or await _authenticate(context, request)
        if not who.role.allows(role) or (role is Role.ADMIN and not who.is_admin):
            raise Forbidden(f"{who.name} may not do this: the role {role} is needed")
        return who

    return admit


async def _authenticate(context: Context, request: web.Request) -> Principal:
    return await context.gate.authenticate(request.headers.get(AUTHORIZATION), _peer(request), request.remote or "")


def _peer(request: web.Request) -> Peer | None:
    """Return who is at the other end of a Unix socket, None on any other."""
    sock = request.transport.get_extra_info("socket") if request.transport else None
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    try:
        return peer_uid(sock)
    except OSError:
        return None


def _answer_to(context: Context, request: web.Request, fault: Exception, path: str) -> web.Response:
    match fault:
        case TidingsError():
            return problems.answer(fault)
        case web.HTTPRequestEntityTooLarge():
            limit = context.config.max_body_size
            size = max(request.content_length or 0, limit + 1)
            return problems.answer(TooLarge("the request's body", size, limit, "max_body_size"))
        case web.RequestPayloadError():
            return problems.answer(BadRequest("body", f"the body can't be read: {fault}"))
        case web.HTTPException():
            return problems.answer(BadRequest("request", fault.text or fault.reason))
        case ConnectionError() | asyncio.IncompleteReadError():
            return problems.client_gone()
        case _:
            context.metrics.fault("request")
            return problems.internal(fault, f"{request.method} {path}")


async def _no_such_route(_context: Context, request: web.Request, _who: Principal) -> web.StreamResponse:
    refusal = request.match_info.http_exception
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        raise WrongMethod(request.method, tuple(sorted(refusal.allowed_methods)))
    raise NoSuchRoute(f"nothing answers at {request.path[:200]!r}; /openapi.json lists what does")
