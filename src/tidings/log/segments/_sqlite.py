"""Opening SQLite files with the settings each job needs."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw

from tidings.errors import StorageError

_READ_CACHE_KIB = 2048
_BUSY_MS = 5000
_LARGE_ROWS = 50_000


class SegmentGone(StorageError):
    """A file was sealed, merged or trimmed away between looking it up and opening it: look again."""


def open_writer(path: Path, *, durable: bool, page_size: int = 4096, cache_kib: int = 8192) -> apsw.Connection:
    """Open (and create) *path* in WAL mode; *durable*: every commit is on disk when it returns, power cut included."""
    db = apsw.Connection(str(path))
    db.set_busy_timeout(_BUSY_MS)
    db.pragma("page_size", page_size)
    db.pragma("journal_mode", "wal")
    db.pragma("synchronous", "full" if durable else "off")
    db.pragma("cache_size", -cache_kib)
    return db


def open_builder(path: Path, *, rows: int, cache_kib: int = 65536) -> apsw.Connection:
    """Open a new file that nobody else sees until it is finished: no journal, no syncs.

    Pages are large because the compressed blocks in it (some 3 kB each) would leave much of a small page empty; in a small file
    it is the large page that would be empty.
    """
    path.unlink(missing_ok=True)
    db = apsw.Connection(str(path))
    db.pragma("page_size", 65536 if rows >= _LARGE_ROWS else 8192)
    db.pragma("journal_mode", "off")
    db.pragma("synchronous", "off")
    db.pragma("locking_mode", "exclusive")
    db.pragma("cache_size", -cache_kib)
    return db


def open_reader(path: Path, *, immutable: bool) -> apsw.Connection:
    """Open *path* for reading only; *immutable* promises that nobody writes it any more, so no locks are taken.

    Raises SegmentGone when the file isn't there.
    """
    flags = apsw.SQLITE_OPEN_READONLY | apsw.SQLITE_OPEN_URI
    escaped = str(path).replace("%", "%25").replace("?", "%3f").replace("#", "%23")
    try:
        db = apsw.Connection(f"file:{escaped}{'?immutable=1' if immutable else ''}", flags=flags)
    except apsw.CantOpenError as fault:
        raise SegmentGone(f"{path.name} has just been replaced") from fault
    db.set_busy_timeout(_BUSY_MS)
    db.pragma("cache_size", -_READ_CACHE_KIB)
    if immutable:
        db.pragma("mmap_size", 1 << 31)
    return db


def sync_directory(path: Path) -> None:
    """Make the names in directory *path* durable."""
    handle = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sync_file(path: Path) -> None:
    """Make the content of *path* durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def delete_database(path: Path) -> None:
    """Delete *path* and what SQLite keeps beside it; files that aren't there don't matter."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)


@contextmanager
def storage_errors(doing: str) -> Iterator[None]:
    """Turn what SQLite says of the disk into StorageError, with *doing* in the message."""
    try:
        yield
    except apsw.FullError as fault:
        raise StorageError(
            f"disk full while {doing}; free some space or set retain_size, then publish again"
        ) from fault
    except apsw.ReadOnlyError as fault:
        raise StorageError(f"the data directory is read-only, so {doing} failed: {fault}") from fault
    except (apsw.CorruptError, apsw.NotADBError) as fault:
        raise StorageError(f"a file of the log is damaged, {doing} failed: {fault}; run 'tidings verify'") from fault
    except (apsw.Error, OSError) as fault:
        raise StorageError(f"{doing} failed: {fault}") from fault


def one_row(db: apsw.Connection, query: str) -> tuple[int, ...]:
    """Return the only row of *query*, whose columns are all integers."""
    row = db.execute(query).fetchone()
    assert row is not None
    return tuple(int(value) for value in row)
