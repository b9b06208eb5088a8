"""Temporary folders with short paths: a Unix socket's path has at most 107 bytes, and pytest's own folders are too deep."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def short_folder() -> Iterator[Path]:
    """Give a new folder, and remove it with everything that is in it."""
    folder = Path(tempfile.mkdtemp(prefix="td"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
