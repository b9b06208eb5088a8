"""Gives drafts their index, or finds the event that one repeats, and puts them into blocks. Used by the writing thread only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tidings import rfc3339
from tidings.event import Draft, Index
from tidings.log.base import Appended
from tidings.log.segments.dedupe import RecentKeys, SealedKeys, key_of
from tidings.log.segments.journal import BLOCK_EVENTS, Block, make_block
from tidings.log.segments.stored import StoredEvents

_BLOCK_BYTES = 512 * 1024


class Stamped(NamedTuple):
    """One commit: an answer for each append, the blocks to write, and the keys to `remember` once they are written."""

    answers: list[Appended]
    blocks: list[Block]
    keys: dict[int, int]


class Stamper:
    """Knows the idempotency window."""

    def __init__(self, stored: StoredEvents) -> None:
        self._keys, self._stored = RecentKeys(), stored

    def stamp(self, appends: Sequence[Sequence[Draft]], last: int, received: int) -> Stamped:
        """Stamp the drafts of several *appends* that share a commit; *last* is the highest index in use so far."""
        commit = _Commit(last, rfc3339.render(received))
        answers = [self._stamp(drafts, commit) for drafts in appends]
        return Stamped(answers, _blocks(commit.fresh, commit.keys, last + 1, received), commit.staged)

    def remember(self, keys: dict[int, int]) -> None:
        """Note keys (key to index) of events that are stored now."""
        self._keys.add(keys)

    def cover(self, sealed: Sequence[SealedKeys], window_start: int) -> None:
        """Use the keys of sealed segments from now on; see `RecentKeys.cover`."""
        self._keys.cover(sealed, window_start)
        self._stored.forget(max((segment.last for segment in sealed), default=0))

    def begin_journal(self, first: int) -> None:
        """Note a new journal."""
        self._stored.begin(first)

    def close(self) -> None:
        """Let go of the files."""
        self._stored.close()

    def _stamp(self, drafts: Sequence[Draft], commit: _Commit) -> Appended:
        fresh, keys, received = commit.fresh, commit.keys, commit.received
        index = first = commit.last + 1 + len(fresh)
        indexes: list[Index] | None = None
        for at, draft in enumerate(drafts):
            key = 0
            if draft.id:
                key = key_of(draft)
                earlier = self._find(key, draft, commit)
                if earlier is not None:
                    if indexes is None:
                        indexes = [Index(i) for i in range(first, first + at)]
                    indexes.append(Index(earlier))
                    continue
                commit.staged[key] = index
            draft.sequence = str(index)
            draft.received = received
            if not key:
                draft.id = draft.sequence
            fresh.append(draft)
            keys.append(key)
            if indexes is not None:
                indexes.append(Index(index))
            index += 1
        stored = index - first
        return Appended(stored, len(drafts) - stored, Index(index - 1), indexes or range(first, index))  # type: ignore[arg-type]

    def _find(self, key: int, draft: Draft, commit: _Commit) -> int | None:
        index = commit.staged.get(key)
        if index is not None:
            other = commit.fresh[index - commit.last - 1]
            return index if (other.source, other.id) == (draft.source, draft.id) else None
        index = self._keys.find(key)
        return index if index is not None and self._stored.is_same(index, draft) else None


class _Commit:
    """What one commit has gathered so far."""

    def __init__(self, last: int, received: str) -> None:
        self.last, self.received = last, received
        self.fresh: list[Draft] = []
        self.keys: list[int] = []
        self.staged: dict[int, int] = {}


def _blocks(drafts: Sequence[Draft], keys: Sequence[int], first: int, received: int) -> list[Block]:
    blocks: list[Block] = []
    start = size = 0
    for at, draft in enumerate(drafts):
        size += len(draft.data) + len(draft.data_base64) + 300
        if at + 1 - start >= BLOCK_EVENTS or size >= _BLOCK_BYTES or at + 1 == len(drafts):
            blocks.append(make_block(drafts[start : at + 1], keys[start : at + 1], first + start, received))
            start, size = at + 1, 0
    return blocks
