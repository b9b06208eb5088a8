"""Lets the writing thread look at what is stored already, to tell a duplicate from a mere collision of keys."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from pathlib import Path

import apsw

from tidings.errors import StorageError
from tidings.event import Draft, decode_draft
from tidings.log.segments.journal import JournalReader, journal_path
from tidings.log.segments.lines import JournalLines


class StoredEvents:
    """Finds stored events by index. The event loop learns of a commit later than the writer, so journals are read here directly."""

    def __init__(self, directory: Path, journals: Sequence[int], sealed_line: Callable[[int], bytes | None]) -> None:
        """*journals*: the first indexes of all journals, ascending. *sealed_line* finds what no journal holds."""
        self._directory, self._firsts, self._sealed_line = directory, list(journals), sealed_line
        self._open: dict[int, tuple[JournalReader, JournalLines]] = {}

    def begin(self, first: int) -> None:
        """Note a new journal."""
        self._firsts.append(first)

    def forget(self, sealed_to: int) -> None:
        """Note that journals up to *sealed_to* are gone or going."""
        keep = [
            first
            for at, first in enumerate(self._firsts)
            if at + 1 == len(self._firsts) or self._firsts[at + 1] > sealed_to + 1
        ]
        for first in set(self._firsts) - set(keep):
            self._close(first)
        self._firsts = keep

    def is_same(self, index: int, draft: Draft) -> bool:
        """Whether the stored event *index* has the draft's source and id."""
        line = self._line(index)
        if line is None:
            return False
        stored = decode_draft(line)
        return (stored.source, stored.id) == (draft.source, draft.id)

    def close(self) -> None:
        """Let go of the files."""
        for first in tuple(self._open):
            self._close(first)

    def _line(self, index: int) -> bytes | None:
        at = bisect_right(self._firsts, index) - 1
        if at >= 0:
            try:
                return self._lines(self._firsts[at]).line(index)
            except (StorageError, apsw.Error, StopIteration):
                pass  # sealed a moment ago, so the segments have it
        return self._sealed_line(index)

    def _lines(self, first: int) -> JournalLines:
        if first not in self._open:
            reader = JournalReader(journal_path(self._directory, first))
            self._open[first] = (reader, JournalLines(reader))
        return self._open[first][1]

    def _close(self, first: int) -> None:
        if first in self._open:
            self._open.pop(first)[0].close()
