"""One table of settings: it drives tidings.toml, TIDINGS_* variables, flags, `tidings config show` and the docs."""

from tidings.config._load import CLIENT_VARIABLES, TABLES, load
from tidings.config._setting import Address, Setting, Value, ValueType, render
from tidings.config._table import BY_NAME, SETTINGS, Config

__all__ = [
    "BY_NAME",
    "CLIENT_VARIABLES",
    "SETTINGS",
    "TABLES",
    "Address",
    "Config",
    "Setting",
    "Value",
    "ValueType",
    "load",
    "render",
]
