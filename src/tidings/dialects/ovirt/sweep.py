"""Reading everything that an engine has above a number, piece by piece, without trusting its clock.

The engine's API bounds a list from below by number (``from``), orders it by time or else newest number first, and cuts it to
``max``. It can't say "the next 1000 numbers". The oldest 1000 by time needn't be those: a clock that was set back, two events
of one millisecond (the higher number comes first) or two that overtook each other leave a lower number behind the cut, and who
goes on from the highest number read has lost it. So a piece is taken only when it is shown to be complete, that is, when it
holds every event from where it starts to its own last number:

1. A list that is shorter than was asked for has everything. This is the usual poll.
2. Of a full list by time, the beginning without a hole in its numbers is complete whatever the times are. Numbers that nobody
   has (a rolled back insert, a removed event) are looked up one by one, as long as they are few: 404 closes the hole.
3. Otherwise the order newest number first is used, from its end: the last page, when it is neither full nor empty, holds the
   lowest numbers there are, all of them and from one moment, because one request is one snapshot. Which page is the last one
   follows from how many rows there are, which is found by halving, once; the page's size is chosen so that the last one is nearly
   full, but not quite, so that events added meanwhile, which push rows back, find room in it.

Every piece is read from its own start with page 1 or from one single page. So rows that shift because others are removed,
cleaned up or added between two requests are never stepped over.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from tidings.collect import Disconnected
from tidings.dialects.ovirt.engine_answers import Row
from tidings.errors import TidingsError

MAX_HOLES = 50
"""How many missing numbers of one list are looked up one by one; no more than one for 20 events either."""

# Not all numbers from 16 to 31 divide a count that is below 2**31, so with 31 there is a size with a last page that isn't full.
_MIN_SIZE = 31
_ROOM = (10, 20, 40, 80)
_MAX_COUNT = 2**31


class Unknowable(TidingsError):
    """The engine doesn't let this user read single events."""


class Oversized(TidingsError):
    """An answer is larger than is taken; ask for fewer events."""


class Engine(Protocol):
    """The three questions. Each raises Disconnected, OSError or, the first two, Oversized; every row is above *after*."""

    @property
    def batch(self) -> int:
        """How many events to ask for at once."""

    @property
    def is_narrowed(self) -> bool:
        """Whether lists hold only what a search lets through."""

    def shrink(self) -> None:
        """Halve *batch*. Raises Disconnected when that is not possible."""

    async def oldest_first(self, after: int, size: int, *, everything: bool = False) -> list[Row]:
        """Return the first *size* events by time; with *everything*, whatever the search."""

    async def newest_first(self, after: int, size: int, page: int, *, everything: bool = False) -> list[Row]:
        """Return a page, counted from 1, in falling order of numbers."""

    async def get(self, id: int) -> Row | None:
        """Return one event, also a removed one, or None when there is none. Raises Unknowable."""


class Piece(NamedTuple):
    """All events from the end of the piece before to the last of *rows*, ascending. The last piece may be empty."""

    rows: list[Row]
    is_last: bool


async def sweep(engine: Engine, after: int) -> AsyncIterator[Piece]:
    """Yield all events above *after* in pieces, in ascending order throughout. Raises what *engine* does."""
    count = 0
    while True:
        size = engine.batch
        rows = sorted(await engine.oldest_first(after, size))
        if len(rows) < size:
            yield Piece(rows, is_last=True)
            return
        piece = await _without_hole(engine, after, rows)
        if not piece:
            piece, count = await _lowest(engine, after, count)
        if piece:
            yield Piece(piece, is_last=False)
            after = piece[-1].id
            count = max(0, count - len(piece))


async def _without_hole(engine: Engine, after: int, rows: list[Row]) -> list[Row]:
    """Return the complete beginning of *rows*; nothing when it would be less than half, since `_lowest` gets further then."""
    budget = 0 if engine.is_narrowed else min(len(rows) // 20, MAX_HOLES)
    holes: list[int] = []
    end, expected = 0, after + 1
    for row in rows:
        if len(holes) + row.id - expected > budget:
            break
        holes += range(expected, row.id)
        end, expected = end + 1, row.id + 1
    if end * 2 < len(rows):
        return []
    try:
        found = [await engine.get(id) for id in holes]
    except Unknowable:
        return []
    return sorted([*rows[:end], *(row for row in found if row is not None)])


async def _lowest(engine: Engine, after: int, count: int) -> tuple[list[Row], int]:
    """Return the lowest events above *after*, none when all are gone, and how many there are.

    *count* is how many there are about, 0 if that isn't known. They are counted only then, or when the page proves it wrong.
    """
    size = max(engine.batch, _MIN_SIZE)
    for percent in _ROOM:
        count = count or await _count(engine, after, size)
        fitting = _fitting_size(count, size, size * percent // 100)
        page = count // fitting + 1
        rows = await engine.newest_first(after, fitting, page)
        if len(rows) < fitting and (rows or page == 1):
            return sorted(rows), (page - 1) * fitting + len(rows)
        count = 0
    raise Disconnected("events come and go too fast there to be read page by page; a larger batch may help")


def _fitting_size(count: int, size: int, room: int) -> int:
    """Return the page size up to *size* whose last page has the most rows, but leaves *room*."""

    def fitness(size: int) -> tuple[bool, int]:
        rest = count % size
        return 0 < rest <= size - room, rest

    return max(range(size // 2 + 1, size + 1), key=fitness)


async def _count(engine: Engine, after: int, guess: int) -> int:
    """Return how many events are above *after*: the highest page of size 1 that isn't empty. It begins to look at *guess*."""
    low, high, probe, step = 0, _MAX_COUNT, guess, 1
    while high - low > 1:
        if await engine.newest_first(after, 1, probe):
            low = probe
        else:
            high = probe
        if high < _MAX_COUNT:
            probe = (low + high) // 2
        else:
            probe, step = min(low + step, _MAX_COUNT - 1), step * 2
    if low == _MAX_COUNT - 1:
        raise Disconnected("every page that is asked for holds events; does the system there know page in a search?")
    return low
