"""A consistent view of the log for one search: which files cover which indexes, and the searches over all of them."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Self, TypeVar

import apsw
import msgspec
import zstandard

from tidings.event import Index
from tidings.log.base import Batch, Bucket, Page
from tidings.log.segments._sqlite import SegmentGone, storage_errors
from tidings.log.segments.journal import JournalReader
from tidings.log.segments.manifest import Sealed
from tidings.log.segments.reader import Found, SegmentReader, Span
from tidings.log.segments.readers import Readers
from tidings.log.segments.tail import Tail, in_order
from tidings.query.ast import EVERYTHING, Column, Compare, Condition, Order, Position, Query, conjoin
from tidings.severity import Severity

T = TypeVar("T")
_DAMAGE = (
    apsw.CorruptError,
    apsw.NotADBError,
    apsw.IOError,
    zstandard.ZstdError,
    msgspec.DecodeError,
    UnicodeDecodeError,
)
_MINUTE_NS = 60 * 10**9
_FACET_SPARE = 1000


class Part(NamedTuple):
    """One indexed file: a sealed segment (*journal* is None) or a growing index."""

    path: Path
    first: int
    last: int
    journal: Path | None = None
    sealed: Sealed | None = None


class JournalSpan(NamedTuple):
    """A journal, the indexes it holds, and when its first event was received (ns since the epoch)."""

    path: Path
    first: int
    last: int
    begun: int = 0


class Snapshot:
    """Used in a search thread, in a ``with``. *parts* ascend; what is above the last one up to *head* is the tail."""

    def __init__(
        self,
        parts: Sequence[Part],
        journals: Sequence[JournalSpan],
        recent: Sequence[Batch],
        oldest: int,
        head: int,
        readers: Readers,
        timeout_s: float,
        damaged: Callable[[Part, str], None],
    ) -> None:
        """*recent*: the last batches, still in memory. *damaged* is told of a part that can't be read; the rest is still served."""
        self.parts: Sequence[Part] = parts
        self.journals, self.recent = journals, recent
        self.oldest, self.head = oldest, head
        self._readers, self._damaged = readers, damaged
        self._deadline = time.monotonic() + timeout_s
        readers.keep_only(frozenset(part.path for part in parts))

    def __enter__(self) -> Self:
        """Hold the growing index still: the worker adds to it, and nothing must be counted there and in the tail as well."""
        self._held: SegmentReader | None = None
        if self.parts and self.parts[-1].journal is not None:
            growing = self.parts[-1]
            try:
                self._held = self._readers.get(growing.path, growing.journal)
                self._held.deadline = self._deadline
                last = self._held.begin()
            except _DAMAGE as fault:
                raise self._rebuild(growing, fault) from fault
            self.parts = [*self.parts[:-1], *([growing._replace(last=last)] if last is not None else [])]
        return self

    def __exit__(self, *_: object) -> None:
        """Let it go on."""
        if self._held is not None:
            self._held.end()

    @property
    def indexed_to(self) -> int:
        """The highest index that a part covers."""
        return max((part.last for part in self.parts), default=self.oldest - 1)

    # --- answers ---

    def search(self, query: Query) -> Page:
        """See `Log.search`."""
        wanted = query.page * query.limit + 1
        found = self._found(query, wanted)
        rows = found[(query.page - 1) * query.limit :][: query.limit]
        more = len(found) > query.page * query.limit
        lines = [self.line(index) for _, index in rows]
        kept = [line for line in lines if line is not None]
        return Page(kept, Position(*rows[-1]) if more and rows else None)

    def _found(self, query: Query, wanted: int) -> list[Found]:
        order = query.order
        by_index = order.column in (Column.INDEX, Column.RECEIVED)
        by_time = order.column is Column.TIME
        found: list[Found] = []
        for source in self._sources(newest_first=order.descending or not (by_index or by_time)):
            if by_time and len(found) >= wanted:
                found = in_order(found, order)[:wanted]
                if isinstance(source, Part) and _is_past(source, order, found[-1]):
                    continue
            left = wanted - len(found) if by_index else wanted
            if isinstance(source, Part):
                found += self._in_part(source, _search(query, left), [])
            else:
                found += source.search(query.where, order, query.after, left)
            if by_index and len(found) >= wanted:
                break
        return found[:wanted] if by_index and order.column is Column.INDEX else in_order(found, order)[:wanted]

    def count(self, where: Condition) -> int:
        """See `Log.count`."""
        if where == EVERYTHING:
            indexed = sum(part.last - part.first + 1 for part in self.parts)  # not what is quarantined
            return indexed + max(0, self.head - self.indexed_to)
        return sum(self._gather(lambda reader, span: reader.count(where, span), lambda tail: tail.count(where), 0))

    def histogram(self, where: Condition, start_ns: int | None, end_ns: int | None, step_ns: int) -> list[Bucket]:
        """See `Log.histogram`."""
        bounds = [Compare(Column.TIME, ">=", start_ns)] if start_ns is not None else []
        bounds += [Compare(Column.TIME, "<", end_ns)] if end_ns is not None else []
        bounded = conjoin(where, *bounds)
        whole_minutes = all(value is None or value % _MINUTE_NS == 0 for value in (start_ns, end_ns, step_ns))

        def of_part(reader: SegmentReader, span: Span) -> list[tuple[int, int, int]]:
            if where == EVERYTHING and whole_minutes:
                return reader.rollup(_seconds(start_ns), _seconds(end_ns), step_ns // 10**9, span)
            return reader.histogram(bounded, step_ns, span)

        missing: list[tuple[int, int, int]] = []
        totals: Counter[tuple[int, int]] = Counter()
        for rows in self._gather(of_part, lambda tail: tail.histogram(bounded, step_ns), missing):
            for start, severity, total in rows:
                totals[start, severity] += total
        return [Bucket(start, severity, total) for (start, severity), total in sorted(totals.items())]

    def facet(self, where: Condition, columns: Sequence[Column], limit: int) -> dict[Column, list[tuple[str, int]]]:
        """See `Log.facet`. A value rare in every single segment may be missed when there are thousands of others."""
        answer: dict[Column, list[tuple[str, int]]] = {}
        missing: list[tuple[str | int, int]] = []
        for column in columns:
            totals: Counter[str] = Counter()
            spare = limit * 4 + _FACET_SPARE
            for rows in self._gather(_facet(where, column, spare), lambda tail: tail.facet(where, column), missing):  # noqa: B023
                for value, total in rows:
                    totals[Severity(value).label if isinstance(value, int) else value] += total
            answer[column] = sorted(totals.items(), key=lambda item: (-item[1], item[0]))[:limit]
        return answer

    # --- lines ---

    def line(self, index: int) -> bytes | None:
        """Return one event's line, or None."""
        for batch in reversed(self.recent):
            if batch.first <= index <= batch.last:
                return batch.lines[index - batch.first]
        for part in self.parts:
            if part.first <= index <= part.last:
                return self._in_part(part, lambda reader, _: reader.lines.line(index), None)
        for batch in self.tail_batches(index, index):
            return batch.lines[index - batch.first]
        return None

    def read(self, after: int, until: int, max_events: int) -> list[Batch]:
        """Return batches of neighbouring events from *after* on, about *max_events* in all; empty when there are no more."""
        low, high = max(after + 1, self.oldest), min(until, self.head)
        for part in self.parts:
            if part.last >= low and low <= high:
                start, stop = max(low, part.first), min(high, part.last, max(low, part.first) + max_events - 1)
                if start > high:
                    break
                if part.journal is None:
                    blob = self._in_part(part, _blob(start, stop), None)
                    if blob is None:  # quarantined just now: go on behind it
                        return self.read(part.last, until, max_events)
                    return [Batch(Index(start), stop - start + 1, blob)]
        batches: list[Batch] = []
        total = 0
        for batch in self.tail_batches(low, high):
            batches.append(_clip(batch, low, high))
            total += batches[-1].count
            if total >= max_events:
                break
        return batches

    def tail_batches(self, low: int, high: int, *, newest_first: bool = False) -> Iterator[Batch]:
        """Yield the journals' batches that reach into *low* … *high*, from memory where they are still there."""
        memory = [batch for batch in self.recent if batch.last >= low and batch.first <= high]
        from_disk = min(high, memory[0].first - 1) if memory else high
        if newest_first:
            yield from reversed(memory)
        for span in reversed(self.journals) if newest_first else self.journals:
            start, stop = max(low, span.first), min(from_disk, span.last)
            if start <= stop:
                yield from _journal_batches(span.path, start, stop, newest_first=newest_first)
        if not newest_first:
            yield from memory

    # --- inside ---

    def _sources(self, *, newest_first: bool) -> Iterator[Part | Tail]:
        low = self.indexed_to + 1
        if low <= self.head and newest_first:
            yield self._tail(low)
        yield from reversed(self.parts) if newest_first else self.parts
        if low <= self.head and not newest_first:
            yield self._tail(low)

    def _tail(self, low: int) -> Tail:
        def batches(newest_first: bool) -> Iterator[Batch]:
            return self.tail_batches(low, self.head, newest_first=newest_first)

        return Tail(batches, Span(low, self.head, self._deadline))

    def _in_part(self, part: Part, ask: Callable[[SegmentReader, Span], T], missing: T) -> T:
        try:
            reader = self._readers.get(part.path, part.journal)
            reader.deadline = self._deadline
            return ask(reader, Span(max(part.first, self.oldest), part.last, self._deadline))
        except _DAMAGE as fault:
            # one bad file must not take the rest of the log with it
            if part.sealed is None:
                raise self._rebuild(part, fault) from fault
            self._damaged(part, f"{type(fault).__name__}: {fault}")
            return missing

    def _rebuild(self, part: Part, fault: Exception) -> SegmentGone:
        self._damaged(part, f"{type(fault).__name__}: {fault}")
        self._held = None
        return SegmentGone(f"the index {part.path.name} is damaged and will be built again")

    def _gather(self, of_part: Callable[[SegmentReader, Span], T], of_tail: Callable[[Tail], T], missing: T) -> list[T]:
        return [
            self._in_part(source, of_part, missing) if isinstance(source, Part) else of_tail(source)
            for source in self._sources(newest_first=True)
        ]


def _is_past(part: Part, order: Order, last: Found) -> bool:
    """Whether all of a sealed segment lies behind the row *last* in an order by time."""
    sealed, (time, _) = part.sealed, last
    assert isinstance(time, int)
    return sealed is not None and (sealed.time_max < time if order.descending else sealed.time_min > time)


def _search(query: Query, limit: int) -> Callable[[SegmentReader, Span], list[Found]]:
    return lambda reader, span: reader.search(query.where, query.order, query.after, limit, span)


def _facet(
    where: Condition, column: Column, limit: int
) -> Callable[[SegmentReader, Span], list[tuple[str | int, int]]]:
    return lambda reader, span: reader.facet(where, column, limit, span)


def _blob(start: int, stop: int) -> Callable[[SegmentReader, Span], bytes | None]:
    return lambda reader, _: reader.lines.blob(start, stop)


def _journal_batches(path: Path, start: int, stop: int, *, newest_first: bool) -> Iterator[Batch]:
    with storage_errors(f"reading {path.name}"):
        reader = JournalReader(path)
        try:
            for block in reader.blocks(start - 1, stop, newest_first=newest_first):
                yield block.batch()
        finally:
            reader.close()


def _clip(batch: Batch, low: int, high: int) -> Batch:
    if low <= batch.first and batch.last <= high:
        return batch
    start, stop = max(low, batch.first), min(high, batch.last)
    lines = batch.lines[start - batch.first : stop - batch.first + 1]
    return Batch(Index(start), len(lines), b"\n".join(lines) + b"\n")


def _seconds(ns: int | None) -> int | None:
    return None if ns is None else ns // 10**9
