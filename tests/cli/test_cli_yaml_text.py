"""Writing YAML that every reader takes for the same JSON."""

import pytest

from tidings.cli.yaml_text import dump, from_json


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("plain words, with a comma", "plain words, with a comma"),
        ("/1.0/instances/c1", "/1.0/instances/c1"),
        ("", '""'),
        ("no", '"no"'),
        ("Null", '"Null"'),
        ("42", '"42"'),
        ("1e3", '"1e3"'),
        ("2026-11-20", '"2026-11-20"'),
        ("a: b", '"a: b"'),
        ("a #b", '"a #b"'),
        ("- a", '"- a"'),
        (" a", '" a"'),
        ("a ", '"a "'),
        ("a\nb", '"a\\nb"'),
        ("\x85\u2028", '"\\u0085\\u2028"'),
        ("é", '"é"'),
    ],
)
def test_text_that_could_be_read_as_something_else_is_quoted(text: str, written: str) -> None:
    assert dump(text) == f"{written}\n"


def test_numbers_keep_their_digits() -> None:
    assert from_json(b'{"size":1.50,"big":12345678901234567890123,"e":1E5}') == (
        "size: 1.50\nbig: 12345678901234567890123\ne: 1E5\n"
    )


def test_lists_and_mappings_nest() -> None:
    assert from_json(b'{"a":[[1,2],{"b":null,"c":[]}],"d":{}}') == (
        "a:\n  - - 1\n    - 2\n  - b: null\n    c: []\nd: {}\n"
    )


def test_what_is_nested_too_deeply_stays_json() -> None:
    text = b"[" * 50_000 + b"]" * 50_000
    assert from_json(text) == text.decode() + "\n"


def test_a_lone_surrogate_does_no_harm() -> None:
    assert from_json(rb'"\ud800"') == '"\\ud800"\n'
