"""A file that remembers up to which index events were shown."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from tidings.errors import ConfigError
from tidings.event import Index

INTERVAL_S = 0.2


class CursorFile:
    """The last index shown, on disk: written whole or not at all, at most every 0.2 s.

    Note an index after its event was shown: what is noted is never shown again, what isn't yet written may be once more.
    """

    def __init__(self, path: Path, now: Callable[[], float] = time.monotonic) -> None:
        self._path, self._now = path, now
        self._written_at = float("-inf")
        self._noted: Index | None = None
        self._written: Index | None = None

    def read(self) -> Index | None:
        """Return the index in the file, None when there is no file. Raises ConfigError when it holds something else."""
        try:
            text = self._path.read_text(encoding="ascii", errors="replace").strip()
        except FileNotFoundError:
            return None
        if not (text.isascii() and text.isdecimal()):
            raise ConfigError(f"{self._path} is no cursor file of ours; remove it to start anew")
        self._written = Index(int(text))
        return self._written

    def note(self, index: Index) -> None:
        """Remember *index*, and write it unless the last write is too recent; `flush` writes it then."""
        self._noted = index
        if self._now() - self._written_at >= INTERVAL_S:
            self.flush()

    def flush(self) -> None:
        """Write what is noted and not written yet."""
        if self._noted is None or self._noted == self._written:
            return
        draft = self._path.with_name(self._path.name + ".tmp")
        with draft.open("w", encoding="ascii") as file:
            file.write(f"{self._noted}\n")
            file.flush()
            os.fsync(file.fileno())  # without it a power cut may leave the new name on an empty file
        draft.replace(self._path)
        self._written, self._written_at = self._noted, self._now()
