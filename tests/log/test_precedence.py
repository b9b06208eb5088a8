"""Conditions found wanting once: AND and OR beside each other must keep their bounds in SQL."""

from pathlib import Path

import pytest

from tests.log.segment_files import all_states
from tidings.event import Draft
from tidings.query.ast import Order
from tidings.query.parser import parse


@pytest.mark.parametrize(
    "text",
    [
        "(index = 1 or index = 2) severity = error",
        "not (index = 1 or index = 2) severity = normal",
        "(id = 1 or id = 2) (kind = b or message = zzz)",
        "(a or b) (severity = error or data.x = 1)",
        "(a b or index = 3) not (kind = a or index = 2)",
    ],
)
def test_groups_are_kept_apart(tmp_path: Path, text: str) -> None:
    events = [
        Draft(specversion="1.0", source="s", type=kind, time="2026-01-01T00:00:00Z", severity=severity, message=message)
        for kind, severity, message in [
            ("a", "normal", "a b"),
            ("b", "error", "b"),
            ("a", "error", "a"),
            ("b", "normal", ""),
        ]
    ]
    where = parse(text, 0).where
    with all_states(tmp_path, events) as states:
        found = states.tail.search(where, Order(), None, 10)
        assert found == states.sealed.search(where, Order(), None, 10, states.span)
        assert found == states.growing.search(where, Order(), None, 10, states.span)
