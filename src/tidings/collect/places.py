"""What is remembered of each collector in `state.db`, so that a restart, even after a kill, goes on where it was."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

from tidings.store import Store

Key = tuple[str, str]
"""A collector's kind and name: with another kind, the cursor of one that had the same name means nothing."""

_SAVE = """
INSERT INTO collectors (kind, name, cursor, seen_ns, reason) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (kind, name) DO UPDATE SET cursor = excluded.cursor, seen_ns = excluded.seen_ns, reason = excluded.reason
"""


class Place(NamedTuple):
    """Where a collector is; see the columns of `store_schema/0003_collectors.sql`."""

    cursor: str = ""
    seen_ns: int | None = None
    reason: str = ""


class Places:
    """The table, written in a thread of its own."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidings-collect")

    def load(self) -> dict[Key, Place]:
        """Return all places. Blocks."""
        rows = self._store.query("SELECT kind, name, cursor, seen_ns, reason FROM collectors")
        return {(kind, name): Place(cursor, seen_ns, reason) for kind, name, cursor, seen_ns, reason in rows}

    async def save(self, places: Mapping[Key, Place]) -> None:
        """Write *places*, all or none; durable when it returns. Raises StorageError."""
        await asyncio.get_running_loop().run_in_executor(self._thread, self._save, places)

    def _save(self, places: Mapping[Key, Place]) -> None:
        with self._store.transaction():
            for key, place in places.items():
                self._store.execute(_SAVE, (*key, *place))

    def close(self) -> None:
        """End the thread, after what it is doing."""
        self._thread.shutdown()
