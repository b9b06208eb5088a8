"""Guessing gets slow, honest mistakes don't, and the memory of them is bounded."""

import pytest

from tidings.auth import Throttle
from tidings.clock import ManualClock
from tidings.errors import Busy


@pytest.fixture
def throttle(clock: ManualClock) -> Throttle:
    return Throttle(clock)


def fail(throttle: Throttle, times: int) -> None:
    for _ in range(times):
        throttle.fail("ann", "192.0.2.1")


def test_four_failures_cost_nothing(throttle: Throttle) -> None:
    fail(throttle, 4)
    throttle.check("ann", "192.0.2.1")


@pytest.mark.parametrize(
    ("failures", "wait_s"), [(5, 1), (6, 2), (7, 4), (8, 8), (9, 16), (10, 32), (11, 60), (12, 60), (1000, 60)]
)
def test_from_the_fifth_on_each_failure_doubles_the_wait(
    throttle: Throttle, clock: ManualClock, failures: int, wait_s: int
) -> None:
    fail(throttle, failures)
    with pytest.raises(Busy, match=f"too many failed passwords .* in {wait_s} s") as caught:
        throttle.check("ann", "192.0.2.1")
    assert caught.value.retry_after_s == wait_s
    clock.advance(wait_s - 0.5)
    with pytest.raises(Busy) as caught:
        throttle.check("ann", "192.0.2.1")
    assert caught.value.retry_after_s == 1
    clock.advance(0.5)
    throttle.check("ann", "192.0.2.1")


def test_other_users_and_other_addresses_dont_wait(throttle: Throttle) -> None:
    fail(throttle, 20)
    throttle.check("bob", "192.0.2.1")
    throttle.check("ann", "192.0.2.2")


def test_a_right_password_starts_the_count_anew(throttle: Throttle) -> None:
    fail(throttle, 4)
    throttle.succeed("ann", "192.0.2.1")
    fail(throttle, 4)
    throttle.check("ann", "192.0.2.1")


def test_a_quarter_of_an_hour_without_failure_starts_the_count_anew(throttle: Throttle, clock: ManualClock) -> None:
    fail(throttle, 20)
    clock.advance(900)
    fail(throttle, 1)
    throttle.check("ann", "192.0.2.1")


def test_waiting_out_the_delay_doesnt_start_the_count_anew(throttle: Throttle, clock: ManualClock) -> None:
    fail(throttle, 6)
    clock.advance(2)
    fail(throttle, 1)
    with pytest.raises(Busy) as caught:
        throttle.check("ann", "192.0.2.1")
    assert caught.value.retry_after_s == 4


def test_a_clock_set_back_locks_nobody_out(throttle: Throttle, clock: ManualClock) -> None:
    fail(throttle, 20)
    clock.advance(-86_400)
    throttle.check("ann", "192.0.2.1")


def test_beyond_the_bound_the_oldest_failure_is_forgotten(clock: ManualClock) -> None:
    throttle = Throttle(clock, max_entries=2)
    fail(throttle, 5)
    throttle.fail("bob", "192.0.2.1")
    fail(throttle, 1)
    throttle.fail("eve", "192.0.2.1")
    with pytest.raises(Busy):
        throttle.check("ann", "192.0.2.1")
    throttle.fail("bob", "192.0.2.1")
    throttle.fail("eve", "192.0.2.1")
    throttle.check("ann", "192.0.2.1")
