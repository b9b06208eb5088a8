"""Gather the settings from where they are set: default, tidings.toml, environment, flag; the later wins."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tidings.config._setting import Setting, Value, parse
from tidings.config._table import BY_NAME, SETTINGS, Config
from tidings.errors import ConfigError

TABLES: tuple[str, ...] = ("collect", "rule")
"""Lists of tables in tidings.toml that are handed on unread."""

CLIENT_VARIABLES: tuple[str, ...] = ("TIDINGS_CONFIG", "TIDINGS_TOKEN", "TIDINGS_URL")
"""Variables that only the command line reads; they set nothing here."""

# Kubernetes puts these into every container beside a Service that is called "tidings".
_KUBERNETES = re.compile(r"TIDINGS_(?:SERVICE_(?:HOST|PORT)|PORT)(?:_.*)?")
_NAME_BY_VARIABLE = {setting.variable: setting.name for setting in SETTINGS}
# A default or a change to one of a pair must not make the other meaningless.
_ORDERED = (
    ("max_event_size", "max_body_size"),
    ("max_body_size", "max_pending_bytes"),
    ("segment_events", "merge_events"),
)


class _Found(NamedTuple):
    raw: object
    origin: str
    base: Path


def load(path: Path | None, env: Mapping[str, str], flags: Mapping[str, object]) -> Config:
    """Return the settings of the file *path*, the variables and the flags together. Raises ConfigError for the first fault.

    Flags go by setting name; a flag that is None and a variable that is empty count as not given. A relative path in the
    file is below the file's directory.
    """
    found = {setting.name: _Found(setting.default, "default", Path()) for setting in SETTINGS}
    tables: dict[str, list[dict[str, Any]]] = {name: [] for name in TABLES}
    if path is not None:
        for key, raw in _read(path).items():
            if key in TABLES or isinstance(raw, dict):
                tables[key] = _rows(key, raw, path)
            else:
                found[_known(key, f"file {path}")] = _Found(raw, f"file {path}", path.parent)
    for variable, text in sorted(env.items()):
        if text and variable.startswith("TIDINGS_") and not _is_foreign(variable):
            found[_name_of(variable)] = _Found(text, f"environment {variable}", Path())
    for name, given in flags.items():
        if given is not None:
            setting = BY_NAME[_known(name, "flags")]
            found[name] = _Found(given, f"flag {setting.flag}", Path())
    return _build(found, tables)


def _build(found: Mapping[str, _Found], tables: Mapping[str, list[dict[str, Any]]]) -> Config:
    values: dict[str, Any] = {}
    for name, one in found.items():
        values[name] = _value(BY_NAME[name], one, values.get("data", Path()))
    config = Config(**values, tables=tables, origins={name: one.origin for name, one in found.items()})
    _check_order(config)
    return config


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as fault:
        raise ConfigError(f"can't read the configuration file {path}: {fault.strerror}") from None
    except RecursionError:
        raise ConfigError(f"{path} is not valid TOML: it is nested too deeply") from None
    except ValueError as fault:  # broken TOML, broken UTF-8, a number with thousands of digits
        raise ConfigError(f"{path} is not valid TOML: {fault}") from None


def _rows(key: str, raw: object, path: Path) -> list[dict[str, Any]]:
    if key not in TABLES:
        raise ConfigError(f"unknown table [{key}] in file {path}{_suggestion(key, TABLES)}")
    if not isinstance(raw, list) or not all(isinstance(row, dict) for row in raw):
        raise ConfigError(f"bad value for {key} (file {path}): expected tables, each headed [[{key}]]")
    return raw


def _known(name: str, where: str) -> str:
    if name not in BY_NAME:
        raise ConfigError(f"unknown setting {name!r} in {where}{_suggestion(name, (*BY_NAME, *TABLES))}")
    return name


def _is_foreign(variable: str) -> bool:
    return variable in CLIENT_VARIABLES or _KUBERNETES.fullmatch(variable) is not None


def _name_of(variable: str) -> str:
    if variable not in _NAME_BY_VARIABLE:
        hint = _suggestion(variable, (*_NAME_BY_VARIABLE, *CLIENT_VARIABLES))
        raise ConfigError(f"unknown setting {variable!r} in the environment{hint}")
    return _NAME_BY_VARIABLE[variable]


def _suggestion(name: str, known: Iterable[str]) -> str:
    close = difflib.get_close_matches(name.replace("-", "_"), known, 1)
    return f"; did you mean {close[0]!r}?" if close else "; `tidings config show` lists all settings"


def _value(setting: Setting, found: _Found, data: Path) -> Value:
    try:
        return parse(setting, found.raw, found.base, data)
    except ValueError:
        shown = repr(found.raw)
        shown = shown if len(shown) <= 80 else f"{shown[:77]}..."
        message = f"bad value {shown} for {setting.name} ({found.origin}): expected {setting.expected}"
        raise ConfigError(message) from None


def _check_order(config: Config) -> None:
    for less, more in _ORDERED:
        if getattr(config, less) > getattr(config, more):
            low, high = (f"{name} is {config.show(name)} ({config.origin(name)})" for name in (less, more))
            raise ConfigError(f"{low}, but {high}: {less} must not be the larger one")
