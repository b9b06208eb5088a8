"""Queries as large as a text can make them are answered, not refused by the database."""

from pathlib import Path

import pytest

from tests.log.segment_files import all_states
from tidings.event import Draft
from tidings.query.ast import Order
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
