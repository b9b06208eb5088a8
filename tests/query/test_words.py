"""Words: letter case, splitting, and the promises made to the full-text index."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.query.strategies import texts
from tidings.query.words import fold, fts_match, has_words, indexable, tokens


def fts5_ascii_tokens(text: str) -> list[str]:
    """Split as FTS5's ``ascii`` tokenizer does: ASCII letters and digits, and everything beyond ASCII, make words."""
    lower = "".join(character.lower() if character.isascii() else character for character in text)
    return re.findall(r"[0-9a-z\u0080-\U0010ffff]+", lower)


def test_no_character_beyond_ascii_folds_to_an_ascii_one() -> None:
    beyond = (chr(code) for code in range(128, sys.maxunicode + 1))

    assert [character for character in beyond if any(folded.isascii() for folded in fold(character))] == []


def test_a_folded_text_stays_as_it_is_when_folded_again() -> None:
    every = (chr(code) for code in range(sys.maxunicode + 1))

    assert [character for character in every if fold(fold(character)) != fold(character)] == []


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Web_1", "web_1"),
        ("ÉCLAIR", "éclair"),
        ("Straße", "straße"),
        ("\u212a", "\u0138"),
        ("İ", "\u0131"),
        ("日本", "日本"),
    ],
)
def test_folding_removes_letter_case(text: str, folded: str) -> None:
    assert fold(text) == folded


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", []),
        ("Instance web-1 started", ["instance", "web", "1", "started"]),
        ("a_b/c.d:10.0.0.1", ["a", "b", "c", "d", "10", "0", "0", "1"]),
        ("Café_crème – Straße", ["café", "crème", "straße"]),
        ("“quoted” text…", ["quoted", "text"]),
        ("仮想マシンvm1", ["仮", "想", "マ", "シ", "ン", "vm1"]),
        ("・日本・", ["日", "本"]),
        ("가상 머신", ["가상", "머신"]),
        ("disk 🔥 full", ["disk", "full"]),
        ("🔥", []),
    ],
)
def test_a_text_is_split_into_words(text: str, words: list[str]) -> None:
    assert tokens(text) == words


@given(texts)
def test_the_index_splits_an_indexable_text_into_the_same_words(text: str) -> None:
    assert fts5_ascii_tokens(indexable(text)) == tokens(text)


@given(st.text())
def test_the_index_splits_any_indexable_text_into_the_same_words(text: str) -> None:
    assert fts5_ascii_tokens(indexable(text)) == tokens(text)


def test_ascii_text_is_indexed_unchanged() -> None:
    assert indexable("Started web-1!") == "Started web-1!"


@pytest.mark.parametrize(
    ("value", "words", "prefix"),
    [
        ("Instance web-1 started", ["instance"], False),
        ("Instance web-1 started", ["web", "1", "started"], False),
        ("Instance web-1 started", ["1", "star"], True),
        ("started", ["started"], True),
        ("web web 1", ["web", "1"], False),
        ("web webs", ["web", "web"], True),
        ("ÉCLAIR", ["éclair"], False),
        ("日本語", ["本", "語"], False),
    ],
)
def test_neighbouring_words_are_found(value: str, words: list[str], prefix: bool) -> None:
    assert has_words(value, words, prefix)


@pytest.mark.parametrize(
    ("value", "words", "prefix"),
    [
        ("Instance web-1 started", ["instance", "started"], False),
        ("Instance web-1 started", ["started", "web"], False),
        ("Instance web-1 started", ["star"], False),
        ("Instance web-1 started", ["inst", "web"], True),
        ("restarted", ["started"], False),
        ("started", ["started", "now"], True),
        ("日本語", ["日", "語"], False),
        ("", ["a"], False),
        ("anything", [], False),
        ("anything", [], True),
    ],
)
def test_other_words_are_not_found(value: str, words: list[str], prefix: bool) -> None:
    assert not has_words(value, words, prefix)


@given(texts, texts, texts)
def test_the_words_of_a_text_are_found_where_it_stands_between_separators(before: str, text: str, after: str) -> None:
    assert has_words(f"{before} {text} {after}", tokens(text), prefix=False) == bool(tokens(text))


def test_an_index_expression_asks_for_every_word() -> None:
    assert fts_match(["web", "1"], prefix=False) == '"web" AND "1"'


def test_an_index_expression_asks_for_the_last_word_as_a_prefix() -> None:
    assert fts_match(["web", "sta"], prefix=True) == '"web" AND "sta" *'


def test_an_index_expression_for_no_words_is_valid_and_asks_for_nothing() -> None:
    assert fts_match([], prefix=True) == '""'
