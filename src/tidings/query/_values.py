"""Making conditions of a target, an operator and a value, by the type of the target."""

from __future__ import annotations

import difflib
import re
from datetime import tzinfo
from typing import Literal, get_args

import msgspec

from tidings.query._names import name_of
from tidings.query._scanner import Value, shown
from tidings.query._times import Span, UnreadableTime, read_span
from tidings.query.ast import (
    EVERYTHING,
    NUMBER_COLUMNS,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Not,
    Operator,
    Pattern,
    Payload,
    Target,
    Words,
)
from tidings.query.fields import BY_COLUMN, FieldType
from tidings.query.words import fold, tokens
from tidings.severity import ALIASES, Severity, parse_severity

TEXT_OF_EVENT = (Column.MESSAGE, Column.SUBJECT, Column.ACTOR)
"""Where free text is looked for."""

ANYTHING = Pattern(("", ""))
SEVERITY_NAMES = ", ".join(severity.label for severity in Severity)

_INTEGER = re.compile(r"[+-]?[0-9]+")
_NUMBER = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?", re.IGNORECASE)
_MAX_INTEGER = 2**63 - 1

WrittenOperator = Literal["=", "!=", "<", "<=", ">", ">=", "~"]
WRITTEN_OPERATORS: frozenset[str] = frozenset(get_args(WrittenOperator))


class Refusal(Exception):
    """The value doesn't fit its field; it never leaves the parser, which adds the place."""

    def __init__(self, reason: str, suggestion: str | None = None) -> None:
        self.reason, self.suggestion = reason, suggestion
        super().__init__(reason)


class Now(msgspec.Struct, frozen=True):
    """What relative times and times without a zone are read against."""

    ns: int
    zone: tzinfo


def disjoin(conditions: list[Condition]) -> Condition:
    """Return the condition that holds where one of *conditions* holds, without an OR directly in an OR."""
    parts: list[Condition] = []
    for condition in conditions:
        parts.extend(condition.parts if isinstance(condition, AnyOf) else (condition,))
    return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))


def has(target: Target) -> Condition:
    """Return the condition that *target* isn't missing; an object without a name counts by its id."""
    if isinstance(target, Column) and target in NUMBER_COLUMNS:
        return EVERYTHING
    if isinstance(target, LinkTo) and target.attribute == "name":
        target = LinkTo(target.type, "any")
    return Compare(target, "=", ANYTHING)


def compare(target: Target, operator: WrittenOperator, value: Value, now: Now) -> Condition:
    """Return ``target operator value``. Raises Refusal when the value isn't one for *target*."""
    if operator == "!=":
        return Not(compare(target, "=", value, now))
    if operator == "~":
        return _contains(target, value.parts)
    match target:
        case Payload() if operator != "=":
            return Compare(target, operator, _number(target, value))
        case Payload() | LinkTo():
            return Compare(target, "=", Pattern(value.parts))
        case Column():
            return _compare_column(target, operator, value, now)


def _compare_column(column: Column, operator: Operator, value: Value, now: Now) -> Condition:
    match BY_COLUMN[column].type:
        case FieldType.TEXT:
            return Compare(column, "=", Pattern(value.parts))
        case FieldType.INTEGER:
            return Compare(column, operator, _integer(column, value))
        case FieldType.SEVERITY:
            return Compare(column, operator, int(_severity(value)))
        case FieldType.TIME:
            return _compare_time(column, operator, _span(value, now))


def _contains(target: Target, parts: tuple[str, ...]) -> Condition:
    if len(parts) == 1 and not isinstance(target, Payload):
        return Contains(parts[0], (target,))
    return Compare(target, "=", _within(parts))


def _within(parts: tuple[str, ...]) -> Pattern:
    """Return the pattern for *parts* anywhere in a value."""
    return Pattern(("", *(part for part in parts if part), ""))


def _integer(column: Column, value: Value) -> int:
    if not _INTEGER.fullmatch(value.text):
        raise Refusal(f"{name_of(column)} is a whole number, found {shown(value.text)}")
    # counted first, because turning endless digits into a number takes endless time
    if len(value.text.lstrip("+-0")) > 19 or abs(number := int(value.text)) > _MAX_INTEGER:
        raise Refusal(f"{shown(value.text)} is larger than any {name_of(column)}", f"the largest is {_MAX_INTEGER}")
    return number


def _number(target: Target, value: Value) -> float:
    if not _NUMBER.fullmatch(value.text):
        raise Refusal(
            f"{shown(name_of(target))} is ordered by number, found {shown(value.text)}", "use = or ~ for text"
        )
    number = float(value.text)
    if number in (float("inf"), float("-inf")):
        raise Refusal(f"{shown(value.text)} is too large a number", "the largest is about 1.8e308")
    return number


def _severity(value: Value) -> Severity:
    severity = parse_severity(value.text)
    if severity is None:
        close = difflib.get_close_matches(value.text.lower(), ALIASES, n=1)
        hint = f"did you mean '{close[0]}'? " if close else ""
        raise Refusal(f"unknown severity {shown(value.text)}", f"{hint}severities are {SEVERITY_NAMES}")
    return severity


def _span(value: Value, now: Now) -> Span:
    try:
        return read_span(value.text, now.ns, now.zone)
    except UnreadableTime as fault:
        raise Refusal(str(fault), fault.hint) from None


def _compare_time(column: Column, operator: Operator, span: Span) -> Condition:
    start_ns, end_ns, is_range = span
    if end_ns is None:
        return Compare(column, operator, start_ns)
    if operator == "=":
        return AllOf((Compare(column, ">=", start_ns), Compare(column, "<", end_ns)))
    if is_range:
        raise Refusal(f"a range of times can't be compared with '{operator}'", f"use {name_of(column)} = FROM..TO")
    if operator == "<=":  # up to the end of that day or minute
        return Compare(column, "<", end_ns)
    return Compare(column, "<" if operator == "<" else ">=", start_ns)


def free_text(value: Value) -> Condition:
    """Return the condition that *value* occurs in the event's text. Raises Refusal when there is nothing to look for."""
    parts = value.parts
    if parts == ("",):
        raise Refusal("nothing between the quotes", "write the text to search for")
    words = tokens(parts[0])
    if words and (len(parts) == 1 or parts[1:] == ("",)):
        # After a separator the star adds nothing: "web-*" asks for the word web, not for what begins with it.
        is_prefix = len(parts) == 2 and fold(parts[0]).endswith(words[-1])
        return Words(parts[0], is_prefix)
    if len(parts) == 1:
        return Contains(parts[0], TEXT_OF_EVENT)
    pattern = _within(parts)
    return AnyOf(tuple(Compare(column, "=", pattern) for column in TEXT_OF_EVENT))
