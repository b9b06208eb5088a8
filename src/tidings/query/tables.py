"""What a segment tells those who compile a condition for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from tidings.query.ast import Column, Compare, Contains, LinkTo


class Names(Protocol):
    """What a segment knows of its texts."""

    low: int
    high: int
    """The indexes of the rows that are asked for, from the lowest to the highest."""

    @property
    def rows(self) -> int:
        """How many rows that are."""

    def codes(self, column: Column | LinkTo, test: Compare | Contains) -> Sequence[tuple[int, int]]:
        """Return (code, number of rows) of the dictionary entries of *column* that satisfy *test*."""

    def first_received(self, at_least: int) -> int:
        """Return the lowest index received at *at_least* or later (one past the last when there is none)."""

    def key_hash(self, column: Column, text: str) -> int:
        """Return the code under which the ``keys`` table lists *text* of the column id or correlation."""

    def vocabulary(self, fragment: str, *, at_end: bool, limit: int) -> Sequence[str] | None:
        """Return the indexed words that hold *fragment* (or end with it); None when they are more than *limit*."""

    def severity_total(self, at_least: int) -> int:
        """Return how many rows have that severity or a graver one."""
