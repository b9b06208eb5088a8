"""Files that are there as a whole or not at all, such as certificates and their keys."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from tidings.errors import StorageError

PRIVATE, PUBLIC = 0o600, 0o644


def write_file(path: Path, content: bytes, mode: int) -> None:
    """Put *content* into place at once, so that no half of a file is ever there; on disk when it returns.

    Blocks. Raises StorageError.
    """
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
            with os.fdopen(descriptor, "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(path)
        finally:
            draft.unlink(missing_ok=True)
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(directory)
        finally:
            os.close(directory)
    except OSError as fault:
        raise StorageError(f"can't write {path}: {fault.strerror}") from fault
