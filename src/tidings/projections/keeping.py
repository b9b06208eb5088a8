"""Things on disk, in the state database. Every call blocks."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import NamedTuple

import msgspec

from tidings.projections.thing import Key, Thing
from tidings.store import Store

_AT_ONCE = 1_000
_DETAILS = msgspec.json.Decoder(dict[str, str])


class Progress(NamedTuple):
    """The index up to which the log is applied, and the version of the rules it was done by."""

    applied: int
    rules: str


NOTHING_APPLIED = Progress(0, "")


def read_things(store: Store) -> list[Thing]:
    """Return all things. Raises StorageError."""
    rows = store.query("SELECT type, id, name, source, scope, state, since, idx, kind, details FROM things")
    return [
        Thing(type, id, name, source, scope, state, since, index, kind, _DETAILS.decode(details))
        for type, id, name, source, scope, state, since, index, kind, details in rows
    ]


def read_progress(store: Store) -> Progress:
    """Return how far the log was applied. Raises StorageError."""
    rows = store.query("SELECT applied, rules FROM things_progress")
    return Progress(*rows[0]) if rows else NOTHING_APPLIED


def write_things(store: Store, changes: Mapping[Key, Thing | None], progress: Progress) -> None:
    """Write what changed, None for what is forgotten, and last how far the log is applied then. Raises StorageError.

    Not all at once, so that others get at the database in between. Should it end half-way, what is written is ahead of the
    progress, and the events from there on are applied again to no effect.
    """
    rest = iter(changes.items())
    while some := list(islice(rest, _AT_ONCE)):
        with store.transaction():
            for key, thing in some:
                _write(store, key, thing)
    store.execute("INSERT OR REPLACE INTO things_progress (only, applied, rules) VALUES (1, ?, ?)", progress)


def _write(store: Store, key: Key, thing: Thing | None) -> None:
    if thing is None:
        store.execute("DELETE FROM things WHERE type = ? AND source = ? AND scope = ? AND id = ?", key)
        return
    store.execute(
        "INSERT OR REPLACE INTO things (type, source, scope, id, name, state, since, idx, kind, details)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            *key,
            thing.name,
            thing.state,
            thing.since,
            thing.index,
            thing.kind,
            msgspec.json.encode(thing.details).decode(),
        ),
    )
