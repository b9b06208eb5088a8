"""The names of what can be searched, and back: from a name to its target, from a target to its name."""

from __future__ import annotations

import difflib
import re
from typing import Literal, NamedTuple, assert_never

from tidings.query.ast import Column, LinkTo, Payload, Target
from tidings.query.fields import BY_COLUMN, BY_NAME, LINK_TYPES, OPERATORS, FieldType

BARE_ATTRIBUTES = ("action", "category")
"""Extra CloudEvents attributes that may be named without ``attr.``."""

_LINK_ATTRIBUTES: dict[str, Literal["name", "id", "any"]] = {"name": "name", "id": "id", "any": "any"}
_KEY = re.compile(r'\.(?:"((?:[^"\\]|\\.)*)"|([^".]+))', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)
_PLAIN_KEY = re.compile(r"[\w-]+")


class _Key(NamedTuple):
    text: str
    is_quoted: bool


def _keys(path: str) -> list[_Key] | None:
    """Return the keys of ``.a."b c".d``, or None when it isn't such a path."""
    keys: list[_Key] = []
    at = 0
    while at < len(path):
        match = _KEY.match(path, at)
        if match is None:
            return None
        quoted, plain = match.groups()
        keys.append(_Key(plain, False) if quoted is None else _Key(_ESCAPE.sub(r"\1", quoted), True))
        at = match.end()
    return keys


def resolve(name: str) -> Target | None:
    """Return what *name* (in any letter case, aliases too) stands for, or None when it is no field."""
    lower = name.lower()
    if field := BY_NAME.get(lower):
        return field.column
    if lower in BARE_ATTRIBUTES:
        return Payload((lower,), attribute=True)
    head, dot, _ = lower.partition(".")
    keys = _keys(name[len(head) :])
    if keys is None:
        return None
    if head in LINK_TYPES:
        return _link([_Key(head, False), *keys])
    if not dot:
        return None
    if head == "link":
        return _link(keys)
    if head in ("data", "attr"):
        return Payload(tuple(key.text for key in keys), attribute=head == "attr")
    return None


def _link(keys: list[_Key]) -> LinkTo | None:
    type_, *rest = keys
    # An unquoted type is folded only when that makes it one of ours; what other producers call theirs is left alone.
    lower = type_.text.lower()
    name = lower if lower in LINK_TYPES and not type_.is_quoted else type_.text
    if not rest:
        return LinkTo(name)
    attribute = _LINK_ATTRIBUTES.get(rest[0].text.lower())
    return LinkTo(name, attribute) if attribute and len(rest) == 1 else None


def name_of(target: Target) -> str:
    """Return the name that `resolve` turns into *target*."""
    match target:
        case Column():
            return target.value
        case LinkTo(type_, attribute):
            name = type_ if type_ in LINK_TYPES else f"link.{_written_type(type_)}"
            return name if attribute == "name" else f"{name}.{attribute}"
        case Payload(path, is_attribute):
            if is_attribute and len(path) == 1 and path[0] in BARE_ATTRIBUTES:
                return path[0]
            return ".".join(("attr" if is_attribute else "data", *map(_written, path)))
        case _:
            assert_never(target)


def _written_type(type_: str) -> str:
    return _quoted(type_) if type_.lower() in LINK_TYPES else _written(type_)


def _written(key: str) -> str:
    return key if _PLAIN_KEY.fullmatch(key) else _quoted(key)


def _quoted(key: str) -> str:
    return '"' + key.replace("\\", "\\\\").replace('"', '\\"') + '"'


def operators_of(target: Target) -> tuple[str, ...]:
    """Return the operators that *target* takes."""
    if isinstance(target, Payload):
        return (*OPERATORS[FieldType.INTEGER], "~")
    if isinstance(target, LinkTo):
        return OPERATORS[FieldType.TEXT]
    return OPERATORS[BY_COLUMN[target].type]


def suggest(name: str) -> str:
    """Say what the writer of the unknown field *name* may have meant."""
    head = name.lower().partition(".")[0]
    examples = {"data": "data.request.action", "attr": "attr.dataschema", "link": "link.vm"}
    if head in examples:
        return f"write a path such as {examples[head]}, keys with special characters in quotes"
    if head in LINK_TYPES:
        return f"a link has {head}.name, {head}.id and {head}.any"
    known = [*BY_NAME, *LINK_TYPES, *BARE_ATTRIBUTES]
    if close := difflib.get_close_matches(name.lower(), known, n=1):
        return f"did you mean '{close[0]}'?"
    return "put quotes around text to search for it, or write data.NAME for a field of the payload"
