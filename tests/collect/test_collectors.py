"""Running collectors: back-off, gaps, what outlives a restart, and what is said about them."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.collect.collecting import Pauses, Setting, Working, draft, gap, until
from tidings import rfc3339
from tidings.collect import Disconnected, Intake, State
from tidings.errors import Busy, ConfigError, StorageError
from tidings.store import Store

WENT_AWAY = Disconnected("it went away")


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    return Setting(tmp_path)


async def fail(intake: Intake) -> None:
    raise WENT_AWAY


def killed(setting: Setting) -> Setting:
    """Return the setting of a start after a kill: with the files just as they are now, and the same log."""
    directory = setting.directory / "after"
    directory.mkdir()
    for file in setting.directory.glob("state.db*"):
        shutil.copy(file, directory)
    again = Setting(directory)
    again.core, again.clock = setting.core, setting.clock
    again.pauses = Pauses(again.clock)
    return again


async def test_pauses_between_attempts_grow_up_to_a_minute(setting: Setting) -> None:
    async with setting.collecting() as working:
        for _ in range(7):
            working.does(fail)
        assert [await setting.pauses.end() for _ in range(7)] == [1.5, 3, 6, 12, 24, 45, 45]


async def test_a_connection_that_was_good_for_a_minute_starts_the_pauses_anew(setting: Setting) -> None:
    async with setting.collecting() as working:
        for _ in range(3):
            working.does(fail)
            await setting.pauses.end()
        link = await working.connects()
        setting.clock.advance(60)
        await link.breaks(WENT_AWAY)
        assert await setting.pauses.end() == 1.5


async def test_a_connection_that_breaks_at_once_does_not(setting: Setting) -> None:
    async with setting.collecting() as working:
        working.does(fail)
        await setting.pauses.end()
        link = await working.connects()
        setting.clock.advance(59)
        await link.breaks(WENT_AWAY)
        assert await setting.pauses.end() == 3


async def test_the_state_says_why_it_waits(setting: Setting) -> None:
    async with setting.collecting() as working:
        assert working.status.state is State.CONNECTING
        since = setting.now
        working.does(fail)
        await until(lambda: working.status.state is State.WAITING)
        assert (working.status.detail, working.status.since) == ("it went away", since)


async def test_a_fault_of_ours_does_not_end_the_collecting(setting: Setting) -> None:
    async def stumble(intake: Intake) -> None:
        raise ExceptionGroup("a task group", [ZeroDivisionError()])

    async with setting.collecting() as working:
        working.does(stumble)
        await setting.pauses.end()
        await working.connects()


async def test_the_reason_inside_a_task_group_is_shown(setting: Setting) -> None:
    async def fail_in_group(intake: Intake) -> None:
        async with asyncio.TaskGroup():
            raise WENT_AWAY

    async with setting.collecting() as working:
        working.does(fail_in_group)
        await until(lambda: working.status.detail == "it went away")


async def test_a_stop_in_the_moment_of_a_failure_is_not_lost(setting: Setting) -> None:
    failing = asyncio.Event()

    async def end_slowly() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            failing.set()
            await asyncio.sleep(0.05)

    async def fail_slowly(intake: Intake) -> None:
        async with asyncio.TaskGroup() as group:
            group.create_task(end_slowly())
            await asyncio.sleep(0)
            raise WENT_AWAY

    async with asyncio.timeout(10), setting.collecting() as working:
        working.does(fail_slowly)
        await failing.wait()


async def test_the_first_connection_ever_makes_no_gap(setting: Setting) -> None:
    async with setting.collecting() as working:
        working.does(fail)
        await setting.pauses.end()
        link = await working.connects()
        await link.publishes(draft("a"))
        assert setting.core.messages == ["a"]


async def test_a_gap_is_recorded_before_the_first_event_after_it(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        await link.publishes(draft("a"))
        left = setting.now
        setting.clock.advance(5)
        await link.breaks(WENT_AWAY)
        await setting.pauses.end()
        again = await working.connects()
        await again.publishes(draft("b"))
        assert setting.core.messages == ["a", "it went away", "b"]
        event = setting.core.gaps[0]
        assert gap(event) == {
            "collector": "one", "source": "fake/one", "from": left, "to": setting.now, "seconds": 6.5,
            "reason": "it went away",
        }  # fmt: skip
        assert (event.source, event.severity, event.subject, event.time) == (
            "tidings",
            "warning",
            "collector one",
            setting.now,
        )
        assert (working.status.gaps, working.status.reconnects) == (1, 1)


async def test_a_gap_is_recorded_when_no_event_follows(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        await link.breaks(WENT_AWAY)
        await setting.pauses.end()
        await working.connects()
        assert setting.core.messages == ["it went away"]


async def test_publishing_says_that_it_is_connected(setting: Setting) -> None:
    async def publish(intake: Intake) -> None:
        await intake.publish([draft("b")])
        await asyncio.Event().wait()

    async with setting.collecting() as working:
        await (await working.connects()).breaks(WENT_AWAY)
        await setting.pauses.end()
        working.does(publish)
        await until(lambda: len(setting.core.stored) == 2)
        assert setting.core.messages == ["it went away", "b"]


async def test_failed_attempts_do_not_hide_what_ended_the_connection(setting: Setting) -> None:
    async def refuse(intake: Intake) -> None:
        raise Disconnected("nobody is there")

    async with setting.collecting() as working:
        await (await working.connects()).breaks(WENT_AWAY)
        working.does(refuse)
        await setting.pauses.end()
        await setting.pauses.end()
        await working.connects()
        assert setting.core.messages == ["it went away"]


async def test_a_sign_of_life_moves_the_beginning_of_a_gap(setting: Setting) -> None:
    async def hear(intake: Intake) -> None:
        intake.alive()
        await intake.publish(())

    async with setting.collecting() as working:
        link = await working.connects()
        setting.clock.advance(100)
        await link.does(hear)
        heard = setting.now
        await link.breaks(WENT_AWAY)
        await setting.pauses.end()
        await working.connects()
        assert gap(setting.core.gaps[0])["from"] == heard


async def test_what_was_heard_but_not_stored_lies_in_the_gap(setting: Setting) -> None:
    async def hear(intake: Intake) -> None:
        intake.alive()

    async with setting.collecting() as working:
        link = await working.connects()
        stored = setting.now
        setting.clock.advance(100)
        await link.does(hear)
        assert working.status.last_seen == setting.now
        await link.breaks(WENT_AWAY)
        await setting.pauses.end()
        await working.connects()
        assert gap(setting.core.gaps[0])["from"] == stored


async def test_a_stop_and_a_start_make_a_gap(setting: Setting) -> None:
    async with setting.collecting() as working:
        await (await working.connects()).publishes(draft("a"))
        left = setting.now
        setting.clock.advance(10)
    assert working.status.state is State.STOPPED
    async with setting.collecting() as working:
        await (await working.connects()).publishes(draft("b"))
    assert setting.core.messages == ["a", "tidings was stopped", "b"]
    assert gap(setting.core.gaps[0])["from"] == left


async def test_a_stop_while_disconnected_keeps_the_reason(setting: Setting) -> None:
    async with setting.collecting() as working:
        await (await working.connects()).breaks(WENT_AWAY)
        await until(lambda: working.status.state is State.WAITING)
    async with setting.collecting() as working:
        await working.connects()
    assert setting.core.messages == ["it went away"]


async def test_after_a_kill_the_gap_begins_where_the_place_was_saved_last(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        setting.clock.advance(10)
        await link.publishes(draft("a"))
        saved = setting.now
        await setting.pauses.look()
        setting.clock.advance(1)
        await link.publishes(draft("b"))
        after = killed(setting)
    async with after.collecting() as working:
        await working.connects()
    assert setting.core.messages == ["a", "b", "tidings ended without being stopped"]
    assert gap(setting.core.gaps[0])["from"] == saved


async def test_a_gap_is_not_recorded_again_after_a_kill(setting: Setting) -> None:
    async with setting.collecting() as working:
        await (await working.connects()).breaks(WENT_AWAY)
        await setting.pauses.end()
        await working.connects()
        live_since = setting.now
        after = killed(setting)
    async with after.collecting() as working:
        await working.connects()
    assert [gap(one)["from"] for one in setting.core.gaps][1:] == [live_since]


async def test_a_collector_that_resumes_makes_no_gap_and_finds_its_cursor(setting: Setting) -> None:
    row = {"kind": "fake", "name": "one", "resumes": True}
    cursors = []

    async def look(intake: Intake) -> None:
        cursors.append(intake.cursor)

    async with setting.collecting(row) as working:
        link = await working.connects()
        await link.does(look)
        await link.publishes(draft("a"), cursor="page 7")
        await link.does(look)
        after = killed(setting)
    async with after.collecting(row) as working:
        await (await working.connects()).does(look)
    assert cursors == ["", "page 7", "page 7"]
    assert setting.core.messages == ["a"]


async def test_a_cursor_is_saved_after_its_events(setting: Setting) -> None:
    setting.core.refusals = [Busy("full")]
    async with setting.collecting() as working:
        link = await working.connects()
        publishing = asyncio.create_task(link.publishes(draft("a"), cursor="page 7"))
        await until(lambda: working.status.state is State.WAITING)
        after = killed(setting)
        await setting.pauses.end()
        await publishing
        assert working.saved_cursor == "page 7"
    async with after.collecting() as working:
        assert working.saved_cursor == ""


async def test_the_cursor_of_another_kind_with_the_same_name_is_not_taken(setting: Setting) -> None:
    async with setting.collecting() as working:
        await (await working.connects()).publishes(cursor="page 7")
    store = Store.open(setting.directory / "state.db")
    store.execute("UPDATE collectors SET kind = 'other'")
    store.close()
    async with setting.collecting() as working:
        await working.connects()
    assert setting.core.stored == []


@pytest.mark.parametrize(("fault", "pause_s"), [(Busy("full", 3), 3), (StorageError("no space"), 1.5)])
async def test_a_log_that_refuses_is_waited_for(setting: Setting, fault: Exception, pause_s: float) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        setting.core.refusals = [fault, fault]
        publishing = asyncio.create_task(link.publishes(draft("a"), draft("b", id="its own")))
        await until(lambda: working.status.state is State.WAITING)
        assert working.status.detail == f"waiting for the log: {fault}"
        assert await setting.pauses.end() == pause_s
        await setting.pauses.end()
        await publishing
        assert (working.status.state, working.status.detail) == (State.LIVE, "a fake")
        assert setting.core.messages == ["a", "b"]


async def test_an_index_given_by_a_failed_attempt_is_not_kept_as_the_id(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        setting.core.refusals = [StorageError("no space")]
        publishing = asyncio.create_task(link.publishes(draft("a")))
        await until(lambda: working.status.state is State.WAITING)
        setting.core.stored.append(draft("somebody else's"))
        await setting.pauses.end()
        await publishing
        assert setting.core.stored[-1].id == "2"


async def test_a_cursor_that_cannot_be_saved_is_insisted_on(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        working.let_disk(refuse=True)
        publishing = asyncio.create_task(link.publishes(draft("a"), cursor="page 7"))
        await until(lambda: "can't be used" in working.status.detail)
        working.let_disk(refuse=False)
        await setting.pauses.end()
        await publishing
        assert (working.saved_cursor, setting.core.messages) == ("page 7", ["a"])


async def test_a_place_that_cannot_be_saved_is_saved_later(setting: Setting) -> None:
    async with setting.collecting() as working:
        link = await working.connects()
        setting.clock.advance(10)
        await link.publishes(draft("a"))
        working.let_disk(refuse=True)
        await setting.pauses.look()
        working.let_disk(refuse=False)
        await setting.pauses.look()
        saved = setting.now
        after = killed(setting)
    async with after.collecting() as working:
        await working.connects()
    assert gap(setting.core.gaps[0])["from"] == saved


async def test_a_disk_that_refuses_while_it_connects_is_no_reason_to_stay_away(setting: Setting) -> None:
    async with setting.collecting() as working:
        working.let_disk(refuse=True)
        link = await working.connects()
        await link.publishes(draft("a"))
        assert setting.core.messages == ["a"]


async def test_who_is_down_for_a_minute_is_warned_of_until_it_is_live(setting: Setting) -> None:
    async with setting.collecting() as working:
        working.does(fail)
        await until(lambda: working.status.state is State.WAITING)
        setting.clock.advance(59)
        await setting.pauses.look()
        assert setting.warnings.told == []
        setting.clock.advance(1)
        await setting.pauses.look()
        await setting.pauses.look()
        message = "no events of fake/one are collected: it went away"
        assert setting.warnings.told == [("raised", "collector-down", "collector one", message)]
        await setting.pauses.end()
        await working.connects()
        await setting.pauses.look()
        await setting.pauses.look()
        assert setting.warnings.told[1:] == [("resolved", "collector-down", "collector one")]


async def test_the_status_tells_of_the_last_event(setting: Setting) -> None:
    async with setting.collecting() as working:
        before = working.status
        link = await working.connects()
        time = rfc3339.render(setting.clock.now_ns() - 2_500_000_000)
        await link.publishes(draft("a"), draft("b", time))
        after = working.status
    assert (before.events, before.last_event, before.last_seen, before.lag_s) == (0, None, None, None)
    assert (after.events, after.last_event, after.last_seen, after.lag_s) == (2, 2, setting.now, 2.5)


async def test_the_status_shows_no_credentials(setting: Setting) -> None:
    async with setting.collecting() as working:
        assert working.status.url == "https://host/path"


async def test_without_collectors_there_is_nothing_to_run(setting: Setting) -> None:
    store = Store.open(setting.directory / "state.db")
    collectors = setting.make(store)
    collectors._feeds.clear()
    await collectors.run()
    store.close()


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([{"name": "one"}], r"\[\[collect\]\] 'one': bad value for kind: expected the kind of collector"),
        ([{"kind": "fax"}], r"\[\[collect\]\] number 1: there is no kind 'fax'; known are: fake"),
        ([{"kind": "fake", "sorce": "x"}], r"number 1: unknown key 'sorce'; did you mean 'source'\?"),
        ([{"kind": "fake", "zzz": 1}], r"number 1: unknown key 'zzz'; known are kind, name, source, url, resumes"),
        ([{"kind": "fake"}, {"kind": "fake"}], r"number 2: another collector has the name 'fake'"),
        ([{"kind": "fake", "name": "a b"}], r"'a b': bad value for name: expected up to 64 letters"),
        ([{"kind": "fake", "name": 5}], r"number 1: bad value for name"),
        ([{"kind": "fake", "source": ""}], r"number 1: bad value for source: expected text"),
    ],
)
async def test_a_wrong_table_is_refused_with_what_is_expected(
    setting: Setting, rows: list[dict[str, Any]], message: str
) -> None:
    store = Store.open(setting.directory / "state.db")
    with pytest.raises(ConfigError, match=message):
        setting.make(store, *rows)
    store.close()


async def test_a_name_and_a_source_are_made_of_the_kind(setting: Setting) -> None:
    async with setting.collecting({"kind": "fake"}) as working:
        assert (working.status.name, working.status.source) == ("fake", "fake/fake")


async def test_collectors_do_not_wait_for_each_other(setting: Setting) -> None:
    async with setting.collecting({"kind": "fake", "name": "first"}, {"kind": "fake", "name": "second"}) as working:
        assert isinstance(working, Working)
        await working.connects()
        assert [one.state for one in working.collectors.status()] == [State.CONNECTING, State.LIVE]
