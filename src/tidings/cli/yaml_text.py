"""Write JSON values as YAML: block style, keys in their order, every text that could be read as something else in quotes.

Only writing, and only what JSON can hold: too little to take on a YAML library for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

# Text that every YAML 1.1 and 1.2 reader takes for itself: a letter first, and nothing in it that YAML gives a meaning to.
_PLAIN = re.compile(r"[A-Za-z/_][A-Za-z0-9_./@+-]*(?: [A-Za-z0-9_./@+(),-]+)*")
_RESERVED = frozenset({"y", "n", "yes", "no", "true", "false", "on", "off", "null", "nan", "inf"})
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff\ud800-\udfff]")


def dump(value: Any) -> str:
    """Return *value* as a YAML document without its ``---`` line."""
    return "\n".join(_lines(value)) + "\n"


def from_json(text: bytes) -> str:
    """Return JSON as a YAML document, numbers digit for digit.

    What is nested too deeply to walk is returned as it came: JSON is YAML too.
    """
    try:
        return dump(json.loads(text, parse_int=_Number, parse_float=_Number))
    except (ValueError, RecursionError):
        return text.decode("utf-8", "replace") + "\n"


class _Number(str):
    """The digits of a number as they stood in JSON."""

    __slots__ = ()


def _lines(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _entry(f"{_scalar(key)}:", inner)
    elif isinstance(value, list | tuple) and value:
        for inner in value:
            yield from _item(inner)
    else:
        yield _scalar(value)


def _entry(head: str, inner: Any) -> Iterator[str]:
    if isinstance(inner, Mapping | list | tuple) and inner:
        yield head
        for line in _lines(inner):
            yield f"  {line}"
    else:
        yield f"{head} {_scalar(inner)}"


def _item(inner: Any) -> Iterator[str]:
    for number, line in enumerate(_lines(inner)):
        yield f"  {line}" if number else f"- {line}"


def _scalar(value: Any) -> str:
    if isinstance(value, _Number):
        return str(value)
    if isinstance(value, str):
        if _PLAIN.fullmatch(value) and value.lower() not in _RESERVED:
            return value
        quoted = json.dumps(value, ensure_ascii=False)
        return _UNPRINTABLE.sub(lambda match: f"\\u{ord(match[0]):04x}", quoted)
    if isinstance(value, Mapping):
        return "{}"
    if isinstance(value, list | tuple):
        return "[]"
    return json.dumps(value)
