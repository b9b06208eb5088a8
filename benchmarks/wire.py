"""A plain keep-alive HTTP client, so that a figure is the server's and not that of a client library."""

from __future__ import annotations

import http.client
import json
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlencode

NDJSON = "application/x-ndjson"
_TIMEOUT_S = 120.0
_PIECE = 1 << 18


class Unexpected(Exception):
    """The server answered something else than success."""


class Connection:
    """One connection to a server, over TCP or, when *port* is a path, over its Unix socket."""

    def __init__(self, port: int | Path, token: str = "") -> None:
        if isinstance(port, int):
            self._http = http.client.HTTPConnection("127.0.0.1", port, timeout=_TIMEOUT_S)
        else:
            self._http = _UnixConnection(port)
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._http.close()

    def publish(self, body: bytes | memoryview, form: str = "auto") -> None:
        """Send lines of events, in the language *form*, and return when they are acknowledged."""
        target = "/v1/events" if form == "auto" else f"/v1/events?format={form}"
        self._http.request("POST", target, body, {**self._headers, "Content-Type": NDJSON})
        self._checked("POST /v1/events").read()

    def get(self, path: str, params: Mapping[str, object] | None = None) -> bytes:
        """Return the whole body of an answer."""
        return self._ask(path, params).read()

    def get_json(self, path: str, params: Mapping[str, object] | None = None) -> Any:
        """Return the answer, decoded."""
        return json.loads(self.get(path, params))

    def pieces(
        self, path: str, params: Mapping[str, object] | None = None, headers: Mapping[str, str] | None = None
    ) -> Iterator[bytes]:
        """Yield the body as it arrives, without keeping it."""
        answer = self._ask(path, params, headers or {})
        while piece := answer.read1(_PIECE):
            yield piece

    def _ask(
        self, path: str, params: Mapping[str, object] | None, headers: Mapping[str, str] | None = None
    ) -> http.client.HTTPResponse:
        target = f"{path}?{urlencode(params)}" if params else path
        self._http.request("GET", target, headers={**self._headers, **(headers or {})})
        return self._checked(f"GET {target}")

    def _checked(self, what: str) -> http.client.HTTPResponse:
        answer = self._http.getresponse()
        if answer.status >= 300:
            raise Unexpected(f"{what} was answered {answer.status}: {answer.read(2000).decode(errors='replace')}")
        return answer


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("tidings", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))
