"""An engine that isn't what it was: set up anew, restored, cleaned up, or with events that somebody removed."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.collect.collecting import Setting, gap
from tests.dialects.ovirt.collecting_ovirt import collecting, ovirt_setting, put_back
from tests.dialects.ovirt.mock_engine import START_MS, MockEngine
from tidings import rfc3339


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return ovirt_setting(tmp_path)


@pytest.mark.parametrize("may_read_single", [True, False])
async def test_an_engine_that_was_set_up_anew_is_read_from_its_start_and_a_gap_says_so(
    setting: Setting, may_read_single: bool
) -> None:
    engine = MockEngine(range(1, 101))
    engine.lets_read_single = may_read_single
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.rows.clear()
        for id in range(1, 6):
            engine.add(id, time_ms=START_MS + 10**9 + id)
        await running.poll(2)
        assert running.numbers == [*range(1, 101), 1, 2, 3, 4, 5]
        (told,) = setting.core.gaps
        assert "began anew" in gap(told)["reason"]
        assert gap(told)["from"] == rfc3339.render((START_MS + 100_000) * 1_000_000)
        engine.add(6, time_ms=START_MS + 10**9 + 6)
        await running.poll()
        assert running.numbers[-1] == 6
        assert len(setting.core.gaps) == 1


async def test_an_engine_that_was_restored_repeats_nothing(setting: Setting) -> None:
    engine = MockEngine(range(1, 101))
    async with collecting(setting, engine) as running:
        await running.polled()
    engine.rows = {id: row for id, row in engine.rows.items() if id <= 80}
    for id in range(81, 121):
        engine.add(id, time_ms=START_MS + 10**9 + id)
    async with collecting(setting, engine) as running:
        await running.poll(2)
        assert running.numbers == [*range(1, 101), *range(81, 121)]
        assert len(setting.core.gaps) == 1


@pytest.mark.parametrize("last", ["never given", "removed"])
async def test_an_engine_that_was_restored_is_known_even_without_the_number_read_last(
    setting: Setting, last: str
) -> None:
    engine = MockEngine(range(1, 101))
    async with collecting(setting, engine) as running:
        await running.polled()
    engine.rows = {id: row for id, row in engine.rows.items() if id <= 80}
    for id in range(81, 121):
        engine.add(id, time_ms=START_MS + 10**9 + id)
    if last == "removed":
        engine.remove(100)
    else:
        del engine.rows[100]
    async with collecting(setting, engine) as running:
        await running.poll(2)
        assert running.numbers == [*range(1, 101), *range(81, 100), *range(101, 121)]


async def test_killed_after_a_gap_was_stored_it_is_not_stored_again(setting: Setting) -> None:
    engine = MockEngine(range(1, 101))
    async with collecting(setting, engine) as running:
        await running.polled()
        place = running.place
    engine.rows.clear()
    engine.add(1, time_ms=START_MS + 10**9)
    for _ in range(2):
        put_back(setting, place)
        async with collecting(setting, engine) as running:
            await running.poll(2)
    assert len(setting.core.gaps) == 1
    assert running.numbers == [*range(1, 101), 1]


async def test_events_that_retention_deleted_unread_are_a_gap(setting: Setting) -> None:
    engine = MockEngine(range(1, 11))
    async with collecting(setting, engine) as running:
        await running.polled()
    engine.add(*range(11, 41))
    engine.purge(30)
    for _ in range(2):
        async with collecting(setting, engine) as running:
            await running.polled()
            assert running.numbers == [*range(1, 11), *range(31, 41)]
            (told,) = setting.core.gaps
            assert "the engine deleted old events" in gap(told)["reason"]


@pytest.mark.parametrize("change", ["the last", "all", "retention", "retention while nothing happens"])
@pytest.mark.parametrize("may_read_single", [True, False])
async def test_events_that_are_removed_at_the_engine_are_no_gap(
    setting: Setting, change: str, may_read_single: bool
) -> None:
    engine = MockEngine(range(1, 11))
    engine.lets_read_single = may_read_single
    async with collecting(setting, engine) as running:
        await running.polled()
        match change:
            case "the last":
                engine.add(11)
                engine.remove(10)
            case "all":
                engine.remove(*range(1, 11))
            case "retention while nothing happens":
                engine.purge(10)
                await running.poll()
                engine.add(11)
            case _:
                engine.purge(10)
                engine.add(11)
        await running.poll(2)
        engine.add(12)
        await running.poll()
        assert running.numbers == [*range(1, 11), *([] if change == "all" else [11]), 12]
        assert setting.core.gaps == []


async def test_an_event_that_is_removed_is_no_gap_where_a_search_narrows_the_list(setting: Setting) -> None:
    engine = MockEngine(range(1, 101))
    engine.add(30, 50, severity="error")
    engine.lets_read_single = False
    async with collecting(setting, engine, search="severity=error") as running:
        await running.polled()
        engine.remove(50)
        await running.poll(2)
        assert running.numbers == [30, 50]
        assert setting.core.gaps == []


async def test_why_the_last_event_is_not_listed_is_asked_once(setting: Setting) -> None:
    engine = MockEngine(range(1, 11))
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.remove(10)
        await running.poll(3)
        assert engine.paths.count("/ovirt-engine/api/events/10") == 1
