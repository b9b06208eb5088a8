"""The SQL evaluator: compiles a condition for one segment's tables.

The segment resolves text to dictionary codes first (`Names`), so the SQL compares small integers, and a condition that cannot hold in
this segment becomes FALSE without touching its rows. What the tables cannot decide (messages, payloads) is left to the predicate
evaluator, called by SQLite for the rows that the rest lets through: the two evaluators cannot disagree there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, assert_never

import msgspec

from tidings.query.ast import (
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
    Words,
)
from tidings.query.words import fts_match, tokens

_SELECTIVE = 8  # the text index pays when it leaves less than one row in this many
_MAX_TERMS = 64
_MIN_FRAGMENT = 2
_MAX_PARTS = 50  # FTS5 refuses expressions that are too deep; so many parts select little anyway
_CHAIN = 50
_INLINE_CODES = 200


class Names(Protocol):
    """What a segment knows of its texts."""

    rows: int
    """How many rows it has."""

    def codes(self, column: Column | LinkTo, test: Compare | Contains) -> Sequence[tuple[int, int]]:
        """Return (code, number of rows) of the dictionary entries of *column* that satisfy *test*."""

    def first_received(self, at_least: int) -> int:
        """Return the lowest index received at *at_least* or later (one past the last when there is none)."""

    def key_hash(self, column: Column, text: str) -> int:
        """Return the code under which the ``keys`` table lists *text* of the column id or correlation."""

    def vocabulary(self, fragment: str, *, at_end: bool, limit: int) -> Sequence[str] | None:
        """Return the indexed words that hold *fragment* (or end with it); None when they are more than *limit*."""

    def severity_total(self, at_least: int) -> int:
        """Return how many rows have that severity or a graver one."""


class Sql(msgspec.Struct, frozen=True):
    """A boolean SQL expression over ``rows AS r``, its named parameters, and optionally a full-text expression to drive it.

    The rows wanted are those that satisfy *text* AND *match*. *leftovers* are what ``line_matches(r.idx, n)`` stands for.
    """

    text: str
    parameters: dict[str, int | str] = {}
    match: str | None = None
    leftovers: tuple[Condition, ...] = ()


TRUE = Sql("1")
FALSE = Sql("0")


def compile_sql(condition: Condition, names: Names) -> Sql:
    """Return the SQL for *condition* in the segment that *names* belongs to; `FALSE` itself when nothing there can match."""
    compiler = _Compiler(names)
    parts = condition.parts if isinstance(condition, AllOf) else (condition,)
    matches: list[str] = []
    texts: list[str] = []
    for part in parts:
        term = compiler.term(part) if len(matches) < _MAX_PARTS else None
        if term is not None:
            matches.append(term.expression)
            if term.exact:
                continue
        text = compiler.expression(part)
        if text == "0":
            return FALSE
        if text != "1":
            texts.append(text)
    match = " AND ".join(f"({expression})" for expression in matches) or None
    return Sql(_balanced(texts, " AND ") or "1", compiler.parameters, match, tuple(compiler.leftovers))


class _Term(msgspec.Struct, frozen=True):
    """A full-text expression; *exact*: it selects just the matching rows, not more."""

    expression: str
    exact: bool


class _Compiler:
    def __init__(self, names: Names) -> None:
        self._names = names
        self.parameters: dict[str, int | str] = {}
        self.leftovers: list[Condition] = []

    # --- the text index ---

    def term(self, condition: Condition) -> _Term | None:  # noqa: C901 - one case a kind of condition
        """Return the full-text expression that implies nothing less than *condition*, if there is a selective one."""
        match condition:
            case Words(text, prefix):
                words = tokens(text)
                return _Term(fts_match(words, prefix), exact=len(words) == 1) if words else None
            case Compare(Column.SEVERITY, "=" | ">" | ">=" as op, value) if isinstance(value, int):
                return self._severity_term(op, value)
            case Compare(Column() | LinkTo() as target, "=", Pattern()) if (
                isinstance(target, LinkTo) or target in _WITH_TERMS
            ):
                return self._code_term(self._names.codes(target, condition))
            case Contains(text, targets) if set(targets) <= _WORDED:
                return self._pattern_term(Pattern(("", text, "")))
            case Compare(Column.MESSAGE, "=", Pattern() as pattern):
                return self._pattern_term(pattern)
            case AnyOf(parts) | AllOf(parts) if len(parts) > _MAX_PARTS:
                return None
            case AnyOf(parts) if parts:
                terms = [self.term(part) for part in parts]
                found = [term for term in terms if term is not None]
                if len(found) < len(terms):
                    return None
                return _Term(" OR ".join(f"({t.expression})" for t in found), all(t.exact for t in found))
            case AllOf(parts):
                terms = [self.term(part) for part in parts]
                found = [term for term in terms if term is not None]
                if not found:
                    return None
                exact = len(found) == len(terms) and all(t.exact for t in found)
                return _Term(" AND ".join(f"({t.expression})" for t in found), exact)
            case _:
                return None

    def _severity_term(self, op: Operator, value: int) -> _Term | None:
        low = value + 1 if op == ">" else value
        high = value if op == "=" else 4
        if low < 2 or low > high:
            return None
        total = self._names.severity_total(low) - self._names.severity_total(high + 1)
        if total * _SELECTIVE > self._names.rows:
            return None
        return _Term(" OR ".join(f'"§v{severity}"' for severity in range(low, high + 1)), exact=True)

    def _code_term(self, codes: Sequence[tuple[int, int]]) -> _Term | None:
        if not 0 < len(codes) <= _MAX_TERMS or any(code == 0 for code, _ in codes):
            return None
        if sum(total for _, total in codes) * _SELECTIVE > self._names.rows:
            return None
        return _Term(" OR ".join(f'"§{code}"' for code, _ in codes), exact=True)

    def _pattern_term(self, pattern: Pattern) -> _Term | None:
        """Return an expression that every text matching *pattern* satisfies: its words, whole or as fragments of indexed words."""
        wanted: list[str] = []
        for at, part in enumerate(pattern.parts):
            words = tokens(part)
            if not words:
                continue
            open_start = at > 0 and tokens(f"x{part}")[0] != "x"
            open_end = at + 1 < len(pattern.parts) and tokens(f"{part}x")[-1] != "x"
            for place, word in enumerate(words):
                left, right = open_start and place == 0, open_end and place + 1 == len(words)
                expression = self._fragment(word, left, right)
                if expression == "":
                    return _Term('"§none"', exact=False)
                if expression is not None:
                    wanted.append(expression)
        return _Term(" AND ".join(f"({expression})" for expression in wanted), exact=False) if wanted else None

    def _fragment(self, word: str, left: bool, right: bool) -> str | None:
        """Return the expression for *word*, open to the *left* or *right*; None: no use, "": there is no such word."""
        if not left:
            return fts_match([word], right)
        if len(word) < _MIN_FRAGMENT:
            return None
        words = self._names.vocabulary(word, at_end=not right, limit=_MAX_TERMS)
        return None if words is None else " OR ".join(fts_match([found], False) for found in words)

    # --- plain SQL ---

    def expression(self, condition: Condition) -> str:
        """Return *condition* as SQL: "0" or "1" when it is decided already."""
        match condition:
            case AllOf(parts):
                return self._joined(parts, " AND ", "0", "1")
            case AnyOf(parts):
                return self._joined(parts, " OR ", "1", "0")
            case Not(part):
                inner = self.expression(part)
                return {"0": "1", "1": "0"}.get(inner) or f"NOT ({inner})"
            case Words(text, prefix):
                return self._words(condition, tokens(text), prefix)
            case Contains():
                return self._contains(condition)
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
        if not codes:
            return "0"
        if len(codes) == 1:
            return f"r.{column} = {codes[0][0]}"
        if len(codes) <= _INLINE_CODES:
            return f"r.{column} IN ({', '.join(str(code) for code, _ in codes)})"
        listed = msgspec.json.encode([code for code, _ in codes]).decode()
        return f"r.{column} IN (SELECT value FROM json_each({self._parameter(listed)}))"

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


_WORDED = frozenset({Column.MESSAGE, Column.SUBJECT, Column.ACTOR})
_WITH_TERMS = frozenset({Column.KIND, Column.SOURCE, Column.ACTOR, Column.SUBJECT, Column.SCOPE})
_CODED = frozenset(
    {Column.KIND, Column.SOURCE, Column.DIALECT, Column.ACTOR, Column.SUBJECT, Column.SCOPE, Column.LOCATION}
)
