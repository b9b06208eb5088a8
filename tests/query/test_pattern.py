"""Patterns: what they match, and how they are said to SQL."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query.strategies import patterns, texts
from tidings.query.ast import Pattern
from tidings.query.pattern import compile_pattern, is_ascii, to_like
from tidings.query.words import fold


def as_pattern(text: str) -> Pattern:
    return Pattern(tuple(text.split("*")))


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("web1", "web1"),
        ("WEB1", "web1"),
        ("été", "ÉTÉ"),
        ("web*", "web"),
        ("web*", "web1"),
        ("*1", "web1"),
        ("*eb*", "web1"),
        ("w*b*1", "web1"),
        ("a*a", "aa"),
        ("a**b", "ab"),
        ("*", "x"),
        ("", ""),
        ("100%", "100%"),
    ],
)
def test_a_pattern_matches_the_whole_value(pattern: str, value: str) -> None:
    assert compile_pattern(as_pattern(pattern))(value)


@pytest.mark.parametrize(
    ("pattern", "value"),
    [
        ("web", "web1"),
        ("web*", "aweb"),
        ("a*a", "a"),
        ("a*b*b", "ab"),
        ("*ab*ab*", "abxb"),
        ("a_c", "abc"),
        ("", "x"),
        ("*", ""),
        ("**", ""),
        ("k", "\u212a"),
    ],
)
def test_a_pattern_does_not_match_another_value(pattern: str, value: str) -> None:
    assert not compile_pattern(as_pattern(pattern))(value)


@pytest.mark.parametrize("parts", [("Web",), ("Web", ""), ("", "Web")])
def test_a_case_sensitive_pattern_heeds_letter_case(parts: tuple[str, ...]) -> None:
    matches = compile_pattern(Pattern(parts, case_sensitive=True))

    assert (matches("Web"), matches("web")) == (True, False)


@given(patterns, texts)
def test_a_pattern_agrees_with_a_regular_expression(pattern: Pattern, value: str) -> None:
    same = str if pattern.case_sensitive else fold
    expression = ".*".join(re.escape(same(part)) for part in pattern.parts)
    missing = len(pattern.parts) > 1 and value == ""
    expected = not missing and re.fullmatch(expression, same(value), re.DOTALL) is not None

    assert compile_pattern(pattern)(value) == expected


def test_many_wildcards_take_linear_time() -> None:
    matches = compile_pattern(Pattern((*("a",) * 500, "b")))

    assert not matches("a" * 100_000)


def test_like_escapes_its_own_wildcards() -> None:
    assert to_like(Pattern(("50%_", "\\", ""))) == r"50\%\_%\\%"


def like(pattern: str, value: str) -> bool:
    r"""Match as SQLite's ``LIKE … ESCAPE '\'`` does: ASCII letter case ignored."""
    expression = ""
    for piece in re.findall(r"\\.|.", pattern, re.DOTALL):
        expression += ".*" if piece == "%" else "." if piece == "_" else re.escape(piece[-1])
    return re.fullmatch(expression, value, re.DOTALL | re.IGNORECASE | re.ASCII) is not None


@given(patterns, st.one_of(texts, st.text()))
def test_like_agrees_for_ascii_patterns_that_ignore_case(pattern: Pattern, value: str) -> None:
    if not is_ascii(pattern) or pattern.case_sensitive or not value:
        return

    assert like(to_like(pattern), value) == compile_pattern(pattern)(value)


@pytest.mark.parametrize(("parts", "expected"), [(("a", "b"), True), (("a", "é"), False), (("",), True)])
def test_a_pattern_is_ascii_when_all_its_parts_are(parts: tuple[str, ...], expected: bool) -> None:
    assert is_ascii(Pattern(parts)) is expected
