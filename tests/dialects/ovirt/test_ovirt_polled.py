"""Reading the log on in bounded pages, ``from`` the highest index of the page before: nothing may be left out, whatever the times."""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.serving import Serving, event, serving

API = "/ovirt-engine/api"
OLDEST_FIRST = "sortby time asc"
# In the order in which they are stored: late ones, early ones, several at once.
MINUTES = (30, 10, 20, 20, 20, 5, 40, 10, 10, 0)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path) as running:
        yield running


async def store(server: Serving) -> None:
    events = [event(time=f"2026-11-20T10:{minute:02d}:00Z", message="x") for minute in MINUTES]
    assert (await server.publish(*events)).status == 200


async def page(server: Serving, search: str = OLDEST_FIRST, **parameters: int) -> list[int]:
    reply = await server.get(f"{API}/events", headers={"Accept": "application/json"}, search=search, **parameters)  # type: ignore[arg-type]
    assert reply.status == 200, reply.body
    return [int(found["id"]) for found in reply.json.get("event", [])]


def by_time(indexes: list[int]) -> list[int]:
    """Return indexes, which count from 1, as oVirt sorts them: the newer of two of one time first."""
    return sorted(indexes, key=lambda index: (MINUTES[index - 1], -index))


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100])
async def test_a_poller_gets_every_event_once(server: Serving, size: int) -> None:
    await store(server)
    last, read = 0, list[int]()
    while found := await page(server, from_=last, max=size):
        assert found == by_time(found)
        read += found
        last = max(found)
    assert sorted(read) == list(range(1, len(MINUTES) + 1))


async def test_a_page_that_holds_all_there_is_has_them_by_time(server: Serving) -> None:
    await store(server)
    assert await page(server, from_=3, max=1000) == by_time(list(range(4, len(MINUTES) + 1)))


async def test_the_pages_of_one_bound_are_all_of_it(server: Serving) -> None:
    await store(server)
    pages = [await page(server, f"{OLDEST_FIRST} page {number}", from_=2, max=3) for number in (1, 2, 3, 4)]
    assert [len(found) for found in pages] == [3, 3, 2, 0]
    assert sorted(itertools.chain(*pages)) == list(range(3, len(MINUTES) + 1))


async def test_a_page_of_nothing_is_empty(server: Serving) -> None:
    await store(server)
    assert await page(server, from_=1, max=0) == []


async def test_a_page_of_more_than_a_step_is_whole(server: Serving) -> None:
    await server.fill(2_300, time="2026-11-20T10:00:00Z")
    assert sorted(await page(server, from_=100, max=2_100)) == list(range(101, 2_201))


async def test_a_search_narrows_what_a_poller_gets(server: Serving) -> None:
    await store(server)
    await server.publish(event(message="other", time="2026-11-20T09:00:00Z"), event(message="x"))
    assert await page(server, f"message=other {OLDEST_FIRST}", from_=2, max=5) == [11]


async def test_without_a_bound_the_oldest_come_first_whatever_their_index(server: Serving) -> None:
    await store(server)
    assert await page(server, max=4) == by_time(list(range(1, len(MINUTES) + 1)))[:4]
