"""Where in a JSON text something is wrong, as 1-based byte columns, and what it is by its name."""

from __future__ import annotations

import re

import msgspec

_BYTE = re.compile(r" ?\(byte (\d+)\)")
_TRUNCATED = "Input data was truncated"
# A string with the colon that makes it a name, or what opens and closes a level.
_TOKEN = re.compile(rb'("[^"\\]*(?:\\.[^"\\]*)*")(\s*:)?|[{}\[\]]', re.DOTALL)
_HEX = rb"[0-9a-fA-F]{2}"
# Every escape is taken in turn, pairs whole, so that a backslash that is itself escaped begins nothing.
_ESCAPE = re.compile(
    rb"\\(?:u[dD][89abAB]" + _HEX + rb"\\u[dD][c-fC-F]" + _HEX + rb"|u([dD][89a-fA-F]" + _HEX + rb")|.)", re.DOTALL
)


def column_of(text: bytes, member: str) -> int:
    """Return where the object *text* names its *member* (the last time, which counts); 0 when it does not."""
    wanted = msgspec.json.encode(member)
    depth = found = 0
    for token in _TOKEN.finditer(text):
        if token[0] in (b"{", b"["):
            depth += 1
        elif token[0] in (b"}", b"]"):
            depth -= 1
        elif depth == 1 and token[2] and token[1] == wanted:
            found = token.start() + 1
    return found


def explain(text: bytes, fault: msgspec.DecodeError) -> tuple[str, int]:
    """Return why *text* isn't the JSON it should be, and at which column."""
    reason = str(fault)
    at = _BYTE.search(reason)
    column = len(text) + 1 if reason == _TRUNCATED else min(int(at[1]) + 1, len(text)) if at else 1
    # the decoder has several words for half a pair, and near the end of the text it calls the text truncated
    if (lone := _lone_surrogate(text)) and lone.start() < column:
        return f"the escape \\u{lone[1].decode()} is a lone surrogate, which is no character", lone.start() + 1
    return _BYTE.sub("", reason), column


def _lone_surrogate(text: bytes) -> re.Match[bytes] | None:
    return next((escape for escape in _ESCAPE.finditer(text) if escape[1]), None)
