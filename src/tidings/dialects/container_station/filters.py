"""What the parameters of ``log`` select, as a condition; it tells from columns what the rows show."""

from __future__ import annotations

import math
from typing import NamedTuple

from tidings import rfc3339
from tidings.dialects.container_station.categories import category_condition
from tidings.dialects.container_station.log_rows import SYSTEM_USER
from tidings.query.ast import AnyOf, Column, Compare, Condition, Contains, Pattern, conjoin
from tidings.severity import Severity

_NS = 1_000_000_000

_LEVELS: dict[str, Compare] = {
    "INFO": Compare(Column.SEVERITY, "<=", Severity.NORMAL),
    "WARN": Compare(Column.SEVERITY, "=", Severity.WARNING),
    "WARNING": Compare(Column.SEVERITY, "=", Severity.WARNING),
    "ERROR": Compare(Column.SEVERITY, ">=", Severity.ERROR),
}


class LogFilter(NamedTuple):
    """Which rows are wanted; what is empty narrows nothing.

    *start* and *end* are seconds since the epoch, 0 for no bound; the second of *end* is included. *levels* and *categories*
    are alternatives, one that doesn't exist matches nothing. *text* occurs in the message, in any letter case.
    """

    start: float = 0.0
    end: float = 0.0
    user: str = ""
    levels: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    text: str = ""


def condition_of(wanted: LogFilter) -> Condition:
    """Return what holds for the events whose rows are *wanted*."""
    parts: list[Condition] = []
    if wanted.start:
        parts.append(Compare(Column.TIME, ">=", _ns(wanted.start)))
    if wanted.end:
        parts.append(Compare(Column.TIME, "<", _ns(math.floor(wanted.end) + 1)))
    if wanted.user:
        parts.append(_by(wanted.user))
    if wanted.levels:
        parts.append(
            _any_of([_LEVELS[name] for name in dict.fromkeys(map(str.upper, wanted.levels)) if name in _LEVELS])
        )
    if wanted.categories:
        parts.append(_any_of([category_condition(category) for category in dict.fromkeys(wanted.categories)]))
    if wanted.text:
        parts.append(Contains(wanted.text, (Column.MESSAGE,)))
    return conjoin(*parts)


def _ns(seconds: float) -> int:
    whole = math.floor(seconds)
    # what lies beyond the years that can be stored is all the same
    return min(whole * _NS + round((seconds - whole) * 1e6) * 1000, rfc3339.MAX_NS)


def _by(user: str) -> Condition:
    names = (user, "") if user == SYSTEM_USER else (user,)
    return _any_of([Compare(Column.ACTOR, "=", Pattern((name,), case_sensitive=True)) for name in names])


def _any_of(conditions: list[Condition] | list[Compare]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))
