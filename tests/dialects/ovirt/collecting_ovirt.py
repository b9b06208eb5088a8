"""An oVirt collector at work on a `MockEngine`, with pauses that end when a test says so."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

from tests.collect.collecting import FakeKind, MemoryCore, Setting, until
from tests.dialects.ovirt.mock_engine import PASSWORD, USER, MockEngine
from tidings.auth import Principal
from tidings.collect import Collector, Collectors, CollectorStatus, Row, State
from tidings.dialects.ovirt import collector
from tidings.dialects.ovirt.collector_settings import OvirtSettings, plan
from tidings.event import Draft
from tidings.log.base import Appended
from tidings.store import Store

INTERVAL_S = 10.0


class KnowingCore(MemoryCore):
    """A core that knows source and id of what it stored, as the log does."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: list[str] = []

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        known = {(one.source, one.id) for one in self.stored}
        self.offered += [one.id for one in drafts]
        fresh = [one for one in drafts if not one.id or (one.source, one.id) not in known]
        appended = await super().publish(fresh, who)
        return appended._replace(indexes=cast(Any, range(1, len(drafts) + 1)))


class OvirtKind(FakeKind):
    """The real kind, with pauses that end when a test says so."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting

    def load(self, name: str) -> Any:
        return self

    def prepare(self, row: Row) -> Collector:
        settings = row.read(OvirtSettings)
        return collector.OvirtCollector(settings, plan(row, settings), self._setting.pauses)


def ovirt_setting(directory: Path) -> Setting:
    """Return a setting whose collectors are oVirt's, over a log that knows what it has."""
    made = Setting(directory)
    made.kind, made.core = OvirtKind(made), KnowingCore()
    return made


class Collecting:
    """A running collector and its engine."""

    def __init__(self, setting: Setting, engine: MockEngine, collectors: Collectors, store: Store) -> None:
        self.setting, self.engine, self._collectors, self._store = setting, engine, collectors, store

    @property
    def status(self) -> CollectorStatus:
        return self._collectors.status()[0]

    @property
    def offered(self) -> list[str]:
        """The ids of all that was published, also of what the log knew already."""
        return cast(KnowingCore, self.setting.core).offered

    @property
    def place(self) -> str:
        """The cursor, as it is on disk."""
        ((cursor,),) = self._store.query("SELECT cursor FROM collectors")
        return str(cursor)

    @property
    def numbers(self) -> list[int]:
        """The engine's numbers of what was stored, in the order in which it was."""
        return [int(one.id.partition("@")[0]) for one in self.setting.core.stored if one.source == "ovirt/ovirt"]

    async def polled(self) -> None:
        """Wait until a poll is over and the next one is waited for."""
        await until(lambda: self.status.state is State.LIVE and self.setting.pauses._find(looks=False))

    async def poll(self, times: int = 1) -> None:
        """Let it poll."""
        for _ in range(times):
            await self.polled()
            assert await self.setting.pauses.end() == INTERVAL_S
        await self.polled()

    async def refused(self) -> str:
        """Wait until it is not connected; return why."""
        await until(lambda: self.status.state is State.WAITING)
        return self.status.detail

    async def reconnected(self) -> None:
        """End the wait for the next attempt."""
        await self.refused()
        await self.setting.pauses.end()
        await self.polled()


@asynccontextmanager
async def collecting(
    setting: Setting, engine: MockEngine, context: ssl.SSLContext | None = None, **row: Any
) -> AsyncIterator[Collecting]:
    """Collect from *engine*, which lives no longer than this; leaving stops the collector as tidings does."""
    async with engine.serving(context):
        given = {"kind": "ovirt", "url": f"{engine.root}/ovirt-engine/api", "user": USER}
        if "password_file" not in row:
            given["password"] = PASSWORD
        store = Store.open(setting.directory / "state.db")
        collectors = setting.make(store, {**given, **row})
        task = asyncio.create_task(collectors.run())
        try:
            yield Collecting(setting, engine, collectors, store)
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()


def put_back(setting: Setting, place: str) -> None:
    """Leave on disk what a kill leaves there: an older cursor."""
    store = Store.open(setting.directory / "state.db")
    with store.transaction():
        store.execute("UPDATE collectors SET cursor = ?", (place,))
    store.close()
