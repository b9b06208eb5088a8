"""The SQL evaluator: compiles a condition for one segment's tables.

The segment resolves text to dictionary codes first (`tables.Names`), so the SQL compares small integers, and a condition that cannot hold in
this segment becomes FALSE without touching its rows. What the tables cannot decide (messages, payloads), or not as quickly (very long lists
of indexes), is left to the predicate evaluator, called by SQLite for the rows that the rest lets through: the two evaluators cannot disagree
there.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from typing import assert_never

import msgspec

from tidings.query.ast import (
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Listed,
    Not,
    Operator,
    Pattern,
    Payload,
    Words,
)
from tidings.query.tables import Names
from tidings.query.text_index import MAX_PARTS, TextIndex
from tidings.query.words import fts_match, tokens

_CHAIN = 50
_INLINE = 200


class Sql(msgspec.Struct, frozen=True):
    """A boolean SQL expression over ``rows AS r``, its named parameters, and optionally a full-text expression to drive it.

    The rows wanted are those that satisfy *text* AND *match*. *leftovers* are what ``line_matches(r.idx, n)`` stands for.
    """

    text: str
    parameters: dict[str, int | str] = {}
    match: str | None = None
    leftovers: tuple[Condition, ...] = ()


FALSE = Sql("0")


def compile_sql(condition: Condition, names: Names) -> Sql:
    """Return the SQL for *condition* in the segment that *names* belongs to; `FALSE` itself when nothing there can match."""
    compiler, index = _Compiler(names), TextIndex(names)
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    matches: list[str] = []
    texts: list[str] = []
    for part in parts:
        term = index.term(part) if len(matches) < MAX_PARTS else None
        if term is not None:
            matches.append(term.expression)
            if term.exact:
                continue
        text = compiler.expression(part)
        if text == "0":
            return FALSE
        if text != "1":
            texts.append(f"({text})")
    match = " AND ".join(f"({expression})" for expression in matches) or None
    return Sql(_balanced(texts, " AND ") or "1", compiler.parameters, match, tuple(compiler.leftovers))


class _Compiler:
    def __init__(self, names: Names) -> None:
        self._names = names
        self.parameters: dict[str, int | str] = {}
        self.leftovers: list[Condition] = []

    def expression(self, condition: Condition) -> str:
        """Return *condition* as SQL: "0" or "1" when it is decided already."""
        match condition:
            case AllOf(parts):
                return self._joined(parts, " AND ", "0", "1")
            case AnyOf(parts):
                return self._joined(parts, " OR ", "1", "0")
            case Not(Listed(indexes) as listed) if len(self._at_hand(indexes)) > _INLINE:
                # a newest page asks for few rows: to look each one up costs less than to hand SQLite the list
                return f"NOT {self._leftover(listed)}"
            case Not(part):
                inner = self.expression(part)
                return {"0": "1", "1": "0"}.get(inner) or f"NOT ({inner})"
            case Words(text, prefix):
                return self._words(condition, tokens(text), prefix)
            case Contains():
                return self._contains(condition)
            case Listed(indexes):
                return self._in_list("r.idx", self._at_hand(indexes))
            case Compare(target, op, value):
                return self._compare(condition, target, op, value)
            case _:
                assert_never(condition)

    def _joined(self, parts: Sequence[Condition], joiner: str, absorbing: str, neutral: str) -> str:
        texts: list[str] = []
        for part in parts:
            text = self.expression(part)
            if text == absorbing:
                return absorbing
            if text != neutral:
                texts.append(f"({text})")
        return _balanced(texts, joiner) or neutral

    def _words(self, condition: Words, words: Sequence[str], prefix: bool) -> str:
        if not words:
            return "0"
        found = f"r.idx IN (SELECT rowid FROM terms WHERE terms MATCH {self._parameter(fts_match(words, prefix))})"
        return found if len(words) == 1 else f"{found} AND {self._leftover(condition)}"

    def _contains(self, condition: Contains) -> str:
        texts: list[str] = []
        rest: list[Column | LinkTo] = []
        for target in condition.targets:
            if _is_coded(target):
                texts.append(self._in_codes(target, self._names.codes(target, condition)))
            else:
                rest.append(target)
        if rest:
            texts.append(self._leftover(Contains(condition.text, tuple(rest), condition.case_sensitive)))
        found = [text for text in texts if text != "0"]
        return " OR ".join(f"({text})" for text in found) if found else "0"

    def _compare(self, condition: Compare, target: Column | LinkTo | Payload, op: Operator, value: object) -> str:
        match target:
            case Column.INDEX:
                return f"r.idx {op} {self._parameter(value)}"
            case Column.TIME | Column.SEVERITY:
                return f"r.{target.value} {op} {self._parameter(value)}"
            case Column.RECEIVED:
                return self._received(op, value)
            case Column.CORRELATION | Column.ID:
                return self._keyed(condition, target, value)
            case Payload() | Column.MESSAGE:
                return self._leftover(condition)
            case _:
                return self._in_codes(target, self._names.codes(target, condition))

    def _received(self, op: Operator, value: object) -> str:
        assert isinstance(value, int)
        from_, past = self._names.first_received(value), self._names.first_received(value + 1)
        match op:
            case ">=":
                return f"r.idx >= {from_}"
            case ">":
                return f"r.idx >= {past}"
            case "<":
                return f"r.idx < {from_}"
            case "<=":
                return f"r.idx < {past}"
            case "=":
                return f"(r.idx >= {from_} AND r.idx < {past})"
            case _:
                assert_never(op)

    def _keyed(self, condition: Compare, column: Column, value: object) -> str:
        leftover = self._leftover(condition)
        if not isinstance(value, Pattern) or len(value.parts) > 1 or not value.parts[0]:
            return leftover
        text = value.parts[0]
        listed = f"r.idx IN (SELECT idx FROM keys WHERE hash = {self._names.key_hash(column, text)})"
        if column is Column.ID and text.isascii() and text.isdecimal() and len(text) < 19:
            listed = f"({listed} OR r.idx = {int(text)})"  # an event without an id of its own goes by its index
        return f"{listed} AND {leftover}"

    def _in_codes(self, target: Column | LinkTo, codes: Sequence[tuple[int, int]]) -> str:
        column = "links" if isinstance(target, LinkTo) else target.value
        return self._in_list(f"r.{column}", [code for code, _ in codes])

    def _at_hand(self, indexes: tuple[int, ...]) -> tuple[int, ...]:
        """Return those of *indexes*, which ascend, that the segment may hold."""
        low, high = self._names.low, self._names.high
        return indexes[bisect_left(indexes, low) : bisect_right(indexes, high)]

    def _in_list(self, column: str, numbers: Sequence[int]) -> str:
        if not numbers:
            return "0"
        if len(numbers) == 1:
            return f"{column} = {numbers[0]}"
        if len(numbers) <= _INLINE:
            return f"{column} IN ({', '.join(map(str, numbers))})"
        return f"{column} IN (SELECT value FROM json_each({self._parameter(msgspec.json.encode(numbers).decode())}))"

    def _leftover(self, condition: Condition) -> str:
        self.leftovers.append(condition)
        return f"line_matches(r.idx, {len(self.leftovers) - 1})"

    def _parameter(self, value: object) -> str:
        assert isinstance(value, int | str)
        name = f"p{len(self.parameters)}"
        self.parameters[name] = value
        return f":{name}"


def _balanced(texts: Sequence[str], joiner: str) -> str:
    """Join as a tree that is as low as can be: SQLite refuses an expression 1,000 levels deep, and a plain chain is that deep."""
    if len(texts) <= _CHAIN:
        return joiner.join(texts)
    middle = len(texts) // 2
    return f"({_balanced(texts[:middle], joiner)}){joiner}({_balanced(texts[middle:], joiner)})"


def _is_coded(target: Column | LinkTo) -> bool:
    return isinstance(target, LinkTo) or target in _CODED


_CODED = frozenset(
    {Column.KIND, Column.SOURCE, Column.DIALECT, Column.ACTOR, Column.SUBJECT, Column.SCOPE, Column.LOCATION}
)
