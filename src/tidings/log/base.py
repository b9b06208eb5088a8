"""The `Log` interface. Nothing above it may know how events are stored.

An index is given by the log, not by a database, so that a replicated log can implement the same interface.
`tests/contract/test_log.py` is the suite every implementation must pass.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

import msgspec

from tidings.event import Draft, Event, Index, decode_line
from tidings.query.ast import Column, Condition, Position, Query


class Batch:
    """Neighbouring events of the log as their stored lines: indexes *first* … *last*, none missing.

    Immutable and shared: the same bytes go to every reader. Decoding happens once, when somebody asks.
    """

    __slots__ = ("_events", "_lines", "blob", "count", "first")

    def __init__(self, first: Index, count: int, blob: bytes) -> None:
        self.first, self.count, self.blob = first, count, blob
        self._lines: list[bytes] | None = None
        self._events: list[Event] | None = None

    @property
    def last(self) -> Index:
        """The highest index in it."""
        return Index(self.first + self.count - 1)

    @property
    def lines(self) -> list[bytes]:
        """The lines in index order, without line ends."""
        if self._lines is None:
            self._lines = self.blob.split(b"\n")
            self._lines.pop()  # what follows the last line end
        return self._lines

    @property
    def events(self) -> list[Event]:
        """The events in index order."""
        if self._events is None:
            self._events = [decode_line(line) for line in self.lines]
        return self._events


class Appended(NamedTuple):
    """What became of the drafts of one append: *indexes* in their order, a duplicate's being the earlier event's."""

    stored: int
    duplicates: int
    head: Index
    indexes: Sequence[Index]


class Page(msgspec.Struct, frozen=True):
    """A search's answer: the lines in the order asked for, and where the next page starts (None: nothing more)."""

    lines: list[bytes]
    next: Position | None

    @property
    def events(self) -> list[Event]:
        """The lines decoded."""
        return [decode_line(line) for line in self.lines]


class Bucket(NamedTuple):
    """How many events (*total*) of one severity fell into the span that starts at *start* (ns since the epoch)."""

    start: int
    severity: int
    total: int


class Log(Protocol):
    """A durable row of events with one strictly increasing index."""

    async def append(self, drafts: Sequence[Draft]) -> Appended:
        """Store all of *drafts* or none; durable when it returns; idempotent by (source, id).

        Concurrent calls share one disk flush. Raises Busy when too much waits to be written, StorageError when the disk refuses.
        """

    def read(self, after: Index, until: Index | None = None) -> AsyncIterator[Batch]:
        """Yield every event with after < index <= until (None: the head when called), ascending, without a gap.

        Raises CursorExpired when events after *after* were trimmed away (0 means "from the oldest kept").
        """

    async def get(self, index: Index) -> bytes | None:
        """Return one event's line, or None when there is none (never was, or trimmed)."""

    async def search(self, query: Query) -> Page:
        """Return the page that *query* asks for. Raises SearchTimeout."""

    async def count(self, where: Condition) -> int:
        """Return how many events match."""

    async def histogram(self, where: Condition, start_ns: int | None, end_ns: int | None, step_ns: int) -> list[Bucket]:
        """Count matching events by severity in spans of *step_ns* of their time, [start, end), ascending; empty spans are left out."""

    async def facet(
        self, where: Condition, columns: Sequence[Column], limit: int
    ) -> dict[Column, list[tuple[str, int]]]:
        """Return the *limit* most frequent values of each column among matching events, with their counts."""

    @property
    def head(self) -> Index:
        """The highest stored index (0: empty)."""

    @property
    def oldest(self) -> Index:
        """The lowest index still kept (head + 1 when nothing is)."""

    async def trim(self, before: Index) -> Index:
        """Delete events below *before* as far as whole segments allow; return the oldest index then kept."""

    def on_commit(self, listener: Callable[[Batch], None]) -> None:
        """Call *listener* on the event loop with every committed batch, in index order, before its append returns."""
