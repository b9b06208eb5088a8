"""Matching text against a `Pattern`: literal parts with a wildcard between each two."""

from __future__ import annotations

import functools
from collections.abc import Callable

from tidings.query.ast import Pattern
from tidings.query.words import fold

_LIKE_ESCAPES = str.maketrans({"\\": r"\\", "%": r"\%", "_": r"\_"})


@functools.lru_cache(maxsize=1024)
def compile_pattern(pattern: Pattern) -> Callable[[str], bool]:
    """Return the test whether a whole value matches *pattern*; its time is linear in the value for each part."""
    if pattern.case_sensitive:
        return _exact(pattern.parts[0]) if len(pattern.parts) == 1 else _wild(pattern.parts)
    parts = tuple(fold(part) for part in pattern.parts)
    matches = _exact(parts[0]) if len(parts) == 1 else _wild(parts)
    return lambda value: matches(fold(value))


def _exact(text: str) -> Callable[[str], bool]:
    return lambda value: value == text


def _wild(parts: tuple[str, ...]) -> Callable[[str], bool]:
    first, *middle, last = parts
    shortest = max(1, len(first) + len(last))  # at least 1: a wildcard never matches a missing value
    between = tuple(part for part in middle if part)

    def matches(value: str) -> bool:
        if len(value) < shortest or not value.startswith(first) or not value.endswith(last):
            return False
        at, end = len(first), len(value) - len(last)
        # Taking each part where it first occurs leaves the most room for those after it, so there is nothing to try again.
        for part in between:
            at = value.find(part, at, end)
            if at < 0:
                return False
            at += len(part)
        return True

    return matches


def to_like(pattern: Pattern) -> str:
    r"""Return *pattern* for SQL's ``LIKE … ESCAPE '\'``.

    LIKE folds ASCII only and lets ``%`` match empty text, so it says the same as `compile_pattern` only for a pattern that
    `is_ascii`, ignores case, and a value that isn't empty.
    """
    return "%".join(part.translate(_LIKE_ESCAPES) for part in pattern.parts)


def is_ascii(pattern: Pattern) -> bool:
    """Whether *pattern* is written in ASCII alone."""
    return all(part.isascii() for part in pattern.parts)
