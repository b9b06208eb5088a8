"""A small synchronous client for the commands that ask once: the asynchronous one takes longer to import than a search takes."""

from __future__ import annotations

import contextlib
import errno
import http.client
import select
import socket
from base64 import b64encode
from collections.abc import Iterator, Mapping
from email.message import Message
from types import TracebackType
from typing import Any, NamedTuple, Self
from urllib.parse import quote, unquote, urlencode, urlsplit

import msgspec

from tidings.cli.connection import Target
from tidings.errors import Forbidden
from tidings.problem import ConnectionLost, CutShort, ServerFault, Unreachable, error_of

JSON = "application/json"
PIECE_BYTES = 1 << 16
CONNECT_S = 10.0
ANSWER_S = 120.0

Params = Mapping[str, str | int | None]


class Answer(NamedTuple):
    """A whole answer that is no refusal."""

    status: int
    headers: Message
    body: bytes


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("tidings", timeout=CONNECT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Http:
    """One keep-alive connection to a server, opened by the first request; use it with ``with``. Every refusal is raised as the TidingsError it stands for."""

    def __init__(self, server: Target) -> None:
        self._server = server
        self._headers = {"Authorization": f"Bearer {server.token}"} if server.token else {}
        self._prefix = ""
        self._connection = self._prepare()

    def _prepare(self) -> http.client.HTTPConnection:
        if self._server.url.startswith("unix:"):
            return _UnixConnection(self._server.url.removeprefix("unix:"))
        parts = urlsplit(self._server.url)
        self._prefix = parts.path.rstrip("/")
        if parts.username and "Authorization" not in self._headers:
            pair = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
            self._headers["Authorization"] = f"Basic {b64encode(pair.encode()).decode()}"
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        try:
            return make(parts.hostname or "", parts.port, timeout=CONNECT_S)
        except ValueError as fault:
            raise Unreachable(f"{self._place}: {fault}") from fault

    @property
    def _place(self) -> str:
        """Where the server should be, without a password that the URL may hold."""
        return self._server.url.rpartition("@")[2]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the next request opens another."""
        self._connection.close()

    def ask(
        self,
        method: str,
        path: str,
        params: Params | None = None,
        *,
        body: bytes | None = None,
        media_type: str = JSON,
        timeout_s: float = ANSWER_S,
    ) -> Answer:
        """Send a request and return its whole answer."""
        answer = self._open(method, path, params, body=body, media_type=media_type, timeout_s=timeout_s)
        try:
            text = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise ConnectionLost(f"the answer of {self._place} broke off: {_words(fault)}") from fault
        return Answer(answer.status, answer.headers, text)

    def ask_json(self, method: str, path: str, params: Params | None = None, *, wish: Any = None) -> Any:
        """Send *wish* as JSON (None: no body) and return the decoded answer (None: it had no body)."""
        body = None if wish is None else msgspec.json.encode(wish)
        answer = self.ask(method, path, params, body=body)
        try:
            return msgspec.json.decode(answer.body) if answer.body else None
        except msgspec.DecodeError as fault:
            raise ServerFault(answer.status, f"unexpected body of {method} {path}: {fault}") from fault

    @contextlib.contextmanager
    def stream(self, path: str, params: Params) -> Iterator[tuple[Message, Iterator[bytes]]]:
        """Give the headers and the pieces of an answer that may be larger than memory; CutShort when it breaks off."""
        answer = self._open("GET", path, params)
        try:
            yield answer.headers, _pieces(answer)
        finally:
            self.close()

    def _open(
        self,
        method: str,
        path: str,
        params: Params | None,
        *,
        body: bytes | None = None,
        media_type: str = JSON,
        timeout_s: float = ANSWER_S,
    ) -> http.client.HTTPResponse:
        given = {name: value for name, value in (params or {}).items() if value is not None}
        where = self._prefix + quote(path, safe="/%") + (f"?{urlencode(given)}" if given else "")
        headers = {**self._headers, **({"Content-Type": media_type} if body is not None else {})}
        self._connect()
        self._connection.sock.settimeout(timeout_s)
        try:
            # A server that refuses a body may answer and close before it has read all of it: the answer counts, not the broken pipe.
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                self._connection.request(method, where, body, headers)
            answer = self._connection.getresponse()
            if answer.status < 400:
                return answer
            refusal = answer.read()
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise ConnectionLost(f"the connection to {self._place} broke: {_words(fault)}") from fault
        raise error_of(answer.status, refusal, answer.headers.get("Retry-After"), str(given.get("search", "")))

    def _connect(self) -> None:
        """Open the connection unless it stands; one that the server closed while it was idle doesn't count."""
        if self._connection.sock is not None:
            readable, _, _ = select.select([self._connection.sock], [], [], 0)
            if not readable:
                return
            self.close()
        try:
            self._connection.connect()
        except (OSError, http.client.HTTPException) as fault:
            self.close()
            raise self._unreachable(fault) from fault

    def _unreachable(self, fault: Exception) -> Unreachable | Forbidden:
        if not self._server.url.startswith("unix:"):
            return Unreachable(f"no tidings server answers at {self._place}: {_words(fault)}")
        path = self._server.url.removeprefix("unix:")
        if isinstance(fault, PermissionError):
            return Forbidden(f"not allowed to open {path}; run as the server's user, or use --url and --token")
        if isinstance(fault, OSError) and fault.errno in (errno.ENOENT, errno.ENOTDIR, errno.ECONNREFUSED):
            return Unreachable(
                f"no server runs on {path}; start one with `tidings serve`, or name another with --data or --url"
            )
        return Unreachable(f"can't reach a server on {path}: {_words(fault)}")


def _pieces(answer: http.client.HTTPResponse) -> Iterator[bytes]:
    received = 0
    try:
        while piece := answer.read1(PIECE_BYTES):
            received += len(piece)
            yield piece
    except (OSError, http.client.HTTPException) as fault:
        raise CutShort(_words(fault), received) from fault
    if answer.length:  # what Content-Length promised and didn't come
        raise CutShort(f"{answer.length} bytes are missing", received)


def _words(fault: BaseException) -> str:
    if isinstance(fault, http.client.IncompleteRead):
        return "the server closed the connection"
    if isinstance(fault, TimeoutError):
        return "it took too long"
    return (fault.strerror if isinstance(fault, OSError) else None) or str(fault) or type(fault).__name__
