"""Lines as a JSON array, NDJSON or CSV: a page at once, or everything that matches in constant memory."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import NamedTuple, Protocol, cast

import msgspec
import structlog
from aiohttp import web

from tidings.answers import COUNT_HINT
from tidings.auth import Principal
from tidings.errors import SearchTimeout
from tidings.event import Index
from tidings.jobs import Ongoing
from tidings.log.base import Batch
from tidings.query.ast import EVERYTHING, Column, Compare, Query, conjoin
from tidings.server import parameters
from tidings.server.context import Context
from tidings.server.replies import HEADERS

COLUMNS = (
    "index", "time", "severity", "kind", "source", "actor", "subject", "scope", "location", "correlation", "message",
)  # fmt: skip
_STEP_EVENTS = 2_000
_log = structlog.get_logger(__name__)


class Wish(NamedTuple):
    """What to export: the query, only events after an index, how many (0: all), and the media type."""

    query: Query
    after: Index
    limit: int
    media_type: str


class Writer(Protocol):
    """Turns lines into one form; *head*, *separator* and *tail* go before, between and after the pieces of an export."""

    head: bytes
    separator: bytes
    tail: bytes

    def lines(self, lines: list[bytes]) -> bytes:
        """Return some lines in this form."""

    def blob(self, blob: bytes) -> bytes:
        """Return NDJSON in this form."""

    def whole(self, lines: list[bytes]) -> bytes:
        """Return a whole answer."""


class NdjsonWriter:
    """One stored line each, as it is."""

    head, separator, tail = b"", b"", b""

    def lines(self, lines: list[bytes]) -> bytes:
        """Return some lines in this form."""
        return b"\n".join([*lines, b""])

    def blob(self, blob: bytes) -> bytes:
        """Return NDJSON in this form."""
        return blob

    def whole(self, lines: list[bytes]) -> bytes:
        """Return a whole answer."""
        return self.lines(lines)


class JsonWriter:
    """The batch form of CloudEvents: one array."""

    head, separator, tail = b"[", b",", b"]"

    def lines(self, lines: list[bytes]) -> bytes:
        """Return some lines in this form."""
        return b",".join(lines)

    def blob(self, blob: bytes) -> bytes:
        """Return NDJSON in this form."""
        return blob.removesuffix(b"\n").replace(b"\n", b",")  # a line holds no other line breaks

    def whole(self, lines: list[bytes]) -> bytes:
        """Return a whole answer."""
        return b"[" + b",".join(lines) + b"]"


class _Row(msgspec.Struct, gc=False, array_like=False):
    """The fields of a line that are columns, in their order."""

    sequence: str = ""
    time: str = ""
    severity: str = ""
    type: str = ""
    source: str = ""
    actor: str = ""
    subject: str = ""
    scope: str = ""
    location: str = ""
    correlation: str = ""
    message: str = ""


_ROWS = msgspec.json.Decoder(_Row)
_FORMULA = frozenset("=+-@\t\r")
# What a finished row holds where one of its cells but the first, a number, could be taken for a formula.
_SUSPECTS = tuple(f"{before}{sign}" for before in (",", ',"') for sign in sorted(_FORMULA))
_SEPARATORS = len(COLUMNS) - 1


class CsvWriter:
    """Eleven columns. Cells that a spreadsheet would take for a formula get an apostrophe before them, unless *is_raw*."""

    separator, tail = b"", b""

    def __init__(self, *, is_raw: bool) -> None:
        self._is_raw = is_raw
        self.head = ",".join(COLUMNS).encode() + b"\r\n"

    def lines(self, lines: list[bytes]) -> bytes:
        """Return some lines in this form."""
        return self.blob(b"\n".join(lines))

    def blob(self, blob: bytes) -> bytes:
        """Return NDJSON in this form."""
        text = "\r\n".join([_row(row) for row in _ROWS.decode_lines(blob)])
        # Looking through the finished text is many times faster than looking at each cell.
        if not self._is_raw and any(suspect in text for suspect in _SUSPECTS):
            text = "\r\n".join([_written(map(_defused, _cells(row))) for row in _ROWS.decode_lines(blob)])
        return f"{text}\r\n".encode() if text else b""

    def whole(self, lines: list[bytes]) -> bytes:
        """Return a whole answer."""
        return self.head + self.lines(lines)


def _row(r: _Row) -> str:
    """Return one line of CSV. Most rows need no quotes, and to see that is much faster than the csv module is."""
    text = (
        f"{r.sequence},{r.time},{r.severity},{r.type},{r.source},{r.actor},{r.subject},{r.scope},{r.location},"
        f"{r.correlation},{r.message}"
    )
    if text.count(",") == _SEPARATORS and '"' not in text and "\n" not in text and "\r" not in text:
        return text
    return _written(_cells(r))


def _cells(row: _Row) -> tuple[str, ...]:
    return cast("tuple[str, ...]", msgspec.structs.astuple(row))


def _written(cells: Iterable[str]) -> str:
    text = io.StringIO(newline="")
    csv.writer(text).writerow(cells)  # with another line end than its own it leaves line breaks in a cell unquoted
    return text.getvalue().removesuffix("\r\n")


def _defused(cell: str) -> str:
    return f"'{cell}" if cell and cell[0] in _FORMULA else cell


WRITERS: Mapping[str, Callable[[web.Request], Writer]] = {
    "json": lambda _: JsonWriter(),
    "ndjson": lambda _: NdjsonWriter(),
    "csv": lambda request: CsvWriter(is_raw=parameters.switch(request, "raw")),
}


async def stream(
    context: Context, request: web.Request, who: Principal, wish: Wish, writer: Writer
) -> web.StreamResponse:
    """Send everything that *wish* asks for. An export that breaks off ends without its last chunk, so a client can tell."""
    step = min(wish.limit, _STEP_EVENTS) or _STEP_EVENTS
    query = Query(wish.query.where, wish.query.order, step)
    hint = await _count_hint(context, who, wish)
    # An async generator, though core says only what one needs to read it: it must be closed, not left to the collector.
    source = cast("AsyncGenerator[Batch | list[bytes], None]", context.core.export(query, who, wish.after))
    async with aclosing(source) as found:
        # Whatever refuses the search does so here, while there is still a status to say it with.
        first = await anext(found, None) if request.method != "HEAD" else None
        response = web.StreamResponse(headers={**HEADERS, "Content-Type": wish.media_type, **hint})
        await response.prepare(request)
        if request.method == "HEAD":
            return response

        def cut() -> None:
            if request.transport is not None:
                request.transport.abort()

        try:
            with context.jobs.open("Exporting events", cancel=cut, actor=who.name) as job:
                await _send(response, _pieces(first, found, wish.limit), writer, job)
        except ConnectionError:
            raise
        except Exception as fault:
            _log.warning("export cut short", reason=str(fault), kind=type(fault).__name__)
            cut()
            raise ConnectionResetError from fault
    return response


async def _send(
    response: web.StreamResponse, pieces: AsyncIterator[Batch | list[bytes]], writer: Writer, job: Ongoing
) -> None:
    before, events = writer.head, 0
    async for piece in pieces:
        body = writer.lines(piece) if isinstance(piece, list) else writer.blob(piece.blob)
        await response.write(before + body if before else body)
        before = writer.separator
        events += len(piece) if isinstance(piece, list) else piece.count
        job.progress(events=events)
    await response.write((writer.head if before is writer.head else b"") + writer.tail)


async def _pieces(
    first: Batch | list[bytes] | None, rest: AsyncIterator[Batch | list[bytes]], limit: int
) -> AsyncIterator[Batch | list[bytes]]:
    """Yield the pieces until *limit* lines are out (0: all)."""
    left = limit
    piece = first
    while piece is not None:
        size = len(piece) if isinstance(piece, list) else piece.count
        if limit and size >= left:
            lines = piece if isinstance(piece, list) else piece.lines
            yield lines[:left]
            return
        yield piece
        left -= size
        piece = await anext(rest, None)


async def _count_hint(context: Context, who: Principal, wish: Wish) -> dict[str, str]:
    """Return how many events will come, about, for progress bars; nothing when counting takes too long."""
    core = context.core
    if wish.query.where == EVERYTHING and not who.scopes:
        count = max(0, core.head - max(wish.after, core.oldest - 1))
    else:
        where = conjoin(wish.query.where, Compare(Column.INDEX, ">", wish.after)) if wish.after else wish.query.where
        try:
            count = await core.count(where, who)
        except SearchTimeout:
            return {}
    return {COUNT_HINT: str(min(count, wish.limit) if wish.limit else count)}
