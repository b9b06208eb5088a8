"""Clearing the log, which deletes nothing: this API shows no more of what came before, and an event of ours says who wanted so."""

from __future__ import annotations

import asyncio

import msgspec

from tidings.auth import Principal
from tidings.clock import Clock
from tidings.core import Core
from tidings.event import Index
from tidings.own_events import ITSELF, SOURCE, announce
from tidings.query.ast import EVERYTHING, AllOf, Column, Compare, Condition, Pattern, Query, conjoin

KIND = "container-station-log-cleared"


class _Told(msgspec.Struct):
    before: int


class Clearing:
    """Up to which index the view is cleared. Lives on the event loop; reads the log when it is first asked."""

    def __init__(self, core: Core, clock: Clock) -> None:
        self._core, self._clock = core, clock
        self._before: int | None = None
        self._changing = asyncio.Lock()

    async def condition(self) -> Condition:
        """Return what holds for the events that are still shown."""
        if self._before is None:
            self._before = await self._load()
        return Compare(Column.INDEX, ">=", self._before) if self._before else EVERYTHING

    async def clear(self, where: Condition, who: Principal) -> int:
        """Hide all there is now; return how many of the events that match *where* that hid from *who*."""
        async with self._changing:
            head = self._core.head
            shown = conjoin(where, await self.condition(), Compare(Column.INDEX, "<=", head))
            count = await self._core.count(shown, who)
            await announce(
                self._core, self._clock, KIND, f"Container Station's log cleared up to event {head}",
                actor=who.name, subject="log", payload={"before": head + 1, "count": count},
            )  # fmt: skip
            self._before = head + 1
        return count

    async def _load(self) -> Index:
        own = Compare(Column.DIALECT, "=", Pattern((SOURCE,), case_sensitive=True))
        kind = Compare(Column.KIND, "=", Pattern((f"{SOURCE}.{KIND}",), case_sensitive=True))
        page = await self._core.search(Query(AllOf((own, kind)), limit=1), ITSELF)
        return Index(msgspec.json.decode(page.events[0].payload, type=_Told).before if page.lines else 0)
