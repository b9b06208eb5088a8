"""What a term means: conditions made of a field, a relation and a value. All raise Refusal for a value that doesn't fit."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import tzinfo
from typing import assert_never

import msgspec

from tidings.kinds import catalogue
from tidings.query._scanner import Value, shown
from tidings.query._values import ANYTHING, Refusal, disjoin
from tidings.query.ast import (
    EVERYTHING,
    NOTHING,
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    Not,
    Operator,
    Pattern,
    Payload,
)
from tidings.query.ovirt._dates import compare_time
from tidings.query.ovirt._fields import FREE_TEXT, LINKED_TEXTS, EventField, FieldKind, LinkedField, Relation, Targets
from tidings.severity import Severity

_IS_OVIRT = Compare(Column.DIALECT, "=", Pattern(("ovirt",), case_sensitive=True))
_ORIGIN = Payload(("origin",))
_CUSTOM_ID = Payload(("custom_id",))
_NO_CUSTOM_ID = -1

_SEVERITIES = {
    severity.label: severity for severity in (Severity.NORMAL, Severity.WARNING, Severity.ERROR, Severity.ALERT)
}
_INTEGER = re.compile(r"[+-]?[0-9]{1,100}")
_MAX_INTEGER = 2**31 - 1


KindsOf = Callable[[int], Collection[str]]
"""Returns the kinds of the events that are shown with a number as their type."""


@functools.cache
def _kinds_by_code() -> Mapping[int, str]:
    return {kind.code: kind.kind for kind in catalogue().values() if kind.code is not None}


def engine_kinds_of(code: int) -> Collection[str]:
    """Return the engine's kind of that number: the catalogue's, or where it has none ``ovirt.<number>``."""
    return (_kinds_by_code().get(code, f"ovirt.{code}"),)


class Reading(msgspec.Struct, frozen=True):
    """What values are read against: the time, the zone of dates, whether letter case matters, what numbers stand for."""

    now_ns: int
    zone: tzinfo
    case_sensitive: bool
    kinds_of: KindsOf


def compare_event(field: EventField, relation: Relation, value: Value, reading: Reading) -> Condition:
    """Return the condition on an event's own field; "not equal" also holds where the value is missing."""
    if relation == "!=":
        return Not(compare_event(field, "=", value, reading))
    match field.kind:
        case FieldKind.TEXT:
            return _text(field.targets, value, reading)
        case FieldKind.SEVERITY:
            return _severity(relation, value)
        case FieldKind.CODE:
            return _code(reading.kinds_of(_integer(value)))
        case FieldKind.TIME:
            return compare_time(relation, value.text, reading.now_ns, reading.zone)
        case FieldKind.ORIGIN:
            return NOTHING if value.parts == ("",) else _origin(Pattern(value.parts, reading.case_sensitive))
        case FieldKind.CUSTOM_ID:
            return _custom_id(_integer(value))
        case FieldKind.DELETED:
            return _deleted(value)
        case _:
            assert_never(field.kind)


def compare_linked(field: LinkedField, relation: Relation, value: Value, reading: Reading) -> Condition:
    """Return the condition on a field of a linked object; what only an inventory knows is missing in every event."""
    if relation == "!=":
        return Not(compare_linked(field, "=", value, reading))
    return _text(field.targets, value, reading)


def any_field_contains(object_: str, relation: Relation, value: Value, reading: Reading) -> Condition:
    """Return the condition that one of the texts of the linked *object_* contains the value."""
    found = _contains(value, LINKED_TEXTS[object_], reading)
    return Not(found) if relation == "!=" else found


def free_text(value: Value, reading: Reading) -> Condition:
    """Return the condition that one of the event's texts contains the value."""
    origin = Pattern(("", *_inner(value), ""), reading.case_sensitive)
    return AnyOf((_contains(value, FREE_TEXT, reading), _origin(origin)))


def _inner(value: Value) -> tuple[str, ...]:
    """Return the parts without the wildcards at either end, which add nothing where the text may stand anywhere."""
    return tuple(part for part in value.parts if part)


def _contains(value: Value, targets: Targets, reading: Reading) -> Condition:
    inner = _inner(value)
    if len(inner) <= 1:
        return Contains("".join(inner), targets, reading.case_sensitive)
    pattern = Pattern(("", *inner, ""), reading.case_sensitive)
    return AnyOf(tuple(Compare(target, "=", pattern) for target in targets))


def _text(targets: Targets, value: Value, reading: Reading) -> Condition:
    # Empty text is a text of its own to the engine, and what is missing isn't equal to it. A message is never missing there.
    if value.parts == ("",) and targets != (Column.MESSAGE,):
        return NOTHING
    pattern = Pattern(value.parts, reading.case_sensitive)
    return disjoin([Compare(target, "=", pattern) for target in targets])


def _severity(relation: Operator, value: Value) -> Condition:
    severity = _SEVERITIES.get(value.text.lower())
    if severity is None:
        raise Refusal(f"unknown severity {shown(value.text)}", f"severities are {', '.join(_SEVERITIES)}")
    if severity is not Severity.NORMAL:
        return Compare(Column.SEVERITY, relation, int(severity))
    # The engine has no debug: such an event is shown as normal, so normal means both of them.
    if relation == "=":
        return Compare(Column.SEVERITY, "<=", int(Severity.NORMAL))
    return Compare(Column.SEVERITY, relation, int(Severity.DEBUG if relation in ("<", ">=") else Severity.NORMAL))


def _integer(value: Value) -> int:
    if not _INTEGER.fullmatch(value.text) or not -_MAX_INTEGER - 1 <= (number := int(value.text)) <= _MAX_INTEGER:
        raise Refusal(f"{shown(value.text)} is not a whole number of 32 bits", "write its digits, such as 30")
    return number


def _code(kinds: Iterable[str]) -> Condition:
    return disjoin([Compare(Column.KIND, "=", Pattern((kind,), case_sensitive=True)) for kind in kinds])


def _origin(pattern: Pattern) -> Condition:
    own = AllOf((_IS_OVIRT, Compare(_ORIGIN, "=", pattern)))
    return AnyOf((own, AllOf((Not(_IS_OVIRT), Compare(Column.SOURCE, "=", pattern)))))


def _custom_id(number: int) -> Condition:
    same = Compare(_CUSTOM_ID, "=", Pattern((str(number),)))
    if number != _NO_CUSTOM_ID:
        return AllOf((_IS_OVIRT, same))
    return Not(AllOf((_IS_OVIRT, Compare(_CUSTOM_ID, "=", ANYTHING), Not(same))))


def _deleted(value: Value) -> Condition:
    match value.text.lower():
        case "false":
            return EVERYTHING
        case "true":
            return NOTHING
        case _:
            raise Refusal(f"deleted is true or false, found {shown(value.text)}")
