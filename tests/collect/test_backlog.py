"""What waits between a connection and the log."""

from __future__ import annotations

import asyncio

import pytest

from tests.collect.collecting import draft, until
from tidings.collect import Backlog, Disconnected

A, B, C = draft("a"), draft("b"), draft("c")


async def test_what_arrived_together_is_taken_together_in_its_order() -> None:
    backlog = Backlog()
    await backlog.put(A, 1)
    await backlog.put(B, 1)
    assert await backlog.take() == [A, B]


async def test_taking_waits_until_something_arrives() -> None:
    backlog = Backlog()
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(backlog.take())
        await backlog.put(A, 1)
    assert taking.result() == [A]


@pytest.mark.parametrize(("max_events", "max_bytes"), [(2, 100), (100, 20)])
async def test_when_it_is_full_putting_waits_for_room(max_events: int, max_bytes: int) -> None:
    backlog = Backlog(max_events, max_bytes)
    await backlog.put(A, 10)
    await backlog.put(B, 10)
    async with asyncio.TaskGroup() as group:
        putting = group.create_task(backlog.put(C, 10))
        await asyncio.sleep(0)
        assert not putting.done()
        assert await backlog.take() == [A, B]
        await until(putting.done)
    assert await backlog.take() == [C]


async def test_what_is_larger_than_the_bound_goes_in_alone() -> None:
    backlog = Backlog(10, 20)
    await backlog.put(A, 1000)
    assert await backlog.take() == [A]


async def test_a_touch_lets_take_return_without_events() -> None:
    backlog = Backlog()
    backlog.touch()
    assert await backlog.take() == []


async def test_the_end_is_raised_after_all_was_taken_and_again() -> None:
    backlog = Backlog()
    await backlog.put(A, 1)
    backlog.end(Disconnected("it went away"))
    assert await backlog.take() == [A]
    for _ in range(2):
        with pytest.raises(Disconnected, match="it went away"):
            await backlog.take()


async def test_an_end_wakes_who_waits() -> None:
    backlog = Backlog()
    async with asyncio.TaskGroup() as group:
        taking = group.create_task(backlog.take())
        await asyncio.sleep(0)
        backlog.end(Disconnected("it went away"))
    assert taking.result() == []
