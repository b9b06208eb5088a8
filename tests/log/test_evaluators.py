"""The two evaluators agree: what SQL finds is what the predicate finds, in every state of a segment."""

import tempfile
from pathlib import Path
from unittest.mock import patch

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.log.segment_files import States, all_states
from tests.query import strategies
from tidings.errors import SearchTimeout
from tidings.event import Draft
from tidings.log.segments.reader import Found
from tidings.log.segments.tail import in_order, is_past, sort_value
from tidings.query import sql
from tidings.query.ast import (
    EVERYTHING,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Listed,
    Not,
    Order,
    Pattern,
    Payload,
    Position,
)
from tidings.query.predicate import matches

orders = st.builds(Order, st.sampled_from(Column), st.booleans(), st.booleans())
drafts = st.lists(strategies.drafts(), min_size=1, max_size=9)
relaxed = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])


def expected(states: States, where: Condition, order: Order) -> list[Found]:
    rows: list[Found] = [(sort_value(e, order.column), e.index) for e in states.events if matches(where, e)]
    return in_order(rows, order)


@relaxed
@given(drafts, strategies.conditions, orders, st.data())
def test_every_state_of_a_segment_finds_what_the_predicate_finds(
    events: list[Draft], where: Condition, order: Order, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), events) as states:
        wanted = expected(states, where, order)
        assert wanted == states.tail.search(where, order, None, 100)
        assert wanted == states.growing.search(where, order, None, 100, states.span)
        assert wanted == states.sealed.search(where, order, None, 100, states.span)
        assert len(wanted) == states.sealed.count(where, states.span) == states.tail.count(where)
        more = data.draw(st.lists(strategies.conditions, max_size=6))
        for other in more:
            indexes = [index for _, index in expected(states, other, Order())]
            assert indexes == [index for _, index in states.sealed.search(other, Order(), None, 100, states.span)]
            assert indexes == [index for _, index in states.growing.search(other, Order(), None, 100, states.span)]


@relaxed
@given(drafts, strategies.conditions, orders, st.integers(1, 3))
def test_pages_by_position_join_to_the_whole(events: list[Draft], where: Condition, order: Order, size: int) -> None:
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), events) as states:
        wanted = expected(states, where, order)
        for source in (states.tail, states.sealed):
            found: list[Found] = []
            while True:
                after = Position(*found[-1]) if found else None
                page = (
                    states.tail.search(where, order, after, size)
                    if source is states.tail
                    else states.sealed.search(where, order, after, size, states.span)
                )
                assert after is None or all(is_past(row, after, order) for row in page)
                found += page
                if len(page) < size:
                    break
            assert wanted == found


@relaxed
@given(drafts, strategies.lists_of_indexes, strategies.conditions)
def test_lists_too_long_to_stand_in_the_statement_find_the_same(
    events: list[Draft], listed: Listed, where: Condition
) -> None:
    with (
        patch.object(sql, "_INLINE", 1),
        tempfile.TemporaryDirectory() as folder,
        all_states(Path(folder), events) as states,
    ):
        for asked in (
            listed,
            Not(listed),
            AllOf((where, listed)),
            AllOf((Not(listed), where)),
            Not(AnyOf((Not(listed), where))),
        ):
            wanted = expected(states, asked, Order())
            assert wanted == states.tail.search(asked, Order(), None, 100)
            assert wanted == states.growing.search(asked, Order(), None, 100, states.span)
            assert wanted == states.sealed.search(asked, Order(), None, 100, states.span)
            assert len(wanted) == states.sealed.count(asked, states.span)


@relaxed
@given(drafts, strategies.conditions, st.sampled_from([10**9, 60 * 10**9, 3600 * 10**9]))
def test_histograms_and_facets_agree(events: list[Draft], where: Condition, step: int) -> None:
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), events) as states:
        by_tail = sorted(states.tail.histogram(where, step))
        assert by_tail == sorted(states.sealed.histogram(where, step, states.span))
        if step >= 60 * 10**9:
            rolled = sorted(states.sealed.rollup(None, None, step // 10**9, states.span))
            assert rolled == sorted(states.tail.histogram(EVERYTHING, step))
        for column in (Column.KIND, Column.SEVERITY, Column.ACTOR, Column.SUBJECT, Column.SCOPE):
            assert sorted(states.tail.facet(where, column), key=str) == sorted(
                states.sealed.facet(where, column, 100, states.span), key=str
            )
            assert sorted(states.tail.facet(EVERYTHING, column), key=str) == sorted(
                states.growing.facet(EVERYTHING, column, 100, states.span), key=str
            )


@relaxed
@given(drafts)
def test_lines_come_back_as_they_went_in(events: list[Draft]) -> None:
    with tempfile.TemporaryDirectory() as folder, all_states(Path(folder), events) as states:
        for event in states.events:
            assert event.line == states.sealed.lines.line(event.index) == states.growing.lines.line(event.index)
        whole = b"".join(event.line + b"\n" for event in states.events)
        assert whole == states.sealed.lines.blob(1, len(states.events))
        assert whole == states.growing.lines.blob(1, len(states.events))


def test_a_search_that_takes_too_long_is_stopped(tmp_path: Path) -> None:
    events = [
        Draft(specversion="1.0", source="s", type="t", time="2026-01-01T00:00:00Z", severity="normal")
        for _ in range(9000)
    ]
    slow = Compare(Payload(("a",)), "=", Pattern(("b", "")))
    with all_states(tmp_path, events, 256) as states, pytest.raises(SearchTimeout):
        states.sealed.search(slow, Order(), None, 10, msgspec.structs.replace(states.span, deadline=0.0))


def test_a_reader_is_not_late_because_its_last_search_was(tmp_path: Path) -> None:
    events = [
        Draft(specversion="1.0", source="s", type="t", time="2026-01-01T00:00:00Z", severity="normal")
        for _ in range(9000)
    ]
    with all_states(tmp_path, events, 256) as states:
        late = msgspec.structs.replace(states.span, deadline=0.0)
        with pytest.raises(SearchTimeout):
            states.sealed.search(Compare(Payload(("a",)), "=", Pattern(("b", ""))), Order(), None, 10, late)
        states.sealed.deadline = states.span.deadline
        assert states.sealed.lines.blob(1, 9000).count(b"\n") == 9000
