"""What errors are in HTTP: one table from error to status, and nothing of the inside in any of them. Our own answers are RFC 9457 problems."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Any, NamedTuple

import msgspec
import structlog
from aiohttp import web

from tidings import errors
from tidings.auth import InvalidAccount
from tidings.dialects.routes import Refusal
from tidings.server.errors import BadRequest, NoSuchRoute, WrongMethod
from tidings.server.ingest import UnsupportedMediaType

MEDIA_TYPE = "application/problem+json"
INTERNAL = 500
CLIENT_GONE = 499
"""The status, never sent, under which a request is counted whose client went away."""

_STOP_RETRY_S = 5
_log = structlog.get_logger(__name__)


class Problem(NamedTuple):
    """How one class of error is answered; *extra* names the attributes that go along."""

    status: int
    slug: str
    title: str
    extra: tuple[str, ...] = ()


PROBLEMS: Mapping[type[Exception], Problem] = {
    errors.QuerySyntaxError: Problem(400, "bad-query", "The search text can't be read", ("suggestion",)),
    errors.InvalidEvent: Problem(400, "invalid-event", "An event can't be accepted", ("line", "column")),
    errors.InvalidCursor: Problem(400, "invalid-cursor", "The cursor isn't one of this log and query"),
    errors.CursorExpired: Problem(
        410, "cursor-expired", "The events after this position are deleted", ("after", "oldest")
    ),
    errors.TooLarge: Problem(413, "too-large", "Over a limit", ("limit", "setting")),
    errors.NotFound: Problem(404, "not-found", "Not found"),
    errors.Unauthenticated: Problem(401, "unauthenticated", "Credentials are missing or wrong"),
    errors.Forbidden: Problem(403, "forbidden", "Not allowed"),
    errors.Busy: Problem(503, "busy", "Busy, try again"),
    errors.Stopping: Problem(503, "stopping", "The server is stopping"),
    errors.SearchTimeout: Problem(504, "search-timeout", "The search took too long"),
    errors.StorageError: Problem(507, "storage", "The disk refused"),
    InvalidAccount: Problem(400, "bad-request", "The request can't be carried out", ("field",)),
    BadRequest: Problem(400, "bad-request", "The request can't be read", ("parameter",)),
    UnsupportedMediaType: Problem(415, "unsupported-media-type", "The body's media type is none that is read"),
    NoSuchRoute: Problem(404, "not-found", "Not found"),
    WrongMethod: Problem(405, "method-not-allowed", "Method not allowed"),
}


class Explained(NamedTuple):
    """A fault in HTTP's words, whatever the shape of the answer will be."""

    problem: Problem
    detail: str
    extra: Mapping[str, Any]
    headers: Mapping[str, str]


def explain(fault: Exception, where: str) -> Explained:
    """Return what is to be said of *fault*. One that is ours is logged under a new id, and nothing but the id is told."""
    if isinstance(fault, Refusal):
        return Explained(Problem(fault.status, "refused", "Refused"), str(fault), {}, {})
    problem = next((PROBLEMS[kind] for kind in type(fault).__mro__ if kind in PROBLEMS), None)
    if problem is None:
        number = secrets.token_hex(8)
        _log.error("request failed", id=number, where=where, exc_info=fault)
        detail = f"the server failed; its log says why under id {number}"
        return Explained(Problem(500, "internal", "The server failed"), detail, {"id": number}, {})
    extra: dict[str, Any] = {name: getattr(fault, name) for name in problem.extra}
    if isinstance(fault, errors.QuerySyntaxError):
        extra["column"] = fault.at + 1
    return Explained(problem, str(fault), extra, _headers(fault))


def answer(explained: Explained) -> web.Response:
    """Return the problem document."""
    return _response(*explained)


def client_gone() -> web.Response:
    """Return the answer that nobody will get."""
    return web.Response(status=CLIENT_GONE)


def _headers(fault: Exception) -> dict[str, str]:
    match fault:
        case errors.Unauthenticated():
            return {"WWW-Authenticate": 'Bearer realm="tidings"'}
        case errors.Busy():
            return {"Retry-After": str(fault.retry_after_s)}
        case errors.Stopping():
            return {"Retry-After": str(_STOP_RETRY_S), "Connection": "close"}
        case WrongMethod():
            return {"Allow": ", ".join(fault.allowed)}
        case _:
            return {}


def _response(problem: Problem, detail: str, extra: Mapping[str, Any], headers: Mapping[str, str]) -> web.Response:
    document = {
        "type": f"about:blank#{problem.slug}",
        "title": problem.title,
        "status": problem.status,
        "detail": _as_text(detail),
        **{name: _as_text(value) if isinstance(value, str) else value for name, value in extra.items()},
    }
    response = web.Response(
        status=problem.status,
        body=msgspec.json.encode(document),
        headers={"Content-Type": MEDIA_TYPE, "Cache-Control": "no-store", "Server": "tidings", **headers},
    )
    if headers.get("Connection") == "close":
        response.force_close()
    return response


def _as_text(words: str) -> str:
    # a header or a path can carry bytes that are no UTF-8, and an error may quote them
    return words.encode(errors="replace").decode()
