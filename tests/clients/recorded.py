"""The recorded LXD events, and what a listener is to see of them."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import msgspec

from tidings.demo import recorded_events

TYPES = ("lifecycle", "operation", "logging")


@functools.cache
def recorded() -> Sequence[bytes]:
    """Return all 2,814 in the order they came."""
    return tuple(recorded_events())


@functools.cache
def read(payload: bytes) -> Any:
    """Return an event as its members."""
    return msgspec.json.decode(payload)


def visible(*, types: Sequence[str] = TYPES, project: str | None = None) -> list[bytes]:
    """Return those of *types* that a listener of *project* sees (None: of all): an event without a project is everybody's."""
    return [
        payload
        for payload in recorded()
        if (event := read(payload))["type"] in types and (project is None or event.get("project", project) == project)
    ]
