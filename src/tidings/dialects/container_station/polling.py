"""Asks a NAS for its log and its events again and again, and stores what is new: each happening once, none left out.

`catching_up` says why nothing is left out between two answers, `merging` how a row and a line become one event. What is
decided is saved with the cursor before it is stored, and taken out of it afterwards. So a kill at any moment lets tidings
decide nothing twice, and at most store once more what the log knows already by source and id.
"""

from __future__ import annotations

import datetime as dt
import heapq
from typing import Literal, NoReturn

import structlog

from tidings import rfc3339
from tidings.collect import Intake, Pause
from tidings.collect.gaps import gap_event
from tidings.dialects.container_station.catching_up import MANY, Anew, Nas, Piece, new_lines, new_rows
from tidings.dialects.container_station.collected import draft_of
from tidings.dialects.container_station.merging import Merging
from tidings.dialects.container_station.progress import Cursor, Heard, View

List = Literal["log", "event"]

_NS = 1_000_000_000
_ANEW = {
    "log": "the ids of the NAS's log began anew, so it was cleared or set up again; what it has is read from its start",
    "event": "the NAS's event counter began anew, so it was restarted; the events it has are read from their start",
}
_GONE = {
    "log": "the NAS's log was cleared, perhaps also rows that had not been read",
    "event": "the NAS dropped old events that had not been read",
}
_log = structlog.get_logger(__name__)


class Polling:
    """One run of a collector: from its first question to the failure that ends it. The rows' times are those of *zone*."""

    def __init__(self, nas: Nas, intake: Intake, zone: dt.tzinfo, pause: Pause) -> None:
        self._nas, self._intake, self._zone, self._pause = nas, intake, zone, pause
        cursor = Cursor.read(intake.cursor) if intake.cursor else self._beginning()
        self._views: dict[List, View] = {"log": cursor.log, "event": cursor.event}
        self._merging = Merging(cursor.rows, cursor.lines, cursor.decided, zone)
        # One of the lists may reach further into the past than the other.
        self._is_uneven = not intake.cursor

    async def run(self, interval_s: float) -> NoReturn:
        """Ask every *interval_s* seconds. Raises what the NAS does."""
        # The epochs are on disk before anything is stored under them; and what an earlier run decided is stored first.
        await self._store()
        while True:
            await self._poll_lines()
            await self._poll_rows()
            self._merging.settle(newest_first=self._is_uneven)
            self._is_uneven = False
            await self._store()
            await self._pause(interval_s)

    def _beginning(self) -> Cursor:
        view = View(epoch=self._now_s())
        return Cursor(log=view, event=view)

    async def _poll_lines(self) -> None:
        while True:
            try:
                piece = await new_lines(self._nas, self._views["event"])
            except Anew:
                await self._begin_anew("event")
                continue
            await self._take("event", piece)
            if len(piece.entries) < MANY:
                return
            await self._store()

    async def _poll_rows(self) -> None:
        while True:
            try:
                async for piece in new_rows(self._nas, self._views["log"]):
                    await self._take("log", piece)
                    await self._store()
            except Anew:
                await self._begin_anew("log")
            else:
                return

    async def _take(self, name: List, piece: Piece) -> None:
        self._intake.alive()
        view, now_ns = self._views[name], self._intake.clock.now_ns()
        if piece.has_hole:
            await self._record_gap(name, view, _GONE[name])
        heard = [Heard(f"{name}:{view.epoch}:{one.number}", one.text, now_ns) for one in piece.entries]
        if name == "log":
            self._merging.add_rows(heard)
        else:
            self._merging.add_lines(heard)
        self._views[name] = view.read(piece.entries, piece.position, now_ns, is_numbered=piece.is_numbered)

    async def _begin_anew(self, name: List) -> None:
        self._intake.alive()
        known = self._views[name]
        self._views[name] = known.anew(self._now_s())
        await self._record_gap(name, known, _ANEW[name])

    async def _record_gap(self, name: List, known: View, reason: str) -> None:
        """Store that something may be missing behind *known*; with an id, so that after a kill it isn't told twice."""
        intake = self._intake
        self._is_uneven = True
        _log.warning("events may be missing", collector=intake.name, reason=reason)
        gap = gap_event(intake.name, intake.source, known.heard_ns, intake.clock.now_ns(), reason)
        gap.id = f"gap {intake.source} {name}:{known.epoch}:{known.position}"
        await intake.publish([gap], self._cursor.text)

    async def _store(self) -> None:
        """Save what is decided and where we are; then store it."""
        decided = self._merging.decided
        await self._intake.publish([], self._cursor.text)
        if not decided:
            return
        drafts = [(one, draft_of(one, self._intake.source, self._zone)) for one in decided]
        rows = [draft for one, draft in drafts if one.line is None]
        lines = [draft for one, draft in drafts if one.line is not None]
        decided.clear()
        # by time as far as that doesn't change the order within either list
        ordered = heapq.merge(rows, lines, key=lambda draft: rfc3339.parse(draft.time))
        await self._intake.publish(list(ordered), self._cursor.text)

    @property
    def _cursor(self) -> Cursor:
        waiting = self._merging
        return Cursor(
            log=self._views["log"],
            event=self._views["event"],
            rows=waiting.rows,
            lines=waiting.lines,
            decided=waiting.decided,
        )

    def _now_s(self) -> int:
        return self._intake.clock.now_ns() // _NS
