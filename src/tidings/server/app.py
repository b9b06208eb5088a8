"""The application: every route behind one guard, which bounds, authenticates, answers errors and counts."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import NamedTuple

from aiohttp import web

from tidings.auth import Principal, Role
from tidings.dialects.routes import Api
from tidings.errors import TooLarge
from tidings.server import problems
from tidings.server.admission import Admission, admission, open_admission
from tidings.server.context import Context, Route
from tidings.server.errors import BadRequest, NoSuchRoute, WrongMethod
from tidings.server.hosting import Hosting
from tidings.server.parameters import names, refuse_unknown
from tidings.server.problems import Explained
from tidings.server.routes import ROUTES

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door(NamedTuple):
    """What stands behind the guard: how one route lets in, answers, and says no. *parameters* None: any may be given."""

    path: str
    admit: Admission
    answer: Callable[[web.Request, Principal], Awaitable[web.StreamResponse]]
    refuse: Callable[[web.Request, Explained], web.Response]
    parameters: frozenset[str] | None = None
    lasting: bool = False


def build_app(context: Context, routes: Sequence[Route] = ROUTES, apis: Sequence[Api] = ()) -> web.Application:
    """Return the application of all *routes* and of the dialects' *apis*."""
    refusals = _refusals(context, apis)

    @web.middleware
    async def unmatched(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.match_info.http_exception is None:
            return await handler(request)
        for prefix, refuse in refusals:
            if request.path.startswith(prefix):
                return await refuse(request)
        raise AssertionError  # the last prefix is empty

    app = web.Application(middlewares=[unmatched], client_max_size=context.config.max_body_size)
    for route in routes:
        _add_own(app, context, route)
    for api in apis:
        for part in api.routes:
            door = Door(
                part.path,
                admission(context, part.role, api.cookie) if part.role else open_admission(context, api.cookie),
                partial(part.answer, Hosting(context)),
                partial(_refuse, api, Hosting(context)),
                lasting=part.lasting,
            )
            app.router.add_route(part.method, part.path, _guarded(context, door))
    return app


def _add_own(app: web.Application, context: Context, route: Route) -> None:
    if route.path == "/metrics" and context.config.metrics_public:
        route = route._replace(role=None)
    door = Door(
        route.path,
        admission(context, route.role),
        partial(route.answer, context),
        _refuse_own,
        names(route.parameters),
        route.lasting,
    )
    app.router.add_route(route.method, route.path, _guarded(context, door))
    if route.method == "GET" and not route.lasting:
        app.router.add_route("HEAD", route.path, _guarded(context, door))


def _refusals(context: Context, apis: Sequence[Api]) -> list[tuple[str, Handler]]:
    """Return who answers where nothing is, by prefix: a dialect below its own ones, we everywhere else."""
    found: list[tuple[str, Handler]] = []
    for api in apis:
        door = Door(
            "unmatched",
            admission(context, Role.READER, api.cookie),
            _no_such_route,
            partial(_refuse, api, Hosting(context)),
        )
        found += [(prefix, _guarded(context, door)) for prefix in api.prefixes]
    own = Door("unmatched", admission(context, Role.READER), _no_such_route, _refuse_own)
    return [*found, ("", _guarded(context, own))]


def _refuse(api: Api, host: Hosting, request: web.Request, explained: Explained) -> web.Response:
    return api.refuse(host, request, explained.problem.status, explained.detail, explained.headers)


def _refuse_own(_request: web.Request, explained: Explained) -> web.Response:
    return problems.answer(explained)


def _guarded(context: Context, door: Door) -> Handler:
    """Return the route's handler with everything around it that all routes have in common; it never raises an Exception."""
    path, admit, answer, _, known, lasting = door
    requests = context.metrics.requests

    async def handle(request: web.Request) -> web.StreamResponse:
        context.in_flight += 1
        is_counted = True
        try:
            who = await admit(request)
            if known is not None and request.rel_url.raw_query_string:
                refuse_unknown(request, known)
            if lasting:
                context.in_flight -= 1
                is_counted = False
            response = await answer(request, who)
        except Exception as fault:  # noqa: BLE001 (the top of a request: everything becomes an answer)
            response = _answer_to(context, request, fault, door)
        finally:
            if is_counted:
                context.in_flight -= 1
        requests[path, str(response.status)] += 1
        return response

    return handle


def _answer_to(context: Context, request: web.Request, fault: Exception, door: Door) -> web.Response:
    match fault:
        case web.HTTPRequestEntityTooLarge():
            limit = context.config.max_body_size
            size = max(request.content_length or 0, limit + 1)
            fault = TooLarge("the request's body", size, limit, "max_body_size")
        case web.RequestPayloadError():
            fault = BadRequest("body", f"the body can't be read: {fault}")
        case web.HTTPException():
            fault = BadRequest("request", fault.text or fault.reason)
        case ConnectionError() | asyncio.IncompleteReadError():
            return problems.client_gone()
    explained = problems.explain(fault, f"{request.method} {door.path}")
    if explained.problem.status == problems.INTERNAL:
        context.metrics.fault("request")
    return door.refuse(request, explained)


async def _no_such_route(request: web.Request, _who: Principal) -> web.StreamResponse:
    refusal = request.match_info.http_exception
    if isinstance(refusal, web.HTTPMethodNotAllowed):
        raise WrongMethod(request.method, tuple(sorted(refusal.allowed_methods)))
    raise NoSuchRoute(f"nothing answers at {request.path[:200]!r}; /openapi.json lists what does")
