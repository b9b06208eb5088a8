"""What the log is at this moment, as the event loop knows it: changed there only, handed to search threads as a Snapshot."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from pathlib import Path

from tidings.log.base import Batch
from tidings.log.segments._sqlite import open_reader
from tidings.log.segments.dedupe import Pack, SealedKeys
from tidings.log.segments.lines import SealedLines
from tidings.log.segments.manifest import Manifest
from tidings.log.segments.recovery import Recovered
from tidings.log.segments.snapshot import JournalSpan, Part

_RECENT_BYTES = 8 * 1024 * 1024


class State:
    """The manifest, the journals and how far the oldest of them is indexed."""

    def __init__(self, directory: Path, recovered: Recovered) -> None:
        self.directory = directory
        self.manifest: Manifest = recovered.manifest
        self.journals: list[JournalSpan] = recovered.journals
        self.indexed_to = self.manifest.sealed_to
        self.last_received = recovered.last_received
        self.recent: deque[Batch] = deque()
        self._recent_bytes = 0
        self._generation = 1

    @property
    def head(self) -> int:
        """The highest stored index."""
        return max(self.manifest.sealed_to, self.journals[-1].last if self.journals else 0)

    @property
    def index_path(self) -> Path:
        """Where the growing index of the oldest journal lives."""
        return self.directory / f"index-{self.journals[0].first:020d}-{self._generation}.db"

    def forget_index(self) -> Path | None:
        """Let the growing index be built anew, under another name since the worker may still have this one open; return it."""
        if not self.journals:
            return None
        path = self.index_path
        self._generation += 1
        self.indexed_to = self.journals[0].first - 1
        return path

    def committed(self, batches: Sequence[Batch], received: int, journal: Path, journal_first: int) -> None:
        """Note new events, all in one journal."""
        last = batches[-1].last
        if self.journals and self.journals[-1].path == journal:
            self.journals[-1] = self.journals[-1]._replace(last=last)
        else:
            self.journals.append(JournalSpan(journal, journal_first, last, received))
        self.last_received = received
        for batch in batches:
            self.recent.append(batch)
            self._recent_bytes += len(batch.blob)
        while self._recent_bytes > _RECENT_BYTES and len(self.recent) > 1:
            self._recent_bytes -= len(self.recent.popleft().blob)

    def parts(self) -> list[Part]:
        """Return the indexed files, ascending."""
        parts = [
            Part(self.directory / segment.file, segment.first, segment.last, None, segment)
            for segment in self.manifest.segments
        ]
        if self.journals and self.indexed_to >= self.journals[0].first:
            journal = self.journals[0]
            parts.append(Part(self.index_path, journal.first, min(self.indexed_to, journal.last), journal.path))
        return parts

    def sealed_keys(self) -> list[SealedKeys]:
        """Return where the idempotency keys of sealed segments are."""
        return [
            SealedKeys(segment.first, segment.last, _Loader(self.directory / segment.file))
            for segment in self.manifest.segments
        ]


class _Loader:
    """Loads one segment's keys when they are first needed."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self) -> Pack:
        db = open_reader(self._path, immutable=True)
        try:
            return SealedLines(db).keys()
        finally:
            db.close()
