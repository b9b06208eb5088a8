"""Search and export through HTTP, one request at a time on a keep-alive connection, the whole answer read."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from benchmarks.figures import Row, at_most, number, p50_p95, percentile, plain
from benchmarks.gen_events import NEEDLE
from benchmarks.server import Server
from benchmarks.wire import Connection

EXPORT_ROWS = 200_000
TARGET_EXPORT_MS = {"ndjson": 500.0, "csv": 1000.0}
_MAX_CALLS, _MIN_CALLS, _LIMIT_S = 200, 3, 6.0
_EXPORT_CALLS = 7


class Question(NamedTuple):
    """A request that users make all day. *parameters* are those of the URL; a target of 0 is none."""

    name: str
    target_ms: float
    path: str
    parameters: Mapping[str, object]


def _search(text: str, limit: int) -> Mapping[str, object]:
    return {"search": text, "max": limit, "format": "ndjson"}


_ONE_HOUR = 'time >= "2026-10-02T12:00:00Z" time < "2026-10-02T13:00:00Z"'
_FOUR_FIELDS = "actor = admin severity = error kind = lxd.lifecycle.instance-* timeout"
QUESTIONS = (
    Question("latest 20", 5, "/v1/events", _search("", 20)),
    Question("latest 20 errors", 5, "/v1/events", _search("severity = error", 20)),
    Question("latest 100 of one subject", 5, "/v1/events", _search("subject = /1.0/instances/web-0100", 100)),
    Question("a rare word", 5, "/v1/events", _search(NEEDLE, 100)),
    Question("a common word within one hour, latest 100", 0, "/v1/events", _search(f"timeout {_ONE_HOUR}", 100)),
    Question("user, severity, kind and word, latest 20", 5, "/v1/events", _search(_FOUR_FIELDS, 20)),
    Question("hourly counts by severity", 10, "/v1/histogram", {"step": "1h"}),
)


def rows(server: Server, when: str) -> Iterator[Row]:
    """Yield a row for every question; *when* says in which state the log is."""
    with server.connect() as connection:
        for question in QUESTIONS:
            yield _ask(connection, question, when)


def export_rows(server: Server, when: str) -> Iterator[Row]:
    """Yield the rows of the exports, the memory they take included."""
    with server.connect() as connection:
        for form, target in TARGET_EXPORT_MS.items():
            yield from _export(server, connection, form, target, when)


def _ask(connection: Connection, question: Question, when: str) -> Row:
    found = _found(connection.get(question.path, question.parameters))
    took = repeat(lambda: connection.get(question.path, question.parameters))
    name, p95 = f"search {when}: {question.name}, p95", percentile(took, 0.95) * 1e3
    note = f"p50 {number(statistics.median(took) * 1e3)} ms, {len(took)} calls, {found}"
    if question.target_ms:
        return at_most(name, question.target_ms, p95, "ms", note)
    return plain(name, p95, "ms", note)


def _found(answer: bytes) -> str:
    hours, lines = answer.count(b'{"start"'), answer.count(b"\n")
    return f"{hours} hours" if hours else f"{lines} found"


def repeat(call: Callable[[], object], most: int = _MAX_CALLS) -> list[float]:
    """Return how many seconds each call took: *most* of them, or as many as fit into 6 seconds."""
    took: list[float] = []
    end = time.perf_counter() + _LIMIT_S
    while len(took) < most and (len(took) < _MIN_CALLS or time.perf_counter() < end):
        began = time.perf_counter()
        call()
        took.append(time.perf_counter() - began)
    return took


def _export(server: Server, connection: Connection, form: str, target_ms: float, when: str) -> Iterator[Row]:
    parameters = {"export": 1, "format": form, "max": EXPORT_ROWS}
    lines = size = 0

    def call() -> None:
        nonlocal lines, size
        lines = size = 0
        for piece in connection.pieces("/v1/events", parameters):
            lines, size = lines + piece.count(b"\n"), size + len(piece)

    before = server.rss_mb()
    server.reset_peak()
    call()
    peak = server.peak_mb()
    took = repeat(call, _EXPORT_CALLS)
    got = lines - (form == "csv")
    name = f"export {when}: {EXPORT_ROWS:,} rows as {form.upper()}, p50"
    note = f"{p50_p95(took)}, {number(size / 1e6)} MB, peak RSS {number(before)} → {number(peak)} MB"
    middle = statistics.median(took) * 1e3
    if got < EXPORT_ROWS:
        yield plain(name, middle, "ms", f"the log has only {got:,}; {note}")
    else:
        yield at_most(name, target_ms, middle, "ms", note)
