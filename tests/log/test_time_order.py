"""Sorting by time looks at a part of a segment only, and finds the same as looking at all of it."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from tests.log.segment_files import States, all_states
from tidings import rfc3339
from tidings.event import Draft
from tidings.log.segments.horizons import horizons
from tidings.query.ast import EVERYTHING as ALL
from tidings.query.ast import Column, Compare, Condition, Order, Position
from tidings.severity import Severity

COUNT = 9_000
START_NS = 1_790_000_000_000_000_000
SECOND_NS = 1_000_000_000
ERRORS = Compare(Column.SEVERITY, ">=", Severity.ERROR)


@pytest.fixture(scope="module")
def states(tmp_path_factory: pytest.TempPathFactory) -> Iterator[States]:
    """Events whose times ascend but for a little disorder, many equal ones, and a few from long ago or from to come."""
    chance = random.Random(7)
    drafts = []
    for number in range(COUNT):
        place = number // 3 + chance.randrange(-50, 50)
        if chance.random() < 0.01:
            place = chance.randrange(-100_000, 200_000)
        severity = "error" if chance.random() < 0.02 else "normal"
        time = rfc3339.render(START_NS + place * SECOND_NS)
        drafts.append(Draft(specversion="1.0", source="s", type="t", time=time, severity=severity))
    with all_states(tmp_path_factory.mktemp("times"), drafts, 100) as made:
        yield made


@pytest.mark.parametrize("descending", [True, False])
@pytest.mark.parametrize("newest_ties", [True, False])
@pytest.mark.parametrize(("where", "limit"), [(ALL, 10), (ALL, 700), (ERRORS, 10), (ERRORS, 1_000)])
def test_every_page_of_a_sealed_segment_is_that_of_a_scan(
    states: States, descending: bool, newest_ties: bool, where: Condition, limit: int
) -> None:
    order = Order(Column.TIME, descending, newest_ties)
    after: Position | None = None
    for _ in range(12):
        found = states.sealed.search(where, order, after, limit, states.span)
        assert found == states.tail.search(where, order, after, limit)
        if not found:
            break
        after = Position(*found[-1])


def test_a_short_page_needs_a_small_part_of_a_segment(states: States) -> None:
    order = Order(Column.TIME, descending=True)
    first = next(horizons(states.sealed._zone_times(latest=True), order, None))
    assert states.sealed.count(first, states.span) < COUNT // 2


def test_few_runs_of_rows_are_looked_at_as_a_whole() -> None:
    assert list(horizons([1, 2, 3], Order(Column.TIME), None)) == []
    assert list(horizons([], Order(Column.TIME, descending=False), None)) == []
