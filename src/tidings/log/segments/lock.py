"""One server per data directory: an advisory lock that the kernel releases when its holder dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from tidings.errors import DataDirectoryBusy, StorageError


class DirectoryLock:
    """Held while it exists; `release` gives it back."""

    def __init__(self, directory: Path) -> None:
        """Take the lock. Raises DataDirectoryBusy (naming the holder's pid) or StorageError (read-only, not allowed)."""
        path = directory / "lock"
        try:
            directory.mkdir(parents=True, exist_ok=True, mode=0o750)
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        except OSError as fault:
            raise StorageError(
                f"the data directory {directory} can't be written: {fault.strerror}; choose another with --data or mend its permissions"
            ) from fault
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(self._handle, 20).decode(errors="replace").strip() or "unknown"
            os.close(self._handle)
            raise DataDirectoryBusy(
                f"another tidings server (pid {holder}) has {directory} open; stop it or choose another directory with --data"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another server have the directory."""
        os.close(self._handle)
