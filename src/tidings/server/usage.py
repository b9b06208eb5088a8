"""What the log occupies: the one place of the server that looks into the embedded log."""

from __future__ import annotations

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
    state = log._state  # noqa: SLF001 (the log has no public words for it)
    manifest = state.manifest
    return Usage(
        size_bytes=state.size_bytes,
        segments=tuple(Span(one.last, one.received_max, one.size_bytes) for one in manifest.segments),
        journals=len(state.journals),
        unindexed=max(0, state.head - state.indexed_to),
        quarantined=len(manifest.quarantined),
    )
