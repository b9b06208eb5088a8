"""Turns a full journal, or several small segments, into one read-only segment file. Runs in the worker process."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import apsw
import zstandard

from tidings.log.segments import schema
from tidings.log.segments._sqlite import one_row, open_builder, open_reader, sync_directory, sync_file
from tidings.log.segments.dedupe import Pack, pack_keys
from tidings.log.segments.indexer import Indexer
from tidings.log.segments.journal import Block, JournalReader
from tidings.log.segments.lines import SealedLines
from tidings.log.segments.manifest import Sealed
from tidings.severity import Severity

_NAME = re.compile(r"segment-(\d{20})-(\d{20})\.db")
_TRANSACTION_EVENTS = 20_000


class Effort(NamedTuple):
    """How hard to compress: the zstd level and the size of the dictionary of sample lines."""

    level: int
    dictionary_bytes: int


_SEALING = Effort(level=1, dictionary_bytes=256 * 1024)
_MERGING = Effort(level=9, dictionary_bytes=512 * 1024)


def segment_name(first: int, last: int) -> str:
    """Return the file name of the sealed segment that covers *first* … *last*."""
    return f"segment-{first:020d}-{last:020d}.db"


def segment_span(path: Path) -> tuple[int, int] | None:
    """Return the indexes that a sealed segment's name says it covers, or None when *path* is none."""
    found = _NAME.fullmatch(path.name)
    return (int(found[1]), int(found[2])) if found else None


def seal(journal: Path, directory: Path, first: int, last: int) -> Sealed:
    """Seal *journal*, which is written no more.

    Its growing index is not used: it is spread over small text-index runs and pages in the order they came, and building anew
    costs less than it takes to compact it.
    """
    reader = JournalReader(journal)
    try:
        blocks = list(reader.blocks(first - 1, last))
    finally:
        reader.close()
    target = directory / f"{segment_name(first, last)}.{os.getpid()}.tmp"
    db = open_builder(target, rows=last - first + 1)
    index_blocks(Indexer(db), db, blocks)
    entries = [
        (key, block.first + at - first)
        for block in blocks
        for at, key in enumerate(memoryview(block.keys).cast("Q"))
        if key
    ]
    _fill(db, (block.lines for block in blocks), first, _SEALING, pack_keys(entries))
    return _finish(db, target, directory, first, last)


def merge(sources: list[Path], directory: Path, first: int, last: int) -> Sealed:
    """Make one segment of neighbouring sealed *sources*."""
    target = directory / f"{segment_name(first, last)}.{os.getpid()}.tmp"
    db = open_builder(target, rows=last - first + 1)
    indexer = Indexer(db)
    packs: list[tuple[int, int]] = []
    for path in sources:
        with_db = open_reader(path, immutable=True)
        lines = SealedLines(with_db)
        index_blocks(indexer, db, _recorded(with_db, lines))
        packs += [(key, index - first) for key, index in Pack(lines.first, lines.pack()).entries()]
        with_db.close()
    _fill(db, _lines_of(sources), first, _MERGING, pack_keys(packs))
    return _finish(db, target, directory, first, last)


def index_blocks(indexer: Indexer, db: apsw.Connection, blocks: Iterable[Block]) -> None:
    """Index *blocks* in transactions of a bounded size."""
    events = 0
    db.execute("BEGIN")
    for block in blocks:
        indexer.add(block.lines, block.received)
        events += block.total
        if events >= _TRANSACTION_EVENTS:
            indexer.flush()
            db.execute("COMMIT; BEGIN")
            events = 0
    indexer.flush()
    db.execute("COMMIT")


def _recorded(db: apsw.Connection, lines: SealedLines) -> Iterator[Block]:
    """Yield a sealed segment's lines again as blocks, cut where the receive time changes."""
    commits = list(db.execute("SELECT first, received FROM commits ORDER BY first"))
    ends = [first - 1 for first, _ in commits[1:]] + [lines.last]
    for (first, received), end in zip(commits, ends, strict=True):
        for start in range(first, end + 1, schema.ZONE_EVENTS):
            stop = min(end, start + schema.ZONE_EVENTS - 1)
            yield Block(start, stop - start + 1, received, b"", lines.blob(start, stop))


def _lines_of(sources: Iterable[Path]) -> Iterator[bytes]:
    for path in sources:
        db = open_reader(path, immutable=True)
        lines = SealedLines(db)
        for start in range(lines.first, lines.last + 1, 1024):
            yield lines.blob(start, min(lines.last, start + 1023))
        db.close()


def _fill(db: apsw.Connection, blobs: Iterable[bytes], first: int, effort: Effort, pack: bytes) -> None:
    """Write the compressed blocks, all of BLOCK_EVENTS lines but the last."""
    db.execute("INSERT INTO terms(terms) VALUES('optimize')")  # before the blocks, so that they use the pages it frees
    db.execute("BEGIN")
    compressor: zstandard.ZstdCompressor | None = None
    pending: list[bytes] = []
    start = first
    rows: list[tuple[int, bytes]] = []
    for blob in _with_lookahead(blobs, 8 * effort.dictionary_bytes):
        lines = blob.split(b"\n")
        lines.pop()
        if compressor is None:
            compressor = _compressor(db, lines, effort)
        pending += lines
        while len(pending) >= schema.BLOCK_EVENTS:
            block, pending = pending[: schema.BLOCK_EVENTS], pending[schema.BLOCK_EVENTS :]
            rows.append((start, compressor.compress(b"\n".join(block) + b"\n")))
            start += schema.BLOCK_EVENTS
        db.executemany("INSERT INTO blocks VALUES(?,?)", rows)
        rows.clear()
    if pending and compressor is not None:
        db.execute("INSERT INTO blocks VALUES(?,?)", (start, compressor.compress(b"\n".join(pending) + b"\n")))
        start += len(pending)
    db.executemany(
        "INSERT INTO meta VALUES(?,?)",
        [("first", first), ("last", start - 1), ("block_events", schema.BLOCK_EVENTS), ("keys", pack)],
    )
    db.execute("COMMIT")


def _with_lookahead(blobs: Iterable[bytes], wanted: int) -> Iterator[bytes]:
    """Join the first blobs, so that the compression dictionary is made from more than one commit's lines."""
    iterator = iter(blobs)
    head: list[bytes] = []
    size = 0
    for blob in iterator:
        head.append(blob)
        size += len(blob)
        if size > wanted:
            break
    if head:
        yield b"".join(head)
    yield from iterator


def _compressor(db: apsw.Connection, lines: list[bytes], effort: Effort) -> zstandard.ZstdCompressor:
    """Make the compressor with sample lines as its dictionary: small blocks then shrink like large ones."""
    size = sum(map(len, lines))
    sample = b"\n".join(lines[:: max(1, size // effort.dictionary_bytes)])[: effort.dictionary_bytes]
    db.execute("INSERT INTO meta VALUES('dictionary', ?)", (zstandard.compress(sample, effort.level),))
    dictionary = zstandard.ZstdCompressionDict(sample, dict_type=zstandard.DICT_TYPE_RAWCONTENT)
    dictionary.precompute_compress(level=effort.level)
    return zstandard.ZstdCompressor(level=effort.level, dict_data=dictionary)


def _finish(db: apsw.Connection, target: Path, directory: Path, first: int, last: int) -> Sealed:
    """Complete the indexes, take the statistics, make the file durable and give it its name."""
    db.execute(schema.INDEXES)
    rows, low, high = one_row(db, "SELECT count(*), min(idx), max(idx) FROM rows")
    stored = db.execute("SELECT value FROM meta WHERE name = 'last'").get
    if (rows, low, high, stored) != (last - first + 1, first, last, last):
        raise ValueError(f"segment {first}-{last} came out with {rows} rows from {low} to {high}, lines up to {stored}")
    time_min, time_max = one_row(db, "SELECT min(time_min), max(time_max) FROM zones")
    received_min, received_max = one_row(db, "SELECT min(received), max(received) FROM commits")
    severities = {
        Severity(severity).label: total
        for severity, total in db.execute("SELECT severity, sum(total) FROM rollup WHERE step = 3600 GROUP BY severity")
    }
    db.close()
    path = directory / segment_name(first, last)
    sync_file(target)
    with target.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    target.replace(path)
    path.chmod(0o400)
    sync_directory(directory)
    return Sealed(
        path.name, first, last, path.stat().st_size, digest, time_min, time_max, received_min, received_max, severities
    )
