"""What the log occupies: the one place of the server that looks into the embedded log."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import NamedTuple

from tidings.log.segments import SegmentLog


class Span(NamedTuple):
    """One part of the log that can only be deleted as a whole."""

    last: int
    received_max: int
    size_bytes: int


class Usage(NamedTuple):
    """A look at the log's files: sealed segments ascending, and what isn't sealed yet."""

    size_bytes: int
    segments: tuple[Span, ...]
    journals: int
    unindexed: int
    quarantined: int


NOTHING_USED = Usage(0, (), 0, 0, 0)


def usage_of(log: SegmentLog) -> Usage:
    """Return what *log* occupies. Asks the file system for sizes, so it blocks."""
    state = log.state
    manifest, journals = state.manifest, tuple(state.journals)
    segments = tuple(Span(one.last, one.received_max, one.size_bytes) for one in manifest.segments)
    return Usage(
        size_bytes=sum(one.size_bytes for one in segments) + sum(_size(journal.path) for journal in journals),
        segments=segments,
        journals=len(journals),
        unindexed=max(0, state.head - state.indexed_to),
        quarantined=len(manifest.quarantined),
    )


def _size(journal: Path) -> int:
    """Return the bytes of a journal, most of which stand in its write-ahead log; it may be sealed and deleted meanwhile."""
    size = 0
    for path in (journal, journal.with_name(f"{journal.name}-wal")):
        with contextlib.suppress(FileNotFoundError):
            size += path.stat().st_size
    return size
