"""The foreign languages tidings speaks, one folder each; none imports another."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Mapping
from typing import cast

from tidings.dialects.base import Decoder
from tidings.errors import NotFound

__all__ = ["DECODERS", "Decoder", "load_decoder"]

# Names, not modules: a dialect costs nothing until somebody speaks it.
DECODERS: Mapping[str, str] = {
    "lxd": "tidings.dialects.lxd.codec",
}


@functools.cache
def load_decoder(name: str) -> Decoder:
    """Return the decoder of the dialect called *name*. Raises NotFound, naming the dialects there are."""
    try:
        module = DECODERS[name]
    except KeyError:
        raise NotFound(f"there is no dialect {name!r}; known are: {', '.join(DECODERS)}") from None
    return cast(Decoder, importlib.import_module(module))
