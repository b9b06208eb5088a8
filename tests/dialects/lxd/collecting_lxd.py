"""A collector of the kind ``lxd`` at work on a stand-in for the daemon."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.collect.collecting import FakeKind, Setting, until
from tests.dialects.lxd.mock_lxd import Connection, MockLxd
from tidings.collect import Collectors, CollectorStatus, State
from tidings.dialects.lxd import collector
from tidings.event import Draft, payload_of
from tidings.store import Store

PROJECT_CREATED = (
    b'{"type":"lifecycle","timestamp":"2026-11-20T22:28:16.283896189Z","metadata":{"action":"project-created",'
    b'"source":"/1.0/projects/p%d"},"location":"node1","project":"default"}'
)


def frame(number: int) -> bytes:
    return PROJECT_CREATED % number


class LxdKinds(FakeKind):
    """The real kinds."""

    def load(self, name: str) -> Any:
        return collector


class Collecting:
    """A running collector and its daemon."""

    def __init__(self, setting: Setting, daemon: MockLxd, collectors: Collectors) -> None:
        self.setting, self.daemon, self._collectors = setting, daemon, collectors

    @property
    def status(self) -> CollectorStatus:
        return self._collectors.status()[0]

    @property
    def stored(self) -> list[Draft]:
        return self.setting.core.stored

    @property
    def payloads(self) -> list[bytes]:
        return [payload_of(one) for one in self.stored]

    async def live(self) -> Connection:
        """Wait for the next connection, make it live."""
        connection = await self.daemon.connection()
        await connection.ping()
        await until(lambda: self.status.state is State.LIVE)
        return connection

    async def refused(self) -> str:
        """Wait until it is not connected; return why."""
        await until(lambda: self.status.state is State.WAITING)
        return self.status.detail


@asynccontextmanager
async def collecting(setting: Setting, daemon: MockLxd | None = None, **row: Any) -> AsyncIterator[Collecting]:
    """Collect from a daemon on a Unix socket, or from where *row* says."""
    daemon = daemon or MockLxd()
    path = setting.directory / "lxd.socket"
    store = Store.open(setting.directory / "state.db")
    collectors = setting.make(store, {"kind": "lxd", "url": f"unix:{path}", **row})
    async with daemon.serving(path):
        task = asyncio.create_task(collectors.run())
        try:
            yield Collecting(setting, daemon, collectors)
        finally:
            task.cancel()
            await asyncio.wait([task])
            store.close()
