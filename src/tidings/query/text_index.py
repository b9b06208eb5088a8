"""Which conditions the text index can drive: words of the texts, and the tokens that stand for codes and severities."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidings.query.ast import (
    AllOf,
    AnyOf,
    Column,
    Compare,
    Condition,
    Contains,
    LinkTo,
    Operator,
    Pattern,
    Words,
)
from tidings.query.tables import Names
from tidings.query.words import fts_match, tokens

_SELECTIVE = 8  # the text index pays when it leaves less than one row in this many
_MAX_TERMS = 64
_MIN_FRAGMENT = 2
MAX_PARTS = 50
"""FTS5 refuses expressions that are too deep; so many parts select little anyway."""
_WITH_TERMS = frozenset({Column.KIND, Column.SOURCE, Column.ACTOR, Column.SUBJECT, Column.SCOPE})
_WORDED = frozenset({Column.MESSAGE, Column.SUBJECT, Column.ACTOR})


class Term(msgspec.Struct, frozen=True):
    """A full-text expression; *exact*: it selects just the matching rows, not more."""

    expression: str
    exact: bool


class TextIndex:
    """Finds the full-text expressions of one segment."""

    def __init__(self, names: Names) -> None:
        self._names = names

    def term(self, condition: Condition) -> Term | None:  # noqa: C901 - one case a kind of condition
        """Return the full-text expression that implies nothing less than *condition*, if there is a selective one."""
        match condition:
            case Words(text, prefix):
                words = tokens(text)
                return Term(fts_match(words, prefix), exact=len(words) == 1) if words else None
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
            case AnyOf(parts) | AllOf(parts) if len(parts) > MAX_PARTS:
                return None
            case AnyOf(parts) if parts:
                terms = [self.term(part) for part in parts]
                found = [term for term in terms if term is not None]
                if len(found) < len(terms):
                    return None
                return Term(" OR ".join(f"({t.expression})" for t in found), all(t.exact for t in found))
            case AllOf(parts):
                terms = [self.term(part) for part in parts]
                found = [term for term in terms if term is not None]
                if not found:
                    return None
                exact = len(found) == len(terms) and all(t.exact for t in found)
                return Term(" AND ".join(f"({t.expression})" for t in found), exact)
            case _:
                return None

    def _severity_term(self, op: Operator, value: int) -> Term | None:
        low = value + 1 if op == ">" else value
        high = value if op == "=" else 4
        if low < 2 or low > high:
            return None
        total = self._names.severity_total(low) - self._names.severity_total(high + 1)
        if total * _SELECTIVE > self._names.rows:
            return None
        return Term(" OR ".join(f'"§v{severity}"' for severity in range(low, high + 1)), exact=True)

    def _code_term(self, codes: Sequence[tuple[int, int]]) -> Term | None:
        if not 0 < len(codes) <= _MAX_TERMS or any(code == 0 for code, _ in codes):
            return None
        if sum(total for _, total in codes) * _SELECTIVE > self._names.rows:
            return None
        return Term(" OR ".join(f'"§{code}"' for code, _ in codes), exact=True)

    def _pattern_term(self, pattern: Pattern) -> Term | None:
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
                    return Term('"§none"', exact=False)
                if expression is not None:
                    wanted.append(expression)
        return Term(" AND ".join(f"({expression})" for expression in wanted), exact=False) if wanted else None

    def _fragment(self, word: str, left: bool, right: bool) -> str | None:
        """Return the expression for *word*, open to the *left* or *right*; None: no use, "": there is no such word."""
        if not left:
            return fts_match([word], right)
        if len(word) < _MIN_FRAGMENT:
            return None
        words = self._names.vocabulary(word, at_end=not right, limit=_MAX_TERMS)
        return None if words is None else " OR ".join(fts_match([found], False) for found in words)
