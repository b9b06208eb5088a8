"""Reads one indexed segment: finds rows by SQL, counts them, gives their lines. One thread at a time; `readers` keeps them open."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import apsw
import msgspec

from tidings.errors import SearchTimeout
from tidings.event import decode_line, decode_links
from tidings.log.segments import schema
from tidings.log.segments._sqlite import open_reader
from tidings.log.segments.horizons import horizons
from tidings.log.segments.indexer import key_hash
from tidings.log.segments.journal import JournalReader
from tidings.log.segments.leftovers import LeftoverTest, leftover_test
from tidings.log.segments.lines import JournalLines, Lines, SealedLines
from tidings.log.segments.link_filter import link_filter
from tidings.log.segments.vocabularies import Vocabularies
from tidings.query import statements
from tidings.query.ast import (
    EVERYTHING,
    AllOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Order,
    Pattern,
    Position,
    conjoin,
)
from tidings.query.pattern import compile_pattern, is_ascii, to_like
from tidings.query.predicate import compile_predicate
from tidings.query.sql import FALSE, compile_sql
from tidings.query.statements import Statement, Within

_PROGRESS_STEPS = 20_000
_CODES_CACHED = 256
_SEVERITIES = "SELECT severity, sum(total) FROM rollup WHERE step = 3600 GROUP BY 1"
_NAMES = "SELECT text, total FROM names WHERE field = :field ORDER BY total DESC, text LIMIT :limit"

_LINKS = "SELECT id, total, text FROM names WHERE field = ? AND text LIKE ? ESCAPE '\\'"
_WORDS = "SELECT term FROM vocabulary"
_LATEST, _EARLIEST = (
    "SELECT time_max FROM zones ORDER BY 1",
    "SELECT time_min FROM zones ORDER BY 1",
)

_Function = Callable[..., "int | str | None"]
Found = tuple[int | str, int]
"""Sort value and index of a row."""


class Span(msgspec.Struct, frozen=True):
    """What to look at: indexes *low* … *high*, until the monotonic clock says *deadline*."""

    low: int
    high: int
    deadline: float


class SegmentReader:
    """An open segment; implements `query.tables.Names`."""

    def __init__(self, path: Path, journal: Path | None = None, vocabularies: Vocabularies | None = None) -> None:
        """Open a sealed segment, or the growing index at *path* whose lines are in *journal*.

        *vocabularies* keeps the words of sealed segments; None: they are looked up in the file each time.
        """
        self._path, self._vocabularies = path, vocabularies
        self._db = open_reader(path, immutable=journal is None)
        self.lines: Lines
        self._journal: JournalReader | None = None
        if journal is None:
            self.lines = SealedLines(self._db)
        else:
            self._journal = JournalReader(journal)
            self.lines = JournalLines(self._journal)
        self._immutable = journal is None
        self._codes: dict[object, Sequence[tuple[int, int]]] = {}
        self._severities: dict[int, int] = {}
        self._times: dict[bool, list[int]] = {}
        self._tests: list[LeftoverTest] = []
        self.deadline = float("inf")
        """When, by the monotonic clock, what runs now is stopped; whoever asks sets it."""
        self.low, self.high = 1, 0
        self._db.create_scalar_function("line_matches", cast(_Function, self._line_matches), 2)
        self._db.create_scalar_function("line_value", cast(_Function, self._line_value), 2)
        self._db.set_progress_handler(self._is_late, _PROGRESS_STEPS)

    @property
    def rows(self) -> int:
        """See `query.tables.Names`."""
        return self.high - self.low + 1

    def close(self) -> None:
        """Let go of the files."""
        self._db.close()
        if self._journal is not None:
            self._journal.close()

    def begin(self) -> int | None:
        """Hold the present state of a growing index until `end`; return the highest index in it (None: it is empty)."""
        self._db.execute("BEGIN")
        return cast("int | None", self._db.execute("SELECT max(idx) FROM rows").get)

    def end(self) -> None:
        """Let go of the state that `begin` holds."""
        if self._db.in_transaction:
            self._db.execute("COMMIT")

    # --- what a search asks ---

    def search(self, where: Condition, order: Order, after: Position | None, limit: int, span: Span) -> list[Found]:
        """Return up to *limit* rows strictly past *after*, in *order*."""
        if order.column is Column.TIME:
            for horizon in horizons(self._zone_times(latest=order.descending), order, after):
                found = self._search(conjoin(where, horizon), order, after, limit, span)
                if len(found) == limit:
                    return found
        return self._search(where, order, after, limit, span)

    def _search(self, where: Condition, order: Order, after: Position | None, limit: int, span: Span) -> list[Found]:
        within = self._compile(where, span)
        return [] if within is None else self._all(statements.search(within, order, after, limit))

    def _zone_times(self, *, latest: bool) -> list[int]:
        """Return the latest, or the earliest, time of each run of rows, ascending."""
        if not self._immutable:
            return []  # it is small, and changes
        times = self._times.get(latest)
        if times is None:
            rows = self._db.execute(_LATEST if latest else _EARLIEST).fetchall()
            times = self._times[latest] = [cast(int, time) for (time,) in rows]
        return times

    def count(self, where: Condition, span: Span) -> int:
        """Return how many rows match."""
        within = self._compile(where, span)
        return 0 if within is None else cast(int, self._all(statements.count(within))[0][0])

    def histogram(self, where: Condition, step_ns: int, span: Span) -> list[tuple[int, int, int]]:
        """Return (start, severity, rows) of the spans of *step_ns* that have any."""
        within = self._compile(where, span)
        return [] if within is None else self._all(statements.histogram(within, step_ns))

    def rollup(self, start_s: int | None, end_s: int | None, step_s: int, span: Span) -> list[tuple[int, int, int]]:
        """The histogram of all rows, from the roll-up; every bound and step a multiple of a minute."""
        self._begin(span)
        return self._all(statements.rollup(start_s, end_s, step_s))

    def facet(self, where: Condition, column: Column, limit: int, span: Span) -> list[tuple[str | int, int]]:
        """Return the most frequent values of *column* with their rows; severities as numbers."""
        if where == EVERYTHING:
            self._begin(span)
            if column is Column.SEVERITY:
                return self._all(Statement(_SEVERITIES, {}))
            return self._all(Statement(_NAMES, {"field": schema.CODED.index(column.value), "limit": limit}))
        within = self._compile(where, span)
        return [] if within is None else self._all(statements.facet(within, column, limit))

    # --- what the SQL evaluator asks (Names) ---

    def codes(self, column: Column | LinkTo, test: Compare | Contains) -> Sequence[tuple[int, int]]:
        """See `query.tables.Names`."""
        cacheable = self._immutable
        key = (column, test)
        if cacheable and key in self._codes:
            return self._codes[key]
        found = self._link_codes(test) if isinstance(column, LinkTo) else self._text_codes(column, test)
        if cacheable and len(found) < 1000:
            if len(self._codes) >= _CODES_CACHED:
                self._codes.clear()
            self._codes[key] = found
        return found

    def _text_codes(self, column: Column, test: Compare | Contains) -> list[tuple[int, int]]:
        pattern = test.value if isinstance(test, Compare) else Pattern(("", test.text, ""), test.case_sensitive)
        assert isinstance(pattern, Pattern)
        found: list[tuple[int, int]]
        query, parameters = "SELECT id, total FROM names WHERE field = ? AND ", (schema.CODED.index(column.value),)
        if is_ascii(pattern) and not pattern.case_sensitive:
            if len(pattern.parts) == 1:
                rows = self._db.execute(query + "text = ? COLLATE NOCASE", (*parameters, pattern.parts[0]))
            else:
                rows = self._db.execute(query + "text LIKE ? ESCAPE '\\'", (*parameters, to_like(pattern)))
            found = cast("list[tuple[int, int]]", rows.fetchall())
        else:
            matches = compile_pattern(pattern)
            rows = self._db.execute("SELECT id, total, text FROM names WHERE field = ?", parameters)
            found = [(code, total) for code, total, text in rows if matches(text)]
        return [(0, 0), *found] if pattern.parts == ("",) else found

    def _link_codes(self, test: Compare | Contains) -> list[tuple[int, int]]:
        condition = test if isinstance(test, Compare) else Contains(test.text, _links_of(test), test.case_sensitive)
        matches = cast(Callable[[object], bool], compile_predicate(condition))
        # what can't match is left out by SQLite: taking all links of a segment apart takes a hundred times as long
        rows = self._db.execute(_LINKS, (schema.CODED.index("links"), link_filter(test)))
        found = [(code, total) for code, total, text in rows if matches(_Linked(decode_links(text)))]
        return [(0, 0), *found] if matches(_Linked(())) else found

    def first_received(self, at_least: int) -> int:
        """See `query.tables.Names`."""
        found = self._db.execute("SELECT min(first) FROM commits WHERE received >= ?", (at_least,)).get
        return cast(int, found) if found is not None else 1 << 62

    def key_hash(self, column: Column, text: str) -> int:
        """See `query.tables.Names`."""
        return key_hash("c" if column is Column.CORRELATION else "i", text)

    def vocabulary(self, fragment: str, *, at_end: bool, limit: int) -> Sequence[str] | None:
        """See `query.tables.Names`."""
        if self._vocabularies is not None and self._immutable:
            return self._vocabularies.search(self._path, self._words, fragment, at_end=at_end, limit=limit)
        statement = statements.vocabulary(fragment, limit + 1, at_end=at_end)
        rows = self._db.execute(*statement).fetchall()
        return [cast(str, term) for (term,) in rows] if len(rows) <= limit else None

    def _words(self) -> list[str]:
        return [cast(str, term) for (term,) in self._db.execute(_WORDS) if not term.startswith("§")]

    def severity_total(self, at_least: int) -> int:
        """See `query.tables.Names`."""
        if not self._severities or not self._immutable:
            rows = self._db.execute(_SEVERITIES)
            self._severities = dict(cast("list[tuple[int, int]]", rows.fetchall()))
        return sum(total for severity, total in self._severities.items() if severity >= at_least)

    # --- inside ---

    def _begin(self, span: Span) -> None:
        self.deadline = span.deadline
        self.low, self.high = span.low, span.high

    def _compile(self, where: Condition, span: Span) -> Within | None:
        """Return *where* as SQL with its bounds, or None when nothing can match."""
        self._begin(span)
        sql = compile_sql(where, self)
        low, high = self._bounds(where, span)
        if sql is FALSE or low > high:
            return None
        self._tests = [leftover_test(condition) for condition in sql.leftovers]
        return Within(sql, low, high)

    def _bounds(self, where: Condition, span: Span) -> tuple[int, int]:
        """Narrow the span by the index and time bounds of *where*: times are nearly in index order, zones say how nearly."""
        low, high = span.low, span.high
        for part in where.parts if isinstance(where, AllOf) else (where,):
            match part:
                case Compare(Column.INDEX, op, int() as value):
                    low = max(low, value + (op == ">")) if op in ("=", ">", ">=") else low
                    high = min(high, value - (op == "<")) if op in ("=", "<", "<=") else high
                case Compare(Column.TIME, op, int() as value):
                    if op in ("=", ">", ">="):
                        first = self._db.execute("SELECT min(first) FROM zones WHERE time_max >= ?", (value,)).get
                        low = high + 1 if first is None else max(low, first)
                    if op in ("=", "<", "<="):
                        zone = self._db.execute("SELECT max(first) FROM zones WHERE time_min <= ?", (value,)).get
                        past = (
                            None
                            if zone is None
                            else self._db.execute("SELECT min(first) FROM zones WHERE first > ?", (zone,)).get
                        )
                        high = low - 1 if zone is None else high if past is None else min(high, past - 1)
                case _:
                    pass
        return low, high

    def _all(self, statement: Statement) -> list:  # type: ignore[type-arg]
        try:
            return self._db.execute(*statement).fetchall()
        except apsw.InterruptError:
            raise SearchTimeout(
                "the search took longer than search_timeout; narrow it by time, severity, kind or subject"
            ) from None

    def _is_late(self) -> bool:
        return time.monotonic() > self.deadline

    def _line_matches(self, index: int, test: int) -> bool:
        return self._tests[test].holds(index, self.lines)

    def _line_value(self, index: int, name: str) -> str:
        return cast(str, getattr(decode_line(self.lines.line(index)), name))


class _Linked(msgspec.Struct, frozen=True):
    """Looks like an event to a predicate that asks for links only."""

    links: tuple[object, ...]


def _links_of(test: Contains) -> tuple[LinkTo, ...]:
    return tuple(target for target in test.targets if isinstance(target, LinkTo))
