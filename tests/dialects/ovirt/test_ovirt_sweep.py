"""Reading everything above a number, whatever the clock does and whatever happens between two requests."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from tests.dialects.ovirt.mock_engine import START_MS, Happened, MockEngine
from tidings.collect import Disconnected
from tidings.dialects.ovirt.engine_answers import Row
from tidings.dialects.ovirt.sweep import MAX_HOLES, Piece, Unknowable, sweep


class Direct:
    """A `MockEngine` without HTTP between. *disturb* is called before each request."""

    def __init__(self, engine: MockEngine, batch: int, *, is_narrowed: bool = False) -> None:
        self.engine, self.batch, self.is_narrowed = engine, batch, is_narrowed
        self.asked: list[tuple[str, int, int]] = []
        self.disturb: Callable[[], None] = lambda: None

    def shrink(self) -> None:
        raise AssertionError

    async def oldest_first(self, after: int, size: int, *, everything: bool = False) -> list[Row]:
        self._note("oldest", after, size)
        return _rows(self.engine.oldest_first(after, size))

    async def newest_first(self, after: int, size: int, page: int, *, everything: bool = False) -> list[Row]:
        self._note("newest", after, size)
        return _rows(self.engine.newest_first(after, size, page))

    async def get(self, id: int) -> Row | None:
        self._note("get", id, 1)
        if not self.engine.lets_read_single:
            raise Unknowable
        row = self.engine.rows.get(id)
        return _rows([row])[0] if row else None

    def _note(self, what: str, after: int, size: int) -> None:
        self.disturb()
        self.asked.append((what, after, size))

    def count(self, what: str) -> int:
        return sum(asked == what for asked, _, _ in self.asked)


def _rows(found: list[Happened]) -> list[Row]:
    return [Row(row.id, row.time_ms * 1_000_000, b"{}") for row in found]


async def swept(direct: Direct, after: int = 0) -> list[Piece]:
    """Return the pieces, after a look at what always holds."""
    pieces = [piece async for piece in sweep(direct, after)]
    numbers = [row.id for piece in pieces for row in piece.rows]
    assert numbers == sorted(set(numbers))
    assert all(number > after for number in numbers)
    assert [piece.is_last for piece in pieces] == [False] * (len(pieces) - 1) + [True]
    return pieces


async def numbers(direct: Direct, after: int = 0) -> list[int]:
    return [row.id for piece in await swept(direct, after) for row in piece.rows]


async def test_a_list_that_is_not_full_is_everything() -> None:
    direct = Direct(MockEngine(range(1, 10)), 100)
    assert await numbers(direct, 4) == [5, 6, 7, 8, 9]
    assert direct.asked == [("oldest", 4, 100)]


async def test_without_holes_each_list_is_a_piece() -> None:
    direct = Direct(MockEngine(range(1, 1001)), 100)
    assert await numbers(direct) == list(range(1, 1001))
    assert direct.asked == [("oldest", after, 100) for after in range(0, 1001, 100)]


async def test_a_list_cut_between_events_of_one_moment_loses_none() -> None:
    engine = MockEngine()
    engine.add(*range(1, 301), time_ms=START_MS)
    assert await numbers(Direct(engine, 100)) == list(range(1, 301))


async def test_a_clock_that_was_set_back_hides_nothing() -> None:
    engine = MockEngine()
    for id in range(1, 2001):
        engine.add(id, time_ms=START_MS + id % 1000 * 1000)
    assert await numbers(Direct(engine, 100)) == list(range(1, 2001))


async def test_one_event_far_in_the_future_hides_nothing() -> None:
    engine = MockEngine(range(1, 1001))
    engine.add(77, time_ms=START_MS + 10**12)
    assert await numbers(Direct(engine, 100)) == list(range(1, 1001))


async def test_few_missing_numbers_are_looked_up_one_by_one() -> None:
    direct = Direct(MockEngine(set(range(1, 401)) - {7, 120, 121}), 100)
    assert await numbers(direct) == sorted(direct.engine.rows)
    assert [id for what, id, _ in direct.asked if what == "get"] == [7, 120, 121]
    assert direct.count("newest") == 0


@pytest.mark.parametrize("reason", ["many", "not permitted", "narrowed"])
async def test_otherwise_the_last_page_in_the_order_of_numbers_is_read(reason: str) -> None:
    step = 3 if reason == "many" else 20
    direct = Direct(MockEngine(range(53_000, 53_000 + 3000 * step, step)), 100, is_narrowed=reason == "narrowed")
    direct.engine.lets_read_single = reason != "not permitted"
    assert await numbers(direct) == sorted(direct.engine.rows)
    assert direct.count("newest") > 0
    # 30 full lists would be needed at least; counting asks for single events
    assert sum(size > 1 for _, _, size in direct.asked) < 80
    assert len(direct.asked) < 100


async def test_where_a_search_narrows_lists_nothing_else_is_looked_up() -> None:
    direct = Direct(MockEngine(set(range(1, 401)) - {7, 120}), 100, is_narrowed=True)
    assert await numbers(direct) == sorted(direct.engine.rows)
    assert direct.count("get") == 0


async def test_a_long_run_of_missing_numbers_is_not_looked_up() -> None:
    direct = Direct(MockEngine([*range(1, 1500), *range(1501 + MAX_HOLES, 4000)]), 1200)
    assert await numbers(direct) == sorted(direct.engine.rows)
    assert direct.count("get") == 0
    assert direct.count("newest") > 0


async def test_a_single_request_is_for_no_more_than_a_batch() -> None:
    direct = Direct(MockEngine(range(5, 5000, 5)), 40)
    await swept(direct)
    assert max(size for _, _, size in direct.asked) == 40


async def test_rows_that_are_deleted_between_two_requests_move_no_other_out_of_sight() -> None:
    engine = MockEngine(range(1000, 9000, 4))
    direct = Direct(engine, 100)
    oldest = iter(sorted(engine.rows))

    def retention() -> None:
        if len(direct.asked) > 30:  # not while it is counted for the first time: that would only begin later
            for _ in range(3):
                engine.purge(next(oldest))

    direct.disturb = retention
    read = await numbers(direct)
    assert set(engine.rows) <= set(read)


async def test_a_system_that_does_not_know_pages_is_told_of() -> None:
    class Pageless(Direct):
        async def newest_first(self, after: int, size: int, page: int, *, everything: bool = False) -> list[Row]:
            return await super().newest_first(after, size, 1)

    with pytest.raises(Disconnected, match="does the system there know page"):
        await numbers(Pageless(MockEngine(range(1, 900, 3)), 50))


async def test_events_that_come_too_fast_to_page_through_are_told_of() -> None:
    direct = Direct(MockEngine(range(1000, 9000, 4)), 100)
    top = iter(range(10_000, 10_000_000))
    direct.disturb = lambda: direct.engine.add(*(next(top) for _ in range(60)))
    with pytest.raises(Disconnected, match="come and go too fast"):
        await numbers(direct)


async def test_events_that_all_go_while_they_are_counted_are_no_failure() -> None:
    direct = Direct(MockEngine(range(100, 400, 9)), 20)
    direct.disturb = lambda: direct.engine.purge(400 if direct.count("newest") == 3 else 0)
    assert await numbers(direct) == []


async def test_events_that_come_at_a_bearable_speed_find_room_on_the_page() -> None:
    direct = Direct(MockEngine(range(1000, 9000, 4)), 100)
    top = iter(range(10_000, 10_000_000))
    direct.disturb = lambda: direct.engine.add(*([next(top)] if len(direct.asked) % 4 else []))
    read = await numbers(direct)
    assert set(range(1000, 9000, 4)) <= set(read)
    # two requests for a piece; counting is seldom needed
    assert len(direct.asked) < 80


@settings(max_examples=150, deadline=None)
@given(
    ids=st.sets(st.integers(1, 400), max_size=200),
    batch=st.integers(1, 40),
    seed=st.integers(),
    after=st.integers(0, 100),
)
@example(ids={2}, batch=1, seed=0, after=0)
@example(ids=set(), batch=1, seed=22, after=0)
async def test_everything_that_stays_visible_is_read_whatever_happens_meanwhile(
    ids: set[int], batch: int, seed: int, after: int
) -> None:
    chance = random.Random(seed)
    engine = MockEngine()
    for id in ids:
        engine.add(id, time_ms=START_MS + chance.randrange(20))
    engine.lets_read_single = chance.random() < 0.7
    direct = Direct(engine, batch, is_narrowed=chance.random() < 0.3)
    top, removed = 500, set[int]()

    def happen() -> None:
        nonlocal top
        if chance.random() < 0.3:
            top += chance.randrange(1, 4)
            engine.add(top, time_ms=START_MS + chance.randrange(20))
        if chance.random() < 0.2 and engine.rows:
            removed.add(gone := chance.choice(sorted(engine.rows)))
            engine.remove(gone)

    direct.disturb = happen
    read = set(await numbers(direct, after))
    assert {id for id in ids if id > after} - removed <= read <= set(engine.rows)
