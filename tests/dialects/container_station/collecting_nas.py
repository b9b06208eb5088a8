"""A Container Station collector at work on a `MockNas`, with pauses that end when a test says so."""

from __future__ import annotations

import asyncio
import copy
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.collect.collecting import FakeKind, MemoryCore, Setting, until
from tests.dialects.container_station.mock_nas import PASSWORD, USER, MockNas
from tidings.auth import Principal
from tidings.collect import Collector, Collectors, CollectorStatus, Row, State
from tidings.dialects.container_station import collector
from tidings.dialects.container_station.collected import ROW
from tidings.dialects.container_station.collector_settings import NasSettings, plan
from tidings.event import Draft, Index, encode_lines
from tidings.log.base import Appended
from tidings.store import Store

INTERVAL_S = 5.0
SOURCE = "container-station/container-station"


class Killed(Exception):
    """Stands for the end of tidings: what was in memory is gone."""


class NotingCore(MemoryCore):
    """A core that knows source and id of what it stored, as the log does."""

    def __init__(self) -> None:
        super().__init__()
        self.offered: list[str] = []
        self.kill_at = 0
        """After which publish, counted from 1, nothing follows any more until the collector is run again."""
        self.publishes = 0

    async def publish(self, drafts: Sequence[Draft], who: Principal) -> Appended:
        encode_lines([copy.copy(one) for one in drafts])
        known = {(one.source, one.id) for one in self.stored}
        self.offered += [one.id for one in drafts]
        fresh = [one for one in drafts if (one.source, one.id) not in known]
        appended = await super().publish(fresh, who)
        self.publishes += 1
        if self.publishes == self.kill_at:
            raise Killed
        return appended._replace(indexes=[Index(at) for at in range(1, len(drafts) + 1)])


class NasKind(FakeKind):
    """The real kind, with pauses that end when a test says so."""

    def __init__(self, setting: Setting) -> None:
        super().__init__()
        self._setting = setting

    def load(self, name: str) -> Any:
        return self

    def prepare(self, row: Row) -> Collector:
        settings = row.read(NasSettings)
        return collector.NasCollector(settings, plan(row, settings), self._setting.pauses)


class NasSetting(Setting):
    """A setting whose collectors are Container Station's, over a log that knows what it has."""

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self.kind = NasKind(self)
        self.noting = NotingCore()
        self.core = self.noting

    @property
    def told(self) -> list[Draft]:
        """What was stored, but for gaps."""
        return [one for one in self.core.stored if one.source == SOURCE]

    @property
    def ids(self) -> list[str]:
        """Which row or line each event was, and both for a merged one; without epochs."""
        return [_short(one) for one in self.told]


def _short(draft: Draft) -> str:
    name, _, number = draft.id.split(":")
    row = (draft.extensions or {}).get(ROW)
    merged = f"+log {msgspec.json.decode(msgspec.json.decode(row))['id']}" if row else ""
    return f"{name} {number}{merged}"


class Collecting:
    """A running collector."""

    def __init__(self, setting: NasSetting, collectors: Collectors) -> None:
        self.setting, self._collectors = setting, collectors

    @property
    def status(self) -> CollectorStatus:
        return self._collectors.status()[0]

    async def polled(self) -> None:
        """Wait until a poll is over and the next one is waited for."""
        await until(lambda: self.status.state is State.LIVE and self.setting.pauses._find(looks=False))

    async def poll(self, times: int = 1) -> None:
        """Let it poll."""
        for _ in range(times):
            await self.polled()
            assert await self.setting.pauses.end() == INTERVAL_S
        await self.polled()

    async def go_on(self, polls: int = 2) -> None:
        """Let it poll, connecting again when it was killed."""
        for _ in range(polls):
            await until(lambda: self.setting.pauses._find(looks=False))
            await self.setting.pauses.end()
            await until(lambda: self.setting.pauses._find(looks=False))

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
    setting: NasSetting, nas: MockNas, context: ssl.SSLContext | None = None, path: str = "", **row: Any
) -> AsyncIterator[Collecting]:
    """Collect from *nas*, which lives no longer than this; leaving stops the collector as tidings does."""
    async with nas.serving(context):
        given = {"kind": "container-station", "url": nas.root + path, "user": USER}
        if "password_file" not in row:
            given["password"] = PASSWORD
        store = Store.open(setting.directory / "state.db")
        collectors = setting.make(store, {**given, **row})
        task = asyncio.create_task(collectors.run())
        try:
            yield Collecting(setting, collectors)
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()
