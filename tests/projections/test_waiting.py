"""Who waits for a state."""

from __future__ import annotations

import asyncio

import msgspec

from tidings.projections.thing import Thing
from tidings.projections.waiting import Waiting

WEB = Thing("instance", "/1.0/instances/web", "web", "lxd", "default", "running", "2026-11-20T22:18:27Z", 1, "k", {})
DB = msgspec.structs.replace(WEB, id="/1.0/instances/db", name="db")


def now(thing: Thing, state: str) -> Thing:
    return msgspec.structs.replace(thing, state=state)


async def start(*waits: asyncio.Task[Thing | None]) -> None:
    await asyncio.sleep(0)
    assert not any(task.done() for task in waits)


async def test_a_wait_ends_with_the_state_it_is_for() -> None:
    waiting = Waiting()
    task = asyncio.create_task(waiting.wait(WEB.key, ("stopped", "gone"), 60))
    await start(task)
    waiting.tell(now(WEB, "frozen"))
    waiting.tell(now(DB, "stopped"))
    await start(task)
    waiting.tell(now(WEB, "gone"))
    waiting.tell(now(WEB, "stopped"))  # it is told of the first
    assert await task == now(WEB, "gone")
    assert waiting.count == 0


async def test_five_thousand_are_released_by_one_telling() -> None:
    waiting = Waiting()
    tasks = [asyncio.create_task(waiting.wait(WEB.key, ("stopped",), 60)) for _ in range(5000)]
    await start(*tasks)
    assert waiting.count == 5000
    waiting.tell(now(WEB, "stopped"))
    await asyncio.sleep(0)  # one turn of the loop, in which each goes on
    await asyncio.sleep(0)
    assert all(task.done() for task in tasks)
    assert {(await task) for task in tasks if (await task) is None} == set()
    assert waiting.count == 0


async def test_who_leaves_is_forgotten_at_once() -> None:
    waiting = Waiting()
    leaving, staying = (asyncio.create_task(waiting.wait(WEB.key, ("stopped",), 60)) for _ in range(2))
    await start(leaving, staying)
    leaving.cancel()
    await asyncio.gather(leaving, return_exceptions=True)
    assert waiting.count == 1
    waiting.tell(now(WEB, "stopped"))
    assert await staying == now(WEB, "stopped")


async def test_a_wait_in_vain_ends_with_nothing() -> None:
    waiting = Waiting()
    assert await waiting.wait(WEB.key, ("stopped",), 0.001) is None
    assert waiting.count == 0
