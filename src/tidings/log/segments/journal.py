"""The hot file: what is appended, durable, as blocks of finished lines.

A journal holds no indexes and no columns: a worker process builds those from it (`indexer`), so that the writing thread does
nothing but one INSERT of a few big values and one flush for all appends that wait. Its WAL is never checkpointed while it
grows: each byte is written once, and the whole file is deleted when its sealed segment is in place.
"""

from __future__ import annotations

import array
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import apsw
import msgspec

from tidings.event import Draft, Index, encode_lines
from tidings.log.base import Batch
from tidings.log.segments._sqlite import one_row, open_reader, open_writer, storage_errors, sync_directory

BLOCK_EVENTS = 256
# A batch of 1,000 events is 50 pages then instead of 200, which halves its commit; a commit of one event takes no longer.
_PAGE_SIZE = 16_384
_INSERT = "INSERT INTO blocks VALUES(?,?,?,?,?)"
_SCHEMA = """
CREATE TABLE IF NOT EXISTS blocks(
  first INTEGER PRIMARY KEY, -- index of its first event
  total INTEGER NOT NULL,    -- number of events in it
  received INTEGER NOT NULL, -- ns since the epoch
  keys BLOB NOT NULL,        -- 8 bytes an event: the idempotency key, 0 for none; empty when there is none at all
  lines BLOB NOT NULL        -- NDJSON
)
"""
_OLDEST_FIRST = "SELECT first, total, received, keys, lines FROM blocks WHERE first BETWEEN ? AND ? ORDER BY first"
_NEWEST_FIRST = f"{_OLDEST_FIRST} DESC"
_NAME = re.compile(r"journal-(\d{20})\.db")


class Block(msgspec.Struct, frozen=True, gc=False):
    """Up to BLOCK_EVENTS neighbouring events of one commit."""

    first: int
    total: int
    received: int
    keys: bytes
    lines: bytes

    @property
    def last(self) -> int:
        """The highest index in it."""
        return self.first + self.total - 1

    def batch(self) -> Batch:
        """The same lines as a Batch."""
        return Batch(Index(self.first), self.total, self.lines)


def journal_path(directory: Path, first: int) -> Path:
    """Return where the journal that starts at *first* lives."""
    return directory / f"journal-{first:020d}.db"


def journal_first(path: Path) -> int | None:
    """Return the first index of the journal at *path*, or None when it isn't one."""
    match = _NAME.fullmatch(path.name)
    return int(match[1]) if match else None


def make_block(drafts: Sequence[Draft], keys: Sequence[int], first: int, received: int) -> Block:
    """Encode stamped *drafts* (index *first* and on) into one block."""
    packed = array.array("Q", keys).tobytes() if any(keys) else b""
    return Block(first, len(drafts), received, packed, encode_lines(drafts))


class Journal:
    """One journal file, open for writing. Used by the writing thread only."""

    def __init__(self, directory: Path, first: int, *, durable: bool) -> None:
        """Open or create it; after a crash SQLite recovers every commit that had returned."""
        self.path = journal_path(directory, first)
        with storage_errors("opening the log for writing"):
            self._db = open_writer(self.path, durable=durable, page_size=_PAGE_SIZE)
            self._db.wal_autocheckpoint(0)
            self._db.execute(_SCHEMA)
            if durable:
                sync_directory(directory)
            last, size = self._db.execute(
                "SELECT coalesce(max(first + total), ?) - 1, coalesce(sum(length(lines)), 0) FROM blocks", (first,)
            ).get
        self.first, self.last, self.size_bytes = first, int(last), int(size)

    def write(self, blocks: Sequence[Block]) -> None:
        """Commit *blocks*: all on disk when it returns, none when it raises StorageError."""
        with storage_errors("writing the log"):
            rows = [msgspec.structs.astuple(block) for block in blocks]
            if len(rows) == 1:
                # a transaction of its own: one call that lets go of the interpreter lock where the other way has three
                self._db.execute(_INSERT, rows[0])
            else:
                self._write_together(rows)
        self.last = blocks[-1].last
        self.size_bytes += sum(len(block.lines) for block in blocks)

    def _write_together(self, rows: Sequence[tuple[int | bytes, ...]]) -> None:
        self._db.execute("BEGIN IMMEDIATE")
        try:
            self._db.executemany(_INSERT, rows)
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise

    def close(self, *, fold: bool = True) -> None:
        """Close it. *fold*: SQLite copies the WAL into the file when no reader is left, which a sealed journal isn't worth."""
        if not fold:
            self._db.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)
        self._db.close()


class JournalReader:
    """Reads a journal while it is written, or after. One thread at a time."""

    def __init__(self, path: Path, *, immutable: bool = False) -> None:
        """Raises SegmentGone when it isn't there any more."""
        self._db = open_reader(path, immutable=immutable)

    def blocks(self, after: int, until: int, *, newest_first: bool = False) -> Iterator[Block]:
        """Yield the blocks that hold events with after < index <= until; they may hold others too."""
        start = self._db.execute("SELECT max(first) FROM blocks WHERE first <= ?", (after + 1,)).get
        rows = self._db.execute(_NEWEST_FIRST if newest_first else _OLDEST_FIRST, (start or 0, until))
        for row in rows:
            block = Block(*row)
            if block.last > after:
                yield block

    def packed_keys(self) -> Iterator[tuple[int, bytes]]:
        """Yield (first index, packed idempotency keys) of the blocks that have any."""
        yield from self._db.execute("SELECT first, keys FROM blocks WHERE length(keys) > 0 ORDER BY first")

    def received(self) -> tuple[int, int]:
        """Return the oldest and the newest receive time (0: empty)."""
        first, last = one_row(self._db, "SELECT coalesce(min(received), 0), coalesce(max(received), 0) FROM blocks")
        return first, last

    def close(self) -> None:
        """Close it."""
        self._db.close()
