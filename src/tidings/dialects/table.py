"""Which dialects there are, and what each can do: a dialect is added by its lines here."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from tidings.dialects.base import Decoder
from tidings.errors import NotFound

if TYPE_CHECKING:  # they bring the HTTP library and the log, which the command line starts without
    from tidings.collect import Kind
    from tidings.dialects.routes import Api

# Names, not modules: a dialect costs nothing until somebody speaks it.
DECODERS: Mapping[str, str] = {
    "container-station": "tidings.dialects.container_station.codec",
    "lxd": "tidings.dialects.lxd.codec",
    "ovirt": "tidings.dialects.ovirt.codec",
}

# Modules whose API is served by every listener.
APIS: tuple[str, ...] = (
    "tidings.dialects.container_station.routes",
    "tidings.dialects.lxd.routes",
    "tidings.dialects.ovirt.routes",
)

# Modules that collect, by what stands behind ``kind =`` in a [[collect]] table.
COLLECTORS: Mapping[str, str] = {
    "container-station": "tidings.dialects.container_station.collector",
    "devlxd": "tidings.dialects.lxd.collector",
    "lxd": "tidings.dialects.lxd.collector",
    "ovirt": "tidings.dialects.ovirt.collector",
}


def _loader_of(table: Mapping[str, str]) -> Callable[[str], Any]:
    """Return the function that loads the modules of *table*, which maps the name of a dialect to that of its module."""

    @functools.cache
    def load(name: str) -> Any:
        """Return the module called *name*. Raises NotFound, naming those there are."""
        try:
            module = table[name]
        except KeyError:
            raise NotFound(f"there is no dialect {name!r}; known are: {', '.join(table)}") from None
        return importlib.import_module(module)

    return load


load_decoder: Callable[[str], Decoder] = _loader_of(DECODERS)
load_collector: Callable[[str], Kind] = _loader_of(COLLECTORS)


def load_apis() -> list[Api]:
    """Return every dialect's API."""
    return [importlib.import_module(name).API for name in APIS]
