"""Getting a dialect's decoder by name, imported when it is first asked for."""

from __future__ import annotations

import functools
import importlib
from collections.abc import Callable, Mapping
from typing import cast

from tidings.dialects.base import Decoder
from tidings.errors import NotFound


def loader_of(table: Mapping[str, str]) -> Callable[[str], Decoder]:
    """Return the function that loads the decoders of *table*, which maps the name of a dialect to that of its module."""

    @functools.cache
    def load_decoder(name: str) -> Decoder:
        """Return the decoder of the dialect called *name*. Raises NotFound, naming the dialects there are."""
        try:
            module = table[name]
        except KeyError:
            raise NotFound(f"there is no dialect {name!r}; known are: {', '.join(table)}") from None
        return cast(Decoder, importlib.import_module(module))

    return load_decoder
