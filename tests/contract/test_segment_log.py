"""The embedded log keeps the contract: freshly written, while it is being indexed, and sealed in small segments."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

import pytest

from tests.contract.log_suite import LogSuite, OpenLog, draft
from tidings.clock import SystemClock
from tidings.log.base import Log
from tidings.log.segments import SegmentLog, SegmentOptions


async def wait_until_sealed(log: SegmentLog, segments: int) -> None:
    """Wait until there are that many sealed segments."""
    async with asyncio.timeout(30):
        while len(log.maintenance.state.manifest.segments) < segments:  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.02)


class TestSegmentLog(LogSuite):
    options: ClassVar = SegmentOptions(durable=False, segment_events=3000)

    @pytest.fixture
    def open_log(self, tmp_path: Path) -> OpenLog:
        @asynccontextmanager
        async def opened() -> AsyncIterator[Log]:
            async with SegmentLog(tmp_path, SystemClock(), self.options) as log:
                yield log

        return opened

    async def fill_so_that_something_can_be_trimmed(self, log: Log) -> None:
        assert isinstance(log, SegmentLog)
        for n in range(3):
            await log.append([draft(n + k) for k in range(self.options.segment_events)])
        await wait_until_sealed(log, 2)
        await log.append([draft(1)])


class TestSegmentLogOfManySmallSegments(TestSegmentLog):
    options: ClassVar = SegmentOptions(durable=False, segment_events=64, merge_events=256, seal_idle_s=0.05)
