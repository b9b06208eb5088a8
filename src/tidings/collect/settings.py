"""A ``[[collect]]`` table of tidings.toml, read with errors that say which table, which key and what is expected.

No error quotes a value: it may be a password.
"""

from __future__ import annotations

import difflib
import typing
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import Meta

from tidings.errors import ConfigError

_NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,63}\Z"
_BELOW_DATA = "<data>/"


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """What every kind of collector can be told; a kind adds its own. The description of a field says what it expects."""

    kind: Annotated[str, Meta(min_length=1, description="the kind of collector")]
    name: Annotated[str, Meta(pattern=_NAME, description="up to 64 letters, digits, dots, dashes or underscores")]
    source: Annotated[str, Meta(min_length=1, max_length=200, description="text, the source of its events")]
    url: Annotated[str, Meta(min_length=1, description="where the system is")]


_Shape = TypeVar("_Shape", bound=Settings)


class Row:
    """One table as it stands in the file, the *number*-th from 1; *data* is the data directory."""

    def __init__(self, values: Mapping[str, Any], number: int, data: Path) -> None:
        self._values, self.data = values, data
        name = values.get("name")
        self.title = f"[[collect]] {name!r}" if isinstance(name, str) and name else f"[[collect]] number {number}"

    @property
    def kind(self) -> str:
        """The kind that is asked for. Raises ConfigError when there is none."""
        kind = self._values.get("kind")
        if not isinstance(kind, str) or not kind:
            raise self.fault("kind", 'the kind of collector, such as kind = "lxd"')
        return kind

    def read(self, shape: type[_Shape]) -> _Shape:
        """Return the table as *shape*. Raises ConfigError for a key that *shape* has not, misses or can't hold.

        The name is the kind, the source ``kind/name`` where not given. A path must be absolute or begin with ``~/`` or ``<data>/``.
        """
        kind = self.kind
        name = self._values.get("name", kind)
        values = {"name": name, "source": f"{kind}/{name}", **self._values}
        hints = typing.get_type_hints(shape, include_extras=True)
        for key in values:
            if key not in hints:
                raise ConfigError(f"{self.title}: unknown key {key!r}{_suggestion(key, hints)}")
        for field in msgspec.structs.fields(shape):
            if field.required and field.name not in values:
                raise ConfigError(f"{self.title}: {field.name} is missing; give {_expectation(hints[field.name])}")
        parsed: dict[str, Any] = {key: self._value(key, hints[key], value) for key, value in values.items()}
        return shape(**parsed)

    def fault(self, key: str, expected: str) -> ConfigError:
        """Return the error that says that *key* is wrong; *expected* finishes a sentence that begins with "expected"."""
        return ConfigError(f"{self.title}: bad value for {key}: expected {expected}")

    def _value(self, key: str, hint: Any, value: object) -> object:
        try:
            return msgspec.convert(value, hint, dec_hook=self._path)
        except msgspec.ValidationError:
            raise self.fault(key, _expectation(hint)) from None

    def _path(self, _type: type, value: object) -> Path:
        """Return the path that *value* names: the only type of a field that msgspec doesn't know."""
        text = value if isinstance(value, str) else ""
        if text.startswith(_BELOW_DATA):
            return self.data / text.removeprefix(_BELOW_DATA)
        try:
            path = Path(text).expanduser()
        except RuntimeError:  # there is no home
            path = Path(text)
        if not path.is_absolute():
            raise ValueError(text)
        return path


def _expectation(hint: Any) -> str:
    described = (meta.description for meta in getattr(hint, "__metadata__", ()) if isinstance(meta, Meta))
    return next((text for text in described if text), "another type of value")


def _suggestion(key: str, known: Mapping[str, object]) -> str:
    close = difflib.get_close_matches(key, known, 1)
    return f"; did you mean {close[0]!r}?" if close else f"; known are {', '.join(known)}"
