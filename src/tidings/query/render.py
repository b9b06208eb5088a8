"""Conditions as text of the tidings search language, so that they can be shown, saved and edited."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import assert_never

from tidings import rfc3339
from tidings.query._names import name_of
from tidings.query._values import ANYTHING, TEXT_OF_EVENT, disjoin
from tidings.query.ast import (
    EVERYTHING,
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
    Target,
    Words,
)
from tidings.severity import Severity

_PLAIN = re.compile(r"[\w./:@#+-]*")
_PLAIN_WORD = re.compile(r"[^\W_][\w./:@#+-]*")
_KEYWORDS = frozenset({"and", "or", "not", "in", "has", "sortby", "asc", "desc", "page"})
_ESCAPES = str.maketrans({"\\": "\\\\", '"': '\\"', "*": "\\*", "\n": "\\n"})
_TIMES = (Column.TIME, Column.RECEIVED)
_ALWAYS = "has index"


def render(condition: Condition) -> str:
    """Return the text that `parser.parse` turns back into *condition*; empty text for everything.

    This holds for all that the parser makes. Of other conditions what the language can't say (letter case, a JSON value's
    type) is left out, and the rest means the same.
    """
    return "" if condition == EVERYTHING else _render(condition)


def _render(condition: Condition) -> str:
    match condition:
        case Compare():
            return _compare(condition)
        case Contains(text, targets):
            return _contains(text, targets)
        case Words(text, prefix):
            return _words(text, prefix)
        case Listed():
            return _render(_spelled_out(condition))
        case AllOf(parts):
            return " ".join(_render_within_all(part) for part in parts) or _ALWAYS
        case AnyOf(parts):
            return _any_of(condition) or " or ".join(_render(part) for part in parts) or f"not {_ALWAYS}"
        case Not(part):
            return _not(part)
        case _:
            assert_never(condition)


def _render_within_all(part: Condition) -> str:
    return _grouped(part) if isinstance(part, AnyOf | AllOf) else _render(part)


def _grouped(condition: Condition) -> str:
    """Render with parentheses where it would fall apart without; what stands without them doesn't nest deeper when read again."""
    if isinstance(condition, AllOf) and len(condition.parts) > 1:
        return f"({_render(condition)})"
    if isinstance(condition, AnyOf) and len(condition.parts) > 1:
        return _any_of(condition) or f"({_render(condition)})"
    return _render(condition)


def _spelled_out(listed: Listed) -> Condition:
    return disjoin([Compare(Column.INDEX, "=", index) for index in listed.indexes])


def _not(part: Condition) -> str:
    if isinstance(part, Listed):
        part = _spelled_out(part)
    if found := _alternative(part):
        target, value = found
        return f"{name_of(target)} != {value}"
    if isinstance(part, AnyOf) and (found := _alternatives(part.parts)):
        target, values = found
        return f"{name_of(target)} not in ({values})"
    return f"not {_grouped(part)}"


def _any_of(condition: AnyOf) -> str | None:
    """Say *condition* as one term, where it is a list of values or a free text with wildcards."""
    if found := _alternatives(condition.parts):
        target, values = found
        return f"{name_of(target)} in ({values})"
    first = condition.parts[0] if condition.parts else None
    if not isinstance(first, Compare) or not isinstance(first.value, Pattern):
        return None
    pattern = first.value
    is_free_text = len(pattern.parts) > 1 and pattern.parts[0] == pattern.parts[-1] == ""
    same = tuple(Compare(column, "=", pattern) for column in TEXT_OF_EVENT)
    return _quoted(pattern.parts) if is_free_text and condition.parts == same else None


def _alternatives(parts: Iterable[Condition]) -> tuple[Target, str] | None:
    """Return the one target that all *parts* compare with a value, and the values."""
    found = [_alternative(part) for part in parts]
    targets = {pair[0] for pair in found if pair}
    if len(found) < 2 or None in found or len(targets) != 1:
        return None
    return targets.pop(), ", ".join(pair[1] for pair in found if pair)


def _alternative(condition: Condition) -> tuple[Target, str] | None:
    """Return target and value of what is written ``target = value``."""
    match condition:
        case Compare(target, "=", value):
            return target, _value(target, value)
        case AllOf((Compare(Column() as column, ">=", int(start)), Compare(other, "<", int(end)))):
            if column is other and column in _TIMES:
                return column, f"{rfc3339.render(start)}..{rfc3339.render(end)}"
    return None


def _compare(condition: Compare) -> str:
    target, op, value = condition.target, condition.op, condition.value
    if op == "=" and value == ANYTHING:
        match target:
            case LinkTo(type_, "any"):
                return f"has {name_of(LinkTo(type_))}"
            case LinkTo(_, "name"):
                pass  # "has vm" also takes an object that has an id only
            case _:
                return f"has {name_of(target)}"
    return f"{name_of(target)} {op} {_value(target, value)}"


def _value(target: Target, value: int | float | bool | Pattern | None) -> str:
    match value:
        case Pattern(parts):
            return _text(parts)
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case int() if target is Column.SEVERITY:
            return Severity(value).label
        case int() if target in _TIMES:
            return rfc3339.render(value)
        case _:
            return repr(value)


def _contains(text: str, targets: tuple[Column | LinkTo, ...]) -> str:
    if targets == TEXT_OF_EVENT and text:
        return _quoted((text,))
    each = [f"{name_of(target)} ~ {_text((text,))}" for target in targets]
    return each[0] if len(each) == 1 else f"({' or '.join(each)})" if each else f"not {_ALWAYS}"


def _words(text: str, prefix: bool) -> str:
    parts = (text, "") if prefix else (text,)
    is_plain = _PLAIN_WORD.fullmatch(text) and text.lower() not in _KEYWORDS
    return "*".join(parts) if is_plain else _quoted(parts)


def _text(parts: tuple[str, ...]) -> str:
    is_plain = parts != ("",) and all(_PLAIN.fullmatch(part) for part in parts)
    return "*".join(parts) if is_plain else _quoted(parts)


def _quoted(parts: tuple[str, ...]) -> str:
    return '"' + "*".join(part.translate(_ESCAPES) for part in parts) + '"'
