"""Numbers of things as people write them."""

from __future__ import annotations


def number_of(count: int, noun: str) -> str:
    """Return *count* and *noun*, in the plural unless there is exactly one: ``1 event``, ``0 events``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"
