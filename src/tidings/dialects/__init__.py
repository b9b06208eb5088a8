"""The foreign languages tidings speaks, one folder each; none imports another."""

from tidings.dialects.base import Decoder
from tidings.dialects.table import load_apis, load_collector, load_decoder

__all__ = ["Decoder", "load_apis", "load_collector", "load_decoder"]
