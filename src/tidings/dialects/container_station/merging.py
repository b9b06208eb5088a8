"""Rows and lines on their way from the device to the log: each waits a little for the other that tells of the same.

A line never overtakes one that came before it, because the last thing that is stored of a container is taken for its state.
So a line that has its row may still wait for an older one that hasn't.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from tidings.dialects.container_station.matching import Traits, line_traits, row_traits
from tidings.dialects.container_station.pairing import pair
from tidings.dialects.container_station.progress import Happening, Heard

MAX_WAITING = 500
"""Of rows, and of lines; those that are more go on alone, the oldest first."""

_TRIES = 2


class Merging:
    """What waits, and what is decided, each in its order. *zone* is that of the rows' times."""

    def __init__(
        self, rows: list[Happening], lines: list[Happening], decided: list[Happening], zone: dt.tzinfo
    ) -> None:
        self.rows, self.lines, self.decided = rows, lines, decided
        self._zone = zone

    def add_rows(self, rows: Iterable[Heard]) -> None:
        """Add rows of the log, the oldest first."""
        self.rows += [Happening(row=row) for row in rows]
        self._decide(self.rows, len(self.rows) - MAX_WAITING)

    def add_lines(self, lines: Iterable[Heard]) -> None:
        """Add event lines, the oldest first."""
        self.lines += [Happening(line=line) for line in lines]
        self._decide(self.lines, len(self.lines) - MAX_WAITING)

    def settle(self, *, newest_first: bool) -> None:
        """Bring together what belongs together, and decide what need not wait any more; for *newest_first* see `pair`."""
        rows = [self._traits(one) for one in self.rows]
        lines = [self._traits(one) for one in self.lines]
        for one, traits in zip((*self.rows, *self.lines), (*rows, *lines), strict=True):
            one.tries = _TRIES if traits is None else one.tries + 1
        partners = pair(rows, lines, newest_first=newest_first)
        for row, line in partners:
            self.lines[line].row = self.rows[row].row
            self.lines[line].tries = _TRIES
        paired = {row for row, _ in partners}
        self.rows[:] = [one for at, one in enumerate(self.rows) if at not in paired]
        for queue in (self.rows, self.lines):
            self._decide(queue, next((at for at, one in enumerate(queue) if one.tries < _TRIES), len(queue)))

    def _traits(self, one: Happening) -> Traits | None:
        """Return the traits of what waits for a partner, None for what doesn't."""
        if one.line is None:
            traits = row_traits(one.row.text, self._zone) if one.row is not None else None
        else:
            traits = line_traits(one.line.text) if one.row is None else None
        return traits and traits._replace(is_new=not one.tries)

    def _decide(self, queue: list[Happening], count: int) -> None:
        if count > 0:
            self.decided += queue[:count]
            del queue[:count]
