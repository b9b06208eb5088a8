"""Reading lines by index: from a sealed segment's compressed blocks, or from a journal."""

from __future__ import annotations

from collections import OrderedDict
from typing import Protocol

import apsw
import zstandard

from tidings.log.segments.dedupe import Pack
from tidings.log.segments.journal import JournalReader

_CACHED_BLOCKS = 160  # a page of 100 scattered events, asked for again, is in memory


class Lines(Protocol):
    """Gives the lines of a range of indexes. One thread at a time."""

    def block(self, index: int) -> tuple[int, bytes]:
        """Return (first index, NDJSON) of the block that holds *index*."""

    def line(self, index: int) -> bytes:
        """Return one line, without its line end."""

    def blob(self, first: int, last: int) -> bytes:
        """Return the lines *first* … *last* as NDJSON."""


class _BlockLines:
    """Splits blocks into lines, remembering the last ones: neighbours are usually asked for together."""

    def __init__(self) -> None:
        self._split: OrderedDict[int, list[bytes]] = OrderedDict()

    def _lines(self, first: int, load: bytes) -> list[bytes]:
        lines = load.split(b"\n")
        lines.pop()
        self._split[first] = lines
        if len(self._split) > _CACHED_BLOCKS:
            self._split.popitem(last=False)
        return lines


class SealedLines(_BlockLines):
    """The lines of a sealed segment."""

    def __init__(self, db: apsw.Connection) -> None:
        super().__init__()
        self._db = db
        meta = dict(
            db.execute("SELECT name, value FROM meta WHERE name IN ('first', 'last', 'block_events', 'dictionary')")
        )
        self.first, self.last, self._per_block = int(meta["first"]), int(meta["last"]), int(meta["block_events"])
        sample = zstandard.decompress(bytes(meta["dictionary"]))
        dictionary = zstandard.ZstdCompressionDict(sample, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
        self._zstd = zstandard.ZstdDecompressor(dict_data=dictionary)

    def _first_of(self, index: int) -> int:
        return index - (index - self.first) % self._per_block

    def block(self, index: int) -> tuple[int, bytes]:
        """Return (first index, NDJSON) of the block that holds *index*."""
        first = self._first_of(index)
        packed = self._db.execute("SELECT lines FROM blocks WHERE first = ?", (first,)).get
        return first, self._zstd.decompress(packed)

    def line(self, index: int) -> bytes:
        """Return one line, without its line end."""
        first = self._first_of(index)
        lines = self._split.get(first)
        if lines is None:
            lines = self._lines(*self.block(index))
        return lines[index - first]

    def blob(self, first: int, last: int) -> bytes:
        """Return the lines *first* … *last* as NDJSON."""
        start = self._first_of(first)
        rows = self._db.execute("SELECT lines FROM blocks WHERE first BETWEEN ? AND ? ORDER BY first", (start, last))
        decompress = self._zstd.decompress
        blob = b"".join([decompress(packed) for (packed,) in rows])
        end = min(self.last, self._first_of(last) + self._per_block - 1)
        return _cut(blob, first - start, end - last)

    def pack(self) -> bytes:
        """Return the idempotency keys, see `dedupe.Pack`."""
        return bytes(self._db.execute("SELECT value FROM meta WHERE name = 'keys'").get)

    def keys(self) -> Pack:
        """Return the idempotency keys, loaded."""
        return Pack(self.first, self.pack())


class JournalLines(_BlockLines):
    """The lines of a journal."""

    def __init__(self, reader: JournalReader) -> None:
        super().__init__()
        self._reader = reader

    def block(self, index: int) -> tuple[int, bytes]:
        """Return (first index, NDJSON) of the block that holds *index*."""
        block = next(self._reader.blocks(index - 1, index))
        return block.first, block.lines

    def line(self, index: int) -> bytes:
        """Return one line, without its line end."""
        for first in reversed(self._split):
            if first <= index < first + len(self._split[first]):
                return self._split[first][index - first]
        first, blob = self.block(index)
        return self._lines(first, blob)[index - first]

    def blob(self, first: int, last: int) -> bytes:
        """Return the lines *first* … *last* as NDJSON."""
        blocks = list(self._reader.blocks(first - 1, last))
        return _cut(b"".join([block.lines for block in blocks]), first - blocks[0].first, blocks[-1].last - last)


def _cut(blob: bytes, leading: int, trailing: int) -> bytes:
    """Drop that many lines from the start and the end of *blob*."""
    start = 0
    for _ in range(leading):
        start = blob.index(b"\n", start) + 1
    end = len(blob)
    for _ in range(trailing):
        end = blob.rindex(b"\n", 0, end - 1) + 1
    return blob[start:end] if leading or trailing else blob
