"""Answers as Container Station prints them: JSON in two-space steps, its keys sorted, in ASCII; errors with ``error`` first."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from tidings.dialects.routes import Host

HEADERS = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Server": "tidings",
}
_UNAUTHENTICATED = 401


def reply(value: Any, headers: Mapping[str, str] | None = None) -> web.Response:
    """Return *value*."""
    text = json.dumps(value, indent=2, sort_keys=True)
    return web.Response(body=f"{text}\n".encode(), headers={**HEADERS, **(headers or {})})


def refuse(host: Host, _request: web.Request, status: int, message: str, headers: Mapping[str, str]) -> web.Response:
    """Return the answer that says no. A client in Go knows one by its bytes 4 to 10, and takes any status but 200 for a broken server."""
    if status == _UNAUTHENTICATED and message.startswith("who are you"):
        message = "Unauthorized"
    text = json.dumps({"error": {"code": status, "message": message}}, indent=2)
    kept = {name: value for name, value in headers.items() if name != "WWW-Authenticate"}
    shown = 200 if host.config.container_station_always_200 else status
    return web.Response(status=shown, body=f"{text}\n".encode(), headers={**kept, **HEADERS})
