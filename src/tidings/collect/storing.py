"""Storing what must not be dropped: a busy log and a disk that refuses are waited out."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from tidings.auth import Principal
from tidings.core import Core
from tidings.errors import Busy, StorageError
from tidings.event import Draft
from tidings.following import Backoff
from tidings.log.base import Appended

Pause = Callable[[float], Awaitable[None]]
"""Sleeps for some seconds."""

T = TypeVar("T")


async def store(core: Core, drafts: Sequence[Draft], who: Principal, insist: Insistence) -> Appended:
    """Publish *drafts*, however long it takes. An append stores all or nothing, so trying again repeats nothing."""
    nameless = [draft for draft in drafts if not draft.id]

    async def publish() -> Appended:
        for draft in nameless:
            draft.id = ""  # a failed attempt may have given it its index, which is somebody else's by now
        return await core.publish(drafts, who)

    return await insist.on(publish)


class Insistence:
    """Does something again and again until the disk lets it. *holding* is told why it waits, and nothing when it goes on."""

    def __init__(self, backoff: Backoff, pause: Pause, holding: Callable[[str], None]) -> None:
        self._backoff, self._pause, self._holding = backoff, pause, holding

    async def on(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what *work* returns. Any error but Busy and StorageError is raised."""
        refusals = 0
        while True:
            try:
                done = await work()
            except Busy as fault:
                reason, delay_s = str(fault), float(fault.retry_after_s)
            except StorageError as fault:
                reason, delay_s = str(fault), self._backoff.delay_s(refusals)
            else:
                if refusals:
                    self._holding("")
                return done
            refusals += 1
            self._holding(reason)
            await self._pause(delay_s)
