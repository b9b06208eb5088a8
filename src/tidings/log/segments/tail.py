"""Searches what no index covers yet: the newest events, by the predicate evaluator over their lines."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import cast

from tidings.errors import SearchTimeout
from tidings.event import Event, decode_line
from tidings.log.base import Batch
from tidings.log.segments.reader import Found, Span
from tidings.query.ast import Column, Condition, Order, Position
from tidings.query.needles import may_match, needles
from tidings.query.predicate import compile_predicate


class Tail:
    """A range of events as batches; *batches* gives them anew at each call, newest first when told so."""

    def __init__(self, batches: Callable[[bool], Iterable[Batch]], span: Span) -> None:
        self._batches, self._span = batches, span

    def matching(self, where: Condition, *, newest_first: bool = False) -> Iterator[Event]:
        """Yield the matching events of the span in index order, or the reverse."""
        matches, wanted = compile_predicate(where), needles(where)
        span = self._span
        for batch in self._batches(newest_first):
            if time.monotonic() > span.deadline:
                raise SearchTimeout(
                    "the search took longer than search_timeout; narrow it, or try again when the newest events are indexed"
                )
            if batch.last < span.low or batch.first > span.high or not may_match(batch.blob, wanted):
                continue
            numbered = list(enumerate(batch.lines, batch.first))
            for index, line in reversed(numbered) if newest_first else numbered:
                if span.low <= index <= span.high and may_match(line, wanted):
                    event = decode_line(line)
                    if matches(event):
                        yield event

    def search(self, where: Condition, order: Order, after: Position | None, limit: int) -> list[Found]:
        """See `SegmentReader.search`."""
        if order.column is Column.INDEX:
            found: list[Found] = []
            for event in self.matching(where, newest_first=order.descending):
                if after is None or is_past((event.index, event.index), after, order):
                    found.append((event.index, event.index))
                    if len(found) == limit:
                        break
            return found
        rows: list[Found] = [(sort_value(event, order.column), event.index) for event in self.matching(where)]
        if after is not None:
            rows = [row for row in rows if is_past(row, after, order)]
        return in_order(rows, order)[:limit]

    def count(self, where: Condition) -> int:
        """Return how many events match."""
        return sum(1 for _ in self.matching(where))

    def histogram(self, where: Condition, step_ns: int) -> list[tuple[int, int, int]]:
        """See `SegmentReader.histogram`."""
        counts = Counter((event.time // step_ns * step_ns, int(event.severity)) for event in self.matching(where))
        return [(start, severity, total) for (start, severity), total in counts.items()]

    def facet(self, where: Condition, column: Column) -> list[tuple[str | int, int]]:
        """See `SegmentReader.facet`."""
        counts = Counter(sort_value(event, column) for event in self.matching(where))
        return [(value, total) for value, total in counts.items() if value != ""]


def sort_value(event: Event, column: Column) -> int | str:
    """Return what *column* of the event sorts by."""
    value = getattr(event, column.value)
    return int(value) if column is Column.SEVERITY else cast("int | str", value)


def in_order(rows: list[Found], order: Order) -> list[Found]:
    """Return *rows* sorted by *order*."""
    newest = order.descending or order.newest_ties
    rows = sorted(rows, key=lambda row: row[1], reverse=newest)
    return sorted(rows, key=lambda row: row[0], reverse=order.descending)


def is_past(row: Found, after: Position, order: Order) -> bool:
    """Whether *row* comes strictly after the position in *order*."""
    if row[0] != after.value:
        return (row[0] < after.value) is order.descending  # type: ignore[operator]
    newest = order.descending or order.newest_ties
    return row[1] < after.index if newest else row[1] > after.index
