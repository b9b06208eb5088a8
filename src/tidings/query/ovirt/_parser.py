"""The oVirt engine's search language, as ``/ovirt-engine/api/events?search=`` takes it.

::

    query = [ "events:" ] [ group { group } ] [ "sortby" field [ "asc" | "desc" ] ] [ "page" number ]
    group = every { "or" every }
    every = term { "and" term }
    term = field relation value | object [ "." field ] relation value | value

So a said ``and`` binds closest, then ``or``, and what merely stands side by side must hold together. There are no parentheses
and there is no ``not``. Words are known by their first letters, as the engine knows them: after a term ``oracle`` is "or"
and the text "acle", unless it stands in quotes. Where *origin* follows a term it is the field all the same.

Dates and times in ISO 8601, and a page after a ``sortby`` without direction, are extensions.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from datetime import UTC, tzinfo
from typing import NoReturn

import msgspec

from tidings.query._scanner import Value, shown
from tidings.query._values import Refusal, disjoin
from tidings.query.ast import EVERYTHING, Column, Condition, Order, Query, conjoin
from tidings.query.ovirt._conditions import (
    KindsOf,
    Reading,
    any_field_contains,
    compare_event,
    compare_linked,
    engine_kinds_of,
    free_text,
)
from tidings.query.ovirt._fields import EVENT_FIELDS, LINKED_FIELDS, LinkedField, Relation
from tidings.query.ovirt._reader import Reader

_MAX_PAGE = 2**31 - 1
_CLAUSES = ("sortby", "page")


class Parsed(msgspec.Struct, frozen=True):
    """What a search text asks for.

    *is_paged*: the text names a page, so a page size is needed even where the request has none. *warnings* say what
    the engine would do and we can't; the query is right but for that. *sort_by* names a field that no column holds, which
    the query doesn't sort by therefore (empty: none), in the direction *descending*.
    """

    query: Query
    is_paged: bool = False
    warnings: tuple[str, ...] = ()
    sort_by: str = ""
    descending: bool = False


def parse(
    text: str,
    now_ns: int,
    zone: tzinfo = UTC,
    *,
    case_sensitive: bool = False,
    kinds_of: KindsOf = engine_kinds_of,
) -> Parsed:
    """Return what *text* asks for; empty text asks for everything, newest first.

    *now_ns* is what day names are counted from, *zone* where dates have their midnight, *case_sensitive* is about the values of
    text fields only; *kinds_of* says which kinds ``type = NUMBER`` finds. Raises QuerySyntaxError and nothing else, whatever the text.
    """
    return _Parser(text, Reading(now_ns, zone, case_sensitive, kinds_of)).parsed()


class _Parser:
    def __init__(self, text: str, reading: Reading) -> None:
        self._read = Reader(text)
        self._reading = reading
        self._searched: set[str] = set()
        self._warnings: list[str] = []
        self._sort_by, self._descending = "", False

    def parsed(self) -> Parsed:
        where = EVERYTHING if self._at_clause() or self._read.at_end() else self._groups()
        order = self._order()
        page = self._page()
        query = Query(where, order, page=page or 1)
        warnings = tuple(dict.fromkeys(self._warnings))
        return Parsed(query, page is not None, warnings, self._sort_by, self._descending)

    def _at_clause(self) -> bool:
        return self._read.is_at(*_CLAUSES)

    def _groups(self) -> Condition:
        groups = [[[self._term(is_first=True)]]]
        while not self._at_clause() and not self._read.at_end():
            joined_by = None if self._read.is_at_field() else self._read.keyword("and", "or")
            term = self._term()
            match joined_by:
                case "and":
                    groups[-1][-1].append(term)
                case "or":
                    groups[-1].append([term])
                case _:
                    groups.append([[term]])
        return conjoin(*(disjoin([conjoin(*every) for every in either]) for either in groups))

    def _term(self, *, is_first: bool = False) -> Condition:
        at = self._read.skip_space()
        if self._read.at_end():
            self._read.fail(at, "expected a condition, found the end")
        if object_ := self._read.linked_object():
            return self._linked(object_, at)
        if field := self._read.field(whole=is_first):
            return self._comparison(field, at)
        self._refuse_second("", at)
        value = self._read.required_value()
        return free_text(value, self._reading)

    def _refuse_second(self, object_: str, at: int) -> None:
        """Refuse another text without a field, which the engine allows once for the event and once for each object."""
        if object_ in self._searched:
            what = f"a second {shown(object_)} without a field" if object_ else "a second text without a field"
            hint = f"write {object_}.name" if object_ else 'put quotes around a text with spaces: "foo bar"'
            self._read.fail(at, what, hint)
        self._searched.add(object_)

    def _comparison(self, name: str, at: int) -> Condition:
        field = EVENT_FIELDS[name]
        if not field.relations:
            self._read.fail(at, f"{shown(name)} can't be searched by, though it is a known name")
        relation = self._relation(name, field.relations, at)
        value = self._read.required_value()
        try:
            return compare_event(field, relation, value, self._reading)
        except Refusal as refusal:
            self._refuse(value, refusal)

    def _refuse(self, value: Value, refusal: Refusal) -> NoReturn:
        self._read.fail(value.at, refusal.reason, refusal.suggestion)

    def _relation(self, name: str, known: Iterable[Relation], start: int) -> Relation:
        at = self._read.skip_space()
        relation = self._read.relation()
        if relation is None:
            word = self._read.text[start:].split(maxsplit=1)[0]
            hint = None if self._read.at_end() else f"put quotes around a text that begins so: {_quoted(word)}"
            self._read.fail(at, f"expected a relation after {shown(name)}, found {self._read.found()}", hint)
        if relation not in known:
            self._read.fail(at, f"{shown(name)} can't be compared with '{relation}'", f"it takes {' '.join(known)}")
        return relation

    def _linked(self, object_: str, start: int) -> Condition:
        dot = self._read.at
        name = self._read.linked_field()
        if name is None:
            relation = self._relation(object_, ("=", "!="), start)
            self._refuse_second(object_, start)
            return any_field_contains(object_, relation, self._read.required_value(), self._reading)
        field = self._linked_field(object_, name, dot + 1)
        relation = self._relation(f"{object_}.{name}", field.relations, start)
        value = self._read.required_value()
        if not field.targets:
            self._warnings.append(f"events know a linked {object_} by name and id; {object_}.{name} counts as missing")
        return compare_linked(field, relation, value, self._reading)

    def _linked_field(self, object_: str, name: str, at: int) -> LinkedField:
        known = LINKED_FIELDS[object_]
        if name not in known:
            close = difflib.get_close_matches(name, known, n=1)
            hint = f"did you mean '{close[0]}'?" if close else f"known are {', '.join(known)}"
            what = f"unknown field {shown(name)} of a {object_}" if name else f"expected a field of a {object_}"
            self._read.fail(at, what, hint)
        return known[name]

    def _order(self) -> Order:
        if not self._read.keyword("sortby"):
            return Order()
        at = self._read.skip_space()
        name = self._read.field(whole=False)
        sortable = [name for name, field in EVENT_FIELDS.items() if field.relations and not name.startswith("_")]
        if name not in sortable:
            found = shown(name) if name else self._read.found()
            self._read.fail(at, f"can't sort by {found}", f"sort by one of {', '.join(sortable)}")
        direction = self._read.keyword("asc", "desc")
        if not self._read.at_end() and not self._read.is_at("page"):
            expected = "page or the end" if direction else "asc, desc, page or the end"
            hint = "only one field can be sorted by"
            self._read.fail(self._read.at, f"expected {expected}, found {self._read.found()}", hint)
        column = EVENT_FIELDS[name].sort
        if column is None:
            self._sort_by, self._descending = name, direction == "desc"
        return Order() if column in (None, Column.INDEX) else Order(column, direction == "desc", newest_ties=True)

    def _page(self) -> int | None:
        if not self._read.keyword("page"):
            return None
        at = self._read.skip_space()
        digits = self._read.digits()
        if digits is None:
            self._read.fail(at, f"expected the number of a page, found {self._read.found()}")
        if len(digits) > 10 or not 1 <= int(digits) <= _MAX_PAGE:
            self._read.fail(at, f"pages count from 1 to {_MAX_PAGE}", "write page 1 for the first")
        if not self._read.at_end():
            self._read.fail(self._read.at, "nothing may follow the number of the page", "write page N at the end")
        return int(digits)


def _quoted(word: str) -> str:
    """Return *word*, shortened, as it is written to be taken for text."""
    return f'"{word[:20]}"'
