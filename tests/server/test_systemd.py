"""What systemd is told."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.server.serving import serving
from tidings.server.systemd import Notifier


@pytest.fixture
def hearing(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(tmp_path / "notify"))
        sock.setblocking(False)
        yield sock


async def test_it_hears_of_start_and_stop(
    tmp_path: Path, hearing: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", hearing.getsockname())
    async with serving(tmp_path / "data"):
        assert hearing.recv(100) == b"READY=1"
    assert hearing.recv(100) == b"STOPPING=1"


async def test_it_gets_signs_of_life_when_it_asked_for_them(hearing: socket.socket) -> None:
    notifier = Notifier(
        {"NOTIFY_SOCKET": hearing.getsockname(), "WATCHDOG_USEC": "20000", "WATCHDOG_PID": str(os.getpid())}
    )
    loop = asyncio.get_running_loop()
    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(notifier.keep_watchdog())
        for _ in range(3):
            assert await loop.sock_recv(hearing, 100) == b"WATCHDOG=1"
        keeping.cancel()


def test_an_abstract_socket_is_written_with_an_at_sign() -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind("")
        name = sock.getsockname().decode()
        Notifier({"NOTIFY_SOCKET": f"@{name[1:]}"}).tell("READY=1")
        assert sock.recv(100) == b"READY=1"


@pytest.mark.parametrize(
    "environment",
    [{}, {"NOTIFY_SOCKET": "/nobody/listens"}, {"NOTIFY_SOCKET": "/x", "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}],
)
async def test_nobody_listening_is_no_fault(environment: dict[str, str]) -> None:
    notifier = Notifier(environment)
    notifier.tell("READY=1")
    await notifier.keep_watchdog()
