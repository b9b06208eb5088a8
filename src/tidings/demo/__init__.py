"""Real events to show and to try things with: what an LXD 5.0.2 daemon sent while every part of it was used once."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from importlib.resources import files

__all__ = ["recorded_events"]


def recorded_events() -> Iterator[bytes]:
    """Yield the 2,814 recorded LXD events in the order they came, each as its JSON without the line end."""
    with (files(__name__) / "lxd-events.jsonl.gz").open("rb") as packed, gzip.open(packed) as lines:
        for line in lines:
            yield line.removesuffix(b"\n")
