"""Where measurements put their files: on a real disk, since a flush to memory costs nothing."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks.machine import file_system

_IN_MEMORY = ("tmpfs", "ramfs")


@contextmanager
def workplace(kept: Path | None) -> Iterator[Path]:
    """Give *kept*, made if need be; without it a new folder that is deleted in the end."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    parent = Path(tempfile.gettempdir())
    if file_system(parent) in _IN_MEMORY:
        parent = Path("/var/tmp")
    folder = Path(tempfile.mkdtemp(prefix="tidings-bench-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def scratch(folder: Path, name: str) -> Iterator[Path]:
    """Give an empty data directory that is deleted in the end."""
    data = folder / name
    shutil.rmtree(data, ignore_errors=True)
    try:
        yield data
    finally:
        shutil.rmtree(data, ignore_errors=True)
