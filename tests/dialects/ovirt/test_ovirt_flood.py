"""Flood control: repeats are held back only when asked for, only as long, and the memory of them is bounded."""

import json
from typing import Any

import pytest

from tests.dialects.ovirt.stored import USER, VM, stored
from tidings.clock import ManualClock
from tidings.dialects.ovirt.adding import draft_of
from tidings.dialects.ovirt.flood import FloodControl, key_of
from tidings.dialects.ovirt.reading import NewEvent, read_event
from tidings.dialects.ovirt.record import record_of

NOW_NS = 1_795_213_107_759_168_960


def new(**members: Any) -> NewEvent:
    """Return an event to add with *members*."""
    usual = {"description": "disk full", "severity": "normal", "origin": "mymonitor", "custom_id": 7, "vm": {"id": VM}}
    return read_event(json.dumps(usual | members).encode(), "application/json")


KEY = key_of(new())


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def control(clock: ManualClock) -> FloodControl:
    return FloodControl(clock)


def held_back(control: FloodControl, rate_s: int = 60, key: bytes = KEY) -> bool:
    return control.holds_back(key, rate_s)


@pytest.mark.parametrize("rate_s", [0, -1])
def test_who_asks_for_nothing_is_never_held_back(control: FloodControl, rate_s: int) -> None:
    assert [held_back(control, rate_s) for _ in range(3)] == [False, False, False]


def test_an_equal_event_is_held_back_for_as_long_as_asked(control: FloodControl, clock: ManualClock) -> None:
    assert not held_back(control)
    clock.advance(59.999)
    assert held_back(control)
    clock.advance(0.001)
    assert not held_back(control)
    assert held_back(control)


def test_what_is_held_back_does_not_lengthen_the_time(control: FloodControl, clock: ManualClock) -> None:
    held_back(control)
    clock.advance(40)
    assert held_back(control)
    clock.advance(20)
    assert not held_back(control)


def test_each_event_says_how_young_an_equal_one_may_be(control: FloodControl, clock: ManualClock) -> None:
    held_back(control, 60)
    clock.advance(30)
    assert not held_back(control, 0)
    assert held_back(control, 31)
    assert not held_back(control, 30)


@pytest.mark.parametrize(
    "members",
    [
        {"origin": "other"},
        {"severity": "error"},
        {"description": "Disk full"},
        {"vm": {"id": USER}},
        {"vm": None, "host": {"id": VM}},
        {"user": {"id": USER}},
    ],
)
def test_an_event_that_differs_is_not_held_back(control: FloodControl, members: dict[str, Any]) -> None:
    held_back(control)
    assert not held_back(control, key=key_of(new(**members)))


def test_custom_id_and_the_like_make_no_difference() -> None:
    members = {"custom_id": 8, "custom_data": "x", "correlation_id": "c", "flood_rate": 5}
    assert key_of(new(**members)) == KEY


def test_texts_that_only_join_to_the_same_differ() -> None:
    assert key_of(new(origin="a", description="bc")) != key_of(new(origin="ab", description="c"))


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"severity": "alert", "user": {"id": USER.upper()}, "vm": None},
        {"description": "two\nlines\t" + "x" * 20_000},
    ],
)
def test_a_stored_event_has_the_key_it_was_added_with(members: dict[str, Any]) -> None:
    event = new(**members)
    assert key_of(record_of(stored(draft_of(event, "ovirt", "alice", NOW_NS)))) == key_of(event)


def test_an_event_that_is_removed_or_was_not_stored_may_come_again(control: FloodControl) -> None:
    held_back(control)
    control.clear(KEY)
    control.clear(KEY)
    assert not held_back(control)


def test_a_clock_set_back_holds_nothing_back(control: FloodControl, clock: ManualClock) -> None:
    held_back(control)
    clock.advance(-86_400)
    assert not held_back(control)
    assert held_back(control)


def test_beyond_the_bound_the_event_let_in_first_is_forgotten(clock: ManualClock) -> None:
    control = FloodControl(clock, max_keys=2)
    for key in (b"a", b"b"):
        held_back(control, key=key)
    clock.advance(60)
    held_back(control, key=b"a")
    held_back(control, key=b"c")
    assert [held_back(control, key=key) for key in (b"a", b"c")] == [True, True]
    assert not held_back(control, key=b"b")
