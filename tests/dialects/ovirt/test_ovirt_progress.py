"""How far an engine has been read, and from where it is asked again."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from tidings.dialects.ovirt.engine_answers import NO_TIME, Row
from tidings.dialects.ovirt.progress import LATE_EVENTS, LATE_S, Cursor, Progress


def rows(ids: Iterable[int]) -> list[Row]:
    return [Row(id, id * 10, b"") for id in ids]


def polled(progress: Progress, *visible: int) -> list[int]:
    """Poll an engine that has *visible*; return what is new."""
    start = progress.start()
    new = progress.take(rows(id for id in visible if id > start))
    progress.swept(start)
    return [row.id for row in new]


def test_what_is_new_is_taken_once() -> None:
    progress = Progress(Cursor())
    assert polled(progress, 1, 2, 3) == [1, 2, 3]
    assert polled(progress, 1, 2, 3) == []
    assert polled(progress, 1, 2, 3, 4) == [4]
    assert progress.cursor == Cursor(settled=4, newest=4, newest_ns=40)


def test_the_last_event_is_asked_for_again_to_be_recognised() -> None:
    progress = Progress(Cursor())
    polled(progress, 1, 2, 3)
    assert progress.start() == 2


def test_a_missing_number_is_asked_for_until_it_turns_up() -> None:
    progress = Progress(Cursor())
    assert polled(progress, 1, 3, 4) == [1, 3, 4]
    assert progress.cursor.settled == 1
    assert progress.start() == 1
    assert polled(progress, 1, 2, 3, 4) == [2]
    assert progress.cursor.settled == 4


def test_a_missing_number_is_given_up_after_it_was_waited_for_long_enough() -> None:
    progress = Progress(Cursor())
    polled(progress, 1, 3)
    progress.waited(LATE_S - 1)
    polled(progress, 1, 3, 5)
    assert progress.cursor.settled == 1
    progress.waited(1)
    polled(progress, 1, 3, 5)
    assert progress.cursor.settled == 3
    progress.waited(LATE_S - 1)
    polled(progress, 1, 3, 5)
    assert progress.cursor.settled == 5


def test_a_number_that_turns_up_with_the_last_look_is_taken() -> None:
    progress = Progress(Cursor())
    polled(progress, 1, 3)
    progress.waited(LATE_S)
    assert polled(progress, 1, 2, 3) == [2]


def test_only_a_poll_that_asked_for_a_missing_number_gives_it_up() -> None:
    progress = Progress(Cursor())
    visible = [1, *range(3, 200)]
    polled(progress, *visible)
    progress.waited(LATE_S)
    assert progress.start() == 198  # too many to ask for all of them each time
    progress.take(rows([199]))
    progress.swept(198)
    assert progress.cursor.settled == 1


def test_where_much_is_waited_for_it_is_asked_for_each_sixth_time() -> None:
    progress = Progress(Cursor())
    polled(progress, 1, *range(3, 200))
    assert [progress.start() for _ in range(12)] == [198, 198, 198, 198, 198, 1] * 2


def test_memory_is_bounded_by_giving_up_what_is_far_behind() -> None:
    progress = Progress(Cursor())
    polled(progress, *range(2, 2 * LATE_EVENTS, 2))
    assert progress.cursor.settled == LATE_EVENTS - 2
    assert len(progress._seen) <= LATE_EVENTS / 2


def test_after_a_restart_it_is_asked_from_what_is_settled() -> None:
    progress = Progress(Cursor.read(Cursor(settled=5, newest=9, newest_ns=90).text))
    assert progress.start() == 5


@pytest.mark.parametrize(("time_ns", "is_new"), [(90, False), (91, True), (NO_TIME, True)])
def test_in_a_later_life_what_happened_before_is_known(time_ns: int, is_new: bool) -> None:
    progress = Progress(Cursor(floor_ns=90))
    assert bool(progress.take([Row(1, time_ns, b"")])) is is_new
    assert progress.cursor.newest == 1
