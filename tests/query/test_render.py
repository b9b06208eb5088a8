"""Conditions as text."""

from __future__ import annotations

import pytest
from hypothesis import given

from tests.query.strategies import conditions, query_texts
from tidings import rfc3339
from tidings.query.ast import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Listed,
    Not,
    Payload,
    Words,
)
from tidings.query.parser import parse
from tidings.query.render import render

NOW_NS = rfc3339.parse("2026-11-20T22:18:27.5Z")


@given(query_texts)
def test_a_rendered_condition_is_parsed_back(text: str) -> None:
    condition = parse(text, NOW_NS).where

    assert parse(render(condition), NOW_NS).where == condition


@pytest.mark.parametrize(
    ("text", "rendered"),
    [
        ("", ""),
        ("a and b", "a b"),
        ("a b OR NOT (c d)", "a b or not (c d)"),
        ("(a or b) c", "(a or b) c"),
        ('"web1" "two words" pre*', 'web1 "two words" pre*'),
        ('"and" "page"', '"and" "page"'),
        ("*mid*", '"*mid*"'),
        ("--", '"--"'),
        ('ACTOR="root"', "actor = root"),
        ("user != 'a b'", 'actor != "a b"'),
        (r'message = "*\**"', r'message = "*\**"'),
        ("actor in (a, b)", "actor in (a, b)"),
        ("not actor in (a, b)", "actor not in (a, b)"),
        ("actor = a or actor = b", "actor in (a, b)"),
        ("has vm has vm.id vm = * has actor", "has vm has vm.id vm = * has actor"),
        ("level > warn", "severity > warning"),
        ("time > -2h", "time > 2026-11-20T20:18:27.5Z"),
        ("time = today", "time >= 2026-11-20T00:00:00Z time < 2026-11-21T00:00:00Z"),
        ("time != today", "time != 2026-11-20T00:00:00Z..2026-11-21T00:00:00Z"),
        ("not (time >= now received < now)", "not (time >= 2026-11-20T22:18:27.5Z received < 2026-11-20T22:18:27.5Z)"),
        ("data.x > 5 data.x ~ y", "data.x > 5.0 data.x = *y*"),
        ('link."VM" = x or link.vm = x', 'link."VM" = x or vm = x'),
        ("not has index or a", "not has index or a"),
        ("message ~ x", "message ~ x"),
    ],
)
def test_a_condition_is_rendered_the_way_people_write_it(text: str, rendered: str) -> None:
    assert render(parse(text, NOW_NS).where) == rendered


@pytest.mark.parametrize("inner", ["time != today", "actor not in (a, b) c", "*a* b", "time in (today, yesterday) a"])
def test_a_deeply_nested_condition_is_not_rendered_deeper(inner: str) -> None:
    text = "not (a " * 25 + inner + ")" * 25
    condition = parse(text, NOW_NS).where

    assert parse(render(condition), NOW_NS).where == condition


@pytest.mark.parametrize(
    ("condition", "rendered"),
    [
        (NOTHING, "not has index"),
        (AnyOf((Words("a"), EVERYTHING)), "a or has index"),
        (AllOf((AllOf((Words("a"), Words("b"))), Words("c"))), "(a b) c"),
        (AllOf((AllOf((Words("a"),)), AnyOf((Words("b"),)))), "a b"),
        (Compare(Payload(("a",)), "=", True), "data.a = true"),
        (Compare(Payload(("a",)), "=", None), "data.a = null"),
        (Contains("x", (Column.KIND, LinkTo("vm", "any"))), "(kind ~ x or vm.any ~ x)"),
        (Contains("x", ()), "not has index"),
        (Listed((3, 5)), "index in (3, 5)"),
        (Not(Listed((3, 5))), "index not in (3, 5)"),
        (Not(Listed((3,))), "index != 3"),
        (AllOf((Words("a"), Listed((3, 5)))), "a index in (3, 5)"),
        (AnyOf((Words("a"), Listed((3, 5)))), "a or index in (3, 5)"),
        (Listed(()), "not has index"),
    ],
)
def test_a_condition_of_another_language_is_rendered_as_near_as_can_be(condition: Condition, rendered: str) -> None:
    assert render(condition) == rendered


@given(conditions)
def test_every_condition_can_be_rendered(condition: Condition) -> None:
    assert isinstance(render(condition), str)
