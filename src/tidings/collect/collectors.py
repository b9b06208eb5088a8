"""Runs all collectors: tries again after each failure, remembers where each is, and says when one is down."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NoReturn

import structlog

from tidings.clock import Clock
from tidings.collect.base import Collector, Kind, Warnings
from tidings.collect.feed import Feed, Tools
from tidings.collect.places import Place, Places
from tidings.collect.settings import Row
from tidings.collect.status import CollectorStatus
from tidings.collect.storing import Pause
from tidings.core import Core
from tidings.errors import ConfigError, NotFound, StorageError, TidingsError
from tidings.following import Backoff
from tidings.store import Store

DOWN = "collector-down"
"""The type of the warning about a collector that isn't live."""

_WARN_AFTER_S = 60
_LOOK_EVERY_S = 2.0
# Backoff pauses for between half and the whole of a step: so this is 1 to 2 s at first and 30 to 60 s at last.
_FIRST_STEP_S, _LAST_STEP_S = 2.0, 60.0
_MAX_REASON = 500
_log = structlog.get_logger(__name__)

LoadKind = Callable[[str], Kind]
"""Returns a kind by its name. Raises NotFound, naming those there are."""


class Collectors:
    """All collectors of a configuration. Making it blocks on the disk; `run` makes them work."""

    def __init__(
        self, core: Core, clock: Clock, store: Store, rows: Sequence[Mapping[str, Any]], load_kind: LoadKind,
        warnings: Warnings, data: Path, *, pause: Pause = asyncio.sleep, jitter: Callable[[], float] = random.random,
    ) -> None:  # fmt: skip
        """Read *rows*, the ``[[collect]]`` tables; *data* is the data directory. Raises ConfigError, StorageError."""
        self._warnings, self._pause = warnings, pause
        self._backoff = Backoff(_FIRST_STEP_S, _LAST_STEP_S, pause, jitter)
        self._places = Places(store)
        places = self._places.load()
        tools = Tools(core, clock, self._backoff, pause, self._save)
        self._feeds = [
            Feed(one, places.get((one.settings.kind, one.settings.name), Place()), tools)
            for one in _prepare(rows, load_kind, data)
        ]
        self._warned: dict[Feed, bool] = {}

    def status(self) -> list[CollectorStatus]:
        """Return how each collector is, in the order of the configuration."""
        return [feed.status for feed in self._feeds]

    async def run(self) -> None:
        """Collect until cancelled; returns at once when there is no collector."""
        if not self._feeds:
            return
        try:
            async with asyncio.TaskGroup() as group:
                for feed in self._feeds:
                    group.create_task(self._collect(feed), name=f"tidings-collect-{feed.name}")
                group.create_task(self._watch(), name="tidings-collect-watch")
        finally:
            for feed in self._feeds:
                feed.stop()
            await self._save_changed()
            self._places.close()

    async def _collect(self, feed: Feed) -> NoReturn:
        attempt = 0
        while True:
            feed.begin()
            reason = await _fail(feed)
            # Python 3.11: a task group that is cancelled while it fails raises the failure alone, and the cancellation is lost.
            if (task := asyncio.current_task()) is not None and task.cancelling():
                raise asyncio.CancelledError
            if feed.lost(reason):
                attempt = 0
            delay_s = self._backoff.delay_s(attempt)
            attempt += 1
            _log.warning("collector is not connected", collector=feed.name, reason=reason, retry_s=round(delay_s, 1))
            await self._pause(delay_s)

    async def _watch(self) -> NoReturn:
        """Every now and then, so that collectors needn't wait for it: save where they are, warn of those that are down."""
        while True:
            await self._pause(_LOOK_EVERY_S)
            await self._save_changed()
            for feed in self._feeds:
                self._warn(feed)

    def _warn(self, feed: Feed) -> None:
        entity = f"collector {feed.name}"
        if feed.is_live:
            # The first time too: a warning may be left from before a restart.
            if self._warned.get(feed, True):
                self._warnings.resolve(DOWN, entity)
            self._warned[feed] = False
        elif feed.down_s >= _WARN_AFTER_S and not self._warned.get(feed):
            self._warnings.raise_(DOWN, entity, f"no events of {feed.source} are collected: {feed.detail}")
            self._warned[feed] = True

    async def _save_changed(self) -> None:
        changed = [feed for feed in self._feeds if feed.is_changed]
        try:
            await self._save(*changed)
        except StorageError as fault:  # the next time may be better; until then a kill makes the recorded gap longer
            _log.warning("where collectors are is not saved", reason=str(fault))

    async def _save(self, *feeds: Feed) -> None:
        if not feeds:
            return
        for feed in feeds:
            feed.is_changed = False
        try:
            await self._places.save({feed.key: feed.place for feed in feeds})
        except BaseException:
            for feed in feeds:
                feed.is_changed = True
            raise


def _prepare(rows: Sequence[Mapping[str, Any]], load_kind: LoadKind, data: Path) -> list[Collector]:
    """Return the collectors that *rows* ask for. Raises ConfigError for the first fault."""
    made: dict[str, Collector] = {}
    for number, values in enumerate(rows, 1):
        row = Row(values, number, data)
        try:
            kind = load_kind(row.kind)
        except NotFound as fault:
            raise ConfigError(f"{row.title}: {fault}") from None
        collector = kind.prepare(row)
        name = collector.settings.name
        if name in made:
            raise ConfigError(f"{row.title}: another collector has the name {name!r}; give each a name of its own")
        made[name] = collector
    return list(made.values())


async def _fail(feed: Feed) -> str:
    """Run the collector until it fails; return why."""
    try:
        await feed.collector.run(feed)
    except Exception as fault:  # noqa: BLE001 (the top of a task; a fault of ours must not end the collecting)
        cause = _first(fault)
        if isinstance(cause, TidingsError | OSError):
            return " ".join(str(cause).split())[:_MAX_REASON] or type(cause).__name__
        _log.exception("collector failed", collector=feed.name)
        return f"a fault of tidings itself ({type(cause).__name__}); its log has the details"
    return "the collector ended by itself"


def _first(fault: Exception) -> Exception:
    """Return what a task group wrapped."""
    while isinstance(fault, ExceptionGroup):
        fault = fault.exceptions[0]
    return fault
