"""Keeps segment readers open, a set per search thread, and closes those whose files have gone."""

from __future__ import annotations

import threading
from collections import OrderedDict
from pathlib import Path

from tidings.log.segments.reader import SegmentReader
from tidings.log.segments.vocabularies import Vocabularies

_OPEN_PER_THREAD = 64


class Readers:
    """Open readers of the calling thread."""

    def __init__(self) -> None:
        self._local = threading.local()
        self._sets: list[OrderedDict[Path, SegmentReader]] = []
        self._lock = threading.Lock()
        self._vocabularies = Vocabularies()

    def get(self, path: Path, journal: Path | None = None) -> SegmentReader:
        """Return this thread's reader of *path*. Raises SegmentGone, or apsw.Error when the file is damaged."""
        readers = self._own()
        reader = readers.get(path)
        if reader is not None:
            readers.move_to_end(path)
            return reader
        reader = readers[path] = SegmentReader(path, journal, self._vocabularies)
        while len(readers) > _OPEN_PER_THREAD:
            readers.popitem(last=False)[1].close()
        return reader

    def keep_only(self, paths: frozenset[Path]) -> None:
        """Close this thread's readers of other files."""
        readers = self._own()
        for path in [path for path in readers if path not in paths]:
            readers.pop(path).close()
        self._vocabularies.keep_only(paths)

    def close_all(self) -> None:
        """Close every thread's readers; only when no thread searches any more."""
        with self._lock:
            for readers in self._sets:
                for reader in readers.values():
                    reader.close()
                readers.clear()

    def _own(self) -> OrderedDict[Path, SegmentReader]:
        readers: OrderedDict[Path, SegmentReader] | None = getattr(self._local, "readers", None)
        if readers is None:
            readers = self._local.readers = OrderedDict()
            with self._lock:
                self._sets.append(readers)
        return readers
