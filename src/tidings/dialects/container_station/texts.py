"""Texts cut to what a column, a reader or a terminal bears."""

from __future__ import annotations

import re

MAX_COLUMN = 1000
MAX_MESSAGE = 10_000

# Line breaks, other control characters and the two separators that some programs break lines at.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_ELLIPSIS = "…"


def one_line(value: str, limit: int = MAX_COLUMN) -> str:
    """Return *value* with control characters folded to spaces, NUL to U+FFFD, cut to *limit* characters."""
    value = value[: limit + 1]
    if not value.isprintable():
        value = _CONTROLS.sub(_replacement, value)
    value = value.strip()
    return value if len(value) <= limit else value[: limit - 1] + _ELLIPSIS


def _replacement(match: re.Match[str]) -> str:
    return "\ufffd" if match[0] == "\0" else " "
