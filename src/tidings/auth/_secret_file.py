"""A file that holds one secret, for its owner's eyes only."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from tidings.errors import StorageError

_MAX_BYTES = 4096
_PRIVATE = 0o600


def read_secret(path: Path) -> str | None:
    """Return the file's first line, or None when there is no file. Takes everybody else's rights to it."""
    try:
        with path.open("rb") as file:
            if stat.S_IMODE(os.fstat(file.fileno()).st_mode) != _PRIVATE:
                os.fchmod(file.fileno(), _PRIVATE)
            content = file.read(_MAX_BYTES)
    except FileNotFoundError:
        return None
    except OSError as error:
        remedy = "it must be a file of the user running tidings, or be removed"
        raise StorageError(f"can't read {path}: {error.strerror}; {remedy}") from error
    return content.decode(errors="replace").partition("\n")[0].strip()


def write_secret(path: Path, secret: str) -> None:
    """Put *secret* into the file, durably and at once: a reader sees the old content or the new, never half of it."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        try:
            _write_durably(draft, secret)
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        _flush_directory(path.parent)
    except OSError as error:
        raise StorageError(f"can't write {path}: {error.strerror}") from error


def _write_durably(path: Path, secret: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _PRIVATE)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(f"{secret}\n")
        file.flush()
        os.fsync(file.fileno())


def _flush_directory(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
