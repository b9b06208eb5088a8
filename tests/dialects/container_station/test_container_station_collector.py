"""Collecting from a NAS, against a stand-in for it: everything once, the two views of one happening as one event."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp import web

from tests.collect.collecting import gap
from tests.dialects.container_station.collecting_nas import SOURCE, NasSetting, collecting
from tests.dialects.container_station.mock_nas import START_S, MockNas, container_line
from tests.dialects.container_station.stored import MESSAGES, SEED, stored
from tidings import rfc3339
from tidings.collect import State
from tidings.dialects.container_station import catching_up, collector, merging
from tidings.dialects.container_station.lines import event_line
from tidings.event import Draft, payload_of


@pytest.fixture
def setting(tmp_path: Path) -> NasSetting:
    return NasSetting(tmp_path)


@pytest.fixture
def nas() -> MockNas:
    return MockNas()


def extension(setting: NasSetting, at: int, name: str) -> Any:
    """Return an attribute of what was stored."""
    return msgspec.json.decode((setting.told[at].extensions or {})[name])


def rows_of(draft: Draft) -> list[int]:
    """Return the ids of the rows that *draft* holds."""
    if draft.type.endswith(".log"):
        return [msgspec.json.decode(payload_of(draft))["id"]]
    row = (draft.extensions or {}).get("logrow")
    return [msgspec.json.decode(msgspec.json.decode(row))["id"]] if row else []


def lines_of(draft: Draft) -> list[str]:
    """Return the lines that *draft* holds."""
    return [] if draft.type.endswith(".log") else [event_line(stored(copy.copy(draft)), False)]


async def test_a_row_and_a_line_that_tell_of_the_same_are_one_event(setting: NasSetting, nas: MockNas) -> None:
    id = "397568fb6bdec55b32cac3ca4ac3fbc3c1d6ba5e3f5d3dde9f2aa8a1f2dc6a1b"
    nas.row("Stop container (docker, 397568fb6bde, DockerTestAPI)", level="WARN", user="Anonymous")
    line = container_line("stop", "DockerTestAPI", type="docker", id=id)
    nas.line(line)
    async with collecting(setting, nas) as running:
        await running.polled()
        (event,) = setting.told
        assert (event.source, event.type, event.subject) == (
            SOURCE,
            "container-station.container.stop",
            "container DockerTestAPI",
        )
        assert event.message == "Stop container (docker, 397568fb6bde, DockerTestAPI)"
        assert (event.actor, event.severity) == ("Anonymous", "warning")
        assert event.time == rfc3339.render((START_S + 1) * 10**9)


async def test_of_a_merged_event_both_originals_can_be_shown(setting: NasSetting, nas: MockNas) -> None:
    nas.happens("stop")
    async with collecting(setting, nas) as running:
        await running.polled()
        (event,) = setting.told
        assert event.id.startswith("event:")
        assert event_line(stored(copy.copy(event)), False) == nas.lines[0]
        text = json.dumps(nas.rows, indent=2)[1:-1].strip()
        assert extension(setting, 0, "logrow") == text


async def test_the_documents_rows_and_lines_are_matched(setting: NasSetting, nas: MockNas) -> None:
    for line in SEED["csv_lines"]:
        date, level, category, user, message = line.split(",", 4)
        ts = rfc3339.parse(f"{date.replace(' ', 'T')}Z") // 10**9
        nas.row(message.strip('"'), category=category, level=level, user=user, ts=ts)
    nas.dropped = 56
    nas.line(*reversed(MESSAGES))
    async with collecting(setting, nas) as running:
        await running.poll()
        merged = [one for one in setting.ids if "+" in one]
        assert merged == [
            "event 59+log 41",
            "event 60+log 42",
            "event 64+log 44",
            "event 65+log 45",
            "event 67+log 46",
            "event 68+log 47",
            "event 69+log 48",
            "event 70+log 49",
            "event 75+log 52",
        ]
        assert len(setting.told) == 52 + 20 - len(merged)


async def test_what_has_no_partner_after_two_polls_is_stored_alone(setting: NasSetting, nas: MockNas) -> None:
    nas.line(container_line("die"))
    nas.row("Create container (lxc, web)")
    async with collecting(setting, nas) as running:
        await running.polled()
        assert setting.ids == []
        heard = setting.now
        await running.poll()
        assert setting.ids == ["log 1", "event 0"]
        assert [one.time for one in setting.told] == [rfc3339.render((START_S + 1) * 10**9), heard]


async def test_what_can_have_no_partner_is_stored_at_once(setting: NasSetting, nas: MockNas) -> None:
    nas.line('image:all:{"action": "update", "from": "local", "type": "lxc"}')
    nas.row("Export task logs are cleared", category="export")
    async with collecting(setting, nas) as running:
        await running.polled()
        assert setting.ids == ["log 1", "event 0"]


async def test_a_partner_may_come_a_poll_later(setting: NasSetting, nas: MockNas) -> None:
    nas.line(container_line("start"))
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.row("Start container (lxc, web)")
        nas.row("Stop container (lxc, web)")
        await running.poll()
        assert setting.ids == ["event 0+log 1"]
        nas.line(container_line("stop"))
        await running.poll()
        assert setting.ids == ["event 0+log 1", "event 1+log 2"]


async def test_lines_are_stored_in_their_order(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.line(container_line("die"))
        nas.happens("start")
        await running.poll()
        assert setting.ids == []
        await running.poll()
        assert setting.ids == ["event 1+log 1", "event 0"][::-1]


async def test_what_happens_several_times_is_matched_in_order(setting: NasSetting, nas: MockNas) -> None:
    async with collecting(setting, nas) as running:
        await running.polled()
        for _ in range(3):
            nas.happens("restart")
        nas.row("Restart container (lxc, web)")
        await running.poll()
        assert setting.ids == ["event 0+log 1", "event 1+log 2", "event 2+log 3"]


async def test_at_first_what_happens_several_times_is_matched_from_the_newest(
    setting: NasSetting, nas: MockNas
) -> None:
    for _ in range(3):
        nas.row("Restart container (lxc, web)")
    nas.line(container_line("restart"))
    async with collecting(setting, nas) as running:
        await running.poll()
        assert setting.ids == ["event 0+log 3", "log 1", "log 2"]


@pytest.mark.parametrize(("seconds", "ids"), [(10, ["event 0+log 1"]), (11, ["log 1", "event 0"])])
async def test_lines_that_tell_a_time_match_rows_of_about_that_time(
    setting: NasSetting, nas: MockNas, seconds: int, ids: list[str]
) -> None:
    nas.row("Start container (lxc, web)", ts=START_S)
    nas.line(container_line("start", time_s=START_S + seconds))
    async with collecting(setting, nas) as running:
        await running.poll()
        assert setting.ids == ids
        assert setting.told[-1].time == rfc3339.render((START_S + seconds) * 10**9)


async def test_containers_of_one_name_are_told_apart_by_their_ids(setting: NasSetting, nas: MockNas) -> None:
    nas.row(f"Stop container (docker, {'a' * 12}, web)")
    nas.line(container_line("stop", type="docker", id="b" * 64), container_line("stop", type="docker", id="a" * 64))
    async with collecting(setting, nas) as running:
        await running.poll()
        assert setting.ids == ["event 0", "event 1+log 1"]


async def test_a_zone_mends_the_times_of_the_log(setting: NasSetting, nas: MockNas) -> None:
    nas.row("Start container (lxc, web)", ts=START_S + 8 * 3600)
    nas.row("Export task logs are cleared", category="export", ts=START_S + 8 * 3600)
    nas.line(container_line("start", time_s=START_S))
    async with collecting(setting, nas, zone="Asia/Taipei") as running:
        await running.polled()
        assert setting.ids == ["log 2", "event 0+log 1"]
        assert {one.time for one in setting.told} == {rfc3339.render(START_S * 10**9)}
        assert msgspec.json.decode(payload_of(setting.told[0]))["ts"] == START_S + 8 * 3600


async def test_an_error_of_either_view_is_one_of_the_event(setting: NasSetting, nas: MockNas) -> None:
    nas.row("Finished export container (lxc, web) to (/a.tgz) (return=1)", category="export")
    line = {"container": "web", "cid": "web", "state": "completed", "result": 1, "path": "/a.tgz", "type": "lxc"}
    nas.line(f"export:ann:{json.dumps(line)}")
    async with collecting(setting, nas) as running:
        await running.polled()
        assert setting.ids == ["event 0+log 1"]
        assert setting.told[0].severity == "error"


async def test_what_cannot_be_read_is_kept(setting: NasSetting, nas: MockNas) -> None:
    nas.line("container:all:broken")
    nas.row("x", ts="soon")
    async with collecting(setting, nas) as running:
        await running.polled()
        row, line = sorted(setting.told, key=lambda one: one.id, reverse=True)
        assert {row.type, line.type} == {"container-station.unreadable"}
        assert msgspec.json.decode(payload_of(line)) == "container:all:broken"
        assert "member 'ts'" in row.message


async def test_it_asks_little_when_little_is_new(setting: NasSetting, nas: MockNas) -> None:
    for number in range(300):
        nas.happens("start", f"c{number}")
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.happens("stop")
        nas.asked.clear()
        await running.poll()
        assert [(path.rpartition("/")[2], query) for path, query in nas.asked] == [
            ("event", {"index": "292"}),
            ("log", {"limit": "50", "offset": "0"}),
        ]
        assert setting.ids[-1] == "event 300+log 301"


@pytest.mark.parametrize("most_rows", [10_000, 20])
async def test_a_long_log_is_read_from_its_oldest_row(
    setting: NasSetting, nas: MockNas, monkeypatch: pytest.MonkeyPatch, most_rows: int
) -> None:
    monkeypatch.setattr(catching_up, "FEW", 10)
    monkeypatch.setattr(catching_up, "MANY", 100)
    monkeypatch.setattr(merging, "MAX_WAITING", 30)
    nas.most_rows = most_rows
    for number in range(1234):
        nas.row(f"Start container (lxc, c{number})")
    grown = iter(range(12))

    def grow(path: str, query: object) -> None:
        if path == "log" and (number := next(grown, None)) is not None:
            nas.row(f"Stop container (lxc, c{number})")

    nas.before_answer = grow
    async with collecting(setting, nas) as running:
        await running.poll(3)
        assert setting.ids == [f"log {row['id']}" for row in nas.rows]


async def test_a_restart_goes_on_where_it_was(setting: NasSetting, nas: MockNas) -> None:
    nas.happens("start")
    nas.line(container_line("die", "other"))
    async with collecting(setting, nas) as running:
        await running.polled()
        assert setting.ids == ["event 0+log 1"]
    nas.happens("stop")
    nas.row("Create container (lxc, new)")
    async with collecting(setting, nas) as running:
        await running.poll()
        assert setting.ids == ["event 0+log 1", "event 1", "event 2+log 2", "log 3"]
        assert len(setting.noting.offered) == 4
        assert setting.core.gaps == []


@pytest.mark.parametrize("kill_at", range(7))
async def test_killed_between_store_and_cursor_nothing_is_lost_or_repeated(
    setting: NasSetting, nas: MockNas, kill_at: int
) -> None:
    setting.noting.kill_at = kill_at
    nas.line(container_line("die"))
    nas.happens("start")
    nas.row("Create container (lxc, new)")
    async with collecting(setting, nas) as running:
        await running.go_on(1)
        nas.happens("stop")
        nas.row("Restart container (lxc, late)")
        await running.go_on()
        # the partner of what may have been stored alone, and may not be stored with it again
        nas.line(container_line("restart", "late"))
        await running.go_on()
        lines = list(nas.lines)
        nas.restart()
        nas.happens("pause")
        await running.go_on(4)
    assert setting.noting.publishes > kill_at
    assert sorted(id for one in setting.told for id in rows_of(one)) == [row["id"] for row in nas.rows]
    assert sorted(line for one in setting.told for line in lines_of(one)) == sorted([*lines, *nas.lines])
    assert len(setting.core.gaps) == 1


async def test_a_nas_that_restarted_is_read_from_the_start_of_its_events(setting: NasSetting, nas: MockNas) -> None:
    nas.happens("start")
    nas.happens("stop")
    async with collecting(setting, nas) as running:
        await running.polled()
        before = setting.now
        nas.restart()
        nas.happens("start")
        await running.poll()
        assert setting.ids == ["event 0+log 1", "event 1+log 2", "event 0+log 3"]
        assert len({one.id for one in setting.told}) == 3
        (told,) = setting.core.gaps
        assert "event counter began anew" in gap(told)["reason"]
        assert gap(told)["from"] == before
        assert running.status.reconnects == 0


async def test_a_restart_is_seen_when_there_are_more_events_than_before(setting: NasSetting, nas: MockNas) -> None:
    nas.line(container_line("start", "a"), container_line("start", "b"))
    async with collecting(setting, nas) as running:
        await running.poll()
    nas.restart()
    nas.line(*(container_line("start", name) for name in "abcd"))
    nas.lines[0] = container_line("stop", "a")
    async with collecting(setting, nas) as running:
        await running.poll()
        assert setting.ids == ["event 0", "event 1", "event 0", "event 1", "event 2", "event 3"]
        assert len(setting.core.gaps) == 1


@pytest.mark.parametrize("rows", [1, 5])
async def test_a_log_whose_ids_began_anew_is_read_from_its_start(setting: NasSetting, nas: MockNas, rows: int) -> None:
    for number in range(3):
        nas.row(f"Clear {number}")
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.rows.clear()
        for number in range(rows):
            nas.row(f"Another {number}")
        await running.poll(2)
        assert setting.ids == [f"log {id}" for id in (1, 2, 3, *range(1, rows + 1))]
        assert len({one.id for one in setting.told}) == 3 + rows
        (told,) = setting.core.gaps
        assert "ids of the NAS's log began anew" in gap(told)["reason"]


async def test_rows_and_lines_that_went_unread_are_a_gap(setting: NasSetting, nas: MockNas) -> None:
    nas.happens("start")
    async with collecting(setting, nas) as running:
        await running.polled()
    nas.rows = []
    nas.row("After the clearing", id=9, category="system")
    nas.dropped, nas.lines = 4, ['container:all:{"container": "x", "port": "add", "type": "lxc"}']
    async with collecting(setting, nas) as running:
        await running.poll(2)
        assert setting.ids == ["event 0+log 1", "log 9", "event 4"]
        assert sorted(gap(one)["reason"].partition(",")[0] for one in setting.core.gaps) == [
            "the NAS dropped old events that had not been read",
            "the NAS's log was cleared",
        ]


async def test_a_log_that_was_cleared_after_all_was_read_is_no_gap(setting: NasSetting, nas: MockNas) -> None:
    nas.row("Before")
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.rows = []
        await running.poll()
        nas.row("After", id=2)
        await running.poll()
        assert setting.ids == ["log 1", "log 2"]
        assert setting.core.gaps == []


async def test_events_that_are_counted_and_not_shown_shift_nothing(setting: NasSetting, nas: MockNas) -> None:
    nas.hidden = {1, 3}
    nas.line(*(container_line("die", f"c{number}") for number in range(5)))
    async with collecting(setting, nas) as running:
        await running.poll()
        nas.line(container_line("die", "c5"), container_line("die", "c6"))
        await running.poll(2)
        assert [one.subject for one in setting.told] == [f"container c{number}" for number in (0, 2, 4, 5, 6)]
        assert len({one.id for one in setting.told}) == 5
        assert setting.core.gaps == []


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"index": 0, "messages": ["a"], "offset": 0}', "1 events were answered, but counted from 0 to 0"),
        (b"[]", "no events were answered"),
        (b'{"index": -1, "messages": [], "offset": 0}', "no events were answered"),
        (b'{"index": 9, "messages": ["\xff"], "offset": 10}', "no events were answered"),
    ],
)
async def test_events_that_make_no_sense_are_not_taken(
    setting: NasSetting, nas: MockNas, body: bytes, reason: str
) -> None:
    nas.failures = [web.Response(body=body)]
    async with collecting(setting, nas) as running:
        assert reason in await running.refused()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'[{"id": 1}, {"id": 2}]', "not answered newest first"),
        (b'[{"id": "x"}]', "no log was answered"),
        (b'{"rows": []}', "no log was answered"),
    ],
)
async def test_a_log_that_makes_no_sense_is_not_taken(
    setting: NasSetting, nas: MockNas, body: bytes, reason: str
) -> None:
    empty = web.Response(body=b'{"index": 0, "messages": [], "offset": 0}')
    nas.failures = [empty, web.Response(body=body)]
    async with collecting(setting, nas) as running:
        assert reason in await running.refused()


async def test_a_log_that_is_the_same_at_every_offset_is_not_read_for_ever(setting: NasSetting, nas: MockNas) -> None:
    for number in range(catching_up.FEW):
        nas.row(f"{number}")
    page = json.dumps(nas.rows[::-1]).encode()
    empty = web.Response(body=b'{"index": 0, "messages": [], "offset": 0}')
    nas.failures = [empty, *(web.Response(body=page) for _ in range(9))]
    async with collecting(setting, nas) as running:
        assert "the same at every offset" in await running.refused()


async def test_an_answer_without_end_is_not_read(
    setting: NasSetting, nas: MockNas, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(collector, "MAX_ANSWER", 1000)
    nas.row("x" * 1001)
    async with collecting(setting, nas) as running:
        assert "an answer has more than 1000 bytes" in await running.refused()


async def test_after_a_failure_it_goes_on_where_it_was(setting: NasSetting, nas: MockNas) -> None:
    nas.happens("start")
    async with collecting(setting, nas) as running:
        await running.polled()
        nas.failures = [web.Response(status=500, text="oops")]
        nas.happens("stop")
        await setting.pauses.end()
        assert "answers 500" in await running.refused()
        await running.reconnected()
        assert setting.ids == ["event 0+log 1", "event 1+log 2"]
        assert running.status.state is State.LIVE
