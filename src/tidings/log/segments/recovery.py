"""Opening a log directory after whatever happened to it: finish what was half done, forget what was never acknowledged."""

from __future__ import annotations

import array
import hashlib
from pathlib import Path

import msgspec
import structlog

from tidings.errors import StorageError
from tidings.log.segments import manifest as manifests
from tidings.log.segments._sqlite import delete_database
from tidings.log.segments.journal import Journal, JournalReader, journal_first
from tidings.log.segments.manifest import Manifest, Quarantined, Sealed
from tidings.log.segments.sealing import segment_span
from tidings.log.segments.snapshot import JournalSpan

_log = structlog.get_logger(__name__)


class Recovered(msgspec.Struct):
    """What a directory holds: *journals* ascending, the last one of them to be written on."""

    manifest: Manifest
    journals: list[JournalSpan]
    keys: dict[int, int]
    last_received: int
    gone: list[Quarantined]
    """Segments that had to be quarantined just now."""


def recover(directory: Path, *, durable: bool) -> Recovered:
    """Return what is in *directory*, which the caller has locked. Raises StorageError when the log can't be trusted."""
    manifest = manifests.begin(directory)
    leftovers = _leftovers(directory, manifest)  # looks at everything before anything is changed
    manifest, gone = _settled(directory, manifest)
    for path in leftovers:
        path.unlink(missing_ok=True)
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
    return Recovered(manifest, journals, keys, received, gone)


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


def _settled(directory: Path, manifest: Manifest) -> tuple[Manifest, list[Quarantined]]:
    """Quarantine segments whose file has vanished, and serve those again whose file is back as it was."""
    gone = [
        Quarantined(segment.file, segment.first, segment.last, "the file is missing", segment)
        for segment in manifest.segments
        if not (directory / segment.file).exists()
    ]
    back = [entry.sealed for entry in manifest.quarantined if entry.sealed and _is_whole(directory, entry.sealed)]
    names = {entry.file for entry in gone} | {segment.file for segment in back}
    kept = sorted([*(s for s in manifest.segments if s.file not in names), *back], key=lambda segment: segment.first)
    aside = (*(entry for entry in manifest.quarantined if entry.file not in names), *gone)
    for entry in aside:
        _log.error(
            "segment can't be served", segment=entry.file, first=entry.first, last=entry.last, reason=entry.reason
        )
    for segment in back:
        _log.info("segment is back", segment=segment.file, first=segment.first, last=segment.last)
    if gone or back:
        manifest = msgspec.structs.replace(manifest, segments=tuple(kept), quarantined=aside)
        manifests.save(directory, manifest)
    return manifest, gone


def _is_whole(directory: Path, segment: Sealed) -> bool:
    try:
        with (directory / segment.file).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == segment.sha256
    except OSError:
        return False


def _leftovers(directory: Path, manifest: Manifest) -> list[Path]:
    """Return what a crash left behind: unfinished files, growing indexes (they are derived), segments held otherwise.

    Raises StorageError for a segment that nothing else holds the events of: it must not be deleted, nor be ignored.
    """
    unlisted = unlisted_segments(directory, manifest)
    for path, is_held in unlisted.items():
        if not is_held:
            raise StorageError(
                f"{path.name} is here, but the manifest doesn't know it; nothing was changed: restore the manifest that belongs "
                "to these files, or move the file away"
            )
    unfinished = [
        path
        for path in directory.iterdir()
        if path.name.endswith((".tmp", ".tmp-journal")) or path.name.startswith("index-")
    ]
    return [*unlisted, *unfinished]


def unlisted_segments(directory: Path, manifest: Manifest) -> dict[Path, bool]:
    """Return the segments that *manifest* doesn't list, and whether their events are held otherwise or were trimmed.

    A crash leaves such files between making a segment and listing it, or between listing and deleting what it replaces.
    """
    listed = {entry.file for entry in manifest.segments} | {entry.file for entry in manifest.quarantined}
    spans = [(s.first, s.last) for s in manifest.segments] + [(q.first, q.last) for q in manifest.quarantined]
    journals = {journal_first(path) for path in directory.glob("journal-*.db")}
    found: dict[Path, bool] = {}
    for path in sorted(directory.glob("segment-*.db")):
        span = segment_span(path)
        if span is not None and path.name not in listed:
            found[path] = span[1] < manifest.oldest or span[0] in journals or _is_covered(span, spans)
    return found


def _is_covered(span: tuple[int, int], others: list[tuple[int, int]]) -> bool:
    position = span[0]
    for first, last in sorted(others):
        if first <= position <= last:
            position = last + 1
    return position > span[1]
