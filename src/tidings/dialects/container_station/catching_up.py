"""Reading what is new in the two lists of a NAS without leaving anything out, and noticing when a counter began anew.

The log is answered newest first, a page at a time, and pages move while rows are added. So the way goes down, to the page that
reaches what was read before or the end of the list, and up again; a page is taken only when it joins on to what was taken.
There is one page in memory, however much is new. That is one request when little is new.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

import msgspec

from tidings.collect import Disconnected
from tidings.dialects.container_station.nas_answers import Entry, Lines
from tidings.dialects.container_station.progress import View
from tidings.errors import TidingsError

FEW, MANY = 50, 1000


class Nas(Protocol):
    """The two questions. Each raises Disconnected or OSError."""

    async def rows(self, limit: int, offset: int) -> list[Entry]:
        """Return rows of the log, newest first, without the *offset* newest."""

    async def lines(self, index: int) -> Lines:
        """Return the event lines from number *index* on."""


class Anew(TidingsError):
    """The numbers stand for something else than before."""


class Piece(NamedTuple):
    """New entries, ascending, and the position behind them.

    With *has_hole* there were others before them that are gone. Without *is_numbered* their numbers aren't the device's own.
    """

    entries: list[Entry]
    position: int
    has_hole: bool
    is_numbered: bool = True


async def new_rows(nas: Nas, view: View) -> AsyncIterator[Piece]:
    """Yield the rows behind *view* in pieces, in ascending order throughout. Raises Anew, and what *nas* does."""
    known = reach = view.position
    offset, size, full = 0, FEW, 1
    lower: list[Entry] = []
    has_hole = False
    while True:
        page = await nas.rows(size, offset)
        if view.is_other(page) or (page and offset == 0 and page[0].number < view.position):
            raise Anew
        size, full = MANY, max(full, len(page))
        if page == lower and len(page) == full >= FEW:
            raise Disconnected("the log is the same at every offset; is there something between it and us?")
        if page and page != lower and page[-1].number > reach:
            lower = page
            offset += len(page)
        elif lower and page in ([], lower):  # the last rows again, when as many were added meanwhile
            reach = lower[-1].number
            has_hole = 0 < known < reach - 1
            lower = []
            offset = max(0, offset - full)
        else:
            newest = max(known, page[0].number) if page else known
            yield Piece([row for row in reversed(page) if row.number > known], newest, has_hole)
            if offset == 0:
                return
            known = reach = newest
            lower, has_hole = [], False
            offset = max(0, offset - max(1, full * 3 // 4))  # rows added meanwhile find room in the overlap


async def new_lines(nas: Nas, view: View) -> Piece:
    """Return the lines behind *view*, perhaps not all. Raises Anew, and what *nas* does.

    Some that are known are asked for too, so that they show that it is still the same list. A list that doesn't show all that
    it counts has no number for each line; then only what is new is asked for, and counted from there.
    """
    asked = min(view.tail, default=view.position)
    answer = await nas.lines(asked)
    if not answer.is_whole and asked < view.position <= answer.offset:
        view, asked = msgspec.structs.replace(view, tail={}), view.position
        answer = await nas.lines(asked)
    if answer.offset < view.position or (answer.is_whole and view.is_other(answer.entries)):
        raise Anew
    if not answer.is_whole and answer.index < asked:
        raise Disconnected("not all events are shown that are counted; is the user an administrator, who sees all?")
    new = [line for line in answer.entries if line.number >= view.position]
    return Piece(new, answer.offset, 0 < view.position < answer.index, answer.is_whole)
