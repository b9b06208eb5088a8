"""The few shapes that answers have."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from aiohttp import web

from tidings.server.errors import BadRequest

T = TypeVar("T")

JSON = "application/json"
HEADERS = {"Server": "tidings", "Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_JSON_HEADERS = {**HEADERS, "Content-Type": JSON}


def reply(value: object, status: int = 200) -> web.Response:
    """Return *value* as JSON."""
    return web.Response(status=status, body=msgspec.json.encode(value), headers=_JSON_HEADERS)


def reply_json(body: bytes) -> web.Response:
    """Return what is JSON already."""
    return web.Response(body=body, headers=_JSON_HEADERS)


def reply_bytes(body: bytes, media_type: str, headers: dict[str, str] | None = None) -> web.Response:
    """Return *body* as it is."""
    return web.Response(body=body, headers={**HEADERS, "Content-Type": media_type, **(headers or {})})


def reply_nothing() -> web.Response:
    """Say that it is done."""
    return web.Response(status=204, headers=HEADERS)


async def read_json(request: web.Request, shape: type[T]) -> T:
    """Return the request's body as *shape*. Raises BadRequest, which quotes no text of the body: it may hold a password."""
    try:
        return msgspec.json.decode(await request.read(), type=shape)
    except RecursionError:
        raise BadRequest("body", "the body is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise BadRequest("body", f"the body isn't what is expected here: {_reason(fault)}") from None


def _reason(fault: Exception) -> str:
    return "it is not valid UTF-8" if isinstance(fault, UnicodeDecodeError) else str(fault)
