"""The foreign languages tidings speaks, one folder each; none imports another."""

from __future__ import annotations

from collections.abc import Mapping

from tidings.dialects.base import Decoder
from tidings.dialects.loading import loader_of

__all__ = ["DECODERS", "Decoder", "load_decoder"]

# Names, not modules: a dialect costs nothing until somebody speaks it.
DECODERS: Mapping[str, str] = {
    "lxd": "tidings.dialects.lxd.codec",
}

load_decoder = loader_of(DECODERS)
