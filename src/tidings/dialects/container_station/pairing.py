"""Which row goes with which line when the same thing happened several times.

Both lists are in the order in which things happened, so the pairs are chosen that are most when no two may cross: what has no
partner, such as the start of a container that an export had stopped, then doesn't take the row of another day. Things that
happened at the same time may stand in the lists in different order. So what remains is paired too, when the row's time is near
those of the pairs around the line.
"""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence

from tidings.dialects.container_station.matching import WINDOW_NS, Traits, fits

Pair = tuple[int, int]
"""The positions of a row and of a line."""


def pair(rows: Sequence[Traits | None], lines: Sequence[Traits | None], *, newest_first: bool) -> list[Pair]:
    """Return the pairs, none for those without traits.

    Where there is a choice the oldest go together, or with *newest_first* the newest, for when one of the lists reaches further
    into the past than the other. The time it takes grows with the product of those that have a namesake in the other list.
    """
    shared = {one.key for one in rows if one is not None} & {one.key for one in lines if one is not None}
    step = -1 if newest_first else 1
    left = [(at, one) for at, one in enumerate(rows) if one is not None and one.key in shared][::step]
    right = [(at, one) for at, one in enumerate(lines) if one is not None and one.key in shared][::step]
    found = _in_order(left, right)
    paired_rows, paired_lines = {row for row, _ in found}, {line for _, line in found}
    free = [one for one in left if one[0] not in paired_rows]
    between = _Between(found, dict(left))
    for at, line in right:
        if at in paired_lines:
            continue
        partner = next((one for one in free if fits(one[1], line) and between.allows(at, one[1])), None)
        if partner is not None:
            free.remove(partner)
            found.append((partner[0], at))
    return sorted(found)


def _in_order(left: Sequence[tuple[int, Traits]], right: Sequence[tuple[int, Traits]]) -> list[Pair]:
    """Return the longest common subsequence, the earliest one: of the rests from each position on, how much they share."""
    shared = [[0] * (len(right) + 1) for _ in range(len(left) + 1)]
    for i in reversed(range(len(left))):
        below, here = shared[i + 1], shared[i]
        for j in reversed(range(len(right))):
            here[j] = below[j + 1] + 1 if fits(left[i][1], right[j][1]) else max(below[j], here[j + 1])
    found: list[Pair] = []
    i = j = 0
    while i < len(left) and j < len(right):
        if fits(left[i][1], right[j][1]):
            found.append((left[i][0], right[j][0]))
            i, j = i + 1, j + 1
        elif shared[i][j + 1] >= shared[i + 1][j]:
            j += 1  # rather a line without a row than a row of another time
        else:
            i += 1
    return found


class _Between:
    """When what stands between two pairs can have happened."""

    def __init__(self, pairs: Sequence[Pair], rows: dict[int, Traits]) -> None:
        known = sorted((line, rows[row].time_ns or 0) for row, line in pairs)
        self._lines = [line for line, _ in known]
        self._times = [time_ns for _, time_ns in known]

    def allows(self, line: int, row: Traits) -> bool:
        at = bisect(self._lines, line)
        around = self._times[max(0, at - 1) : at + 1]
        return row.time_ns is None or min(around) - WINDOW_NS <= row.time_ns <= max(around) + WINDOW_NS
