"""Sorting by time without looking at everything: times are nearly in index order, so few runs of rows hold the newest ones."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from tidings.query.ast import Column, Compare, Condition, Order, Position

_FIRST_ZONES, _GROWTH = 4, 8


def horizons(bounds: Sequence[int], order: Order, after: Position | None) -> Iterator[Condition]:
    """Yield ever wider conditions on the time, each of which holds for all rows up to some place in *order* and for none behind it.

    *bounds*: the latest time of each run of rows, ascending, for an order from the newest on; for one from the oldest on the
    earliest times. Once a search within a condition finds as many rows as are wanted, they are the first ones of all.
    What lies before *after* isn't excluded here, only not counted. None is yielded that would narrow nothing.
    """
    place = after.value if after is not None and isinstance(after.value, int) else None
    if order.descending:
        zone = len(bounds) if place is None else bisect_right(bounds, place)
        step = _FIRST_ZONES
        while zone - step > 0:
            yield Compare(Column.TIME, ">=", bounds[zone - step])
            step *= _GROWTH
    else:
        zone = 0 if place is None else bisect_left(bounds, place)
        step = _FIRST_ZONES
        while zone + step < len(bounds):
            yield Compare(Column.TIME, "<=", bounds[zone + step])
            step *= _GROWTH
