"""Asks an engine for its new events again and again, and stores them: each once, none left out.

`sweep` says why nothing is left out between two answers, `progress` why nothing that becomes visible late is, `identity` when
something is missing all the same. What is stored twice, because tidings was killed before the cursor was on disk, the log knows
by source and id. Gaps have an id too, so that they are told once.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NoReturn

import structlog

from tidings.collect import Intake, Pause
from tidings.collect.gaps import gap_event
from tidings.dialects.ovirt.engine_answers import Row, draft_of
from tidings.dialects.ovirt.identity import Finding, recognise
from tidings.dialects.ovirt.progress import Cursor, Progress
from tidings.dialects.ovirt.sweep import Engine, Oversized, sweep

_ANEW = (
    "the engine's event numbers began anew, so it was set up again or restored from a backup; what it has is read from its start, "
    "but nothing from before the last event that was read"
)
_PURGED = "the engine deleted old events, perhaps also some that had not been read"
_log = structlog.get_logger(__name__)


class Polling:
    """One run of a collector: from its first question to the failure that ends it."""

    def __init__(self, engine: Engine, intake: Intake, detail: str, pause: Pause) -> None:
        self._engine, self._intake, self._detail, self._pause = engine, intake, detail, pause
        self._progress = Progress(Cursor())
        # The last event read, if it isn't listed any more for a reason that was found out.
        self._excused: int | None = None
        self._is_first = True

    async def run(self, interval_s: float, *, from_now: bool) -> NoReturn:
        """Ask every *interval_s* seconds; *from_now* says where to begin when there is no cursor. Raises what the engine does."""
        cursor = Cursor.read(self._intake.cursor) if self._intake.cursor else await self._beginning(from_now=from_now)
        self._progress = Progress(cursor)
        while True:
            await self._poll_in_size()
            await self._pause(interval_s)
            self._progress.waited(interval_s)

    async def _beginning(self, *, from_now: bool) -> Cursor:
        if not from_now:
            return Cursor()
        cursor = Cursor()
        for row in await self._engine.newest_first(0, 1, 1):
            cursor = Cursor(settled=row.id, newest=row.id, newest_ns=row.time_ns)
        await self._heard()
        await self._intake.publish([], cursor.text)
        return cursor

    async def _poll_in_size(self) -> None:
        """Poll, with smaller lists if they are too large; what was stored until then isn't read again."""
        while True:
            try:
                return await self._poll()
            except Oversized as fault:
                self._engine.shrink()
                _log.info("asking for fewer events", collector=self._intake.name, reason=str(fault))

    async def _poll(self) -> None:
        start, known = self._progress.start(), self._progress.cursor
        is_recognised = not known.newest or known.newest == self._excused
        async for rows, is_last in sweep(self._engine, start):
            await self._heard()
            if not is_recognised and (is_last or rows[-1].id >= known.newest):
                if not await self._recognise(rows, known):
                    return
                is_recognised = True
            await self._store(rows)
        self._progress.swept(start)
        self._is_first = False

    async def _heard(self) -> None:
        self._intake.alive()
        await self._intake.connected(self._detail)

    async def _store(self, rows: Sequence[Row]) -> None:
        new = self._progress.take(rows)
        intake, cursor = self._intake, self._progress.cursor
        drafts = [draft_of(row, intake.source, intake.clock, is_later_life=cursor.is_later_life) for row in new]
        await intake.publish(drafts, cursor.text)

    async def _recognise(self, rows: Sequence[Row], known: Cursor) -> bool:
        """Return whether it is the engine that *known* is about; if not, begin with the other one. Gaps are recorded."""
        finding = await recognise(self._engine, rows, known)
        match finding:
            case Finding.SAME:
                pass
            case Finding.PURGED:
                # While it is asked all the time, nothing grows old unread.
                if self._is_first:
                    await self._record_gap(known, known, _PURGED)
            case Finding.OTHER:
                anew = Cursor(floor_ns=known.newest_ns)
                await self._record_gap(known, anew, _ANEW)
                self._progress = Progress(anew)
                return False
        if not any(row.id == known.newest for row in rows):
            self._excused = known.newest
        return True

    async def _record_gap(self, known: Cursor, cursor: Cursor, reason: str) -> None:
        intake = self._intake
        _log.warning("events may be missing", collector=intake.name, reason=reason)
        gap = gap_event(intake.name, intake.source, max(0, known.newest_ns), intake.clock.now_ns(), reason)
        gap.id = f"gap {intake.source} {known.newest}@{known.newest_ns // 1_000_000}"
        await intake.publish([gap], cursor.text)
