"""Whether an engine is still the one that was read before: it may have been set up anew, restored, or cleaned up.

The last event read is looked for, by number and time, in every answer that must hold it. Only when it isn't there are further
questions asked. A single event is also answered after it was removed, but not after retention deleted it; retention deletes
all up to a number, so as long as anything older is there, it has not come to what was read, let alone beyond.
"""

from __future__ import annotations

import enum
from collections.abc import Sequence

from tidings.dialects.ovirt.engine_answers import Row
from tidings.dialects.ovirt.progress import Cursor
from tidings.dialects.ovirt.sweep import Engine, Unknowable


class Finding(enum.Enum):
    """What became of the last event read."""

    SAME = enum.auto()
    """It is there, or was removed by somebody: nothing is missing."""
    PURGED = enum.auto()
    """Retention deleted it and all that was older, and perhaps also newer ones that nobody had read."""
    OTHER = enum.auto()
    """Its number stands for another event, or was not given yet: the numbers began anew."""


async def recognise(engine: Engine, rows: Sequence[Row], known: Cursor) -> Finding:
    """Look for the last event of *known* in *rows*, which hold it if any list does. Raises what *engine* does."""
    listed = next((row for row in rows if row.id == known.newest), None)
    if listed is not None:
        return Finding.SAME if listed.time_ns == known.newest_ns else Finding.OTHER
    try:
        single = await engine.get(known.newest)
        is_gone = single is None
    except Unknowable:
        single, is_gone = None, False
    if single is not None:
        return Finding.SAME if single.time_ns == known.newest_ns else Finding.OTHER
    newest = await engine.newest_first(0, 1, 1, everything=True)
    oldest = await engine.oldest_first(0, 1, everything=True)
    if not newest or not oldest:
        return Finding.SAME  # there is nothing that could be missed, and nothing to tell by
    if newest[0].id < known.newest:
        return Finding.OTHER
    if oldest[0].id > known.newest:
        return Finding.PURGED
    # Older ones are there, so it wasn't retention; and what is only removed can be read.
    return Finding.OTHER if is_gone else Finding.SAME
