"""What a setting is, and how its value is read and written as text."""

from __future__ import annotations

import enum
import math
import re
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidings.units import parse_duration, parse_size, render_duration, render_size


class ValueType(enum.StrEnum):
    """What a setting's value is; `Setting.expected` says how it is written."""

    PATH = "path"
    SOCKET = "socket"
    ADDRESS = "address"
    TEXT = "text"
    SIZE = "size"
    COUNT = "count"
    DURATION = "duration"
    SWITCH = "switch"
    CHOICE = "choice"


class Address(NamedTuple):
    """Where to listen; port 0 lets the system choose one."""

    host: str
    port: int

    def __str__(self) -> str:
        """Return it as the setting is written, ``[::1]:8600`` for IPv6."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


Value = Path | Address | str | int | float | bool | None
"""What a setting can hold; None is "off"."""


class Setting(msgspec.Struct, frozen=True):
    """One row of the table. *default* is written as a user would write it; *name* is the attribute of `Config`."""

    type: ValueType
    default: str
    help: str
    minimum: int = 0
    choices: tuple[str, ...] = ()
    since: str = "0.1.0"
    name: str = ""

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return f"TIDINGS_{self.name.upper()}"

    @property
    def flag(self) -> str:
        """The command-line flag that sets it."""
        return f"--{self.name.replace('_', '-')}"

    @property
    def expected(self) -> str:
        """What a value must look like, to finish a sentence that begins with "expected"."""
        form = _FORMS[self.type] + ", ".join(self.choices)
        return f"{form}, at least {render(self, self.minimum)}" if self.minimum else form


_FORMS: dict[ValueType, str] = {
    ValueType.PATH: "a path",
    ValueType.SOCKET: "a path or off",
    ValueType.ADDRESS: "HOST:PORT such as 127.0.0.1:8600 or [::1]:8600, or off",
    ValueType.TEXT: "text",
    ValueType.SIZE: "a size such as 1MiB or 512 kB",
    ValueType.COUNT: "a whole number",
    ValueType.DURATION: "a duration such as 90s, 2h or 30d",
    ValueType.SWITCH: "true or false",
    ValueType.CHOICE: "one of ",
}
_ADDRESS = re.compile(r"(?:\[([0-9a-f:.]+(?:%\w+)?)\]|([\w.-]+)):([0-9]{1,5})", re.ASCII | re.IGNORECASE)
_COUNT = re.compile(r"[0-9]{1,3}(?:_?[0-9]{1,3}){0,6}", re.ASCII)
_SWITCHES = {"true": True, "yes": True, "on": True, "1": True, "false": False, "no": False, "off": False, "0": False}
_MAX_INTEGER = 2**63 - 1
_MAX_SECONDS = 9e9  # beyond, nanoseconds since the epoch leave 64 bits


def parse(setting: Setting, raw: object, base: Path, data: Path) -> Value:
    """Return the value that *raw*, from a file, a variable or a flag, gives *setting*. Raises ValueError without details.

    A relative path is below *base*, one that begins with ``<data>`` below *data*.
    """
    match setting.type:
        case ValueType.PATH:
            return _path(_text(raw), base, data)
        case ValueType.SOCKET:
            return None if raw == "off" else _path(_text(raw), base, data)
        case ValueType.ADDRESS:
            return None if raw == "off" else _address(str(raw) if isinstance(raw, Address) else _text(raw))
        case ValueType.TEXT:
            return _text(raw)
        case ValueType.CHOICE:
            return setting.choices[setting.choices.index(_text(raw).lower())]
        case ValueType.SWITCH:
            return raw if isinstance(raw, bool) else _switch(_text(raw))
        case ValueType.SIZE | ValueType.COUNT | ValueType.DURATION:
            return _in_range(setting, _number(setting.type, raw))


def render(setting: Setting, value: Value) -> str:
    """Return *value* as a user would write it wherever *setting* can be set."""
    match value:
        case None:
            return "off"
        case bool():
            return "true" if value else "false"
        case int() | float() if setting.type is ValueType.DURATION:
            return render_duration(value)
        case int() if setting.type is ValueType.SIZE:
            return render_size(value)
        case _:
            return str(value)


def _text(raw: object) -> str:
    text = str(raw) if isinstance(raw, Path) else raw
    if not isinstance(text, str) or not text.isprintable():
        raise ValueError
    return text.strip()


def _path(text: str, base: Path, data: Path) -> Path:
    if not text:
        raise ValueError
    if text.startswith("<data>/"):
        return data / text.removeprefix("<data>/")
    try:
        return base / Path(text).expanduser()
    except RuntimeError:  # "~" of somebody who has no home
        raise ValueError from None


def _address(text: str) -> Address:
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match[3]) > 65535:
        raise ValueError
    return Address(match[1] or match[2], int(match[3]))


def _switch(text: str) -> bool:
    if text.lower() not in _SWITCHES:
        raise ValueError
    return _SWITCHES[text.lower()]


def _number(kind: ValueType, raw: object) -> int | float:
    if isinstance(raw, bool) or (isinstance(raw, int) and abs(raw) > _MAX_INTEGER):
        raise ValueError  # a bool is an int to Python, not to the person who wrote it
    if isinstance(raw, int | float) and kind is ValueType.DURATION:
        return float(raw)
    if isinstance(raw, int):
        return raw
    text = _text(raw)
    if kind is ValueType.SIZE:
        return parse_size(text)
    if kind is ValueType.DURATION:
        return parse_duration(text)
    if _COUNT.fullmatch(text) is None:
        raise ValueError
    return int(text)


def _in_range(setting: Setting, number: int | float) -> int | float:
    most = _MAX_SECONDS if setting.type is ValueType.DURATION else _MAX_INTEGER
    if math.isnan(number) or not setting.minimum <= number <= most:
        raise ValueError
    return number
