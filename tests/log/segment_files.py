"""Builds the files of one segment in every state it goes through, from drafts."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import msgspec

from tidings import rfc3339
from tidings.event import Draft, Event
from tidings.log.base import Batch
from tidings.log.segments._sqlite import open_writer
from tidings.log.segments.indexer import Indexer
from tidings.log.segments.journal import Block, Journal, make_block
from tidings.log.segments.reader import SegmentReader, Span
from tidings.log.segments.sealing import index_blocks, seal
from tidings.log.segments.tail import Tail
from tidings.log.segments.vocabularies import Vocabularies

RECEIVED_NS = 1_795_000_001_000_000_000


class States(NamedTuple):
    """The same events as not yet indexed, as indexed beside their journal, and as sealed."""

    events: list[Event]
    tail: Tail
    growing: SegmentReader
    sealed: SegmentReader
    span: Span


def stamped_blocks(drafts: Sequence[Draft], per_block: int) -> list[Block]:
    """Stamp *drafts* as the log does and put them in blocks."""
    blocks = []
    for start in range(0, len(drafts), per_block):
        received = RECEIVED_NS + start * 250_000_000
        group = drafts[start : start + per_block]
        for index, draft in enumerate(group, start + 1):
            draft.sequence, draft.received = str(index), rfc3339.render(received)
            draft.id = draft.id or draft.sequence
        blocks.append(make_block(group, [0] * len(group), start + 1, received))
    return blocks


@contextmanager
def all_states(directory: Path, drafts: Sequence[Draft], per_block: int = 3) -> Iterator[States]:
    """Yield the segment of *drafts* in its three states."""
    blocks = stamped_blocks(drafts, per_block)
    journal = Journal(directory, 1, durable=False)
    journal.write(blocks)
    index = directory / "index-1.db"
    db = open_writer(index, durable=False)
    index_blocks(Indexer(db), db, blocks)
    sealed = seal(journal.path, directory, 1, len(drafts))
    batches = [block.batch() for block in blocks]

    def in_order(newest_first: bool) -> Sequence[Batch]:
        return batches[::-1] if newest_first else batches

    span = Span(1, len(drafts), time.monotonic() + 60)
    growing, finished = SegmentReader(index, journal.path), SegmentReader(directory / sealed.file, None, Vocabularies())
    try:
        yield States([e for batch in batches for e in batch.events], Tail(in_order, span), growing, finished, span)
    finally:
        growing.close()
        finished.close()
        db.close()
        journal.close()


def copy(draft: Draft) -> Draft:
    """Return a copy that can be stamped on its own."""
    return msgspec.structs.replace(draft)
