"""A look now and then at how full the disk is."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn, Protocol, TypeVar

import structlog

from tidings.health.warning import WarningType

T = TypeVar("T")
_LOOK_EVERY_S = 60.0
_MIB = 1024 * 1024
_log = structlog.get_logger(__name__)


class Warnings(Protocol):
    """Where to say that the disk is nearly full, and a thread to look at it in."""

    def raise_(self, type: str, entity: str, message: str) -> None:
        """Warn."""

    def resolve(self, type: str, entity: str) -> None:
        """Warn no longer."""

    async def blocking(self, work: Callable[[], T]) -> T:
        """Return what *work* returns."""


def free_bytes(directory: Path) -> int:
    """Return how many bytes the server may still write to *directory*'s file system. Raises OSError."""
    return shutil.disk_usage(directory).free


async def watch_disk(
    health: Warnings, directory: Path, low_bytes: int, free: Callable[[Path], int] = free_bytes
) -> NoReturn:
    """Look each minute whether less than *low_bytes* are free, and warn; without end."""
    while True:
        await look_at_disk(health, directory, low_bytes, free)
        await asyncio.sleep(_LOOK_EVERY_S)


async def look_at_disk(health: Warnings, directory: Path, low_bytes: int, free: Callable[[Path], int]) -> None:
    """Look once. A warning is resolved only when a tenth more is free than it needs, so that it doesn't come and go."""
    try:
        left = await health.blocking(lambda: free(directory))
    except OSError as fault:
        _log.warning("can't see how full the disk is", directory=str(directory), reason=str(fault))
        return
    if left < low_bytes:
        message = (
            f"{left // _MIB} MiB are free for {directory}, less than the {low_bytes // _MIB} MiB of disk_low;"
            " free space, or let retention delete old events"
        )
        health.raise_(WarningType.DISK_NEARLY_FULL, str(directory), message)
    elif left * 10 >= low_bytes * 11:
        health.resolve(WarningType.DISK_NEARLY_FULL, str(directory))
