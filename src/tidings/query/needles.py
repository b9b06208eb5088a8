"""Literal bytes that a stored line must hold to satisfy a condition: lets a scan skip most blocks with one search in C."""

from __future__ import annotations

import re

from tidings.query.ast import AllOf, Column, Compare, Condition, Contains, Pattern, Payload, Words
from tidings.query.words import tokens
from tidings.severity import Severity

# Our encoder never escapes these, and no non-ASCII letter folds to them.
_SAFE = re.compile(r"[0-9A-Za-z _.:/-]{2,}")
# A payload is the producer's own JSON: it may escape the slash, or any character as \u00xx, which `may_match` looks out for.
_SAFE_IN_PAYLOAD = re.compile(r"[0-9A-Za-z _.:-]{2,}")
_SEVERITIES = {int(severity): severity.label.encode() for severity in Severity}
_ESCAPE = b"\\u00"


def needles(condition: Condition) -> tuple[bytes, ...]:
    """Return lower-case needles, every one of which occurs in the lower-cased line of each matching event; maybe none."""
    match condition:
        case AllOf(parts):
            return tuple({needle for part in parts for needle in needles(part)})
        case Words(text):
            return tuple(word.encode() for word in tokens(text) if word.isascii())
        case Contains(text):
            return _literal(text)
        case Compare(target, "=", Pattern(parts)) if not isinstance(target, Payload):
            return tuple(needle for part in parts for needle in _literal(part))
        case Compare(Column.SEVERITY, "=", int() as value) if value in _SEVERITIES:
            return (b'"severity":"%s"' % _SEVERITIES[value],)
        case Compare(Payload(), "=", Pattern(parts)):
            return tuple(needle for part in parts for needle in _literal(part, _SAFE_IN_PAYLOAD))
        case _:
            return ()


def _literal(text: str, safe: re.Pattern[str] = _SAFE) -> tuple[bytes, ...]:
    runs = sorted(safe.findall(text), key=len)
    return (runs[-1].lower().encode(),) if runs else ()


def may_match(blob: bytes, wanted: tuple[bytes, ...]) -> bool:
    """Whether *blob*, one line or many, holds all needles, or escapes that could hide one."""
    if not wanted:
        return True
    folded = blob.lower()
    return all(needle in folded for needle in wanted) or _ESCAPE in folded
