"""Logs in a temporary directory, and waiting for their background work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

import pytest

from tidings.clock import SystemClock
from tidings.log.segments import SegmentLog, SegmentOptions

SMALL = SegmentOptions(durable=False, segment_events=64, merge_events=10_000, seal_idle_s=30)


@pytest.fixture
def open_log(tmp_path: Path) -> Callable[..., AbstractAsyncContextManager[SegmentLog]]:
    """Open the same directory again at each call."""
    return lambda options=SMALL: SegmentLog(tmp_path, SystemClock(), options)


async def until(condition: Callable[[], bool]) -> None:
    """Wait for what a background process will bring about."""
    async with asyncio.timeout(30):
        while not condition():  # noqa: ASYNC110 - another process does the work
            await asyncio.sleep(0.01)
