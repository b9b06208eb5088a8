"""The file an export goes to: it carries its name only when it is whole."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Protocol, cast


class Sink(Protocol):
    """Where pieces go."""

    def write(self, piece: bytes, /) -> object:
        """Take one piece."""


@contextlib.contextmanager
def whole_file(path: Path) -> Iterator[Sink]:
    """Give what writes to ``PATH.partial``, compressed as the name of *path* says; rename it when the block ends well.

    When the block fails the part stays beside, under its own name, so that it can't be taken for the whole.
    """
    part = partial_of(path)
    with part.open("wb") as raw:
        with _compressor(path, raw) as sink:
            yield sink
        raw.flush()
        os.fsync(raw.fileno())
    part.replace(path)


def partial_of(path: Path) -> Path:
    """Return the name of the file while it isn't whole."""
    return path.with_name(path.name + ".partial")


def _compressor(path: Path, raw: IO[bytes]) -> contextlib.AbstractContextManager[Sink]:
    match path.suffix:
        case ".gz":
            import gzip

            # No name and no time inside: the same events make the same file.
            return gzip.GzipFile(filename="", mode="wb", compresslevel=6, fileobj=raw, mtime=0)
        case ".zst":
            import zstandard

            stream = zstandard.ZstdCompressor(level=3).stream_writer(raw, closefd=False)
            return cast("contextlib.AbstractContextManager[Sink]", stream)
        case _:
            return contextlib.nullcontext(raw)
