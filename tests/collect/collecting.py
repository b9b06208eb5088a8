"""Collectors that do what a test says, over a log in memory, with sleeps that end when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import msgspec

from tidings import rfc3339
from tidings.auth import Principal
from tidings.clock import ManualClock
from tidings.collect import Collector, Collectors, CollectorStatus, Intake, Row, Settings, State
from tidings.core import Core
from tidings.errors import NotFound
from tidings.event import Draft
from tidings.log.base import Appended
from tidings.store import Store

Step = Callable[[Intake], Awaitable[None]]
LOOK_S = 2.0


async def until(condition: Callable[[], object]) -> None:
    """Wait for what other tasks will bring about."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - somebody else's state
            await asyncio.sleep(0.001)


def draft(message: str, time: str = "2026-09-21T14:13:20Z", id: str = "") -> Draft:
    """Return a small event."""
    return Draft(specversion="1.0", source="fake/one", type="t", time=time, severity="normal", message=message, id=id)


class MemoryCore:
    """Stands for the core: keeps what is published, and refuses when told to, as a log does after it stamped."""

    def __init__(self) -> None:
        self.stored: list[Draft] = []
        self.refusals: list[Exception] = []

    @property
    def head(self) -> int:
        return len(self.stored)

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        assert who.may_publish
        first = len(self.stored) + 1
        for index, one in enumerate(drafts, first):
            one.sequence = str(index)
            one.id = one.id or one.sequence
        if self.refusals:
            raise self.refusals.pop(0)
        self.stored.extend(drafts)
        return Appended(len(drafts), 0, cast(Any, self.head), cast(Any, range(first, self.head + 1)))

    @property
    def messages(self) -> list[str]:
        """What was stored, a gap as its reason."""
        return [gap(one)["reason"] if one.type == "tidings.collector-gap" else one.message for one in self.stored]

    @property
    def gaps(self) -> list[Draft]:
        return [one for one in self.stored if one.type == "tidings.collector-gap"]


def gap(event: Draft) -> dict[str, Any]:
    """Return the payload of a gap's event."""
    return cast("dict[str, Any]", msgspec.json.decode(event.data))


class Scripted:
    """Each run does the next step of its script, or waits for one."""

    def __init__(self, settings: Settings, *, resumes: bool) -> None:
        self.settings, self.resumes = settings, resumes
        self.script: asyncio.Queue[Step] = asyncio.Queue()

    async def run(self, intake: Intake) -> None:
        step = await self.script.get()
        await step(intake)


class FakeSettings(Settings, frozen=True, kw_only=True):
    url: str = "https://user:pass@host/path?token=x"
    resumes: bool = False


class FakeKind:
    """Makes scripted collectors."""

    def __init__(self) -> None:
        self.made: list[Scripted] = []

    def prepare(self, row: Row) -> Collector:
        settings = row.read(FakeSettings)
        self.made.append(Scripted(settings, resumes=settings.resumes))
        return self.made[-1]

    def load(self, name: str) -> FakeKind:
        if name != "fake":
            raise NotFound(f"there is no kind {name!r}; known are: fake")
        return self


class Pauses:
    """Sleeps: each lasts until a test ends it, and moves the clock then."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self._open: list[tuple[float, asyncio.Future[None]]] = []

    async def __call__(self, seconds: float) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._open.append((seconds, future))
        try:
            await future
        finally:
            self._open = [one for one in self._open if one[1] is not future]

    def _find(self, *, looks: bool) -> list[tuple[float, asyncio.Future[None]]]:
        return [one for one in self._open if (one[0] == LOOK_S) == looks and not one[1].done()]

    async def end(self) -> float:
        """End the next pause of a collector; return how long it was."""
        await until(lambda: self._find(looks=False))
        ((seconds, future), *_) = self._find(looks=False)
        self._clock.advance(seconds)
        future.set_result(None)
        return seconds

    async def look(self) -> None:
        """Let the collectors be looked at, and wait until that is done. The clock stands still."""
        await until(lambda: self._find(looks=True))
        ((_, future),) = self._find(looks=True)
        future.set_result(None)
        await until(lambda: self._find(looks=True))


class NotedWarnings:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, ...]] = []

    def raise_(self, type: str, entity: str, message: str) -> None:
        self.told.append(("raised", type, entity, message))

    def resolve(self, type: str, entity: str) -> None:
        self.told.append(("resolved", type, entity))


class Setting:
    """Everything around collectors in one test; `collecting` runs them, as often as one likes."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.clock = ManualClock()
        self.core = MemoryCore()
        self.pauses = Pauses(self.clock)
        self.warnings = NotedWarnings()
        self.kind = FakeKind()

    @property
    def now(self) -> str:
        return rfc3339.render(self.clock.now_ns())

    def make(self, store: Store, *rows: dict[str, Any]) -> Collectors:
        return Collectors(
            cast(Core, self.core), self.clock, store, rows or [{"kind": "fake", "name": "one"}], self.kind.load,
            self.warnings, self.directory, pause=self.pauses, jitter=lambda: 0.5,
        )  # fmt: skip

    @asynccontextmanager
    async def collecting(self, *rows: dict[str, Any]) -> AsyncIterator[Working]:
        """Run the collectors of *rows* (one called "one"); leaving stops them as a clean stop of tidings does."""
        store = Store.open(self.directory / "state.db")
        collectors = self.make(store, *rows)
        task = asyncio.create_task(collectors.run())
        try:
            yield Working(collectors, self.kind.made[-1], store)
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()
        assert task.cancelled()


class Working:
    """Running collectors and the last of the scripted ones."""

    def __init__(self, collectors: Collectors, scripted: Scripted, store: Store) -> None:
        self.collectors, self._scripted, self._store = collectors, scripted, store

    @property
    def status(self) -> CollectorStatus:
        return self.collectors.status()[-1]

    def let_disk(self, *, refuse: bool) -> None:
        """Let the state file refuse to be written, or take it again."""
        self._store.query(f"PRAGMA query_only = {refuse:d}")

    @property
    def saved_cursor(self) -> str:
        ((cursor,),) = self._store.query("SELECT cursor FROM collectors")
        return str(cursor)

    async def live(self) -> None:
        await until(lambda: self.status.state is State.LIVE)

    def does(self, step: Step) -> None:
        """Say what the next run does."""
        self._scripted.script.put_nowait(step)

    async def connects(self) -> Link:
        """Let the next run connect; return what that connection is told to do."""
        link = Link()
        self.does(link.run)
        await self.live()
        return link


class Link:
    """A live connection that publishes and breaks on demand."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[tuple[Step, asyncio.Future[None]]] = asyncio.Queue()

    async def run(self, intake: Intake) -> None:
        intake.alive()
        await intake.connected("a fake")
        while True:
            step, done = await self._orders.get()
            try:
                await step(intake)
            finally:
                done.set_result(None)

    async def does(self, step: Step) -> None:
        """Let it do *step*; wait until it is done."""
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._orders.put_nowait((step, done))
        await done

    async def publishes(self, *drafts: Draft, cursor: str | None = None) -> None:
        async def step(intake: Intake) -> None:
            intake.alive()
            await intake.publish(drafts, cursor)

        await self.does(step)

    async def breaks(self, fault: Exception) -> None:
        async def step(intake: Intake) -> None:
            raise fault

        await self.does(step)
