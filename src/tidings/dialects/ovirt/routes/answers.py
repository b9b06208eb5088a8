"""Answers in the form that was asked for, XML or JSON, faults among them."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from tidings.dialects.ovirt.faults import REFUSED, OvirtFault, action_json, action_xml, fault_json, fault_xml
from tidings.dialects.ovirt.routes.targets import correlation_of, wants_json
from tidings.dialects.routes import Host

XML, JSON = "application/xml; charset=utf-8", "application/json"
_UNAUTHENTICATED, _NOT_FOUND = 401, 404


def headers_of(request: web.Request, *, is_json: bool) -> dict[str, str]:
    """Return the headers that every answer with a body has."""
    return {
        "Content-Type": JSON if is_json else XML,
        "Correlation-Id": correlation_of(request),
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "Server": "tidings",
    }


def reply(request: web.Request, xml: bytes, json: bytes, status: int = 200) -> web.Response:
    """Return one of the two bodies."""
    is_json = wants_json(request)
    return web.Response(status=status, body=json if is_json else xml, headers=headers_of(request, is_json=is_json))


def done(request: web.Request, *, is_async: bool) -> web.Response:
    """Say that an action is done, or, to somebody who doesn't want to wait, that it is under way."""
    status = "in_progress" if is_async else "complete"
    return reply(request, action_xml(status), action_json(status), 202 if is_async else 200)


def fault(request: web.Request, said: OvirtFault) -> web.Response:
    """Return the body of a fault."""
    return reply(request, fault_xml(said.reason, said.detail), fault_json(said.reason, said.detail), said.status)


def refuse(_host: Host, request: web.Request, status: int, message: str, headers: Mapping[str, str]) -> web.Response:
    """Return the answer to what went wrong outside of an event's own rules.

    Who isn't known, and what isn't there, get no body: the SDK takes any other than XML for a broken server.
    """
    if status == _UNAUTHENTICATED:
        challenge = {"WWW-Authenticate": 'Basic realm="RESTAPI"'}
        return web.Response(status=status, headers={"Correlation-Id": correlation_of(request), **challenge})
    if status == _NOT_FOUND or not message:
        return web.Response(status=status, headers={"Correlation-Id": correlation_of(request)})
    answer = fault(request, OvirtFault(REFUSED, f"[{message}]", status))
    answer.headers.update(headers)
    return answer
