"""The query AST: a closed union that every search language compiles to.

Two evaluators give it meaning, `predicate` and `sql`, held equal by a property test. Logic is two-valued: a comparison with a
missing value is false, and "not equal" is ``Not(Compare(…, "=", …))``, so it also matches a missing value.
"""

from __future__ import annotations

import enum
from typing import Literal

import msgspec


class Column(enum.StrEnum):
    """What of an event can be compared and sorted by; the value is the field's canonical name."""

    INDEX = "index"
    ID = "id"
    DIALECT = "dialect"
    SOURCE = "source"
    KIND = "kind"
    TIME = "time"
    RECEIVED = "received"
    SEVERITY = "severity"
    ACTOR = "actor"
    SUBJECT = "subject"
    SCOPE = "scope"
    LOCATION = "location"
    CORRELATION = "correlation"
    MESSAGE = "message"


NUMBER_COLUMNS = frozenset({Column.INDEX, Column.TIME, Column.RECEIVED, Column.SEVERITY})


class LinkTo(msgspec.Struct, frozen=True):
    """The name or the id of the objects of one type that an event is linked to (``vm``, ``host.id``)."""

    type: str
    attribute: Literal["name", "id", "any"] = "name"


class Payload(msgspec.Struct, frozen=True):
    """A place inside the JSON payload, or (``attribute=True``) one extra CloudEvents attribute.

    An array on the way stands for each of its elements, so a value inside a nested list is found.
    """

    path: tuple[str, ...]
    attribute: bool = False


Target = Column | LinkTo | Payload


class Pattern(msgspec.Struct, frozen=True):
    """Text with wildcards: the literal parts between them; one part is an exact text, ("a", "") is ``a*``.

    It must match the whole value. A pattern with a wildcard never matches a missing (empty) value.
    """

    parts: tuple[str, ...]
    case_sensitive: bool = False


Operator = Literal["=", "<", "<=", ">", ">="]


class Compare(msgspec.Struct, frozen=True):
    """``target op value``.

    Number columns take an int (severity its number, times nanoseconds since the epoch). Text targets take a Pattern with "=";
    a Payload target also takes a float with any operator, a bool or None with "=".
    """

    target: Target
    op: Operator
    value: int | float | bool | Pattern | None


class Contains(msgspec.Struct, frozen=True):
    """*text* occurs anywhere in one of the *targets* (text columns or links); the free text of oVirt."""

    text: str
    targets: tuple[Column | LinkTo, ...]
    case_sensitive: bool = False


class Words(msgspec.Struct, frozen=True):
    """The words of *text* stand next to each other, in this order, in the message, the subject or the actor.

    Letter case never matters. With *prefix* the last word only has to begin so. See `words` for what a word is.
    """

    text: str
    prefix: bool = False


class Listed(msgspec.Struct, frozen=True):
    """The event's index is one of *indexes*, which ascend without repeats; there may be very many."""

    indexes: tuple[int, ...]


class AllOf(msgspec.Struct, frozen=True):
    """Every part holds; with no part, everything matches."""

    parts: tuple[Condition, ...]


class AnyOf(msgspec.Struct, frozen=True):
    """At least one part holds; with no part, nothing matches."""

    parts: tuple[Condition, ...]


class Not(msgspec.Struct, frozen=True):
    """The part doesn't hold."""

    part: Condition


Condition = Compare | Contains | Words | Listed | AllOf | AnyOf | Not

EVERYTHING = AllOf(())
NOTHING = AnyOf(())


class Order(msgspec.Struct, frozen=True):
    """Sort by one column. Ties: a higher index first when *newest_ties* (oVirt: always), else in the sort's own direction.

    Missing text sorts before all other text.
    """

    column: Column = Column.INDEX
    descending: bool = True
    newest_ties: bool = False


class Position(msgspec.Struct, frozen=True, array_like=True):
    """A keyset position: the sort value and index of the last row already seen."""

    value: int | str
    index: int


class Query(msgspec.Struct, frozen=True):
    """What to find, in which order, how many, from where on. *page* counts from 1 in steps of *limit*."""

    where: Condition = EVERYTHING
    order: Order = Order()
    limit: int = 100
    after: Position | None = None
    page: int = 1


def conjoin(*conditions: Condition) -> Condition:
    """Return the condition that holds where all of *conditions* hold."""
    parts: list[Condition] = []
    for condition in conditions:
        parts.extend(condition.parts if isinstance(condition, AllOf) else (condition,))
    return parts[0] if len(parts) == 1 else AllOf(tuple(parts))
