"""JSON values as the very YAML that ``lxc`` prints, so that scripts which cut it up with line tools keep working.

``lxc`` uses Go's yaml.v2, a port of libyaml: keys in natural order, lines folded after 80 columns, a text in quotes only where
it needs them. The rules were found by comparing with what ``lxc`` 5.0.2 prints for thousands of values.
"""

from __future__ import annotations

import calendar
import functools
import re
from collections.abc import Iterator, Mapping
from typing import Any

from tidings.cli.go_values import shortest

_WIDTH = 80
_DIGITS = "0123456789"

# Text that a YAML 1.1 reader would take for something else; what begins otherwise is looked at no further.
_BOTH_CASES = ("y", "yes", "true", "on", "n", "no", "false", "off", "null", ".inf", "+.inf", "-.inf")
_WORDS = frozenset(
    {"~", ".nan", ".NaN", ".NAN", *_BOTH_CASES}
    | {word.upper() for word in _BOTH_CASES}
    | {re.sub("[a-z]", lambda match: match[0].upper(), word, count=1) for word in _BOTH_CASES}
)
_INTEGER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|0[bB][01]+|0[oO]?[0-7]+|0|[1-9][0-9]*)")
_FLOAT = re.compile(r"[+-]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][+-]?[0-9]+)?")
_SEXAGESIMAL = re.compile(r"[+-]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?")
_DATE = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:[Tt]([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?(?:Z|[+-][0-9]{2}:[0-9]{2})"
    r"| ([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:\.[0-9]+)?)?"
)

# U+2028 and U+2029 end a line in YAML 1.1: lxc prints them bare, here they are escaped so that the text comes back whole.
_UNPRINTABLE = re.compile("[^\n -~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd]")
_FIRST_INDICATORS = frozenset("#,[]{}&*!|>'\"%@`")
_ESCAPES = {
    "\0": "\\0", "\a": "\\a", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\v": "\\v", "\f": "\\f", "\r": "\\r",
    "\x1b": "\\e", '"': '\\"', "\\": "\\\\", "\u0085": "\\N", "\u2028": "\\L", "\u2029": "\\P",
}  # fmt: skip


def dump(value: Mapping[str, Any]) -> str:
    """Return *value*, in which numbers are floats, as a YAML document without marks at its ends."""
    return "".join(f"{line}\n" for line in _mapping(value, 0))


def _mapping(value: Mapping[str, Any], indent: int) -> Iterator[str]:
    for key in sorted(value, key=functools.cmp_to_key(_compare_keys)):
        head = f"{' ' * indent}{_scalar(key, indent, 0, is_key=True)}:"
        yield from _entry(head, value[key], indent)


def _entry(head: str, value: Any, indent: int) -> Iterator[str]:
    if isinstance(value, dict) and value:
        yield head
        yield from _mapping(value, indent + 2)
    elif isinstance(value, list) and value:
        yield head
        yield from _sequence(value, indent)
    else:
        yield f"{head} {_leaf(value, indent, len(head))}"


def _sequence(value: list[Any], indent: int) -> Iterator[str]:
    for item in value:
        head = f"{' ' * indent}-"
        if isinstance(item, dict | list) and item:
            # a collection begins on the line of its dash
            lines = _mapping(item, indent + 2) if isinstance(item, dict) else _sequence(item, indent + 2)
            first = next(lines)
            yield f"{head} {first[indent + 2 :]}"
            yield from lines
        else:
            yield f"{head} {_leaf(item, indent, len(head))}"


def _leaf(value: Any, indent: int, column: int) -> str:
    match value:
        case str():
            return _scalar(value, indent, column)
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float():
            return shortest(value)
        case _:
            return "{}" if isinstance(value, dict) else "[]"


def _scalar(text: str, indent: int, column: int, *, is_key: bool = False) -> str:
    """Return *text* in the plainest style that keeps it; *column* is where the line stands before the blank in front of it."""
    if "\n" in text and not (is_key or text.endswith(" ") or " \n" in text or _UNPRINTABLE.search(text)):
        return _literal(text, indent)
    if "\n" in text or _is_something_else(text) or _UNPRINTABLE.search(text):
        return _double(text, indent, column, is_key=is_key)
    if text.startswith(" ") or text.endswith(" ") or _has_indicators(text):
        text = text.replace("'", "''")
        return f"'{text if is_key else _folded(text, indent, column + 1, is_quoted=True)}'"
    return text if is_key else _folded(text, indent, column, is_quoted=False)


def _is_something_else(text: str) -> bool:
    if text == "" or text in _WORDS:
        return True
    if text[0] not in "+-.0123456789":
        return False
    plain = text.replace("_", "")
    is_number = _INTEGER.fullmatch(plain) or _FLOAT.fullmatch(plain)
    return bool(is_number or _SEXAGESIMAL.fullmatch(text) or _is_date(text))


def _is_date(text: str) -> bool:
    match = _DATE.fullmatch(text)
    if match is None:
        return False
    year, month, day, *rest = (int(part or 0) for part in match.groups())
    hour, minute, second = (max(pair) for pair in zip(rest[:3], rest[3:], strict=True))
    if not (1 <= month <= 12 and hour < 24 and minute < 60 and second < 60):
        return False
    return 1 <= day <= (29 if month == 2 and calendar.isleap(year) else calendar.monthrange(2001, month)[1])


def _has_indicators(text: str) -> bool:
    """Whether *text* holds what YAML gives a meaning to where it stands."""
    first = text[0]
    return (
        first in _FIRST_INDICATORS
        or (first in "-?" and text[1:2] in ("", " "))
        or text.startswith(("---", "..."))
        or ": " in text
        or text.endswith(":")
        or " #" in text
    )


def _folded(text: str, indent: int, column: int, *, is_quoted: bool) -> str:
    """Return *text* broken at single blanks behind the width; *column* is where its line stands before it."""
    parts: list[str] = []
    at, column = 0, column + 1
    for match in re.finditer(r" +", text):
        start, end = match.span()
        is_inside = not is_quoted or 0 < start < len(text) - 1
        if end - start == 1 and is_inside and column + start - at > _WIDTH:
            parts.append(text[at:start])
            at, column = end, indent + 2
    return f"\n{' ' * (indent + 2)}".join([*parts, text[at:]])


def _double(text: str, indent: int, column: int, *, is_key: bool) -> str:
    written: list[str] = []
    column += 2
    was_blank = False
    for at, char in enumerate(text):
        if char == " ":
            if not is_key and not was_blank and column > _WIDTH and 0 < at < len(text) - 1:
                follows_blank = text[at + 1] == " "
                written.append(f"\n{' ' * (indent + 2)}{chr(92) if follows_blank else ''}")
                column = indent + 2 + follows_blank
            else:
                written.append(" ")
                column += 1
            was_blank = True
            continue
        shown = _escaped(char)
        written.append(shown)
        column += len(shown)
        was_blank = False
    return f'"{"".join(written)}"'


def _escaped(char: str) -> str:
    if escape := _ESCAPES.get(char):
        return escape
    if not _UNPRINTABLE.match(char):
        return char
    code = ord(char)
    return f"\\x{code:02X}" if code <= 0xFF else f"\\u{code:04X}" if code <= 0xFFFF else f"\\U{code:08X}"


def _literal(text: str, indent: int) -> str:
    hint = "2" if text[0] in " \n" else ""
    chomp = "-" if not text.endswith("\n") else "+" if text == "\n" or text.endswith("\n\n") else ""
    margin = " " * (indent + 2)
    lines = text.removesuffix("\n").split("\n")
    return f"|{hint}{chomp}\n" + "\n".join(f"{margin}{line}" if line else "" for line in lines)


def _compare_keys(a: str, b: str) -> int:
    """Order as yaml.v2 does: digits by the number they write, letters behind everything else."""
    for at, (left, right) in enumerate(zip(a, b, strict=False)):
        if left == right:
            continue
        if left.isalpha() or right.isalpha():
            if left.isalpha() and right.isalpha():
                return -1 if left < right else 1
            return -1 if right.isalpha() else 1
        return _compare_numbers(a, b, at)
    return len(a) - len(b)


def _compare_numbers(a: str, b: str, at: int) -> int:
    # a zero goes on with the number that began before it, if one did
    began = "0" in (a[at], b[at]) and a[len(a[:at].rstrip(_DIGITS)) : at].strip("0")
    left, right = (text[at : len(text) - len(text[at:].lstrip(_DIGITS))] for text in (a, b))
    ranks = [_rank(f"1{digits}" if began else digits) for digits in (left, right)]
    if ranks[0] != ranks[1]:
        return -1 if ranks[0] < ranks[1] else 1
    return len(left) - len(right) or (-1 if a[at] < b[at] else 1)


def _rank(digits: str) -> tuple[int, str]:
    """Return what orders numbers by size, however many digits they have."""
    bare = digits.lstrip("0")
    return len(bare), bare
