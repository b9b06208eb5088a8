"""Which kinds of events tell the state of what: `data/states.csv`, read once.

=======  ==============================================================================================================
column   what stands in it
=======  ==============================================================================================================
kind     a kind; with ``*`` for any text it is a pattern, in any letter case, and the first that tells a state counts
type     the type of thing, which is also the type of the link that names it; ``ocid``: it is told by the id itself
state    the state it is in then; ``=`` and places in the payload where the state stands; nothing: it stays as it was
when     ``place=value``: the event counts only where this value stands in the payload
id       places in the payload where the id stands, instead of in a link; where it doesn't, the subject is the id
name     the same for the name
former   where the name stands that it had until now
details  ``name=place``, taken from the payload, or ``name:value``; an event's location is always told
=======  ==============================================================================================================

A place is the names of members joined by dots. Alternatives are joined by ``|``, details by ``;``.
"""

from __future__ import annotations

import csv
import functools
import hashlib
from collections.abc import Callable, Iterable
from importlib.resources import files
from typing import NamedTuple

from tidings.query.ast import AnyOf, Column, Compare, Condition, Pattern
from tidings.query.pattern import compile_pattern

Place = tuple[str, ...]
"""Names of members on the way into a payload."""

OCID = "ocid"
"""The type of what tells its own type by its id."""


class Rule(NamedTuple):
    """One row of the table.

    *needs_payload*: the columns of an event alone don't tell enough. *needles*: one of these occurs in the line of an event
    that it tells the state by; none where that needs no look.
    """

    kind: str
    type: str
    state: str
    state_places: tuple[Place, ...]
    when: tuple[Place, str] | None
    id: tuple[Place, ...]
    name: tuple[Place, ...]
    former: Place
    details: tuple[tuple[str, Place], ...]
    constants: tuple[tuple[str, str], ...]
    needs_payload: bool
    has_details: bool
    needles: tuple[bytes, ...]


class Rules:
    """All rows; ask `of` for those that an event's kind may fulfil, in their order."""

    def __init__(self, rules: Iterable[Rule], version: str) -> None:
        self.version = version
        """Changes with the table."""
        self._exact: dict[str, tuple[Rule, ...]] = {}
        self._patterns: list[tuple[str, Callable[[str], bool], Rule]] = []
        for rule in rules:
            start, star, _ = rule.kind.partition("*")
            if star:
                self._patterns.append((start, compile_pattern(_pattern(rule.kind)), rule))
            else:
                self._exact[rule.kind] = (*self._exact.get(rule.kind, ()), rule)
        self.starts = tuple(dict.fromkeys(start for start, _, _ in self._patterns))
        """What the kinds that a pattern may fit begin with."""
        self.of = functools.lru_cache(maxsize=4096)(self._of)

    def condition(self) -> Condition:
        """Return what holds for all events that may tell a state."""
        kinds = [*self._exact, *(f"{start}*" for start in self.starts)]
        return AnyOf(tuple(Compare(Column.KIND, "=", _pattern(kind)) for kind in kinds))

    def kinds(self) -> list[str]:
        """Return all kinds that are no patterns."""
        return list(self._exact)

    def _of(self, kind: str) -> tuple[Rule, ...]:
        exact = self._exact.get(kind)
        if exact is not None:
            return exact
        return tuple(rule for start, fits, rule in self._patterns if kind.startswith(start) and fits(kind))


@functools.cache
def states() -> Rules:
    """Return the rules of `data/states.csv`."""
    text = (files(__package__) / "data" / "states.csv").read_text(encoding="utf-8")
    return read_rules(text)


def read_rules(text: str) -> Rules:
    """Return the rules of a table like `data/states.csv`."""
    rows = [_rule(row) for row in csv.DictReader(text.splitlines())]
    return Rules(rows, hashlib.sha256(text.encode()).hexdigest()[:16])


def _rule(row: dict[str, str]) -> Rule:
    when, _, value = row["when"].partition("=")
    details = [detail for detail in row["details"].split(";") if detail]
    taken = tuple((name, _place(place)) for name, is_place, place in (d.partition("=") for d in details) if is_place)
    state_places = _places(row["state"][1:]) if row["state"].startswith("=") else ()
    return Rule(
        kind=row["kind"],
        type=row["type"],
        state="" if state_places else row["state"],
        state_places=state_places,
        when=(_place(when), value) if when else None,
        id=_places(row["id"]),
        name=_places(row["name"]),
        former=_place(row["former"]) if row["former"] else (),
        details=taken,
        constants=tuple((name, value) for name, is_value, value in (d.partition(":") for d in details) if is_value),
        needs_payload=any((when, state_places, row["id"], row["former"], taken)),
        has_details=bool(details),
        needles=tuple({place[-1].encode() for place in state_places}),
    )


def _places(text: str) -> tuple[Place, ...]:
    return tuple(_place(place) for place in text.split("|")) if text else ()


def _place(text: str) -> Place:
    return tuple(text.split("."))


def _pattern(kind: str) -> Pattern:
    return Pattern(tuple(kind.split("*")), case_sensitive="*" not in kind)
