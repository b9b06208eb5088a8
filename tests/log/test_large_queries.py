"""Queries as large as a text can make them are answered, not refused by the database."""

from pathlib import Path

import pytest

from tests.log.segment_files import all_states
from tidings.event import Draft
from tidings.query.ast import EVERYTHING, Listed, Not, Order
from tidings.query.parser import parse


@pytest.mark.parametrize("joiner", [" or ", " and ", " "])
@pytest.mark.parametrize("term", ["a", "message=a*", "severity=error", "data.x=1", "not kind=t", "(a b)"])
def test_thousands_of_terms_are_searched_for(tmp_path: Path, joiner: str, term: str) -> None:
    text = joiner.join([term] * (9_990 // (len(term) + len(joiner))))
    events = [
        Draft(specversion="1.0", source="s", type="t", time="2026-01-01T00:00:00Z", severity="normal", message="a b")
    ]
    where = parse(text, 0).where
    with all_states(tmp_path, events) as states:
        found = states.tail.search(where, Order(), None, 10)
        assert found == states.sealed.search(where, Order(), None, 10, states.span)


def plain_events(count: int) -> list[Draft]:
    return [
        Draft(specversion="1.0", source="s", type="t", time="2026-01-01T00:00:00Z", severity="normal")
        for _ in range(count)
    ]


def test_a_hundred_thousand_indexes_are_searched_for_and_left_out(tmp_path: Path) -> None:
    listed = Listed(tuple(range(2, 200_002, 2)))
    with all_states(tmp_path, plain_events(1000)) as states:
        for where in (listed, Not(listed)):
            found = states.tail.search(where, Order(), None, 2000)
            assert len(found) == 500
            assert found == states.growing.search(where, Order(), None, 2000, states.span)
            assert found == states.sealed.search(where, Order(), None, 2000, states.span)
            assert states.sealed.count(where, states.span) == 500


def test_a_segment_is_not_asked_about_indexes_of_others(tmp_path: Path) -> None:
    listed = Listed(tuple(range(10, 100_010)))
    with all_states(tmp_path, plain_events(9)) as states:
        assert states.sealed._compile(listed, states.span) is None
        assert states.sealed._compile(Not(listed), states.span) == states.sealed._compile(EVERYTHING, states.span)
