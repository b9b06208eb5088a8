"""When a reader of LXD's events may take what it reads for a sign of life."""

from __future__ import annotations

import asyncio

import pytest

from tidings.clock import ManualClock
from tidings.dialects.lxd import punctuality
from tidings.dialects.lxd.punctuality import Punctuality


class Reader:
    """A reader whose waits take as long as a test says; the server's clock is a minute behind."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.punctuality = Punctuality(self.clock)

    def ticks(self) -> None:
        """Let the watch beside it see that the process runs."""
        self.punctuality._tick_ns = self.clock.now_ns()

    def reads(self, after_s: float, held_up_s: float = 0.0, age_s: float = 0.0) -> bool:
        """Read what comes *after_s* seconds later, and was sent *age_s* before; return whether it may be old."""
        self.punctuality.reads()
        self.clock.advance(after_s)
        self.ticks()
        return self.goes_on(held_up_s, age_s)

    def goes_on(self, held_up_s: float = 0.0, age_s: float = 0.0) -> bool:
        """Hand on what was read."""
        self.punctuality.has_read()
        self.punctuality.was_sent(self.clock.now_ns() - int((60 + age_s) * 1e9))
        self.clock.advance(held_up_s)
        self.punctuality.has_handed_on()
        self.ticks()
        return self.punctuality.is_behind


@pytest.mark.parametrize("after_s", [0.0, 0.5, 10.0, 14.0])
def test_what_comes_in_time_is_a_sign_of_life(after_s: float) -> None:
    assert not Reader().reads(after_s)


def test_what_comes_when_a_ping_is_overdue_may_be_old() -> None:
    assert Reader().reads(20.0)


def test_who_was_held_up_is_behind_until_there_is_nothing_more_to_read() -> None:
    reader = Reader()
    assert reader.reads(0.0, held_up_s=3.0)
    assert reader.reads(0.0, age_s=3.0)
    assert reader.reads(0.05, age_s=3.0)
    assert not reader.reads(0.2)
    assert not reader.reads(0.0)


def test_who_was_held_up_is_not_behind_any_more_when_messages_are_as_new_as_before() -> None:
    reader = Reader()
    assert not reader.reads(0.0)
    assert reader.reads(0.0, held_up_s=3.0)
    assert reader.reads(0.0, age_s=3.0)
    assert reader.reads(0.0, age_s=1.5)
    assert not reader.reads(0.0, age_s=0.5)


def test_a_short_hold_is_none() -> None:
    assert not Reader().reads(0.0, held_up_s=0.5)


def test_what_is_read_first_after_the_process_stood_still_may_be_old() -> None:
    reader = Reader()
    assert not reader.reads(0.0)
    reader.punctuality.reads()
    reader.clock.advance(9.0)
    assert reader.goes_on(age_s=9.0)
    assert reader.reads(0.0, age_s=8.5)
    assert not reader.reads(0.0)


async def test_the_watch_notices_that_the_process_stood_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(punctuality, "_TICK_S", 0)
    reader = Reader()
    async with asyncio.timeout(10), asyncio.TaskGroup() as group:
        watching = group.create_task(reader.punctuality.watch())
        reader.clock.advance(9.0)
        while not reader.punctuality.is_behind:  # noqa: ASYNC110
            await asyncio.sleep(0)
        watching.cancel()
    assert not reader.reads(0.2)


def test_a_clock_that_is_set_back_changes_nothing() -> None:
    reader = Reader()
    assert not reader.reads(-3600.0)
    assert reader.reads(0.0, held_up_s=3.0)
    assert reader.reads(-3600.0, age_s=3.0)
