"""The events to publish: a generated file, cut into request bodies before any clock runs."""

from __future__ import annotations

import mmap
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from benchmarks import gen_events

BATCH = 1_000


def generated(folder: Path, count: int) -> Path:
    """Return a file of *count* events, made now unless it is there."""
    path = folder / f"events-{count}.ndjson"
    if not path.exists():
        gen_events.write(path, count)
    return path


def bodies(path: Path, batch: int = BATCH) -> Sequence[memoryview]:
    """Return the lines of *path* in bodies of *batch* lines, as views of the file in the page cache, all of it read once."""
    with path.open("rb") as file:
        whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    view, cuts, end = memoryview(whole), [0], -1
    lines = 0
    while (end := whole.find(b"\n", end + 1)) >= 0:
        lines += 1
        if lines % batch == 0:
            cuts.append(end + 1)
    if cuts[-1] != len(whole):
        cuts.append(len(whole))
    return [view[start:stop] for start, stop in pairwise(cuts)]


def first_lines(path: Path, count: int) -> list[bytes]:
    """Return the first *count* lines, without line ends."""
    with path.open("rb") as file:
        return [line.rstrip(b"\n") for line, _ in zip(file, range(count), strict=False)]
