"""The embedded implementation of `Log`: journals, segments and the tasks that turn the ones into the others."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import structlog

from tidings.clock import Clock
from tidings.errors import CursorExpired
from tidings.event import Draft, Index
from tidings.log.base import Appended, Batch, Bucket, Page
from tidings.log.segments._sqlite import SegmentGone
from tidings.log.segments.journal import Journal
from tidings.log.segments.lock import DirectoryLock
from tidings.log.segments.maintenance import Maintenance
from tidings.log.segments.manifest import Quarantined
from tidings.log.segments.options import SegmentOptions
from tidings.log.segments.readers import Readers
from tidings.log.segments.recovery import recover
from tidings.log.segments.snapshot import Part, Snapshot
from tidings.log.segments.state import State
from tidings.log.segments.stored import StoredEvents
from tidings.log.segments.work import Witness
from tidings.log.segments.writer import Limits, Writer
from tidings.query.ast import Column, Condition, Query

T = TypeVar("T")
_RETRIES = 5
_READ_EVENTS = 2048
_log = structlog.get_logger(__name__)


class SegmentLog:
    """Use it as ``async with SegmentLog(directory, clock, options) as log``."""

    def __init__(self, directory: Path, clock: Clock, options: SegmentOptions | None = None) -> None:
        self._directory, self._clock = directory, clock
        self._options = options = options or SegmentOptions()
        self._listeners: list[Callable[[Batch], None]] = []
        self._readers = Readers()
        self._pool = ThreadPoolExecutor(options.search_threads, thread_name_prefix="tidings-search")

    async def __aenter__(self) -> Self:
        """Lock and recover the directory, then start writing and indexing. Raises StorageError."""
        self._lock = DirectoryLock(self._directory)
        try:
            options = self._options
            recovered = await asyncio.to_thread(recover, self._directory, durable=options.durable)
            self._state, self._gone = State(self._directory, recovered), recovered.gone
            journals = self._state.journals
            first = journals[-1].first if journals else self._state.head + 1
            self._writer = Writer(
                self._directory,
                Journal(self._directory, first, durable=options.durable),
                recovered.last_received,
                clock=self._clock,
                limits=Limits(options.segment_events, options.segment_bytes, options.pending_bytes),
                durable=options.durable,
                stored=StoredEvents(self._directory, sorted({*(j.first for j in journals), first}), self._sealed_line),
                committed=self._committed,
            )
            self._writer.start(recovered.keys)
            self.maintenance = Maintenance(self._state, self._writer, options, self._clock)
            self._writer.cover(self._state.sealed_keys(), self._state.head - options.dedupe_window)
            self.maintenance.start()
        except BaseException:
            self._lock.release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Write what waits, stop the worker, let go of the directory."""
        await self.maintenance.stop()
        await asyncio.to_thread(self._writer.stop)
        await asyncio.to_thread(self._pool.shutdown)
        self._readers.close_all()
        self._lock.release()

    # --- Log ---

    async def append(self, drafts: Sequence[Draft]) -> Appended:
        """See `Log.append`."""
        if not drafts:
            return Appended(0, 0, self.head, ())
        self.maintenance.check_room()
        return await self._writer.append(drafts)

    async def read(self, after: Index, until: Index | None = None) -> AsyncIterator[Batch]:
        """See `Log.read`."""
        end = self.head if until is None else min(until, self.head)
        if 0 < after < self.oldest - 1:
            raise CursorExpired(after, self.oldest)
        position: int = after
        while position < end:
            batches = await self._ask(lambda snapshot: snapshot.read(position, end, _READ_EVENTS))  # noqa: B023
            if not batches:
                return
            for batch in batches:
                yield batch
            position = batches[-1].last
            if position + 1 < self.oldest:
                raise CursorExpired(position, self.oldest)

    async def get(self, index: Index) -> bytes | None:
        """See `Log.get`."""
        if not self.oldest <= index <= self.head:
            return None
        return await self._ask(lambda snapshot: snapshot.line(index))

    async def search(self, query: Query) -> Page:
        """See `Log.search`."""
        return await self._ask(lambda snapshot: snapshot.search(query))

    async def count(self, where: Condition) -> int:
        """See `Log.count`."""
        return await self._ask(lambda snapshot: snapshot.count(where))

    async def histogram(self, where: Condition, start_ns: int | None, end_ns: int | None, step_ns: int) -> list[Bucket]:
        """See `Log.histogram`."""
        return await self._ask(lambda snapshot: snapshot.histogram(where, start_ns, end_ns, step_ns))

    async def facet(
        self, where: Condition, columns: Sequence[Column], limit: int
    ) -> dict[Column, list[tuple[str, int]]]:
        """See `Log.facet`."""
        return await self._ask(lambda snapshot: snapshot.facet(where, columns, limit))

    @property
    def head(self) -> Index:
        """See `Log.head`."""
        return Index(self._state.head)

    @property
    def oldest(self) -> Index:
        """See `Log.oldest`."""
        return Index(self._state.manifest.oldest)

    async def trim(self, before: Index) -> Index:
        """See `Log.trim`."""
        await self.maintenance.trim(before)
        return self.oldest

    def on_commit(self, listener: Callable[[Batch], None]) -> None:
        """See `Log.on_commit`."""
        self._listeners.append(listener)

    @property
    def state(self) -> State:
        """Files and statistics, for metrics and retention: read only, on the event loop."""
        return self._state

    def on_quarantine(self, listener: Callable[[Quarantined], None]) -> None:
        """Call *listener* on the event loop when a segment that can't be read is set aside; at once for those found at the start."""
        for entry in self._gone:
            listener(entry)
        self.maintenance.quarantine_listeners.append(listener)

    def on_maintenance(self, witness: Witness) -> None:
        """Have *witness* know of every sealing and merging while it lasts; see `Witness`."""
        self.maintenance.witnesses.add(witness)

    # --- inside ---

    async def _ask(self, question: Callable[[Snapshot], T]) -> T:
        """Put *question* to a fresh snapshot in a search thread, again when files were replaced under it."""
        loop = asyncio.get_running_loop()
        for attempt in range(_RETRIES):
            try:
                return await loop.run_in_executor(self._pool, _answer, question, self._view())
            except SegmentGone:
                if attempt + 1 == _RETRIES:
                    raise
        raise AssertionError("unreachable")

    def _view(self) -> Callable[[], Snapshot]:
        loop = asyncio.get_running_loop()

        def damaged(part: Part, reason: str) -> None:
            loop.call_soon_threadsafe(self.maintenance.damaged, part, reason)

        return self._snapshot(damaged)

    def _snapshot(self, damaged: Callable[[Part, str], None]) -> Callable[[], Snapshot]:
        """Take the state now; the Snapshot itself is made in the thread that uses it, whose readers it tidies."""
        state = self._state
        parts, journals, recent = state.parts(), tuple(state.journals), tuple(state.recent)
        oldest, head = state.manifest.oldest, state.head
        timeout_s = self._options.search_timeout_s
        return lambda: Snapshot(parts, journals, recent, oldest, head, self._readers, timeout_s, damaged)

    def _committed(self, batches: Sequence[Batch], received: int, journal: Path, journal_first: int) -> None:
        self._state.committed(batches, received, journal, journal_first)
        self.maintenance.wake()
        for batch in batches:
            for listener in self._listeners:
                listener(batch)

    def _sealed_line(self, index: int) -> bytes | None:
        """Return a sealed event's line. Called in the writing thread."""
        for _ in range(_RETRIES):
            try:
                with self._snapshot(lambda *_: None)() as view:
                    return view.line(index)
            except SegmentGone:
                continue
        return None


def _answer(question: Callable[[Snapshot], T], view: Callable[[], Snapshot]) -> T:
    with view() as snapshot:
        return question(snapshot)
