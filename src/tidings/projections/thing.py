"""A thing that events tell of, and the state it was last told to be in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import msgspec

from tidings import rfc3339

GONE = "gone"
"""The state of what was deleted, destroyed or removed, in whatever words its system says so."""


class Key(NamedTuple):
    """What tells one thing from all others.

    The scope is part of it: who may only write events of one scope changes no thing of another.
    """

    type: str
    source: str
    scope: str
    id: str


class Thing(msgspec.Struct, frozen=True):
    """A container, instance, VM, image, …, as the log told of it last.

    *id* is its system's own: an UUID, a hash, LXD's path; the name where there is none. *state* is a word of its system in small
    letters, or `GONE`. *index* and *kind* are of the event that told it, *since* is that event's own time, RFC 3339 in UTC.
    """

    type: str
    id: str
    name: str
    source: str
    scope: str
    state: str
    since: str
    index: int
    kind: str
    details: Mapping[str, str]

    @property
    def key(self) -> Key:
        """Its key."""
        return Key(self.type, self.source, self.scope, self.id)

    @property
    def since_ns(self) -> int:
        """*since* in nanoseconds since the epoch."""
        return rfc3339.parse(self.since)
