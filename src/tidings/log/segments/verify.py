"""``tidings verify``: open every segment, check its pages, its indexes and its counts against the manifest. Changes nothing."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path

import apsw
import msgspec
import zstandard

from tidings.errors import StorageError
from tidings.event import decode_draft
from tidings.log.segments import manifest as manifests
from tidings.log.segments._sqlite import one_row, open_reader
from tidings.log.segments.journal import JournalReader, journal_first
from tidings.log.segments.lines import SealedLines
from tidings.log.segments.manifest import Manifest, Sealed
from tidings.log.segments.recovery import unlisted_segments
from tidings.log.segments.sealing import segment_span

_STEP = 4096


class Check(msgspec.Struct, frozen=True):
    """One file's result; *fault* is empty when all is well."""

    file: str
    first: int
    last: int
    fault: str = ""


class Report(msgspec.Struct, frozen=True):
    """What was found, file by file."""

    checks: tuple[Check, ...]

    @property
    def ok(self) -> bool:
        """Whether everything is as it should be."""
        return not any(check.fault for check in self.checks)

    def lines(self) -> list[str]:
        """Return the report for people, and what it proves and what it can't."""
        rows = [
            f"{'ok     ' if not check.fault else 'DAMAGED'}  {check.file}  events {check.first} to {check.last}"
            + (f": {check.fault}" if check.fault else "")
            for check in self.checks
        ]
        events = sum(check.last - check.first + 1 for check in self.checks if not check.fault)
        verdict = (
            "all files are sound, every index is there once and in order"
            if self.ok
            else "some files are damaged, see above"
        )
        rows.append(f"{verdict}: events {events}, files {len(self.checks)}")
        rows.append(
            "checked: file digest, database pages, every line, text index, counts; not proved: that nobody replaced a file and the manifest"
        )
        return rows


def verify(directory: Path) -> Report:
    """Check the log in *directory*; it may be in use. Blocks, for seconds a million events. Raises StorageError if there is no log."""
    if not directory.is_dir():
        raise StorageError(f"there is no data directory at {directory}")
    manifest = manifests.load(directory)
    checks = [_check(directory, segment) for segment in manifest.segments]
    checks += [
        Check(entry.file, entry.first, entry.last, f"quarantined: {entry.reason}") for entry in manifest.quarantined
    ]
    expected = manifest.oldest
    for at, check in enumerate(sorted(checks, key=lambda check: check.first)):
        if check.first != expected and not check.fault:
            checks[checks.index(check)] = msgspec.structs.replace(
                check, fault=f"events {expected} to {check.first - 1} are missing"
            )
        expected = check.last + 1
        del at
    checks += _journals(directory, expected)
    checks += _strangers(directory, manifest)
    return Report(tuple(checks))


def _check(directory: Path, segment: Sealed) -> Check:
    path = directory / segment.file
    try:
        fault = next(_faults(path, segment), "")
    except (OSError, apsw.Error, zstandard.ZstdError, msgspec.DecodeError, ValueError, KeyError) as error:
        fault = f"{type(error).__name__}: {error}"
    return Check(segment.file, segment.first, segment.last, fault)


def _faults(path: Path, segment: Sealed) -> Iterator[str]:
    with path.open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() != segment.sha256:
            yield "the file's digest is not the manifest's: its bytes have changed"
    db = open_reader(path, immutable=True)
    try:
        pages = db.pragma("integrity_check")
        if pages != "ok":
            yield f"database pages: {pages}"
        rows, low, high = one_row(db, "SELECT count(*), min(idx), max(idx) FROM rows")
        if (rows, low, high) != (segment.total, segment.first, segment.last):
            yield f"{rows} rows from {low} to {high} where the manifest says {segment.total}"
        indexed = db.execute("SELECT count(*) FROM terms('\"§1\"')").get
        if rows and not indexed:
            yield "the text index is empty"
        if sum(segment.severities.values()) != segment.total:
            yield "the severity counts don't add up"
        yield from _line_faults(SealedLines(db), segment)
    finally:
        db.close()


def _line_faults(lines: SealedLines, segment: Sealed) -> Iterator[str]:
    index = segment.first
    for start in range(segment.first, segment.last + 1, _STEP):
        for line in lines.blob(start, min(segment.last, start + _STEP - 1)).splitlines():
            if decode_draft(line).sequence != str(index):
                yield f"line {index} has another index in it"
            index += 1
    if index != segment.last + 1:
        yield f"lines end at {index - 1}"


def _strangers(directory: Path, manifest: Manifest) -> Iterator[Check]:
    """Yield the segments that nobody knows; one that the running server has just made is in its journal still."""
    for path, is_held in unlisted_segments(directory, manifest).items():
        span = segment_span(path)
        if span is not None and not is_held:
            yield Check(path.name, *span, "the manifest doesn't know it")


def _journals(directory: Path, expected: int) -> Iterator[Check]:
    for path in sorted(directory.glob("journal-*.db")):
        first = journal_first(path)
        if first is None:
            continue
        index = first
        fault = ""
        try:
            reader = JournalReader(path, immutable=_is_frozen(path))
            try:
                for block in reader.blocks(first - 1, 1 << 62):
                    lines = block.lines.splitlines()
                    if block.first != index or len(lines) != block.total:
                        fault = f"block {block.first} is not where it should be"
                        break
                    index = block.last + 1
            finally:
                reader.close()
        except (StorageError, apsw.Error) as error:
            fault = str(error)
        if not fault and (index == first or index - 1 < expected):
            continue  # nothing is written to it yet, or its sealed segment is in place already
        if first != expected and not fault:
            fault = f"events {expected} to {first - 1} are missing"
        expected = index
        yield Check(path.name, first, index - 1, fault)


def _is_frozen(journal: Path) -> bool:
    """Whether nobody can be writing *journal*, as in a backup on a read-only disk: then SQLite needs no files beside it."""
    wal = journal.with_name(f"{journal.name}-wal")
    return not os.access(journal.parent, os.W_OK) and not (wal.exists() and wal.stat().st_size)
