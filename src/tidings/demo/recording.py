"""Reading the recorded events, which lie beside this module."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from importlib.resources import files


def recorded_events() -> Iterator[bytes]:
    """Yield the 2,814 recorded LXD events in the order they came, each as its JSON without the line end."""
    with (files("tidings.demo") / "lxd-events.jsonl.gz").open("rb") as packed, gzip.open(packed) as lines:
        for line in lines:
            yield line.removesuffix(b"\n")
