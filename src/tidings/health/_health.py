"""The list of warnings: raised, resolved, acknowledged, deleted; kept in the store and told of in the log."""

from __future__ import annotations

import asyncio
import uuid
from collections import deque
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn, TypeVar

import msgspec
import structlog

from tidings.auth import Principal
from tidings.clock import Clock
from tidings.core import Core
from tidings.errors import NotFound, TidingsError
from tidings.event import Draft
from tidings.health.warning import (
    HealthWarning,
    Requestor,
    WarningStatus,
    WarningType,
    read_warnings,
    write_warnings,
)
from tidings.own_events import ITSELF, own_draft
from tidings.severity import Severity
from tidings.store import Store

T = TypeVar("T")
_MOST_WARNINGS = 1_000
_MOST_UNTOLD = 1_000
_RETRY_S = 1.0
_FAREWELL_S = 2.0
_log = structlog.get_logger(__name__)


class _News(NamedTuple):
    """One event to be; *id* keeps it from being stored twice."""

    id: str
    time_ns: int
    what: str
    warning: HealthWarning
    actor: str
    requestor: Requestor | None


class Health:
    """All warnings, at most 1,000: then the one not raised for longest goes, resolved ones first.

    Making it reads the disk; from then on it lives on the event loop. `raise_` and `resolve` only change memory, so they
    never wait or fail; `run` writes down what changed, in a thread of its own, and tells the log. While the disk
    refuses it keeps each warning as it is last, and the newest 1,000 of the events to be.
    """

    def __init__(self, core: Core, clock: Clock, store: Store) -> None:
        self._core, self._clock, self._store = core, clock, store
        self._warnings = {warning.id: warning for warning in read_warnings(store)}
        self._unsaved: dict[str, HealthWarning | None] = {}
        self._untold: deque[_News] = deque(maxlen=_MOST_UNTOLD)
        self._changed = asyncio.Event()
        self._saving = asyncio.Lock()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tidings-health")

    def raise_(self, type: str, entity: str, message: str) -> None:
        """Warn that something is wrong with *entity*, once more if that is known; an acknowledged warning stays acknowledged.

        *type* is one of `WarningType`; *message* says what to do, and holds no secret.
        """
        kind, now_ns = WarningType(type), self._clock.now_ns()
        known = self._about(kind, entity)
        if known is None:
            warning = HealthWarning(
                str(uuid.uuid4()), kind, entity, message, WarningStatus.NEW, 1, now_ns, now_ns, now_ns
            )
            self._make_room()
        else:
            status = WarningStatus.NEW if known.status is WarningStatus.RESOLVED else known.status
            warning = msgspec.structs.replace(
                known, message=message, status=status, count=known.count + 1, last_ns=now_ns, updated_ns=now_ns
            )
        self._put(warning)
        if known is None or known.status is WarningStatus.RESOLVED:
            self._tell("raised", warning)

    def resolve(self, type: str, entity: str) -> None:
        """Note that this is in order again; nothing happens if it was."""
        known = self._about(WarningType(type), entity)
        if known is not None and known.status is not WarningStatus.RESOLVED:
            warning = self._with_status(known, WarningStatus.RESOLVED)
            self._put(warning)
            self._tell("resolved", warning)

    def resolve_others(self, type: str, entities: Collection[str]) -> None:
        """Resolve the warnings of *type* about anything but *entities*: at a start, when it is known what is still wrong."""
        for warning in tuple(self._warnings.values()):
            if warning.type == type and warning.entity not in entities:
                self.resolve(type, warning.entity)

    def list(self) -> list[HealthWarning]:
        """Return all warnings, resolved ones too, the oldest first."""
        return sorted(self._warnings.values(), key=lambda warning: warning.first_ns)

    def get(self, id: str) -> HealthWarning:
        """Return one of them. Raises NotFound."""
        if warning := self._warnings.get(id):
            return warning
        raise NotFound(f"there is no warning {id[:80]!r}")

    async def acknowledge(self, id: str, who: Principal, requestor: Requestor | None = None) -> HealthWarning:
        """Note that somebody knows of it; on disk when it returns. Raises NotFound, StorageError."""
        return await self._change(id, WarningStatus.ACKNOWLEDGED, "acknowledged", who, requestor)

    async def reset(self, id: str, who: Principal, requestor: Requestor | None = None) -> HealthWarning:
        """Make it new again; on disk when it returns. Raises NotFound, StorageError."""
        return await self._change(id, WarningStatus.NEW, "reset", who, requestor)

    async def delete(self, id: str, who: Principal, requestor: Requestor | None = None) -> None:
        """Forget it, on disk too when it returns; what is still wrong comes back as new. Raises NotFound, StorageError."""
        async with self._saving:
            self.get(id)
            await self.blocking(lambda: write_warnings(self._store, {id: None}))
            warning = self.get(id)
            del self._warnings[id]
            self._unsaved.pop(id, None)
        self._tell("deleted", warning, who, requestor)
        await self._told()

    async def blocking(self, work: Callable[[], T]) -> T:
        """Return what *work*, which waits for the disk, returns; run in the thread of the warnings."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def run(self) -> NoReturn:
        """Write down and tell what changes, without end; when cancelled, what is left of it."""
        try:
            while True:
                self._changed.clear()
                try:
                    await self._save()
                except TidingsError as fault:
                    _log.warning("warnings can't be saved, trying again", reason=str(fault))
                    await asyncio.sleep(_RETRY_S)
                else:
                    await self._changed.wait()
        finally:
            try:
                async with asyncio.timeout(_FAREWELL_S):
                    await self._save()
            except (TimeoutError, TidingsError) as fault:
                _log.warning("warnings are not saved", reason=str(fault) or "the disk took too long")

    def close(self) -> None:
        """End the thread, after what it is doing. Blocks."""
        self._thread.shutdown()

    async def _change(
        self, id: str, status: WarningStatus, what: str, who: Principal, requestor: Requestor | None
    ) -> HealthWarning:
        """Write first, so that an error means that nothing changed."""
        async with self._saving:
            wanted = self._with_status(self.get(id), status)
            await self.blocking(lambda: write_warnings(self._store, {id: wanted}))
            warning = self._with_status(self.get(id), status)  # it may have been raised once more meanwhile
            self._put(warning)
        self._tell(what, warning, who, requestor)
        await self._told()
        return warning

    async def _told(self) -> None:
        """Have the log told before the caller goes on, if that is possible now; `run` tries again if not."""
        with suppress(TidingsError):
            await self._save()

    async def _save(self) -> None:
        """Write down and tell what changed so far. What fails stays for the next time. Raises TidingsError."""
        async with self._saving:
            if changes := dict(self._unsaved):
                await self.blocking(lambda: write_warnings(self._store, changes))
                for id, warning in changes.items():
                    if id in self._unsaved and self._unsaved[id] is warning:
                        del self._unsaved[id]
            if news := tuple(self._untold):
                await self._core.publish([_draft(one) for one in news], ITSELF)
                told = {one.id for one in news}
                while self._untold and self._untold[0].id in told:
                    self._untold.popleft()

    def _about(self, type: WarningType, entity: str) -> HealthWarning | None:
        known = self._warnings.values()
        return next((warning for warning in known if (warning.type, warning.entity) == (type, entity)), None)

    def _with_status(self, warning: HealthWarning, status: WarningStatus) -> HealthWarning:
        return msgspec.structs.replace(warning, status=status, updated_ns=self._clock.now_ns())

    def _make_room(self) -> None:
        if len(self._warnings) < _MOST_WARNINGS:
            return
        victim = min(self._warnings.values(), key=lambda old: (old.status is not WarningStatus.RESOLVED, old.last_ns))
        _log.warning("too many warnings, one is forgotten", type=victim.type.value, entity=victim.entity)
        del self._warnings[victim.id]
        self._unsaved[victim.id] = None
        self._changed.set()

    def _put(self, warning: HealthWarning) -> None:
        self._warnings[warning.id] = self._unsaved[warning.id] = warning
        self._changed.set()

    def _tell(
        self, what: str, warning: HealthWarning, who: Principal | None = None, requestor: Requestor | None = None
    ) -> None:
        actor = who.name if who else ""
        self._untold.append(_News(str(uuid.uuid4()), self._clock.now_ns(), what, warning, actor, requestor))
        self._changed.set()


def _draft(news: _News) -> Draft:
    warning = news.warning
    payload: dict[str, Any] = {
        "id": warning.id,
        "type": warning.type.value,
        "entity": warning.entity,
        "status": warning.status.value,
        "message": warning.message,
    }
    if news.requestor:
        payload["requestor"] = news.requestor
    return own_draft(
        news.time_ns,
        f"warning-{news.what}",
        f"Warning {news.what}: {warning.message}",
        id=news.id,
        actor=news.actor,
        subject=f"warning {warning.id}",
        severity=Severity.WARNING if news.what == "raised" else Severity.NORMAL,
        payload=payload,
    )
