"""Group commit: one thread owns the journal and writes whatever waits in one transaction with one flush."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import structlog

from tidings.clock import Clock
from tidings.errors import Busy, Stopping, StorageError
from tidings.event import Draft
from tidings.log.base import Appended, Batch
from tidings.log.segments.dedupe import SealedKeys
from tidings.log.segments.journal import Block, Journal
from tidings.log.segments.stamping import Stamper
from tidings.log.segments.stored import StoredEvents

_COMMIT_EVENTS = 20_000
_log = structlog.get_logger(__name__)


class Limits:
    """When a journal is full, and how much may wait. *pending_bytes* bounds the memory of appends not yet written."""

    def __init__(self, segment_events: int, segment_bytes: int, pending_bytes: int) -> None:
        self.segment_events, self.segment_bytes, self.pending_bytes = segment_events, segment_bytes, pending_bytes


class _Waiting:
    """One append: what to write and whom to tell."""

    __slots__ = ("drafts", "future", "size")

    def __init__(self, drafts: Sequence[Draft], future: asyncio.Future[Appended], size: int) -> None:
        self.drafts, self.future, self.size = drafts, future, size


class _Outcome(NamedTuple):
    """What one commit did: an answer for each append, the new blocks, and the journal they went to."""

    results: Sequence[tuple[_Waiting, Appended | BaseException]]
    blocks: list[Block]
    received: int
    journal: Path
    journal_first: int


class Writer:
    """Stamps, encodes and commits drafts; results and new blocks are handed to the event loop in index order."""

    def __init__(
        self,
        directory: Path,
        journal: Journal,
        last_received: int,
        *,
        clock: Clock,
        limits: Limits,
        durable: bool,
        stored: StoredEvents,
        committed: Callable[[Sequence[Batch], int, Path, int], None],
    ) -> None:
        """Prepare; `start` begins.

        *committed* is called on the event loop before the appends return, with the new batches, their receive time and the path
        and first index of their journal.
        """
        self._directory, self._journal, self._clock, self._limits, self._durable = (
            directory,
            journal,
            clock,
            limits,
            durable,
        )
        self._received = last_received
        self._committed = committed
        self._stamper = Stamper(stored)
        self._arrived: list[_Waiting] = []
        self._waiting: deque[_Waiting] = deque()
        self._waiting_bytes = 0
        self._rotate: list[asyncio.Future[None]] = []
        self._cover: tuple[Sequence[SealedKeys], int] | None = None
        self._wake = threading.Condition()
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._thread = threading.Thread(target=self._run, name="tidings-writer", daemon=True)

    def start(self, keys: dict[int, int]) -> None:
        """Begin to write; *keys* are those of events in journals."""
        self._stamper.remember(keys)
        self._thread.start()

    async def append(self, drafts: Sequence[Draft]) -> Appended:
        """Queue *drafts* and wait for their commit. Raises Busy when the queue is full, Stopping at the end."""
        size = sum(len(draft.data) + len(draft.data_base64) + len(draft.message) + 400 for draft in drafts)
        if self._stopping:
            raise Stopping("the server is stopping; publish again when it is back")
        if self._waiting_bytes and self._waiting_bytes + size > self._limits.pending_bytes:
            raise Busy(
                f"{self._waiting_bytes} bytes wait to be written, the limit (max_pending_bytes) is {self._limits.pending_bytes}"
            )
        future: asyncio.Future[Appended] = self._loop.create_future()
        if not self._arrived:
            # Woken only when this turn of the loop is over: all its appends share a commit, and the two threads don't fight for
            # the interpreter lock, which cost more than half of the requests a second.
            self._loop.call_soon(self._hand_over)
        self._arrived.append(_Waiting(drafts, future, size))
        self._waiting_bytes += size
        return await future

    def _hand_over(self) -> None:
        with self._wake:
            self._waiting.extend(self._arrived)
            self._wake.notify()
        self._arrived.clear()

    async def rotate(self) -> None:
        """Begin a new journal; when it returns the old one is written no more and all its commits were announced."""
        future: asyncio.Future[None] = self._loop.create_future()
        with self._wake:
            if self._stopping:
                raise Stopping("the log is closing")
            self._rotate.append(future)
            self._wake.notify()
        await future

    def cover(self, sealed: Sequence[SealedKeys], window_start: int) -> None:
        """Hand over the keys of sealed segments; see `RecentKeys.cover`."""
        with self._wake:
            self._cover = (sealed, window_start)
            self._wake.notify()

    def stop(self) -> None:
        """Write what waits, then end the thread and close the journal. Blocks."""
        with self._wake:
            self._waiting.extend(self._arrived)
            self._arrived.clear()
            self._stopping = True
            self._wake.notify()
        self._thread.join()
        self._stamper.close()
        self._journal.close()

    def _run(self) -> None:
        while True:
            with self._wake:
                while not (self._waiting or self._stopping or self._rotate or self._cover):
                    self._wake.wait()
                if self._stopping and not self._waiting:
                    return
                group = self._take()
                rotate, self._rotate = self._rotate, []
                cover, self._cover = self._cover, None
            if cover:
                self._stamper.cover(*cover)
            outcome = self._commit(group)
            fault = self._begin_journal() if rotate or self._is_full() else None
            if group:
                self._tell(self._deliver, outcome)
            for future in rotate:
                self._tell(_settle, future, fault)

    def _take(self) -> list[_Waiting]:
        """Take the appends that one commit writes: all that wait, up to a bound, always at least one."""
        group: list[_Waiting] = []
        events = 0
        while self._waiting and (not group or events + len(self._waiting[0].drafts) <= _COMMIT_EVENTS):
            waiting = self._waiting.popleft()
            events += len(waiting.drafts)
            group.append(waiting)
        return group

    def _commit(self, group: Sequence[_Waiting]) -> _Outcome:
        journal = self._journal
        received = max(self._clock.now_ns(), self._received)
        try:
            stamped = self._stamper.stamp([waiting.drafts for waiting in group], journal.last, received)
            if stamped.blocks:
                journal.write(stamped.blocks)
        except Exception as fault:  # noqa: BLE001 - whoever waits must get an answer
            if not isinstance(fault, StorageError):
                _log.exception("append failed")
                fault = StorageError(f"the log could not store this: {fault}")
            return _Outcome([(waiting, fault) for waiting in group], [], self._received, journal.path, journal.first)
        self._stamper.remember(stamped.keys)
        self._received = received
        results = list(zip(group, stamped.answers, strict=True))
        return _Outcome(results, stamped.blocks, received, journal.path, journal.first)

    def _is_full(self) -> bool:
        journal = self._journal
        events = journal.last - journal.first + 1
        return events >= self._limits.segment_events or journal.size_bytes >= self._limits.segment_bytes

    def _begin_journal(self) -> StorageError | None:
        """Go on in a new file. Should the disk refuse, the old one simply grows on until it doesn't."""
        old = self._journal
        if old.last < old.first:
            return None
        try:
            self._journal = Journal(self._directory, old.last + 1, durable=self._durable)
        except StorageError as fault:
            _log.error("no new journal", reason=str(fault))
            return fault
        self._stamper.begin_journal(self._journal.first)
        old.close(fold=False)
        return None

    def _tell(self, callback: Callable[..., None], *arguments: object) -> None:
        try:
            self._loop.call_soon_threadsafe(callback, *arguments)
        except RuntimeError:  # the loop is closed: nobody waits any more
            _log.warning("committed after the event loop ended")

    def _deliver(self, outcome: _Outcome) -> None:
        if outcome.blocks:
            batches = [block.batch() for block in outcome.blocks]
            self._committed(batches, outcome.received, outcome.journal, outcome.journal_first)
        for waiting, result in outcome.results:
            self._waiting_bytes -= waiting.size
            if waiting.future.done():
                continue
            if isinstance(result, BaseException):
                waiting.future.set_exception(result)
            else:
                waiting.future.set_result(result)


def _settle(future: asyncio.Future[None], fault: StorageError | None) -> None:
    if not future.done():
        if fault is None:
            future.set_result(None)
        else:
            future.set_exception(fault)
