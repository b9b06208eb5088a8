"""Completion of a search text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query.strategies import query_texts
from tidings.query.completion import complete
from tidings.query.fields import FIELDS
from tidings.severity import Severity

SEVERITIES = [severity.label for severity in Severity]
TEXT_OPERATORS = ["=", "!=", "~", "in", "not in"]
NUMBER_OPERATORS = ["=", "!=", "<", "<=", ">", ">=", "in", "not in"]


def at_end(text: str) -> list[str]:
    return complete(text, len(text))


@pytest.mark.parametrize("text", ["", "(", "a and ", "a or ", "not ", "a or ("])
def test_a_field_can_begin_a_term(text: str) -> None:
    assert {field.name for field in FIELDS} | {"vm", "action", "data.", "has", "not"} <= set(at_end(text))


@pytest.mark.parametrize("text", ["a ", "severity = error ", 'actor = "x" ', "(a) ", "has vm ", "actor in (a) "])
def test_a_term_can_be_followed_by_another_and_by_the_order(text: str) -> None:
    assert {"and", "or", "not", "actor", "sortby", "page"} <= set(at_end(text))


@pytest.mark.parametrize(
    ("text", "candidates"),
    [
        ("sev", ["severity"]),
        ("USE", ["user"]),
        ("not se", ["severity", "sequence"]),
        ("a an", ["and"]),
        ("severity ", NUMBER_OPERATORS),
        ("actor ", TEXT_OPERATORS),
        ("vm.id ", TEXT_OPERATORS),
        ("data.x ", [*NUMBER_OPERATORS[:6], "~", "in", "not in"]),
        ("severity >= ", SEVERITIES),
        ("severity >= w", ["warning"]),
        ("severity in (", SEVERITIES),
        ("level not in (error, ", SEVERITIES),
        ("severity in (error ", [",", ")"]),
        ("time > t", ["today", "tuesday", "thursday"]),
        ("actor = ", []),
        ("foo = ", []),
        ("= ", []),
        ("vm.", ["vm.name", "vm.id", "vm.any"]),
        ("link.v", ["link.vm", "link.volume"]),
        ("has v", ["vm", "volume"]),
        ("sortby t", ["time"]),
        ("sortby time ", ["asc", "desc", "page"]),
        ("sortby time desc ", ["page"]),
        ("page ", []),
        ("page 3 ", []),
        ('actor = "ro', []),
        ("it's 'ro", []),
    ],
)
def test_what_fits_at_the_end_is_offered(text: str, candidates: list[str]) -> None:
    assert at_end(text) == candidates


def test_only_what_stands_before_the_place_counts() -> None:
    assert complete("sev = error", 3) == ["severity"]


@pytest.mark.parametrize("at", [-1, 99])
def test_a_place_outside_the_text_is_taken_for_the_nearest(at: int) -> None:
    assert complete("sortby time desc ", at) == complete("sortby time desc ", 0 if at < 0 else 17)


def test_a_text_too_long_to_be_parsed_is_not_completed() -> None:
    assert at_end("a " * 5_001) == []


@given(st.one_of(st.text(), query_texts), st.integers(0, 40))
def test_completion_never_fails(text: str, at: int) -> None:
    assert all(isinstance(candidate, str) for candidate in complete(text, at))
