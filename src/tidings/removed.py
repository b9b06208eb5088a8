"""Which events somebody removed: they stay in the log, and a reader that honours removal leaves them out.

What is removed is itself told by events of ours, ``tidings.event-removed`` and ``tidings.events-restored``, and rebuilt from them.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left, insort
from collections.abc import Iterable, Mapping

import msgspec

from tidings.auth import Principal, Role, may_write_scope
from tidings.clock import Clock
from tidings.core import Core
from tidings.errors import Forbidden
from tidings.event import Event, Index
from tidings.own_events import ITSELF, SOURCE, announce
from tidings.query.ast import EVERYTHING, AllOf, AnyOf, Column, Compare, Condition, Listed, Not, Order, Pattern, Query

_REMOVED, _RESTORED = "event-removed", "events-restored"
_PAGE = 1_000
_MOST_AT_ONCE = 10_000
"""How many indexes one event names; its line stays below 100 kB."""


class _Told(msgspec.Struct):
    """What the payloads hold: *index* was removed, or *indexes* were restored."""

    index: int = 0
    indexes: tuple[int, ...] = ()


def _is(column: Column, text: str) -> Condition:
    return Compare(column, "=", Pattern((text,), case_sensitive=True))


# The dialect too: nobody but the server can publish with it, whatever source and kind they claim.
_OURS = AllOf(
    (_is(Column.DIALECT, SOURCE), AnyOf(tuple(_is(Column.KIND, f"{SOURCE}.{kind}") for kind in (_REMOVED, _RESTORED))))
)


class Removed:
    """The indexes of the removed events that the log still has. Lives on the event loop, one to a log; `load` it first.

    Holds some 40 bytes for each of them: they are bounded by the log, where each has an event of its own.
    """

    def __init__(self, core: Core, clock: Clock) -> None:
        self._core, self._clock = core, clock
        self._indexes: list[int] = []  # ascending
        self._condition: Condition | None = None
        # Held while an event is published, so that who asks twice at once is told of once.
        self._changing = asyncio.Lock()

    async def load(self) -> None:
        """Read from the log what was removed and not restored. Raises SearchTimeout, StorageError."""
        query, removed = Query(_OURS, Order(descending=False), _PAGE), set[int]()
        while True:
            page = await self._core.search(query, ITSELF)
            for event in page.events:
                told = msgspec.json.decode(event.payload, type=_Told)
                if event.kind == f"{SOURCE}.{_REMOVED}":
                    removed.add(told.index)
                else:
                    removed.difference_update(told.indexes)
            if page.next is None:
                break
            query = msgspec.structs.replace(query, after=page.next)
        self._indexes, self._condition = sorted(removed), None

    def is_removed(self, index: Index) -> bool:
        """Whether the event at *index* is removed."""
        at = bisect_left(self._indexes, index)
        return at < len(self._indexes) and self._indexes[at] == index

    def condition(self) -> Condition:
        """Return what holds for all events but the removed ones; the same object until that changes."""
        forgotten = bisect_left(self._indexes, self._core.oldest)
        if forgotten:
            del self._indexes[:forgotten]
            self._condition = None
        if self._condition is None:
            self._condition = Not(Listed(tuple(self._indexes))) if self._indexes else EVERYTHING
        return self._condition

    async def remove(self, index: Index, who: Principal, requestor: Mapping[str, str] | None = None) -> Event:
        """Remove an event and return it; on disk when this returns. One that is removed already stays so, and nothing is told.

        Asks for the right to write events of its scope. Raises NotFound, Forbidden, and what publishing raises.
        """
        event = await self._core.get(index, who)
        if not may_write_scope(who, event.scope):
            needed = (
                f"the role {Role.WRITER} for the scope {event.scope!r}"
                if who.may_publish
                else f"the role {Role.WRITER}"
            )
            raise Forbidden(f"{who.name} may not remove event {index}: {needed} is needed")
        async with self._changing:
            if not self.is_removed(index):
                payload = {"index": index, "requestor": requestor} if requestor else {"index": index}
                await self._tell(_REMOVED, f"Event {index} removed", who, f"event {index}", payload)
                insort(self._indexes, index)
                self._condition = None
        return event

    async def restore(self, indexes: Iterable[Index], who: Principal) -> None:
        """Bring events back; those that aren't removed are left as they are. On disk when this returns.

        Asks for the right to write events of all scopes. Raises Forbidden, and what publishing raises; should that be
        half-way through more than 10,000 indexes, then those before are restored.
        """
        if not who.may_publish or who.scopes:
            raise Forbidden(f"{who.name} may not restore events: the role {Role.WRITER} for all scopes is needed")
        async with self._changing:
            wanted = sorted({index for index in indexes if self.is_removed(index)})
            for start in range(0, len(wanted), _MOST_AT_ONCE):
                some = wanted[start : start + _MOST_AT_ONCE]
                message = f"{len(some)} removed events restored" if len(some) > 1 else f"Event {some[0]} restored"
                await self._tell(_RESTORED, message, who, "", {"indexes": some})
                back = set(some)
                self._indexes = [index for index in self._indexes if index not in back]
                self._condition = None

    async def _tell(self, kind: str, message: str, who: Principal, subject: str, payload: Mapping[str, object]) -> None:
        await announce(self._core, self._clock, kind, message, actor=who.name, subject=subject, payload=payload)
