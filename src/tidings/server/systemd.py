"""Tell systemd how the server is, when it asked to be told: datagrams to $NOTIFY_SOCKET (sd_notify(3)), no library needed."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Mapping

_MICROSECONDS = 1_000_000


class Notifier:
    """Does nothing unless the environment names a socket."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        name = environment.get("NOTIFY_SOCKET", "")
        # systemd writes the zero byte of an abstract socket as "@"
        self._address = f"\0{name[1:]}" if name.startswith("@") else name
        self.watchdog_s = _watchdog_s(environment) if name else 0.0
        """The time within which it wants a sign of life, 0 for none."""

    def tell(self, state: str) -> None:
        """Send ``READY=1``, ``STOPPING=1`` or ``WATCHDOG=1``; that nobody hears it is no fault of ours."""
        if not self._address:
            return
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as sender:
            sender.setblocking(False)
            try:
                sender.sendto(state.encode(), self._address)
            except OSError:
                return

    async def keep_watchdog(self) -> None:
        """Give signs of life for as long as the event loop turns."""
        while self.watchdog_s:
            self.tell("WATCHDOG=1")
            await asyncio.sleep(self.watchdog_s / 2)


def _watchdog_s(environment: Mapping[str, str]) -> float:
    asked, process = environment.get("WATCHDOG_USEC", ""), environment.get("WATCHDOG_PID", "")
    if not asked.isdecimal() or (process and process != str(os.getpid())):
        return 0.0
    return int(asked) / _MICROSECONDS
