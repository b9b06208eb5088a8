"""Collecting from an oVirt engine, against a stand-in for it, and from another tidings."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from tests.collect.collecting import Setting, until
from tests.dialects.ovirt.collecting_ovirt import INTERVAL_S, collecting, ovirt_setting, put_back
from tests.dialects.ovirt.mock_engine import START_MS, MockEngine
from tests.server.serving import serving
from tidings.collect import State
from tidings.dialects.ovirt import collector, progress
from tidings.event import payload_of


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return ovirt_setting(tmp_path)


async def test_all_that_an_engine_has_is_stored_in_the_order_of_its_numbers(setting: Setting) -> None:
    engine = MockEngine([3, 5, 8])
    async with collecting(setting, engine) as running:
        await running.polled()
        assert running.numbers == [3, 5, 8]
        first = setting.core.stored[0]
        assert payload_of(first) == engine.rows[3].payload
        assert (first.source, first.type, first.message) == ("ovirt/ovirt", "ovirt.USER_VDC_LOGOUT", "number 3")
        assert running.status.detail == "oVirt Engine 4.5.6-1.el9"


async def test_what_happens_later_is_stored_once(setting: Setting) -> None:
    engine = MockEngine(range(1, 4))
    async with collecting(setting, engine) as running:
        await running.polled()
        for id in range(4, 8):
            engine.add(id)
            await running.poll()
        assert running.numbers == [1, 2, 3, 4, 5, 6, 7]
        assert running.offered == ["1", "2", "3", "4", "5", "6", "7"]


async def test_it_asks_as_the_documents_say_one_request_at_a_time(setting: Setting) -> None:
    engine = MockEngine(range(1, 250))
    async with collecting(setting, engine, batch=100) as running:
        await running.poll()
        by_time = {"max": "100", "search": "sortby time asc"}
        assert engine.lists == [
            by_time,
            {**by_time, "from": "100"},
            {**by_time, "from": "200"},
            {**by_time, "from": "248"},
        ]
        assert engine.most_at_once == 1
        assert engine.headers[-1]["Accept"] == "application/json"
        assert engine.headers[-1]["Filter"] == "false"


async def test_with_start_now_only_what_follows_is_collected(setting: Setting) -> None:
    engine = MockEngine(range(1, 50))
    async with collecting(setting, engine, start="now") as running:
        await running.polled()
        assert running.numbers == []
        engine.add(50)
        await running.poll()
        assert running.numbers == [50]


async def test_now_is_when_it_was_configured_not_when_it_was_restarted(setting: Setting) -> None:
    engine = MockEngine(range(1, 50))
    async with collecting(setting, engine, start="now") as running:
        await running.polled()
    engine.add(50)
    async with collecting(setting, engine, start="now") as running:
        await running.polled()
        assert running.numbers == [50]


async def test_now_stays_what_it_was_when_the_engine_fails_at_once(setting: Setting) -> None:
    engine = MockEngine(range(1, 50))

    def fail_next(number: int) -> None:
        if number == 0:
            engine.failures = [web.Response(status=500)]

    engine.before_list = fail_next
    async with collecting(setting, engine, start="now") as running:
        await running.refused()
        engine.add(50)
        await running.reconnected()
        assert running.numbers == [50]


async def test_a_search_narrows_what_is_collected(setting: Setting) -> None:
    engine = MockEngine(range(1, 100))
    engine.add(*range(100, 300, 7), severity="error")
    async with collecting(setting, engine, search="severity=error", batch=10) as running:
        await running.polled()
        engine.add(301)
        engine.add(302, severity="error")
        await running.poll()
        assert running.numbers == [*range(100, 300, 7), 302]


async def test_a_search_that_the_other_side_cannot_read_is_told_of(setting: Setting) -> None:
    async with collecting(setting, MockEngine([1]), search="colour=red") as running:
        assert 'can\'t read search: 299 tidings "search, unknown field at column 1"' in await running.refused()


async def test_a_restart_goes_on_where_it_was(setting: Setting) -> None:
    engine = MockEngine(range(1, 6))
    async with collecting(setting, engine) as running:
        await running.polled()
    engine.add(6, 7)
    async with collecting(setting, engine) as running:
        await running.polled()
        assert running.numbers == [1, 2, 3, 4, 5, 6, 7]
        assert running.offered == ["1", "2", "3", "4", "5", "6", "7"]
        assert setting.core.gaps == []


async def test_killed_between_store_and_cursor_nothing_is_stored_twice(setting: Setting) -> None:
    engine = MockEngine(range(1, 6))
    async with collecting(setting, engine) as running:
        await running.polled()
        place = running.place
        engine.add(6, 7)
        await running.poll()
    put_back(setting, place)
    async with collecting(setting, engine) as running:
        await running.polled()
        assert running.numbers == [1, 2, 3, 4, 5, 6, 7]
        assert running.offered[5:] == ["6", "7", "6", "7"]


async def test_a_lower_number_that_becomes_visible_later_is_stored(setting: Setting) -> None:
    engine = MockEngine([1, 2, 4])
    async with collecting(setting, engine) as running:
        await running.poll(3)
        engine.add(3, 5)
        await running.poll()
        assert running.numbers == [1, 2, 4, 3, 5]


async def test_a_lower_number_that_becomes_visible_across_a_restart_is_stored(setting: Setting) -> None:
    engine = MockEngine([1, 2, 4])
    async with collecting(setting, engine) as running:
        await running.polled()
    engine.add(3)
    async with collecting(setting, engine) as running:
        await running.polled()
        assert running.numbers == [1, 2, 4, 3]


async def test_a_number_that_stays_missing_is_asked_for_no_longer_than_ten_minutes(setting: Setting) -> None:
    engine = MockEngine([1, 2, 4])
    async with collecting(setting, engine) as running:
        await running.poll(int(progress.LATE_S / INTERVAL_S))
        assert engine.lists[-1]["from"] == "2"
        await running.poll()
        assert engine.lists[-1]["from"] == "3"


@pytest.mark.parametrize("batch", [1, 7, 1000])
async def test_a_clock_that_is_set_back_loses_and_repeats_nothing(setting: Setting, batch: int) -> None:
    engine = MockEngine(range(1, 31))
    async with collecting(setting, engine, batch=batch) as running:
        await running.polled()
        for id in range(31, 61):
            engine.add(id, time_ms=START_MS - 3_600_000 + id)
        await running.poll()
        engine.add(*range(61, 91), time_ms=START_MS)
        await running.poll()
        assert running.numbers == list(range(1, 91))


async def test_a_huge_backlog_comes_in_pages_and_each_is_kept(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "LATE_EVENTS", 1000)
    engine = MockEngine(id for id in range(40_000, 45_000) if id % 5)

    def fail_once(number: int) -> None:
        if number == 60:
            engine.failures = [web.Response(status=500)]

    engine.before_list = fail_once
    async with collecting(setting, engine, batch=200) as running:
        assert "answers 500" in await running.refused()
        stored = len(running.numbers)
        assert 1000 < stored < 4000
        await running.reconnected()
        assert running.numbers == sorted(engine.rows)
        # only what may still be overtaken is asked for again
        assert 0 < len(running.offered) - 4000 <= 1000
        assert max(int(asked["max"]) for asked in engine.lists) == 200


async def test_a_busy_engine_is_left_alone_for_as_long_as_it_asks(setting: Setting) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.failures = [web.Response(status=503, headers={"Retry-After": "120"}, text="<b>maintenance</b>")]
        await setting.pauses.end()
        assert (await running.refused()).endswith("/ovirt-engine/api answers 503: maintenance")
        assert await setting.pauses.end() < 60
        assert await setting.pauses.end() == 120
        await running.polled()
        assert running.status.reconnects == 1
        assert setting.core.gaps == []


async def test_an_engine_that_restarts_is_tried_again_and_nothing_is_missing(setting: Setting) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.failures = [web.Response(status=502) for _ in range(3)]
        engine.add(2, 3)
        await setting.pauses.end()
        delays = []
        while not setting.pauses._find(looks=False) or running.status.state is not State.LIVE:
            await running.refused()
            delays.append(await setting.pauses.end())
            await until(lambda: setting.pauses._find(looks=False))
        assert running.numbers == [1, 2, 3]
        assert delays == sorted(delays)
        assert setting.core.gaps == []


async def test_an_engine_that_is_not_there_is_named(setting: Setting) -> None:
    async with collecting(setting, MockEngine(), url="http://127.0.0.1:9/ovirt-engine/api") as running:
        assert (await running.refused()).startswith("can't connect to http://127.0.0.1:9: Connect")


async def test_an_event_without_a_text_is_kept_as_it_is(setting: Setting) -> None:
    engine = MockEngine([1])
    payload = b'{"id":"2","code":"31","time":1}'
    async with collecting(setting, engine) as running:
        await running.polled()
        engine.failures = [web.Response(body=b'{"event":[%s]}' % payload, content_type="application/json")]
        await running.poll()
        odd = setting.core.stored[-1]
        assert (odd.id, odd.type, odd.severity, odd.time) == ("2", "ovirt.unreadable", "warning", setting.now)
        assert payload_of(odd) == payload
        assert "needs the member 'description'" in odd.message


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"<html>login</html>", "no list of events was answered"),
        (b'{"event":[{"id":"x"}]}', "whose id is no number: 'x'"),
        (b'{"event":[5]}', "is no event"),
        (b'{"event":[{"id":"1"},{"id":"2"},{"id":"3"}]}', "ignores from or max"),
    ],
)
async def test_what_is_no_engine_is_said_so(setting: Setting, body: bytes, reason: str) -> None:
    engine = MockEngine([1])
    async with collecting(setting, engine, batch=2) as running:
        await running.polled()
        engine.failures = [web.Response(body=body, content_type="application/json")]
        await setting.pauses.end()
        assert reason in await running.refused()


async def test_too_large_answers_are_asked_for_in_smaller_pieces(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = MockEngine(range(1, 301))
    monkeypatch.setattr(collector, "MAX_ANSWER", 40 * len(engine.rows[300].payload))
    async with collecting(setting, engine) as running:
        await running.polled()
        assert running.numbers == list(range(1, 301))
        assert {asked["max"] for asked in engine.lists} >= {"1000", "500", "250", "125", "62", "31"}


async def test_one_event_that_is_too_large_is_told_of(setting: Setting, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MAX_ANSWER", 150)
    async with collecting(setting, MockEngine([1])) as running:
        assert "answers one event with more than 150 bytes" in await running.refused()


async def test_another_tidings_is_collected_like_an_engine(setting: Setting, tmp_path: Path) -> None:
    directory = tmp_path / "other"
    directory.mkdir()
    async with serving(directory) as other:
        user = {"name": "admin", "password": "correct-horse-battery", "role": "admin"}
        assert (await other.send("POST", "/v1/users", user)).status == 201
        # of one moment, so that the highest number would come first
        head = await other.fill(29, time="2026-09-21T14:13:20Z")
        row: dict[str, Any] = {"url": f"{other.url}/ovirt-engine/api", "password": user["password"], "batch": 7}
        async with collecting(setting, MockEngine(), **row) as running:
            await running.polled()
            assert running.numbers == [*range(1, head + 1)]
            head = await other.fill(3)
            await running.poll()
            assert running.numbers == [*range(1, head + 1)]
            assert running.status.detail.startswith("tidings")
            assert setting.core.gaps == []
