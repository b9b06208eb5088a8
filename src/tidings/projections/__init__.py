"""Read models fed from the log, rebuilt from it when missing: the last known state of each thing."""

from tidings.projections.state import KnownState, Wanted
from tidings.projections.thing import GONE, Key, Thing

__all__ = ["GONE", "Key", "KnownState", "Thing", "Wanted"]
