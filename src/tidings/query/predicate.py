"""The evaluator that asks one event: used for live events, rules and permissions, and to decide what an index can't.

`sql` gives the same conditions the same meaning over stored rows; a property test holds the two equal.
"""

from __future__ import annotations

import operator
from bisect import bisect_left
from collections.abc import Callable, Iterable
from typing import assert_never

from tidings.event import Event
from tidings.query._payload import ORDERINGS, attribute_values, payload_values, scalar_test
from tidings.query.ast import (
    NUMBER_COLUMNS,
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
from tidings.query.pattern import compile_pattern
from tidings.query.words import fold, has_words, tokens

Predicate = Callable[[Event], bool]
"""Says whether one event matches."""


def matches(condition: Condition, event: Event) -> bool:
    """Whether *event* matches; for one condition and many events use `compile_predicate`."""
    return compile_predicate(condition)(event)


def compile_predicate(condition: Condition) -> Predicate:
    """Return *condition* as a function of an event; safe to call from several threads.

    Raises ValueError for a comparison that has no meaning by the `ast` (a number with a text column, say).
    """
    match condition:
        case Compare():
            return _compare(condition)
        case Contains(text, targets, case_sensitive):
            return _contains(text, targets, case_sensitive)
        case Words(text, prefix):
            return _words(text, prefix)
        case Listed():
            return lambda event: is_listed(condition, event.index)
        case AllOf(parts):
            return _all_of([compile_predicate(part) for part in parts])
        case AnyOf(parts):
            return _any_of([compile_predicate(part) for part in parts])
        case Not(part):
            inner = compile_predicate(part)
            return lambda event: not inner(event)
        case _:
            assert_never(condition)


def is_listed(condition: Listed, index: int) -> bool:
    """Whether *index* is one of those in *condition*; needs no preparation, however many they are."""
    indexes = condition.indexes
    at = bisect_left(indexes, index)
    return at < len(indexes) and indexes[at] == index


def _all_of(predicates: list[Predicate]) -> Predicate:
    def holds(event: Event) -> bool:
        for predicate in predicates:  # noqa: SIM110 - a loop here is twice as fast as all() over a generator
            if not predicate(event):
                return False
        return True

    return holds


def _any_of(predicates: list[Predicate]) -> Predicate:
    def holds(event: Event) -> bool:
        for predicate in predicates:  # noqa: SIM110 - as above
            if predicate(event):
                return True
        return False

    return holds


def _compare(condition: Compare) -> Predicate:
    match condition.target:
        case Column() as column:
            return _compare_number(column, condition) if column in NUMBER_COLUMNS else _compare_text(column, condition)
        case LinkTo() as target:
            return _compare_links(target, condition)
        case Payload() as target:
            return _compare_payload(target, condition)
        case _:
            assert_never(condition.target)


def _compare_number(column: Column, condition: Compare) -> Predicate:
    bound = condition.value
    if bound is None or isinstance(bound, Pattern):
        raise ValueError(f"{column.value} is a number and can't be compared with {bound!r}")
    value_of = operator.attrgetter(column.value)
    ordering = ORDERINGS[condition.op]
    return lambda event: ordering(value_of(event), bound)


def _text_test(condition: Compare) -> Callable[[str], bool]:
    if condition.op != "=" or not isinstance(condition.value, Pattern):
        raise ValueError(f"text is compared with '=' and a pattern, not {condition.op!r} and {condition.value!r}")
    return compile_pattern(condition.value)


def _compare_text(column: Column, condition: Compare) -> Predicate:
    test, value_of = _text_test(condition), operator.attrgetter(column.value)
    return lambda event: test(value_of(event))


def _link_values(target: LinkTo, event: Event) -> Iterable[str]:
    for link in event.links:
        if link.type == target.type:
            if target.attribute != "id":
                yield link.name
            if target.attribute != "name":
                yield link.id


def _compare_links(target: LinkTo, condition: Compare) -> Predicate:
    test = _text_test(condition)
    without_link = test("")  # asking for empty text asks for what is missing

    def holds(event: Event) -> bool:
        found = False
        for value in _link_values(target, event):
            if test(value):
                return True
            found = True
        return without_link and not found

    return holds


def _compare_payload(target: Payload, condition: Compare) -> Predicate:
    test = scalar_test(condition.op, condition.value)
    values = attribute_values if target.attribute else payload_values
    path = target.path
    return lambda event: any(test(value) for value in values(event, path))


def _contains(text: str, targets: tuple[Column | LinkTo, ...], case_sensitive: bool) -> Predicate:
    def as_is(value: str) -> str:
        return value

    normalise = as_is if case_sensitive else fold
    needle = normalise(text)
    columns = [operator.attrgetter(target.value) for target in targets if isinstance(target, Column)]
    links = [target for target in targets if isinstance(target, LinkTo)]

    def has(value: str) -> bool:
        return value != "" and needle in normalise(value)

    def holds(event: Event) -> bool:
        return any(has(value_of(event)) for value_of in columns) or any(
            has(value) for target in links for value in _link_values(target, event)
        )

    return holds


def _words(text: str, prefix: bool) -> Predicate:
    words = tokens(text)
    return lambda event: (
        has_words(event.message, words, prefix)
        or has_words(event.subject, words, prefix)
        or has_words(event.actor, words, prefix)
    )
