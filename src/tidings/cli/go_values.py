"""Values as programs in Go write them, of which ``lxc`` is one: found by comparing with what it prints."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any

_MAX = 1.7976931348623157e308
_TO_ESCAPE = re.compile('[\x00-\x1f"\\\\<>&\u2028\u2029]')
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def read_json(payload: bytes) -> Any:
    """Return the JSON value, every number as a float, as Go reads what it knows no type of.

    Raises ValueError for what isn't JSON, RecursionError for what is nested too deeply.
    """
    return json.loads(payload, parse_int=_number, parse_float=_number)


def _number(text: str) -> float:
    return min(max(float(text), -_MAX), _MAX)


def write_json(value: Any) -> str:
    """Return *value* as Go's encoding/json does: keys sorted, safe inside HTML."""
    match value:
        case dict():
            return "{" + ",".join(f"{_string(key)}:{write_json(value[key])}" for key in sorted(value)) + "}"
        case list():
            return "[" + ",".join(map(write_json, value)) + "]"
        case str():
            return _string(value)
        case float():
            return _json_number(value)
        case _:
            return json.dumps(value)


def _string(text: str) -> str:
    return '"' + _TO_ESCAPE.sub(lambda match: _SHORT.get(match[0]) or f"\\u{ord(match[0]):04x}", text) + '"'


def _json_number(value: float) -> str:
    if value != 0 and not 1e-6 <= abs(value) < 1e21:
        return _with_exponent(value, 1)
    return _without_exponent(value)


def shortest(value: float) -> str:
    """Return *value* as ``%v`` and YAML have it."""
    exponent = _digits(value)[1]
    return _with_exponent(value, 2) if value != 0 and not -4 <= exponent < 6 else _without_exponent(value)


def _digits(value: float) -> tuple[str, int]:
    """Return the digits of *value* and the power of ten of the first."""
    _, digits, exponent = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(exponent, int)
    return "".join(map(str, digits)), len(digits) - 1 + exponent


def _sign(value: float) -> str:
    return "-" if repr(value).startswith("-") else ""


def _with_exponent(value: float, places: int) -> str:
    digits, exponent = _digits(value)
    fraction = f".{digits[1:]}" if digits[1:] else ""
    return f"{_sign(value)}{digits[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):0{places}d}"


def _without_exponent(value: float) -> str:
    return _sign(value) + f"{abs(Decimal(repr(value)).normalize()):f}"


def printed(value: Any) -> str:
    """Return *value* as ``%v`` prints it: ``[a b]``, ``map[k:v]``, texts bare."""
    match value:
        case None:
            return "<nil>"
        case bool():
            return str(value).lower()
        case float():
            return shortest(value)
        case dict():
            return "map[" + " ".join(f"{key}:{printed(value[key])}" for key in sorted(value)) + "]"
        case list():
            return "[" + " ".join(map(printed, value)) + "]"
        case _:
            return str(value)


_QUOTED = {
    "\a": "\\a", "\b": "\\b", "\f": "\\f", "\n": "\\n", "\r": "\\r", "\t": "\\t", "\v": "\\v", '"': '\\"', "\\": "\\\\",
}  # fmt: skip


def quoted(text: str) -> str:
    """Return *text* as ``%q`` prints it: nothing is left in it that a terminal obeys."""
    return '"' + "".join(map(_shown, text)) + '"'


def _shown(char: str) -> str:
    if escape := _QUOTED.get(char):
        return escape
    if char.isprintable():
        return char
    code = ord(char)
    return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
