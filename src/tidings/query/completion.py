"""What can be written next in a search text, for the console and the shell."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tidings.query import _names
from tidings.query._scanner import MAX_CHARACTERS, OPERATOR
from tidings.query._times import WEEKDAYS
from tidings.query.ast import Column, Target
from tidings.query.fields import BY_COLUMN, BY_NAME, FIELDS, LINK_TYPES, FieldType
from tidings.severity import Severity

_TOKEN = re.compile(
    rf"""(?P<quoted>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<open>["'])|(?P<operator>{OPERATOR.pattern})"""
    r"""|(?P<mark>[(),])|(?P<word>(?:[^\s()=<>~!,"']|!(?![=~]))(?:[^\s()=<>~!,"]|!(?![=~]))*)""",
    re.DOTALL,
)
_FIELD_NAMES = (*(field.name for field in FIELDS), *LINK_TYPES, *_names.BARE_ATTRIBUTES, "data.", "attr.", "link.")
_TERM = (*_FIELD_NAMES, "has", "not")
_AFTER_TERM = ("and", "or", *_TERM, "sortby", "page")
_SORTABLE = tuple(field.name for field in FIELDS)
_TIMES = ("now", "today", "yesterday", *WEEKDAYS, "-1h", "-24h", "-7d")

_Token = tuple[str, str]


def complete(text: str, at: int) -> list[str]:
    """Return what the word that ends at *at* could become, or what could come next when none does.

    Each candidate replaces that whole word. Inside quotes and for values that can't be known there are none. It never fails.
    """
    before = text[: max(at, 0)]
    if len(before) > MAX_CHARACTERS:
        return []
    tokens: list[_Token] = []
    for match in _TOKEN.finditer(before):
        if match.lastgroup == "open":
            return []
        tokens.append((match.lastgroup or "", match.group()))
    started = ""
    if tokens and tokens[-1][0] == "word" and not before[-1:].isspace():
        started = tokens.pop()[1]
    candidates = _next(tokens)
    if not started:
        return list(candidates)
    return [each for each in _with_paths(candidates, started) if each.startswith(started.lower()) and each != started]


def _with_paths(candidates: Iterable[str], started: str) -> Iterable[str]:
    """Add to the fields what can follow a dot or stand for them: the parts of a link, and aliases."""
    candidates = tuple(candidates)
    if "has" not in candidates:
        return candidates
    head, dot, _ = started.lower().partition(".")
    if dot and head in LINK_TYPES:
        return [f"{head}.{attribute}" for attribute in ("name", "id", "any")]
    if dot and head == "link":
        return [f"link.{type_}" for type_ in LINK_TYPES]
    return dict.fromkeys((*candidates, *BY_NAME))


def _next(tokens: list[_Token]) -> Iterable[str]:
    """Return what can follow *tokens*, all of them complete."""
    if not tokens:
        return (*_TERM, "sortby", "page")
    kind, last = tokens[-1]
    word = last.lower() if kind == "word" else ""
    if kind == "operator":
        return _values(tokens[:-1])
    if (target := _list_target(tokens)) is not None:
        return _values_of(target) if last in "(," else (",", ")")
    if last == "(" or word in ("and", "or", "not"):
        return _TERM
    if word == "has":
        return _FIELD_NAMES
    if word == "sortby":
        return _SORTABLE
    return _after_word(tokens)


def _after_word(tokens: list[_Token]) -> Iterable[str]:
    previous = [text.lower() if kind == "word" else text for kind, text in tokens[-3:-1]]
    kind, last = tokens[-1]
    if last.lower() == "page":
        return ()
    if previous[-1:] in (["sortby"], ["page"]):
        return ("asc", "desc", "page") if previous[-1] == "sortby" else ()
    if previous[:1] == ["sortby"] and last.lower() in ("asc", "desc"):
        return ("page",)
    is_field = kind == "word" and previous[-1:] != ["has"] and (not tokens[:-1] or tokens[-2][0] != "operator")
    target = _names.resolve(last) if is_field else None
    return _AFTER_TERM if target is None else (*_names.operators_of(target), "in", "not in")


def _list_target(tokens: list[_Token]) -> Target | None:
    """Return the field whose ``in (…)`` is still open at the end, if one is."""
    for index in range(len(tokens) - 1, 1, -1):
        if tokens[index][1] == ")":
            return None
        if tokens[index][1] == "(":
            words = [text.lower() for _, text in tokens[:index]]
            if words[-1] != "in":
                return None
            name = words[-3] if words[-2] == "not" and index > 2 else words[-2]
            return _names.resolve(name)
    return None


def _values(before_operator: list[_Token]) -> Iterable[str]:
    target = _names.resolve(before_operator[-1][1]) if before_operator else None
    return () if target is None else _values_of(target)


def _values_of(target: Target) -> Iterable[str]:
    type_ = BY_COLUMN[target].type if isinstance(target, Column) else FieldType.TEXT
    if type_ is FieldType.SEVERITY:
        return tuple(severity.label for severity in Severity)
    return _TIMES if type_ is FieldType.TIME else ()
