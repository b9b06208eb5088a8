"""The three shapes that LXD's answers have, as a real 5.0.2 sends them: clients read every member."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Mapping
from typing import TypeVar

import msgspec
from aiohttp import web

from tidings import rfc3339
from tidings.auth import Principal
from tidings.dialects.routes import Host, Refusal

Wish = TypeVar("Wish")

_HEADERS = {"Content-Type": "application/json", "X-Content-Type-Options": "nosniff", "Server": "tidings"}
_NOT_FOUND, _UNAUTHENTICATED, _FORBIDDEN, _WRONG_METHOD, _NOT_IMPLEMENTED = 404, 401, 403, 405, 501
# Far more than a certificate needs. Some of these bodies are read before anybody knows whose they are, so neither their
# memory nor the place among the requests in flight may be had for the asking.
_MAX_BODY, _BODY_S = 256 * 1024, 10.0
_TIMEOUT, _TOO_LARGE = 408, 413
NEVER = "0001-01-01T00:00:00Z"
"""How Go writes a time that isn't set."""


def sync(metadata: object, location: str = "") -> web.Response:
    """Return the answer of something that is done; with a *location* that something was made there."""
    raw = msgspec.json.encode(metadata)
    body = {
        "type": "sync", "status": "Success", "status_code": 200, "operation": "", "error_code": 0, "error": "",
        "metadata": msgspec.Raw(raw),
    }  # fmt: skip
    headers = {**_HEADERS, "Etag": f'"{hashlib.sha256(raw).hexdigest()}"'}
    if location:
        headers["Location"] = location
    return web.Response(status=201 if location else 200, body=msgspec.json.encode(body) + b"\n", headers=headers)


def background(operation: Mapping[str, object]) -> web.Response:
    """Return the answer of something that goes on: *operation* tells what."""
    place = f"/1.0/operations/{operation['id']}"
    body = {
        "type": "async", "status": "Operation created", "status_code": 100, "operation": place, "error_code": 0,
        "error": "", "metadata": operation,
    }  # fmt: skip
    return web.Response(status=202, body=msgspec.json.encode(body) + b"\n", headers={**_HEADERS, "Location": place})


def refuse(_host: Host, _request: web.Request, status: int, message: str, headers: Mapping[str, str]) -> web.Response:
    """Return the answer that says no."""
    if status == _UNAUTHENTICATED:
        # LXD knows no 401: who isn't trusted is simply not authorized, and clients print just that
        status, message = _FORBIDDEN, "not authorized"
    elif status == _NOT_FOUND and message.startswith("nothing answers"):
        message = "not found"
    elif status == _WRONG_METHOD:
        status, message = _NOT_IMPLEMENTED, "not implemented"
    body = {
        "type": "error", "status": "", "status_code": 0, "operation": "", "error_code": status, "error": message,
        "metadata": None,
    }  # fmt: skip
    kept = {name: value for name, value in headers.items() if name != "WWW-Authenticate"}
    return web.Response(status=status, body=msgspec.json.encode(body) + b"\n", headers={**kept, **_HEADERS})


async def read_body(request: web.Request, shape: type[Wish]) -> Wish:
    """Return the request's body as *shape*. Raises Refusal, which quotes nothing of it: it may hold a secret."""
    try:
        async with asyncio.timeout(_BODY_S):
            body = await _read_body(request)
    except TimeoutError:
        raise Refusal(_TIMEOUT, f"the body did not come within {_BODY_S:g} s") from None
    try:
        return msgspec.json.decode(body, type=shape)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        reason = "it is nested too deeply" if isinstance(fault, RecursionError) else str(fault)
        raise Refusal(400, f"the body isn't what is expected here: {reason}") from None


async def _read_body(request: web.Request) -> bytes:
    body = bytearray()
    async for piece in request.content.iter_any():
        body += piece
        if len(body) > _MAX_BODY:
            raise Refusal(
                _TOO_LARGE, f"the body has more than {_MAX_BODY} bytes; nothing that is sent here needs so many"
            )
    return bytes(body)


def is_recursive(request: web.Request) -> bool:
    """Whether a list is to hold whole objects and not their URLs."""
    return request.query.get("recursion", "0") not in ("", "0")


def time_of(ns: int | None) -> str:
    """Return a time as Go writes it."""
    return NEVER if ns is None else rfc3339.render(ns)


def requestor_of(host: Host, request: web.Request, who: Principal) -> dict[str, str]:
    """Return who asks, in the words of an event."""
    if host.peer(request) is not None:
        return {"username": who.name, "protocol": "unix", "address": "@"}
    peer = request.transport.get_extra_info("peername") if request.transport else None
    address = f"{peer[0]}:{peer[1]}" if peer else ""
    return {"username": who.name, "protocol": who.origin, "address": address}
