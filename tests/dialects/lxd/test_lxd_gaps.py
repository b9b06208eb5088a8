"""Where the gaps between two connections to LXD begin: where it was sure for the last time that nothing was missed."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from tests.collect.collecting import Setting, gap, until
from tests.dialects.lxd.collecting_lxd import collecting, frame
from tidings.collect import Backlog, State
from tidings.dialects.lxd import collector
from tidings.errors import Busy, StorageError
from tidings.event import Draft
from tidings.log.base import Appended


async def test_a_connection_that_ends_without_a_sign_of_life_closes_no_gap(setting: Setting) -> None:
    async with collecting(setting) as running:
        (await running.live()).abort()
        reason = await running.refused()
        await setting.pauses.end()
        (await running.daemon.connection()).abort()
        await until(lambda: running.status.state is State.WAITING)
        await setting.pauses.end()
        await running.live()
        assert setting.core.messages == [reason]
        assert running.status.reconnects == 1


async def test_what_lay_unread_while_the_log_refused_does_not_shorten_the_gap(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    puts: list[Draft] = []

    class Small(Backlog):
        def __init__(self) -> None:
            super().__init__(max_events=1)

        async def put(self, draft: Draft, size: int) -> None:
            puts.append(draft)
            await super().put(draft, size)

    monkeypatch.setattr(collector, "Backlog", Small)
    async with collecting(setting) as running:
        connection = await running.live()
        setting.core.refusals = [StorageError("the disk is full")]
        heard = setting.now
        # the first is being stored, the second waits for it, the third for room, and the others lie unread
        await connection.send(*(frame(number) for number in range(5)))
        await until(lambda: len(puts) == 3)
        connection.abort()
        setting.clock.advance(3600)
        await setting.pauses.end()
        await until(lambda: len(running.stored) >= 3)
        await running.refused()
        await setting.pauses.end()
        await running.live()
        assert gap(setting.core.gaps[0])["from"] == heard


async def test_what_arrives_while_the_gap_is_being_recorded_is_not_taken_for_stored(setting: Setting) -> None:
    publish = setting.core.publish

    async def hang(drafts: Any, who: Any) -> Appended:
        if drafts[0].type != "tidings.collector-gap":
            await asyncio.Event().wait()
        return await publish(drafts, who)

    async with collecting(setting) as running:
        (await running.live()).abort()
        await running.refused()
        setting.core.refusals = [Busy("full")]
        await setting.pauses.end()
        connection = await running.daemon.connection()
        await connection.ping()
        await until(lambda: running.status.state is State.WAITING)
        heard = setting.now
        setting.clock.advance(5)
        setting.core.publish = hang  # type: ignore[method-assign]
        await connection.send(frame(0))
        await connection.ping(b"all sent")
        await until(lambda: b"all sent" in connection.pongs)
        await setting.pauses.end()
        await until(lambda: running.status.state is State.LIVE)
    setting.core.publish = publish  # type: ignore[method-assign]
    async with collecting(setting) as running:
        await running.live()
        assert gap(setting.core.gaps[1])["from"] == heard
