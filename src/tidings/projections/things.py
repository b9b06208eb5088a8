"""All things in memory: changed by what events tell, found by id, beginning of an id, or name."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable

from tidings.projections.telling import Told
from tidings.projections.thing import GONE, Key, Thing

MAX_THINGS = 100_000
"""Things that exist; then the one that was told of longest ago is forgotten. One takes one or two kilobytes."""
MAX_GONE = 10_000
"""Things that are gone; the same."""

_SHORT = 12
# Docker and LXD call things by the beginning of a hash.
_HASH = re.compile(r"[0-9a-f]{12,}", re.ASCII)
_BEGINNING = re.compile(r"[0-9a-f]{12,63}", re.ASCII)


class Things:
    """The things, each as it was told of last. Lives on the event loop."""

    def __init__(self, known: Iterable[Thing] = ()) -> None:
        # Both in the order of the last change, so that what was not told of for longest comes first.
        self._existing: dict[Key, Thing] = {}
        self._gone: dict[Key, Thing] = {}
        # Keys of what exists, by type and by each text that it is found by.
        self._found_by: dict[tuple[str, str], set[Key]] = {}
        self._unsaved: set[Key] = set()
        for thing in sorted(known, key=lambda thing: thing.index):
            self._put(thing.key, thing)
        self._unsaved.clear()

    @property
    def count(self) -> int:
        """How many exist."""
        return len(self._existing)

    def get(self, key: Key) -> Thing | None:
        """Return one, also when it is gone."""
        return self._existing.get(key) or self._gone.get(key)

    def existing(self) -> list[Thing]:
        """Return those that exist, the last changed first."""
        return _newest_first(self._existing.values())

    def gone(self) -> list[Thing]:
        """Return those that are gone, the last of them first."""
        return _newest_first(self._gone.values())

    def called(self, type: str, text: str, source: str = "", scopes: Collection[str] = ()) -> list[Thing]:
        """Return existing things of *type*: with the id *text*, else with that name, else with the hash that begins so.

        The last changed is the first. *source* and *scopes* narrow the choice where they aren't empty. A beginning must have
        12 characters and be that of one hash only.
        """
        found = self._at((type, text), source, scopes)
        exact = [thing for thing in found if thing.id == text] or [thing for thing in found if thing.name == text]
        if exact or not _BEGINNING.fullmatch(text):
            return exact
        begun = self._at((type, text[:_SHORT]), source, scopes)
        begun = [thing for thing in begun if _hash_of(thing).startswith(text)]
        return begun if len({_hash_of(thing) for thing in begun}) == 1 else []

    def apply(self, told: Told) -> list[Thing]:
        """Change what *told* tells, and return what changed: nothing when that is older than what is known."""
        key = self._key(told)
        known = self.get(key)
        if known is not None and known.index >= told.index:
            return []
        changed: list[Thing] = []
        before = known if known is not None and known.state != GONE else None
        if told.former and (former := self._former(told)) is not None:
            changed.append(_after(former, told, former.key, GONE))
            self._put(former.key, changed[0])
            before = former
        if told.state or before is not None:
            changed.append(_after(before, told, key, told.state))
            self._put(key, changed[-1])
        return changed

    def take_unsaved(self) -> dict[Key, Thing | None]:
        """Return what changed since the last call, None for what was forgotten."""
        unsaved = {key: self.get(key) for key in self._unsaved}
        self._unsaved.clear()
        return unsaved

    def put_back(self, keys: Iterable[Key]) -> None:
        """Note that these could not be saved after all."""
        self._unsaved.update(keys)

    def _key(self, told: Told) -> Key:
        """Return the key of the thing that is meant: it may be told by the beginning of its id, by its name alone, or without its scope."""
        key = told.key
        if key in self._existing or key in self._gone:
            return key
        found = self.called(key.type, key.id, key.source, (key.scope,) if key.scope else ())
        # what is told by an id is not what has that id for its name
        return next((thing.key for thing in found if not told.id or thing.id.startswith(told.id)), key)

    def _former(self, told: Told) -> Thing | None:
        """Return the thing under the id that *told* says it had until now."""
        keys = (told.key._replace(id=id) for id in told.former)
        return next((thing for key in keys if (thing := self._existing.get(key)) and thing.index < told.index), None)

    def _at(self, place: tuple[str, str], source: str, scopes: Collection[str]) -> list[Thing]:
        keys = self._found_by.get(place)
        if keys is None:
            return []
        things = [
            self._existing[key] for key in keys if source in ("", key.source) and (not scopes or key.scope in scopes)
        ]
        return _newest_first(things)

    def _put(self, key: Key, thing: Thing) -> None:
        self._unsaved.add(key)
        before = self._existing.get(key)
        if before is not None and before.name == thing.name and thing.state != GONE:
            del self._existing[key]  # to the end of the order; it is found as it was
            self._existing[key] = thing
            return
        self._remove(key)
        if thing.state == GONE:
            self._gone[key] = thing
        else:
            self._existing[key] = thing
            for text in _texts_of(thing):
                self._found_by.setdefault((thing.type, text), set()).add(key)
        for things, most in ((self._existing, MAX_THINGS), (self._gone, MAX_GONE)):
            if len(things) > most:
                oldest = next(iter(things))
                self._remove(oldest)
                self._unsaved.add(oldest)

    def _remove(self, key: Key) -> None:
        self._gone.pop(key, None)
        thing = self._existing.pop(key, None)
        if thing is None:
            return
        for text in _texts_of(thing):
            keys = self._found_by[thing.type, text]
            keys.discard(key)
            if not keys:
                del self._found_by[thing.type, text]


def _newest_first(things: Iterable[Thing]) -> list[Thing]:
    return sorted(things, key=lambda thing: -thing.index)


def _hash_of(thing: Thing) -> str:
    """Return the hash that a thing goes by, empty when it goes by none."""
    return next((text for text in (thing.id, thing.name) if _HASH.fullmatch(text)), "")


def _texts_of(thing: Thing) -> set[str]:
    """Return what a thing is found by."""
    return {thing.id, thing.name, _hash_of(thing)[:_SHORT]} - {""}


def _after(before: Thing | None, told: Told, key: Key, state: str) -> Thing:
    """Return the thing after the event; one without a new *state* keeps its own, since when it is so, and what was told with that."""
    name, since, details = told.name, told.since, told.details
    if before is not None and state == GONE:
        name = before.name
    elif before is not None and not state:
        state, since, details = before.state, before.since, before.details
    if before is not None and not name:
        name = before.name
    return Thing(key.type, key.id, name, key.source, key.scope, state, since, told.index, told.kind, details)
