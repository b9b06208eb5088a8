"""Opening a log directory after whatever happened to it: finish what was half done, forget what was never acknowledged."""

from __future__ import annotations

import array
from pathlib import Path

import msgspec
import structlog

from tidings.errors import StorageError
from tidings.log.segments import manifest as manifests
from tidings.log.segments._sqlite import delete_database
from tidings.log.segments.journal import Journal, JournalReader, journal_first
from tidings.log.segments.manifest import Manifest, Quarantined
from tidings.log.segments.snapshot import JournalSpan

_log = structlog.get_logger(__name__)


class Recovered(msgspec.Struct):
    """What a directory holds: *journals* ascending, the last one of them to be written on."""

    manifest: Manifest
    journals: list[JournalSpan]
    keys: dict[int, int]
    last_received: int


def recover(directory: Path, *, durable: bool) -> Recovered:
    """Return what is in *directory*, which the caller has locked. Raises StorageError when the log can't be trusted."""
    manifest = _without_missing(directory, manifests.load(directory))
    _sweep(directory, manifest)
    journals: list[JournalSpan] = []
    keys: dict[int, int] = {}
    received = max((segment.received_max for segment in manifest.segments), default=0)
    expected = manifest.sealed_to + 1
    for path in sorted(directory.glob("journal-*.db")):
        first = journal_first(path)
        if first is None:
            continue
        span = _span(directory, first, durable=durable)
        if span.last < first or span.last <= manifest.sealed_to:
            delete_database(path)  # sealed before the crash, or begun and never written
            continue
        if first != expected:
            raise StorageError(
                f"events {expected} to {first - 1} are missing: {path.name} is there but not what comes before it; "
                "restore the directory from a backup"
            )
        expected = span.last + 1
        begun, ended = _read_keys(path, keys)
        journals.append(span._replace(begun=begun))
        received = max(received, ended)
    return Recovered(manifest, journals, keys, received)


def _span(directory: Path, first: int, *, durable: bool) -> JournalSpan:
    journal = Journal(directory, first, durable=durable)
    try:
        return JournalSpan(journal.path, first, journal.last)
    finally:
        journal.close()


def _read_keys(path: Path, keys: dict[int, int]) -> tuple[int, int]:
    """Add a journal's idempotency keys to *keys*; return its first and last receive times."""
    reader = JournalReader(path)
    try:
        for first, packed in reader.packed_keys():
            keys.update((key, first + at) for at, key in enumerate(array.array("Q", packed)) if key)
        return reader.received()
    finally:
        reader.close()


def _without_missing(directory: Path, manifest: Manifest) -> Manifest:
    """Quarantine segments whose file has vanished, so that the rest is served."""
    missing = [segment for segment in manifest.segments if not (directory / segment.file).exists()]
    if not missing:
        return manifest
    gone = tuple(Quarantined(s.file, s.first, s.last, "the file is missing") for s in missing)
    for entry in gone:
        _log.error("segment is missing", segment=entry.file, first=entry.first, last=entry.last)
    kept = tuple(segment for segment in manifest.segments if segment not in missing)
    changed = msgspec.structs.replace(manifest, segments=kept, quarantined=(*manifest.quarantined, *gone))
    manifests.save(directory, changed)
    return changed


def _sweep(directory: Path, manifest: Manifest) -> None:
    """Delete what a crash left behind: unfinished files, growing indexes (they are derived), segments that never got listed."""
    listed = {entry.file for entry in manifest.segments} | {entry.file for entry in manifest.quarantined}
    for path in directory.iterdir():
        name = path.name
        is_orphan = name.startswith("segment-") and name.endswith(".db") and name not in listed
        if name.endswith((".tmp", ".tmp-journal")) or name.startswith("index-") or is_orphan:
            path.unlink(missing_ok=True)
