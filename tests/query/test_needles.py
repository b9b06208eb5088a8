"""Needles may let too much through, never too little."""

from hypothesis import given

from tests.query import strategies
from tidings.event import Event
from tidings.query.ast import Condition
from tidings.query.needles import may_match, needles
from tidings.query.predicate import matches


@given(strategies.conditions, strategies.events())
def test_no_event_that_matches_lacks_a_needle(where: Condition, event: Event) -> None:
    if matches(where, event):
        assert may_match(event.line, needles(where))
