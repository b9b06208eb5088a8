"""The predicate: what each condition says about one event."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from hypothesis import given

from tests.query.strategies import conditions, events
from tidings.event import Draft, Event, Link, decode_line, encode_lines, encode_links, set_payload
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
    Pattern,
    Payload,
    Words,
)
from tidings.query.predicate import compile_predicate, matches

MISSING = Pattern(("",))
PRESENT = Pattern(("", ""))


def make_event(*, links: list[Link] | None = None, payload: Any = None, media_type: str = "", **fields: Any) -> Event:
    draft = Draft(
        **{
            "sequence": "7",
            "id": "id-7",
            "source": "lxd/prod-1",
            "type": "lxd.operation",
            "time": "2026-11-20T22:18:27.5Z",
            "received": "2026-11-20T22:18:28Z",
            "severity": "warning",
            "links": encode_links(links or []),
            **fields,
        }
    )
    if payload is not None:
        raw = payload if isinstance(payload, bytes) else msgspec.json.encode(payload)
        set_payload(draft, raw, media_type or "application/json")
    return decode_line(encode_lines([draft]))


def text(*parts: str) -> Pattern:
    return Pattern(parts)


@pytest.mark.parametrize(
    ("indexes", "is_among"),
    [((7,), True), ((1, 7, 9), True), ((7, 8), True), ((), False), ((6, 8), False), ((1, 6), False), ((8,), False)],
)
def test_a_list_of_indexes_holds_an_event_by_its_index(indexes: tuple[int, ...], is_among: bool) -> None:
    assert matches(Listed(indexes), make_event()) is is_among


def test_everything_matches_and_nothing_does_not() -> None:
    assert (matches(EVERYTHING, make_event()), matches(NOTHING, make_event())) == (True, False)


@pytest.mark.parametrize(
    ("column", "field", "value"),
    [
        (Column.ID, "id", "id-7"),
        (Column.DIALECT, "dialect", "lxd"),
        (Column.SOURCE, "source", "lxd/prod-1"),
        (Column.KIND, "type", "lxd.operation"),
        (Column.ACTOR, "actor", "root"),
        (Column.SUBJECT, "subject", "/1.0/instances/c1"),
        (Column.SCOPE, "scope", "finance"),
        (Column.LOCATION, "location", "node1"),
        (Column.CORRELATION, "correlation", "op-1"),
        (Column.MESSAGE, "message", "Started"),
    ],
)
def test_each_text_column_is_compared_with_its_field(column: Column, field: str, value: str) -> None:
    fields: dict[str, Any] = {field: value}
    event = make_event(**fields)

    assert matches(Compare(column, "=", text(value.upper())), event)
    assert not matches(Compare(column, "=", text(value, "x")), event)


def test_empty_text_matches_a_missing_field() -> None:
    assert matches(Compare(Column.ACTOR, "=", MISSING), make_event())


def test_a_wildcard_does_not_match_a_missing_field() -> None:
    assert not matches(Compare(Column.ACTOR, "=", PRESENT), make_event())


def test_not_equal_matches_a_missing_field() -> None:
    assert matches(Not(Compare(Column.ACTOR, "=", text("root"))), make_event())


@pytest.mark.parametrize(
    ("column", "value"),
    [
        (Column.INDEX, 7),
        (Column.SEVERITY, 2),
        (Column.TIME, 1_795_213_107_500_000_000),
        (Column.RECEIVED, 1_795_213_108_000_000_000),
    ],
)
@pytest.mark.parametrize(
    ("op", "below", "same", "above"),
    [
        ("=", False, True, False),
        ("<", False, False, True),
        ("<=", False, True, True),
        (">", True, False, False),
        (">=", True, True, False),
    ],
)
def test_number_columns_are_ordered(column: Column, value: int, op: Any, below: bool, same: bool, above: bool) -> None:
    event = make_event()

    assert [matches(Compare(column, op, bound), event) for bound in (value - 1, value, value + 1)] == [
        below,
        same,
        above,
    ]


LINKED = [Link("vm", "web1", "1-1"), Link("vm", "db1", "2-2"), Link("host", "node1")]


@pytest.mark.parametrize(
    ("target", "pattern", "expected"),
    [
        (LinkTo("vm"), text("WEB1"), True),
        (LinkTo("vm"), text("db", ""), True),
        (LinkTo("vm"), text("1-1"), False),
        (LinkTo("vm", "id"), text("2-2"), True),
        (LinkTo("vm", "id"), text("web1"), False),
        (LinkTo("vm", "any"), text("web1"), True),
        (LinkTo("vm", "any"), text("2-2"), True),
        (LinkTo("vm"), text("node1"), False),
        (LinkTo("host"), text("node1"), True),
        (LinkTo("cluster"), PRESENT, False),
        (LinkTo("vm"), MISSING, False),
        (LinkTo("host", "id"), MISSING, True),
        (LinkTo("cluster"), MISSING, True),
    ],
)
def test_any_link_of_the_type_may_match(target: LinkTo, pattern: Pattern, expected: bool) -> None:
    assert matches(Compare(target, "=", pattern), make_event(links=LINKED)) is expected


DOCUMENT = {
    "request": {"action": "POST", "size": 42, "ratio": 1.5, "ok": True, "none": None, "empty": ""},
    "items": [{"name": "a", "tags": ["x", ["y"]]}, {"name": "b"}],
    "Mixed": 1,
    "mixed": 2,
    "0": "key",
    "big": 10**30,
}


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request.action", text("post")),
        ("request.size", text("42")),
        ("request.size", text("4", "")),
        ("request.ratio", text("1.5")),
        ("request.ok", text("true")),
        ("request.none", text("null")),
        ("request.none", PRESENT),
        ("request.empty", MISSING),
        ("REQUEST.Action", text("POST")),
        ("items.name", text("b")),
        ("items.1.name", text("b")),
        ("items.tags", text("x")),
        ("items.tags", text("y")),
        ("items.0.tags.1.0", text("y")),
        ("mixed", text("2")),
        ("MIXED", text("1")),
        ("0", text("key")),
        ("big", text("1" + "0" * 30)),
        ("request.size", 42.0),
        ("request.ratio", 1.5),
        ("request.ok", True),
        ("request.none", None),
    ],
)
def test_a_value_in_the_payload_is_found(path: str, value: Any) -> None:
    assert matches(Compare(Payload(tuple(path.split("."))), "=", value), make_event(payload=DOCUMENT))


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("request", PRESENT),
        ("request.nothing", PRESENT),
        ("request.nothing", MISSING),
        ("request.action.more", PRESENT),
        ("request.0", PRESENT),
        ("items.7.name", PRESENT),
        ("items.99999999999.name", PRESENT),
        ("items.0.name", text("b")),
        ("request.action", 1.0),
        ("request.ok", 1.0),
        ("request.size", True),
        ("request.ok", False),
        ("request.size", None),
        ("request.empty", None),
    ],
)
def test_another_value_is_not_found_in_the_payload(path: str, value: Any) -> None:
    assert not matches(Compare(Payload(tuple(path.split("."))), "=", value), make_event(payload=DOCUMENT))


@pytest.mark.parametrize(
    ("op", "bound", "expected"),
    [("<", 43.0, True), ("<", 42.0, False), (">", 41.5, True), (">=", 42.0, True), ("<=", 41.0, False)],
)
def test_numbers_in_the_payload_are_ordered(op: Any, bound: float, expected: bool) -> None:
    assert matches(Compare(Payload(("request", "size")), op, bound), make_event(payload=DOCUMENT)) is expected


def test_a_text_that_looks_like_a_number_is_not_ordered() -> None:
    assert not matches(Compare(Payload(("size",)), ">", 1.0), make_event(payload={"size": "42"}))


def test_a_pattern_sees_a_number_as_it_was_written() -> None:
    assert matches(Compare(Payload(("n",)), "=", text("1.50E3")), make_event(payload=b'{"n": 1.50e3}'))


def test_a_scalar_payload_is_found_without_a_path() -> None:
    assert matches(Compare(Payload(()), "=", text("x")), make_event(payload=["y", "x"]))


@pytest.mark.parametrize(
    ("payload", "media_type"),
    [
        (b'{"a": 1}', "text/plain"),
        (b'{"a": 1', "application/json"),
        (b'{"a": "\xff"}', "application/json"),
        (b"[" * 5000 + b"]" * 5000, "application/json"),
        (b'{"a": ' + b"9" * 5000 + b"}", "application/json"),
    ],
)
def test_a_payload_that_cannot_be_read_as_json_has_no_values(payload: bytes, media_type: str) -> None:
    event = msgspec.structs.replace(make_event(), payload=payload, media_type=media_type)

    assert not matches(Compare(Payload(("a",)), "=", PRESENT), event)


def test_json_by_another_name_is_read() -> None:
    event = make_event(payload={"a": 1}, media_type="application/vnd.x+json; charset=utf-8")

    assert matches(Compare(Payload(("a",)), "=", text("1")), event)


def test_an_event_without_payload_has_no_values() -> None:
    assert not matches(Compare(Payload(("a",)), "=", PRESENT), make_event())


def test_numeric_steps_into_nested_lists_stay_cheap() -> None:
    deep: Any = "x"
    for _ in range(300):
        deep = [deep]

    assert not matches(Compare(Payload(("0",) * 60), "=", text("y")), make_event(payload=deep))


@pytest.mark.parametrize(
    ("path", "value", "expected"),
    [
        ("action", text("create"), True),
        ("Action", text("create"), True),
        ("category", PRESENT, False),
        ("extra", 5.0, True),
        ("nested.key", text("v"), True),
        ("nested.other", text("v"), False),
        ("subject", PRESENT, False),
    ],
)
def test_an_extra_attribute_is_compared(path: str, value: Any, expected: bool) -> None:
    extensions = {"extra": msgspec.Raw(b"5"), "nested": msgspec.Raw(b'{"key": "v"}')}
    event = make_event(action="Create", subject="s", extensions=extensions)

    assert matches(Compare(Payload(tuple(path.split(".")), attribute=True), "=", value), event) is expected


def test_an_attribute_without_a_name_has_no_values() -> None:
    assert not matches(Compare(Payload((), attribute=True), "=", PRESENT), make_event(action="create"))


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Contains("ÉB", (Column.MESSAGE,)), True),
        (Contains("ÉB", (Column.MESSAGE,), case_sensitive=True), False),
        (Contains("Web", (Column.MESSAGE,), case_sensitive=True), True),
        (Contains("web1", (Column.MESSAGE, LinkTo("vm"))), True),
        (Contains("2-2", (LinkTo("vm"),)), False),
        (Contains("2-2", (LinkTo("vm", "any"),)), True),
        (Contains("", (Column.ACTOR,)), False),
        (Contains("", (Column.ACTOR, Column.MESSAGE)), True),
        (Contains("x", ()), False),
    ],
)
def test_text_is_contained_in_one_of_the_targets(condition: Contains, expected: bool) -> None:
    assert matches(condition, make_event(message="Webébé", links=LINKED)) is expected


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (Words("instance WEB"), True),
        (Words("instance started"), False),
        (Words("star"), False),
        (Words("star", prefix=True), True),
        (Words("root"), True),
        (Words("c1"), True),
        (Words("started root"), False),
        (Words("--"), False),
        (Words("node1"), False),
    ],
)
def test_words_stand_together_in_message_subject_or_actor(condition: Words, expected: bool) -> None:
    event = make_event(message="Instance web started", subject="/1.0/instances/c1", actor="root", location="node1")

    assert matches(condition, event) is expected


YES, NO = EVERYTHING, NOTHING


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (AllOf((YES, YES)), True),
        (AllOf((YES, NO)), False),
        (AnyOf((NO, YES)), True),
        (AnyOf((NO, NO)), False),
        (Not(NO), True),
        (Not(AllOf((YES, Not(YES)))), True),
    ],
)
def test_conditions_are_combined(condition: Condition, expected: bool) -> None:
    assert matches(condition, make_event()) is expected


@pytest.mark.parametrize(
    "condition",
    [
        Compare(Column.INDEX, "=", text("1")),
        Compare(Column.TIME, ">", None),
        Compare(Column.ACTOR, "=", 1),
        Compare(Column.ACTOR, "<", text("a")),
        Compare(LinkTo("vm"), "=", 1),
        Compare(Payload(("a",)), "<", text("a")),
        Compare(Payload(("a",)), "<", True),
    ],
)
def test_a_comparison_without_meaning_is_refused(condition: Compare) -> None:
    with pytest.raises(ValueError, match="compare"):
        compile_predicate(condition)


@given(conditions, events())
def test_a_negation_matches_what_its_part_does_not(condition: Condition, event: Event) -> None:
    assert matches(Not(condition), event) is not matches(condition, event)
