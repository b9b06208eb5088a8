"""The façade a dialect is given: publish, search, follow, wait, count, on behalf of a principal.

A principal's permissions are a condition ANDed to every query, so search, follow and export obey them by construction.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

from tidings.auth.principals import Principal, Role, condition, may_write_scope
from tidings.errors import Forbidden, NotFound
from tidings.event import Draft, Event, Index, decode_line
from tidings.hub import Encoder, Hub, Sink
from tidings.log.base import Appended, Batch, Bucket, Log, Page
from tidings.query.ast import EVERYTHING, Column, Compare, Condition, Query, conjoin
from tidings.query.predicate import matches

FROM_THE_OLDEST = Index(0)


class Core:
    """Everything a dialect may ask of tidings."""

    def __init__(self, log: Log, hub: Hub) -> None:
        self._log, self._hub = log, hub

    @property
    def head(self) -> Index:
        """The highest stored index (0: empty)."""
        return self._log.head

    @property
    def oldest(self) -> Index:
        """The lowest index still kept."""
        return self._log.oldest

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        """Store all of *drafts* or none. Raises Forbidden, Busy, Stopping, StorageError."""
        if not who.may_publish:
            raise Forbidden(f"{who.name} may not publish: the role {Role.WRITER} is needed")
        if who.scopes:
            for draft in drafts:
                if not may_write_scope(who, draft.scope):
                    raise Forbidden(
                        f"{who.name} may only publish events of the scopes {', '.join(who.scopes)}, not {draft.scope!r}"
                    )
        return await self._log.append(drafts)

    async def get(self, index: Index, who: Principal) -> Event:
        """Return one event. Raises NotFound, also for one that *who* may not see."""
        line = await self._log.get(index)
        if line is not None:
            event = decode_line(line)
            if matches(condition(who), event):
                return event
        raise NotFound(f"there is no event {index}; kept are {self.oldest} to {self.head}")

    async def search(self, query: Query, who: Principal) -> Page:
        """Return the page that *query* asks for, of what *who* may see."""
        return await self._log.search(_narrowed(query, who))

    async def count(self, where: Condition, who: Principal) -> int:
        """Return how many events match."""
        return await self._log.count(conjoin(where, condition(who)))

    async def histogram(
        self, where: Condition, who: Principal, start_ns: int | None, end_ns: int | None, step_ns: int
    ) -> list[Bucket]:
        """See `Log.histogram`."""
        return await self._log.histogram(conjoin(where, condition(who)), start_ns, end_ns, step_ns)

    async def facet(
        self, where: Condition, who: Principal, columns: Sequence[Column], limit: int
    ) -> dict[Column, list[tuple[str, int]]]:
        """See `Log.facet`."""
        return await self._log.facet(conjoin(where, condition(who)), columns, limit)

    async def export(
        self, query: Query, who: Principal, after: Index = FROM_THE_OLDEST
    ) -> AsyncIterator[Batch | list[bytes]]:
        """Yield everything that matches after *after*, in the query's order, in constant memory; *query*'s limit is the step.

        Whole batches when nothing narrows it and the order is the log's own, lists of lines otherwise.
        """
        query = _narrowed(query, who)
        order = query.order
        if query.where == EVERYTHING and order.column is Column.INDEX and not order.descending:
            async for batch in self._log.read(after):
                yield batch
            return
        if after:
            where = conjoin(query.where, Compare(Column.INDEX, ">", after))
            query = Query(where, query.order, query.limit, query.after)
        while True:
            page = await self._log.search(query)
            if page.lines:
                yield page.lines
            if page.next is None:
                return
            query = Query(query.where, query.order, query.limit, page.next)

    async def follow(self, after: Index, where: Condition, encode: Encoder, sink: Sink, who: Principal) -> None:
        """See `Hub.follow`."""
        await self._hub.follow(after, conjoin(where, condition(who)), encode, sink)

    def check_cursor(self, after: Index) -> None:
        """Raise CursorExpired or InvalidCursor when following from *after* is not possible."""
        self._hub.check(after)

    async def wait(self, after: Index, where: Condition, timeout_s: float, who: Principal) -> Event | None:
        """Return the first matching event after *after*, waiting for it at most *timeout_s* seconds; None when none came.

        Those who wait for the same share the work: an event costs the same however many they are. Raises CursorExpired, InvalidCursor.
        """
        limit = asyncio.timeout(timeout_s)
        first = _First(limit)
        try:
            async with limit:
                await self._hub.follow(after, conjoin(where, condition(who)), _lines, first)
        except TimeoutError:
            pass
        return decode_line(first.line) if first.line else None

    async def trim(self, before: Index, who: Principal) -> Index:
        """Delete events below *before*, whole segments only; return the oldest index then kept."""
        if not who.is_admin:
            raise Forbidden(f"{who.name} may not trim the log: the role {Role.ADMIN} is needed")
        return await self._log.trim(before)


class _First:
    """A sink that takes the first of the lines and then has the time be up."""

    def __init__(self, limit: asyncio.Timeout) -> None:
        self._limit = limit
        self.line = b""

    def write(self, data: bytes) -> bool:
        """Take the first line; nothing more should come."""
        if not self.line:
            self.line = data[: data.index(b"\n")]
            if not self._limit.expired():
                self._limit.reschedule(asyncio.get_running_loop().time())
        return False

    async def drained(self) -> None:
        """Wait for the end."""
        await asyncio.get_running_loop().create_future()


def _lines(batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
    lines = batch.lines
    return [line + b"\n" for line in (lines if picks is None else map(lines.__getitem__, picks))]


def _narrowed(query: Query, who: Principal) -> Query:
    return Query(conjoin(query.where, condition(who)), query.order, query.limit, query.after, query.page)
