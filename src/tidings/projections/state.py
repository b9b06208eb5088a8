"""The last known state of each thing: kept up with the log, saved beside it, and made again from it where that is missing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import NoReturn, TypeVar

import msgspec
import structlog

from tidings.auth import Principal
from tidings.errors import Busy, TidingsError
from tidings.event import Index
from tidings.log.base import Batch, Log
from tidings.projections.keeping import NOTHING_APPLIED, Progress, read_progress, read_things, write_things
from tidings.projections.rules import Rules, states
from tidings.projections.telling import Teller, Told
from tidings.projections.thing import GONE, Key, Thing
from tidings.projections.things import Things
from tidings.projections.waiting import Waiting
from tidings.query.ast import Column, Compare, Order, Pattern, Query, conjoin
from tidings.query.pattern import compile_pattern
from tidings.store import Store

T = TypeVar("T")
READY_TIMEOUT_S = 20.0
"""How long a question waits for the states to be gathered."""

_SAVE_EVERY_S = 5.0
_RETRY_S = 5.0
_FAREWELL_S = 5.0
_PAGE = 1_000
_SPAN = 1_000_000
_MOST_BUFFERED = 10_000
_AT_ONCE = 5_000
_log = structlog.get_logger(__name__)


class Wanted(msgspec.Struct, frozen=True):
    """Which things: what is empty narrows nothing, but for what is gone, which is wanted only where *state* says so.

    *name* is that or the id, and may hold ``*`` for any text.
    """

    type: str = ""
    source: str = ""
    scope: str = ""
    state: str = ""
    name: str = ""


class KnownState:
    """What the log told last of each thing. The later event counts, whatever time it claims.

    Making it reads the disk; from then on it lives on the event loop. `run` gathers what it missed, then it is up to date within
    the commit of each event. At most 100,000 things that exist and 10,000 that are gone are known, those told of last.
    """

    def __init__(self, log: Log, store: Store, rules: Rules | None = None) -> None:
        self._log, self._store = log, store
        self._rules = rules or states()
        self._teller, self._waiting = Teller(self._rules), Waiting()
        known, progress = read_things(store), read_progress(store)
        self._is_replaced = progress.applied > log.head
        self._things = Things(() if self._is_replaced else known)
        if self._is_replaced:
            _log.warning(
                "the log is shorter than it was, states are gathered anew", head=log.head, was=progress.applied
            )
            self._things.put_back(thing.key for thing in known)
        is_usable = known and not self._is_replaced and progress.rules == self._rules.version
        self._saved = progress
        self._applied = progress.applied if is_usable else NOTHING_APPLIED.applied
        self._ready = asyncio.Event()
        # What is committed while the log is being read; None when nobody reads, or when it became too much.
        self._buffer: list[Told] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidings-state")
        log.on_commit(self._committed)

    @property
    def count(self) -> int:
        """How many things exist, as far as is known."""
        return self._things.count

    @property
    def is_ready(self) -> bool:
        """Whether it is up to date with the log."""
        return self._ready.is_set()

    @property
    def waiting(self) -> int:
        """How many wait for a state."""
        return self._waiting.count

    async def find(self, type: str, text: str, who: Principal) -> Thing | None:
        """Return the existing thing of *type* that *text* means: its id, its name, or 12 or more characters that one hash begins with.

        Where several sources have one, the one that changed last. None as well where *who* may not see it. Raises Busy.
        """
        await self.until_ready()
        return next(iter(self._things.called(type, text, scopes=who.scopes)), None)

    async def select(self, wanted: Wanted, who: Principal, limit: int) -> list[Thing]:
        """Return up to *limit* things that *who* may see, the last changed first. Raises Busy."""
        await self.until_ready()
        things = self._things.gone() if wanted.state == GONE else self._things.existing()
        is_wanted, found = _test(wanted, who), list[Thing]()
        for start in range(0, len(things), _AT_ONCE):
            found += filter(is_wanted, things[start : start + _AT_ONCE])
            if len(found) >= limit:
                break
            await asyncio.sleep(0)  # others come in between, however many things there are
        return found[:limit]

    async def wait(self, key: Key, states: Collection[str], timeout_s: float) -> Thing | None:
        """Return the thing once it is in one of *states*, at once if it is, None when it didn't come to that in time.

        `GONE` is a state to wait for. The caller has seen the thing, so it may see what becomes of it.
        """
        known = self._things.get(key)
        if known is not None and known.state in states:
            return known
        return await self._waiting.wait(key, states, timeout_s) if timeout_s > 0 else None

    async def until_ready(self, timeout_s: float = READY_TIMEOUT_S) -> None:
        """Wait until it is up to date with the log. Raises Busy when that takes too long."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._ready.wait()
        except TimeoutError:
            raise Busy(
                "the last known states are still being gathered from the log; try again in a while", 10
            ) from None

    async def run(self) -> NoReturn:
        """Gather what the log told meanwhile, then save what changes every few seconds, without end; when cancelled, once more."""
        try:
            while not self.is_ready:
                try:
                    await self._catch_up()
                except TidingsError as fault:
                    _log.warning("states can't be gathered from the log, trying again", reason=str(fault))
                    await asyncio.sleep(_RETRY_S)
            while True:
                await self._try_to_save()
                await asyncio.sleep(_SAVE_EVERY_S)
        finally:
            await self._try_to_save(_FAREWELL_S)

    def close(self) -> None:
        """End the thread, after what it is doing. Blocks."""
        self._thread.shutdown()

    async def _blocking(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    # --- keeping up ---

    def _committed(self, batch: Batch) -> None:
        if self.is_ready:
            for told in self._teller.told_by(batch.blob):
                self._apply(told)
            self._applied = batch.last
        elif self._buffer is not None:
            self._buffer.extend(self._teller.told_by(batch.blob))
            if len(self._buffer) > _MOST_BUFFERED:
                self._buffer = None  # it is in the log: one more round

    def _apply(self, told: Told) -> None:
        for thing in self._things.apply(told):
            self._waiting.tell(thing)

    async def _catch_up(self) -> None:
        """Apply what the log holds beyond what is applied, in rounds: while one lasts, more is committed."""
        while not self.is_ready:
            self._buffer, target = [], self._log.head
            await self._apply_up_to(target)
            # No await from here on, so nothing is committed between the end of the buffer and the first direct change.
            buffered, self._buffer = self._buffer, None
            if buffered is not None:
                for told in buffered:
                    self._apply(told)
                self._applied = self._log.head
                self._ready.set()

    async def _apply_up_to(self, target: Index) -> None:
        kinds = self._rules.condition()
        self._applied = max(self._applied, self._log.oldest - 1)
        while self._applied < target:
            # A span at a time: on a very long log with few such events a search for all of them would take too long.
            last = min(self._applied + _SPAN, target)
            span = (Compare(Column.INDEX, ">", self._applied), Compare(Column.INDEX, "<=", last))
            query: Query | None = Query(conjoin(*span, kinds), Order(descending=False), _PAGE)
            while query is not None:
                page = await self._log.search(query)
                for line in page.lines:
                    if told := self._teller.read(line):
                        self._apply(told)
                query = msgspec.structs.replace(query, after=page.next) if page.next is not None else None
            self._applied = last

    # --- saving ---

    async def _try_to_save(self, timeout_s: float | None = None) -> None:
        try:
            async with asyncio.timeout(timeout_s):
                await self._save()
        except (TimeoutError, TidingsError) as fault:
            # The next time may be better; if there is none, the log tells it again.
            _log.warning("last known states are not saved", reason=str(fault) or "the disk took too long")

    async def _save(self) -> None:
        progress = Progress(self._applied, self._rules.version)
        if not self.is_ready or progress == self._saved:
            return
        changes = self._things.take_unsaved()
        try:
            await self._blocking(lambda: write_things(self._store, changes, progress))
        except BaseException:
            self._things.put_back(changes)
            raise
        self._saved = progress


def _test(wanted: Wanted, who: Principal) -> Callable[[Thing], bool]:
    is_called = compile_pattern(Pattern(tuple(wanted.name.split("*")), case_sensitive=True)) if wanted.name else None

    def test(thing: Thing) -> bool:
        return (
            (not who.scopes or thing.scope in who.scopes)
            and wanted.type in ("", thing.type)
            and wanted.source in ("", thing.source)
            and wanted.scope in ("", thing.scope)
            and wanted.state in ("", thing.state)
            and (is_called is None or is_called(thing.name) or is_called(thing.id))
        )

    return test
