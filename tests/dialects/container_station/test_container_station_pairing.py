"""Which row goes with which line, and reading rows that move while they are read: for lists of any kind."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tidings.dialects.container_station.catching_up import new_rows
from tidings.dialects.container_station.matching import WINDOW_NS, Traits, fits
from tidings.dialects.container_station.nas_answers import Entry, Lines
from tidings.dialects.container_station.pairing import pair
from tidings.dialects.container_station.progress import View

MINUTE_NS = 60_000_000_000

names = st.sampled_from("abc")
traits = st.builds(
    lambda name, short, minute: Traits((name,), short, minute * MINUTE_NS),
    names,
    st.sampled_from(["", "1" * 12, "2" * 12]),
    st.integers(0, 5),
)
untimed = st.builds(lambda one: one._replace(time_ns=None), traits)


def row(name: str, minute: int) -> Traits:
    return Traits((name,), "", minute * MINUTE_NS)


def line(name: str) -> Traits:
    return Traits((name,), "", None)


@given(st.lists(st.none() | traits, max_size=12), st.lists(st.none() | untimed | traits, max_size=12), st.booleans())
def test_pairs_fit_and_nothing_is_in_two_of_them(
    rows: list[Traits | None], lines: list[Traits | None], newest_first: bool
) -> None:
    found = pair(rows, lines, newest_first=newest_first)
    assert len({at for at, _ in found}) == len({at for _, at in found}) == len(found)
    for left, right in found:
        one, other = rows[left], lines[right]
        assert one is not None
        assert other is not None
        assert fits(one, other)


@given(st.lists(names, max_size=20), st.booleans())
def test_two_lists_of_the_same_are_paired_one_to_one(said: list[str], newest_first: bool) -> None:
    rows = [row(name, at) for at, name in enumerate(said)]
    found = pair(rows, [line(name) for name in said], newest_first=newest_first)
    assert found == [(at, at) for at in range(len(said))]


def test_a_line_without_a_row_does_not_take_the_row_of_another_day() -> None:
    rows = [row("start", 0), row("create", 1000), row("export", 1001)]
    assert pair(rows, [line("create"), line("start"), line("export")], newest_first=True) == [(1, 0), (2, 2)]


@pytest.mark.parametrize(
    ("before_ns", "pairs"), [(WINDOW_NS, [(0, 2), (1, 0), (2, 1), (3, 3)]), (WINDOW_NS + 1, [(1, 0), (2, 1), (3, 3)])]
)
def test_what_is_told_in_another_order_must_have_happened_near(before_ns: int, pairs: list[tuple[int, int]]) -> None:
    rows = [row("a", 1)._replace(time_ns=MINUTE_NS - before_ns), row("b", 1), row("c", 1), row("d", 1)]
    assert pair(rows, [line("b"), line("c"), line("a"), line("d")], newest_first=False) == pairs


def test_those_that_were_refused_together_stay_apart() -> None:
    old = [row("a", 1)._replace(is_new=False)]
    assert pair(old, [line("a")._replace(is_new=False)], newest_first=False) == []
    assert pair(old, [line("a")], newest_first=False) == [(0, 0)]


class GrowingLog:
    """A log that grows with each question, and cuts pages as it likes."""

    def __init__(self, count: int, most: int, growth: list[int]) -> None:
        self.ids = list(range(1, count + 1))
        self._most, self._growth = most, growth

    async def rows(self, limit: int, offset: int) -> list[Entry]:
        if self._growth:
            self.ids += range(len(self.ids) + 1, len(self.ids) + 1 + self._growth.pop())
        return [Entry(id, str(id), str(id)) for id in self.ids[::-1][offset:][: min(limit, self._most)]]

    async def lines(self, index: int) -> Lines:
        raise NotImplementedError


async def all_new(log: GrowingLog, view: View) -> list[Any]:
    found: list[Any] = []
    async for piece in new_rows(log, view):
        assert not piece.has_hole
        found += [entry.number for entry in piece.entries]
        assert piece.position == max([view.position, *found])
    return found


@settings(deadline=None)
@given(
    count=st.integers(0, 400),
    known=st.integers(0, 400),
    most=st.integers(8, 100),
    growth=st.lists(st.integers(0, 7), max_size=30),
)
def test_no_row_is_left_out_or_read_twice_while_the_log_grows(
    count: int, known: int, most: int, growth: list[int]
) -> None:
    known = min(known, count)
    log = GrowingLog(count, most, growth)
    found = asyncio.run(all_new(log, View(epoch=1, position=known)))
    assert found == list(range(known + 1, known + 1 + len(found)))
    assert known + len(found) >= count
