"""Idempotent publishing: which (source, id) pairs of the recent past are stored already.

Keys of unsealed events are in a dict; those of each sealed segment are one sorted array, loaded when the first event that
carries an id arrives. A key is a 64-bit hash, so a hit is confirmed against the stored line before an event is called duplicate.
"""

from __future__ import annotations

import array
import hashlib
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

import apsw
import structlog
import zstandard

from tidings.errors import StorageError
from tidings.event import Draft

_log = structlog.get_logger(__name__)

_RECORD = 12  # bytes an entry in a stored pack: key (8), index minus the segment's first (4)


def key_of(draft: Draft) -> int:
    """Return the draft's idempotency key; 0 when its producer gave no id."""
    if not draft.id:
        return 0
    text = f"{draft.source}\0{draft.id}".encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "little") or 1


def pack_keys(entries: Iterable[tuple[int, int]]) -> bytes:
    """Return (key, offset) pairs sorted, as the bytes that a sealed segment stores."""
    ordered = sorted(entries)
    return (
        array.array("Q", (key for key, _ in ordered)).tobytes() + array.array("I", (at for _, at in ordered)).tobytes()
    )


class Pack:
    """The keys of one sealed segment, as `pack_keys` wrote them."""

    def __init__(self, first: int, data: bytes) -> None:
        total = len(data) // _RECORD
        self._first = first
        self._keys = memoryview(data)[: total * 8].cast("Q")
        self._offsets = memoryview(data)[total * 8 :].cast("I")

    def find(self, key: int) -> int | None:
        """Return the index stored under *key*."""
        keys = self._keys
        total = len(keys)
        # hashes are uniform, so the place can be guessed closely; the wide search is for the rare bad guess
        guess = (key * total) >> 64
        low, high = max(0, guess - 64), min(total, guess + 64)
        if not (low < high and keys[low] <= key and (high == total or key <= keys[high - 1])):
            low, high = 0, total
        at = bisect_left(keys, key, low, high)
        return self._first + self._offsets[at] if at < total and keys[at] == key else None

    def entries(self) -> Iterable[tuple[int, int]]:
        """Yield (key, index), ascending by key."""
        return ((key, self._first + at) for key, at in zip(self._keys, self._offsets, strict=True))


def _loaded(first: int, load: Callable[[], Pack]) -> Pack:
    try:
        return load()
    except (apsw.Error, zstandard.ZstdError, StorageError, KeyError, ValueError) as fault:
        # publishing must go on; what reads the segment will quarantine it
        _log.error("idempotency keys can't be read", first=first, reason=str(fault))
        return Pack(first, b"")


class SealedKeys(NamedTuple):
    """Where the keys of one sealed segment can be loaded from, when they are needed."""

    first: int
    last: int
    load: Callable[[], Pack]


class RecentKeys:
    """The idempotency window. Used by the writing thread only; `cover` is called between two commits."""

    def __init__(self) -> None:
        self._open: dict[int, int] = {}
        self._sealed: list[SealedKeys] = []
        self._loaded: dict[tuple[int, int], Pack] = {}

    def find(self, key: int) -> int | None:
        """Return the index of the stored event with *key*, or None."""
        found = self._open.get(key)
        if found is not None:
            return found
        for first, last, load in reversed(self._sealed):
            pack = self._loaded.get((first, last))
            if pack is None:
                pack = self._loaded[first, last] = _loaded(first, load)
            found = pack.find(key)
            if found is not None:
                return found
        return None

    def add(self, keys: dict[int, int]) -> None:
        """Remember *keys* (key to index) of events now stored."""
        self._open.update(keys)

    def cover(self, segments: Sequence[SealedKeys], window_start: int) -> None:
        """From now on use these *segments* as far as they reach into the window, and forget what they make needless."""
        self._sealed = [segment for segment in segments if segment.last >= window_start]
        wanted = {(segment.first, segment.last) for segment in self._sealed}
        self._loaded = {span: pack for span, pack in self._loaded.items() if span in wanted}
        sealed_to = max((segment.last for segment in segments), default=0)
        if self._open and sealed_to:
            self._open = {key: index for key, index in self._open.items() if index > sealed_to}
