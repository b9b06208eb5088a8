"""The words of sealed segments in memory: found by a part of them, bounded, forgotten with their segment."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.log.segments.vocabularies import Vocabularies

ONE, TWO = Path("one"), Path("two")
WORDS = ["timeout", "timeouts", "outage", "out", "in"]


def none_again() -> list[str]:
    raise AssertionError("it was loaded before")


@given(
    st.lists(st.text("abc", min_size=1, max_size=4), unique=True), st.text("abc", min_size=1, max_size=3), st.booleans()
)
def test_the_words_that_hold_a_fragment_are_found(words: list[str], fragment: str, at_end: bool) -> None:
    found = Vocabularies().search(ONE, lambda: words, fragment, at_end=at_end, limit=100)
    assert found == [word for word in words if (word.endswith(fragment) if at_end else fragment in word)]


@pytest.mark.parametrize(("limit", "found"), [(4, ["timeout", "timeouts", "outage", "out"]), (3, None)])
def test_too_many_words_are_none(limit: int, found: list[str] | None) -> None:
    assert Vocabularies().search(ONE, lambda: WORDS, "out", at_end=False, limit=limit) == found


def test_a_segment_is_read_once() -> None:
    vocabularies = Vocabularies()
    for load in (lambda: WORDS, none_again):
        assert vocabularies.search(ONE, load, "age", at_end=True, limit=9) == ["outage"]


def test_the_segment_not_asked_for_longest_goes_when_there_is_no_more_room() -> None:
    vocabularies = Vocabularies(max_chars=60)
    for path in (ONE, TWO):
        vocabularies.search(path, lambda: WORDS, "x", at_end=False, limit=9)
    with pytest.raises(AssertionError, match="before"):
        vocabularies.search(ONE, none_again, "x", at_end=False, limit=9)
    assert vocabularies.search(TWO, none_again, "in", at_end=False, limit=9) == ["in"]


def test_words_too_many_to_keep_are_searched_all_the_same() -> None:
    vocabularies = Vocabularies(max_chars=1)
    for _ in range(2):
        assert vocabularies.search(ONE, lambda: WORDS, "in", at_end=False, limit=9) == ["in"]


def test_a_segment_that_is_gone_is_forgotten() -> None:
    vocabularies = Vocabularies()
    vocabularies.search(ONE, lambda: WORDS, "in", at_end=False, limit=9)
    vocabularies.keep_only(frozenset({TWO}))
    assert vocabularies.search(ONE, lambda: ["inside"], "in", at_end=False, limit=9) == ["inside"]
