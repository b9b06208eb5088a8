"""The log's background work: index what is new, seal full journals, merge small segments, delete old ones.

One task does it all, one thing at a time, so that the manifest has one author.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
import structlog

from tidings.clock import Clock
from tidings.errors import Busy, StorageError
from tidings.log.segments import manifest as manifests
from tidings.log.segments._sqlite import delete_database
from tidings.log.segments.foreman import Foreman
from tidings.log.segments.manifest import Manifest, Quarantined, Sealed
from tidings.log.segments.options import SegmentOptions
from tidings.log.segments.snapshot import JournalSpan, Part
from tidings.log.segments.state import State
from tidings.log.segments.work import Witnesses, Work
from tidings.log.segments.worker import Index, Indexed, Made, Merge, Seal
from tidings.log.segments.writer import Writer

_INDEX_EVERY_S = 0.1
_IDLE_CHECK_S = 1.0
_BACK_OFF_S = 5.0
_MERGE_AT_LEAST = 4
_MEASURE_EVERY_S = 0.5
_FILLS_SOON_S = 5.0
_log = structlog.get_logger(__name__)


class Maintenance:
    """Owned by the log; every change to the manifest goes through it."""

    def __init__(self, state: State, writer: Writer, options: SegmentOptions, clock: Clock) -> None:
        self.state, self._writer, self._options = state, writer, options
        self._clock = clock
        self.foreman = Foreman()
        self._wake = asyncio.Event()
        self._changing = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self._last_commit = 0.0
        self._measured_at, self._measured_head, self._events_per_s = 0.0, state.head, 0.0
        self._quarantines: set[asyncio.Task[None]] = set()
        self.quarantine_listeners: list[Callable[[Quarantined], None]] = []
        self.witnesses = Witnesses()

    def start(self) -> None:
        """Begin; the task ends with `stop`."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name="tidings-maintenance")

    async def stop(self) -> None:
        """End the task and the worker process."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, *self._quarantines, return_exceptions=True)
        await self.foreman.stop()

    def wake(self) -> None:
        """Events were committed."""
        self._last_commit = asyncio.get_running_loop().time()
        self._wake.set()

    def check_room(self) -> None:
        """Refuse new events when indexing is far behind: raw journals must not fill the disk. Raises Busy."""
        if len(self.state.journals) > self._options.max_unsealed:
            raise Busy(
                f"{len(self.state.journals)} journals wait to be sealed, the limit (max_unsealed_segments) is "
                f"{self._options.max_unsealed}; slow down",
                retry_after_s=2,
            )

    async def _run(self) -> None:
        while True:
            try:
                did_something = await self._step()
            except asyncio.CancelledError:
                raise
            except Exception as fault:  # noqa: BLE001 - the top of a task: it logs and goes on
                _log.error(
                    "maintenance failed, trying again", reason=str(fault), exc_info=not isinstance(fault, StorageError)
                )
                self._drop_growing_index()
                await asyncio.sleep(_BACK_OFF_S)
                continue
            if not did_something:
                await self._rest()

    async def _rest(self) -> None:
        """Wait for news; a moment more when news keep coming, so that they are indexed in groups."""
        self._wake.clear()
        try:
            async with asyncio.timeout(_IDLE_CHECK_S):
                await self._wake.wait()
        except TimeoutError:
            return
        await asyncio.sleep(_INDEX_EVERY_S)

    async def _step(self) -> bool:
        """Do the most urgent thing; False when there is nothing to do."""
        state = self.state
        if state.journals:
            journal = state.journals[0]
            if len(state.journals) > 1:
                await self._seal(journal.first, journal.last, journal.path)
                return True
            if state.indexed_to < journal.last and not self._fills_soon():
                await self._index(journal.path, journal.first, journal.last)
                return True
            if self._is_idle() and self._is_worth_sealing(journal):
                await self._writer.rotate()
                journal = state.journals[0]  # something may have been written to it meanwhile
                await self._seal(journal.first, journal.last, journal.path)
                return True
        return await self._merge() if self._is_idle() else False

    def _is_worth_sealing(self, journal: JournalSpan) -> bool:
        """Whether a journal that isn't full has enough events in it, or is so old that retention may want to delete it."""
        if journal.last - journal.first + 1 >= self._options.segment_events // 10:
            return True
        return self._clock.now_ns() - journal.begun > self._options.seal_age_s * 1e9

    def _fills_soon(self) -> bool:
        """Whether events come so fast that the journal is full and sealed in a moment: a growing index would be work for nothing."""
        loop = asyncio.get_running_loop()
        now, head = loop.time(), self.state.head
        if now - self._measured_at >= _MEASURE_EVERY_S:
            self._events_per_s = (head - self._measured_head) / (now - self._measured_at)
            self._measured_at, self._measured_head = now, head
        return self._events_per_s * _FILLS_SOON_S > self._options.segment_events

    def _is_idle(self) -> bool:
        return asyncio.get_running_loop().time() - self._last_commit >= self._options.seal_idle_s

    async def _index(self, journal: Path, first: int, until: int) -> None:
        answer = await self.foreman.order(Index(str(journal), str(self.state.index_path), first, until))
        assert isinstance(answer, Indexed)
        self.state.indexed_to = answer.until

    async def _seal(self, first: int, last: int, journal: Path) -> None:
        state = self.state
        index = state.index_path
        with self.witnesses.of(Work("seal", first, last)):
            answer = await self.foreman.order(Seal(str(journal), str(state.directory), first, last))
            assert isinstance(answer, Made)
            async with self._changing:
                manifest = state.manifest
                segments = (*manifest.segments, answer.sealed)
                await self._save(msgspec.structs.replace(manifest, segments=segments))
                if state.journals and state.journals[0].last == last:
                    state.journals.pop(0)
                state.indexed_to = max(state.indexed_to, last)
            delete_database(journal)
            delete_database(index)
        _log.info("segment sealed", first=first, last=last, size_bytes=answer.sealed.size_bytes)

    async def _merge(self) -> bool:
        span_ns = int(self._options.merge_span_s * 1e9)
        chosen = _mergeable(self.state.manifest.segments, self._options.merge_events, span_ns)
        if not chosen:
            return False
        first, last = chosen[0].first, chosen[-1].last
        directory = self.state.directory
        sources = [str(directory / segment.file) for segment in chosen]
        with self.witnesses.of(Work("merge", first, last)):
            answer = await self.foreman.order(Merge(sources, str(directory), first, last))
            assert isinstance(answer, Made)
            async with self._changing:
                manifest = self.state.manifest
                if not all(segment in manifest.segments for segment in chosen):  # trimmed or quarantined meanwhile
                    (directory / answer.sealed.file).unlink(missing_ok=True)
                    return True
                segments = sorted(
                    (*(s for s in manifest.segments if s not in chosen), answer.sealed), key=lambda s: s.first
                )
                await self._save(msgspec.structs.replace(manifest, segments=tuple(segments)))
            for segment in chosen:
                (directory / segment.file).unlink(missing_ok=True)
        _log.info("segments merged", first=first, last=last, size_bytes=answer.sealed.size_bytes)
        return True

    async def trim(self, before: int) -> None:
        """Delete whole segments below *before*. Raises StorageError."""
        async with self._changing:
            manifest = self.state.manifest
            gone = [segment for segment in manifest.segments if segment.last < before]
            if not gone:
                return
            kept = tuple(segment for segment in manifest.segments if segment not in gone)
            quarantined = tuple(entry for entry in manifest.quarantined if entry.last > gone[-1].last)
            changed = msgspec.structs.replace(
                manifest, segments=kept, quarantined=quarantined, oldest=gone[-1].last + 1
            )
            await self._save(changed)
        for segment in gone:
            (self.state.directory / segment.file).unlink(missing_ok=True)
        _log.info("segments trimmed", before=self.state.manifest.oldest, segments=len(gone))

    def damaged(self, part: Part, reason: str) -> None:
        """Set a part aside that can't be read: a segment is quarantined, a growing index is dropped and built again."""
        if part.sealed is None:
            _log.warning("index is damaged, building it again", index=part.path.name, reason=reason)
            self._drop_growing_index()
            self.wake()
            return
        task = asyncio.get_running_loop().create_task(
            self._quarantine(part, part.sealed, reason), name="tidings-quarantine"
        )
        self._quarantines.add(task)
        task.add_done_callback(self._quarantines.discard)

    async def _quarantine(self, part: Part, segment: Sealed, reason: str) -> None:
        """Under the same lock as every change: two authors at once could leave a manifest that neither wrote."""
        entry = Quarantined(segment.file, part.first, part.last, reason, segment)
        async with self._changing:
            manifest = self.state.manifest
            if segment not in manifest.segments:
                return
            _log.error("segment quarantined", segment=segment.file, first=part.first, last=part.last, reason=reason)
            kept = tuple(other for other in manifest.segments if other != segment)
            changed = msgspec.structs.replace(manifest, segments=kept, quarantined=(*manifest.quarantined, entry))
            try:
                await self._save(changed)
            except StorageError as fault:
                _log.error("quarantine not recorded, the next reader tries again", reason=str(fault))
                return
        for listener in self.quarantine_listeners:
            listener(entry)

    def _drop_growing_index(self) -> None:
        path = self.state.forget_index()
        if path is not None:
            delete_database(path)

    async def _save(self, manifest: Manifest) -> None:
        await asyncio.to_thread(manifests.save, self.state.directory, manifest)
        self.state.manifest = manifest
        self._writer.cover(self.state.sealed_keys(), self.state.head - self._options.dedupe_window)


def _mergeable(segments: Sequence[Sealed], merge_events: int, span_ns: int) -> list[Sealed]:
    """Return the first run of neighbouring small segments worth merging.

    That is several, together not above *merge_events*, nor (if not 0) reaching over more than *span_ns*.
    """
    run: list[Sealed] = []
    total = 0
    for segment in segments:
        follows = not run or run[-1].last + 1 == segment.first
        too_long = span_ns and run and segment.received_max - run[0].received_min > span_ns
        if segment.total > merge_events // 2 or not follows or too_long or total + segment.total > merge_events:
            if len(run) >= _MERGE_AT_LEAST:
                return run
            run, total = [], 0
        if segment.total <= merge_events // 2:
            run.append(segment)
            total += segment.total
    return run if len(run) >= _MERGE_AT_LEAST else []
