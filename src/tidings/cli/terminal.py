"""What may go to a terminal: colour or not, how wide, and never a control character that came in with an event."""

from __future__ import annotations

import os
import re
import shutil
import unicodedata
from typing import IO, Any

# Control characters could move the cursor or recolour the screen, bidirectional overrides could make a line read as another.
_UNSAFE = re.compile("[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SPACES = frozenset("\t\n\r\x0b\x0c\u2028\u2029\x85")
_RESET = "\x1b[0m"
_CODES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36", "alert": "1;37;41"}


def is_terminal(stream: IO[Any]) -> bool:
    """Whether a person reads *stream* as it is written."""
    return stream.isatty()


def wants_colour(stream: IO[Any]) -> bool:
    """Whether to colour what goes to *stream*: a terminal that can, and no NO_COLOR (https://no-color.org)."""
    return is_terminal(stream) and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"


def can_show(text: str, stream: IO[Any]) -> bool:
    """Whether the encoding of *stream* holds every character of *text*."""
    try:
        text.encode(getattr(stream, "encoding", None) or "ascii")
    except UnicodeEncodeError:
        return False
    return True


def columns() -> int:
    """Return the width of the terminal in columns, never below 40."""
    return max(40, shutil.get_terminal_size((80, 24)).columns)


def paint(text: str, style: str, colour: bool) -> str:
    """Return *text* in *style* (a name of ours), or as it is when *colour* is false."""
    return f"\x1b[{_CODES[style]}m{text}{_RESET}" if colour and style and text else text


def clean(text: str) -> str:
    """Return *text* on one line with nothing in it that a terminal obeys."""
    return _UNSAFE.sub(lambda match: " " if match[0] in _SPACES else "\ufffd", text)


def width(text: str) -> int:
    """Return how many columns *text* takes."""
    if text.isascii():
        return len(text)
    return sum(_char_width(char) for char in text)


def _char_width(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def cut(text: str, limit: int) -> str:
    """Return *text* in at most *limit* columns, ending in an ellipsis where something is left out."""
    if width(text) <= limit:
        return text
    kept, used = [], 1
    for char in text:
        used += _char_width(char)
        if used > limit:
            break
        kept.append(char)
    return "".join(kept) + "…"


def pad(text: str, limit: int) -> str:
    """Return *text* filled with spaces up to *limit* columns."""
    return text + " " * (limit - width(text))
