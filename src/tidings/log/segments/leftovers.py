"""Decides, row by row, what SQL left to the predicate evaluator: see `query.sql`."""

from __future__ import annotations

from typing import Protocol

from tidings.event import decode_line
from tidings.log.segments.lines import Lines
from tidings.query.ast import Condition, Listed
from tidings.query.needles import may_match, needles
from tidings.query.predicate import compile_predicate, is_listed


class LeftoverTest(Protocol):
    """One condition, for the rows of one segment."""

    def holds(self, index: int, lines: Lines) -> bool:
        """Whether the event at *index* matches."""


def leftover_test(condition: Condition) -> LeftoverTest:
    """Return the test of *condition*; it remembers what it saw, so it is for one search."""
    return _IndexTest(condition) if isinstance(condition, Listed) else _LineTest(condition)


class _LineTest:
    """Decides a condition by the line itself, skipping whole blocks that lack its needles."""

    def __init__(self, condition: Condition) -> None:
        self._matches = compile_predicate(condition)
        self._needles = needles(condition)
        self._skip = range(0)
        self._pass = range(0)

    def holds(self, index: int, lines: Lines) -> bool:
        """Whether the event at *index* matches."""
        if self._needles:
            if index in self._skip:
                return False
            if index not in self._pass:
                first, blob = lines.block(index)
                covered = range(first, first + blob.count(b"\n"))
                if not may_match(blob, self._needles):
                    self._skip = covered
                    return False
                self._pass = covered
        line = lines.line(index)
        return may_match(line, self._needles) and self._matches(decode_line(line))


class _IndexTest:
    """Decides by the index, without the line."""

    def __init__(self, condition: Listed) -> None:
        self._listed = condition

    def holds(self, index: int, _lines: Lines) -> bool:
        """Whether the event at *index* matches."""
        return is_listed(self._listed, index)
