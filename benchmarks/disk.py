"""What the log occupies on disk, once all of it is sealed and merged."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Row, at_most, number, plain

TARGET_BYTES = 180.0


def rows(data: Path, count: int, raw_bytes: int, settled_s: float | None) -> Iterator[Row]:
    """Yield the rows for *data*, which holds *count* events that were published as *raw_bytes* bytes."""
    by_kind: Counter[str] = Counter()
    for folder, _, names in os.walk(data):
        for name in names:
            status = (Path(folder) / name).lstat()
            by_kind[Path(folder).name if Path(folder) != data else name] += status.st_blocks * 512
    parts = ", ".join(f"{kind} {number(size / 1e6)} MB" for kind, size in by_kind.most_common(3))
    note = f"published as {number(raw_bytes / count)} bytes an event; {parts}"
    yield at_most("disk, everything in the data directory", TARGET_BYTES, by_kind.total() / count, "bytes/event", note)
    if settled_s is not None:
        yield plain("sealing and merging went on after the last publish for", settled_s, "s")
