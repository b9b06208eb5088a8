"""The list of sealed segments with their statistics: what the log consists of, replaced atomically."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from tidings.errors import StorageError
from tidings.log.segments._sqlite import storage_errors, sync_directory

_NAME = "manifest.json"
_FORMAT = 1


class Sealed(msgspec.Struct, frozen=True):
    """One sealed segment; times in ns since the epoch."""

    file: str
    first: int
    last: int
    size_bytes: int
    sha256: str
    time_min: int
    time_max: int
    received_min: int
    received_max: int
    severities: dict[str, int]
    """Events by severity name."""

    @property
    def total(self) -> int:
        """How many events it holds."""
        return self.last - self.first + 1


class Quarantined(msgspec.Struct, frozen=True):
    """A segment that could not be read: set aside, its range is missing from answers until it is restored."""

    file: str
    first: int
    last: int
    reason: str
    sealed: Sealed | None = None
    """What it was: it is served again at the next start if its file is there then, with the same digest."""


class Manifest(msgspec.Struct, frozen=True):
    """Segments ascending by index. *oldest*: what is below was trimmed."""

    format: int
    oldest: int
    segments: tuple[Sealed, ...] = ()
    quarantined: tuple[Quarantined, ...] = ()

    @property
    def sealed_to(self) -> int:
        """The highest index that needs no journal any more."""
        spans: list[Sealed | Quarantined] = [*self.segments, *self.quarantined]
        return max((span.last for span in spans), default=self.oldest - 1)


class _Version(msgspec.Struct):
    """What every manifest says, whatever else is in it."""

    format: int


def load(directory: Path) -> Manifest:
    """Return the manifest in *directory*, an empty one when there is none yet. Raises StorageError when it can't be used.

    A directory with segments and no manifest has lost it: then nobody may take the log for empty.
    """
    path = directory / _NAME
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        if segments := len(list(directory.glob("segment-*.db"))):
            raise StorageError(
                f"{path} is missing, though {segments} segments are here; nothing was changed: restore it from a backup"
            ) from None
        return Manifest(_FORMAT, 1)
    except OSError as fault:
        raise StorageError(f"{path} can't be read: {fault}") from fault
    try:
        version = msgspec.json.decode(data, type=_Version).format
        if version != _FORMAT:
            raise StorageError(
                f"{path} has format {version}, this tidings knows {_FORMAT}; use the version that wrote it"
            )
        return msgspec.json.decode(data, type=Manifest)
    except msgspec.DecodeError as fault:
        raise StorageError(f"{path} is damaged ({fault}); restore it from a backup of the data directory") from fault


def begin(directory: Path) -> Manifest:
    """Return the manifest in *directory* as `load` does, and put an empty one there when there is none yet.

    It has to be there before the first segment: one killed between making that and listing it would else look like a log
    that has lost its manifest.
    """
    manifest = load(directory)
    if not (directory / _NAME).exists():
        save(directory, manifest)
    return manifest


def save(directory: Path, manifest: Manifest) -> None:
    """Put *manifest* in place: after a crash the old one or the new one is there, whole."""
    path = directory / _NAME
    temporary = directory / f"{_NAME}.tmp"
    with storage_errors("writing the manifest"):
        with temporary.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(manifest), indent=1))
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
        sync_directory(directory)
