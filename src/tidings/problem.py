"""Turn a refusal of the native API back into the error it stands for, and name the errors only a client can meet.

The server writes problem+json (RFC 9457) with a type of ``about:blank#slug``; both clients, the asynchronous one and the
command line's, read it here, so that they raise the same errors that the core raised.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from tidings.errors import (
    Busy,
    CursorExpired,
    Forbidden,
    InvalidCursor,
    InvalidEvent,
    NotFound,
    QuerySyntaxError,
    SearchTimeout,
    Stopping,
    StorageError,
    TidingsError,
    TooLarge,
    Unauthenticated,
)


class Unreachable(TidingsError):
    """No server answers there; nothing of the request was carried out."""


class ConnectionLost(Unreachable):
    """The connection broke after the request went out: whether it was carried out is unknown."""


class CutShort(TidingsError):
    """The server ended an export before its end; *received_bytes* of it arrived."""

    def __init__(self, why: str, received_bytes: int) -> None:
        self.received_bytes = received_bytes
        super().__init__(f"the export was cut short after {received_bytes} bytes: {why}")


class Rejected(TidingsError):
    """A batch of a publish was not stored, or nobody knows; *because* says why. The message says what of the input is safe."""

    def __init__(self, message: str, because: TidingsError) -> None:
        self.because = because
        super().__init__(message)


class Refused(TidingsError):
    """The server said no for a reason that has no error of its own here."""

    def __init__(self, status: int, detail: str) -> None:
        self.status = status
        super().__init__(f"the server answered {status}: {detail}")


class ServerFault(Refused):
    """The server, or a proxy before it, failed (any other status of 500 and above); the same request may succeed later."""


TRANSIENT = (Unreachable, Busy, Stopping, SearchTimeout, StorageError, ServerFault)
"""What may be over by the next attempt."""


class Problem(msgspec.Struct, frozen=True):
    """The members of a problem+json document that we use."""

    type: str = ""
    title: str = ""
    detail: str = ""
    line: int = 0
    column: int = 0
    suggestion: str | None = None
    limit: int = 0
    setting: str = ""
    oldest: int = 0
    after: int = 0


_DECODER = msgspec.json.Decoder(Problem)
_SLUG_OF_STATUS = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    410: "cursor-expired",
    413: "too-large",
    503: "busy",
    504: "search-timeout",
    507: "storage",
}
_PLAIN: dict[str, Callable[[str], TidingsError]] = {
    "bad-cursor": InvalidCursor,
    "invalid-cursor": InvalidCursor,
    "unauthenticated": Unauthenticated,
    "forbidden": Forbidden,
    "not-found": NotFound,
    "stopping": Stopping,
    "search-timeout": SearchTimeout,
    "storage": StorageError,
}


def error_of(status: int, body: bytes, retry_after: str | None = None, search: str = "") -> TidingsError:
    """Return the error that an answer of *status* with *body* stands for; *search* is the query text that was sent.

    Its text is the server's own sentence, whatever the class would have said.
    """
    try:
        problem = _DECODER.decode(body)
    except msgspec.DecodeError:
        problem = Problem(detail=body[:200].decode("utf-8", "replace").strip())
    detail = problem.detail or problem.title or "it gave no reason"
    error = _build(status, problem, detail, retry_after, search)
    if not isinstance(error, Refused):
        error.args = (detail,)
    return error


def _build(status: int, problem: Problem, detail: str, retry_after: str | None, search: str) -> TidingsError:
    slug = problem.type.partition("#")[2] or _SLUG_OF_STATUS.get(status, "")
    match slug:
        case "bad-query":
            return QuerySyntaxError(search, max(problem.column - 1, 0), _reason(problem), problem.suggestion)
        case "invalid-event":
            return InvalidEvent(_bare_reason(problem), problem.line, problem.column)
        case "cursor-expired":
            return CursorExpired(problem.after, problem.oldest)
        case "too-large":
            return TooLarge("the request", 0, problem.limit, problem.setting)
        case "busy":
            return Busy(detail, int(retry_after) if retry_after and retry_after.isdecimal() else 1)
        case _ if slug in _PLAIN:
            return _PLAIN[slug](detail)
        case _:
            return ServerFault(status, detail) if status >= 500 else Refused(status, detail)


def _reason(problem: Problem) -> str:
    """The detail of a bad query without the column and the suggestion that QuerySyntaxError adds again."""
    reason = problem.detail.removesuffix(f"; {problem.suggestion}")
    return reason.removesuffix(f" at column {problem.column}")


def _bare_reason(problem: Problem) -> str:
    """The detail of an invalid event without its place, which a caller may have to count anew."""
    whole = f"line {problem.line}, column {problem.column}: "
    return problem.detail.removeprefix(whole).removeprefix(f"line {problem.line}: ")
