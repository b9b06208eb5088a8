"""Which events a listener of ``/1.0/events`` gets: its types and its project, as one condition.

The rules are those of the wire and not of our columns: an event without a ``project`` member goes to everybody, and LXD
never gives one to a log line, so what we keep as the scope of a log line doesn't count here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from tidings.errors import TidingsError
from tidings.query.ast import AllOf, AnyOf, Column, Compare, Condition, Not, Pattern

SUPPORTED = ("lifecycle", "logging", "operation", "ovn", "security", "network-acl")
BASIC = SUPPORTED[:3]

# Shaped as log lines, whose "project" is at most a word of their context.
WITHOUT_PROJECT = ("logging", "ovn", "security", "network-acl")
# ``lxc monitor --pretty`` of these versions ends at the first type it doesn't know, and nobody asked for one.
_OLD_CLIENT = re.compile(r"LXD [2-5]\.")


class UnsupportedType(TidingsError):
    """A listener asks for a type that LXD doesn't have; the message is the daemon's own."""

    def __init__(self, name: str) -> None:
        self.name = name
        super().__init__(f'"{name}" isn\'t a supported event type')


def types_of(text: str | None, user_agent: str) -> tuple[str, ...]:
    """Return the types that the comma list *text* names, each once and in the order of SUPPORTED; without a text the default.

    Raises UnsupportedType, also for an empty element.
    """
    if not text:
        return BASIC if _OLD_CLIENT.match(user_agent) else SUPPORTED
    wanted = text.split(",")
    for name in wanted:
        if name not in SUPPORTED:
            raise UnsupportedType(name)
    return tuple(name for name in SUPPORTED if name in wanted)


def condition(types: Sequence[str], project: str | None) -> Condition:
    """Return what selects the events of *types* in *project* (None: in all); equal for equal types in any order.

    An event of another dialect counts by the type that `render` gives it. Types that aren't in SUPPORTED never match.
    """
    wanted = [name for name in SUPPORTED if name in types]
    if project is None:
        return _any_of([*_of_lxd(wanted), *_of_others(wanted)])
    for_all = _of_lxd([name for name in wanted if name in WITHOUT_PROJECT])
    by_project = [*_of_lxd([name for name in wanted if name not in WITHOUT_PROJECT]), *_of_others(wanted)]
    if not by_project:
        return _any_of(for_all)
    in_project = AnyOf((_is(Column.SCOPE, project), _is(Column.SCOPE, "")))
    return _any_of([*for_all, AllOf((in_project, _any_of(by_project)))])


def _is(column: Column, *parts: str) -> Compare:
    return Compare(column, "=", Pattern(parts, case_sensitive=True))


_BY_LXD = _is(Column.DIALECT, "lxd")
_HAS_SUBJECT = _is(Column.SUBJECT, "", "")
_IS_JOB = AllOf((_is(Column.DIALECT, "tidings"), _is(Column.KIND, "tidings.job")))


def _of_lxd(types: Sequence[str]) -> list[Condition]:
    kinds = [_is(Column.KIND, f"lxd.{name}") for name in types]
    if "lifecycle" in types:
        kinds.append(_is(Column.KIND, "lxd.lifecycle.", ""))
    return [AllOf((_BY_LXD, _any_of(kinds)))] if kinds else []


def _of_others(types: Sequence[str]) -> list[Condition]:
    others = Not(_BY_LXD)
    if set(BASIC) <= set(types):
        return [others]
    conditions: list[Condition] = []
    shapes: dict[str, Condition] = {"lifecycle": _HAS_SUBJECT, "logging": Not(_HAS_SUBJECT)}
    chosen: list[Condition] = [shape for name, shape in shapes.items() if name in types]
    if chosen:
        narrowed = chosen if len(chosen) < len(shapes) else []
        conditions.append(AllOf((others, Not(_IS_JOB), *narrowed)))
    if "operation" in types:
        conditions.append(_IS_JOB)
    return conditions


def _any_of(conditions: Sequence[Condition]) -> Condition:
    return conditions[0] if len(conditions) == 1 else AnyOf(tuple(conditions))
