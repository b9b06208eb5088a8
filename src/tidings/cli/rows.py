"""Count rows in a stream of bytes without keeping it."""

from __future__ import annotations


class LineCounter:
    """Counts the lines of NDJSON."""

    def __init__(self) -> None:
        self.count = 0

    def feed(self, piece: bytes) -> None:
        """Count what *piece* adds."""
        self.count += piece.count(b"\n")


class RowCounter:
    """Counts the rows of CSV below its head; a line break inside quotes is none."""

    def __init__(self) -> None:
        self._line_ends = 0
        self._quoted = False

    def feed(self, piece: bytes) -> None:
        """Count what *piece* adds."""
        for number, part in enumerate(piece.split(b'"')):
            if number:
                self._quoted = not self._quoted
            if not self._quoted:
                self._line_ends += part.count(b"\n")

    @property
    def count(self) -> int:
        """Rows so far, without the head."""
        return max(0, self._line_ends - 1)
