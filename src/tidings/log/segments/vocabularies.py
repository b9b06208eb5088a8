"""The words of sealed segments, kept in memory as one text each: looking for a part of a word in it takes milliseconds."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from pathlib import Path

MAX_CHARS = 64 * 1024 * 1024
"""Of all segments together; the ones not asked for longest go."""

_BETWEEN = "\n"  # no word contains it


class Vocabularies:
    """Shared by all search threads."""

    def __init__(self, max_chars: int = MAX_CHARS) -> None:
        self._max_chars = max_chars
        self._texts: OrderedDict[Path, str] = OrderedDict()
        self._chars = 0
        self._lock = threading.Lock()

    def search(
        self, path: Path, load: Callable[[], Iterable[str]], fragment: str, *, at_end: bool, limit: int
    ) -> list[str] | None:
        """Return the words of the segment at *path* that hold *fragment*, or end with it; None when there are more than *limit*.

        *load* gives all its words, when they aren't here.
        """
        text = self._text(path, load)
        wanted = fragment + _BETWEEN if at_end else fragment
        found: list[str] = []
        at = text.find(wanted)
        while at >= 0:
            if len(found) == limit:
                return None
            start, end = text.rfind(_BETWEEN, 0, at) + 1, text.find(_BETWEEN, at)
            found.append(text[start:end])
            at = text.find(wanted, end)
        return found

    def keep_only(self, paths: frozenset[Path]) -> None:
        """Forget other segments."""
        with self._lock:
            for path in [path for path in self._texts if path not in paths]:
                self._forget(path)

    def _text(self, path: Path, load: Callable[[], Iterable[str]]) -> str:
        with self._lock:
            text = self._texts.get(path)
            if text is not None:
                self._texts.move_to_end(path)
                return text
        text = _BETWEEN.join([*load(), ""])
        with self._lock:
            if path not in self._texts and len(text) <= self._max_chars:
                self._texts[path] = text
                self._chars += len(text)
                while self._chars > self._max_chars:
                    self._forget(next(iter(self._texts)))
        return text

    def _forget(self, path: Path) -> None:
        self._chars -= len(self._texts.pop(path))
