"""What can be wrong at the start, and what is said when nothing is."""

from __future__ import annotations

import asyncio
import os
import pty
import signal
import socket
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.logging_state import restored_logging
from tests.server.serving import serving
from tidings.config import Config, load
from tidings.errors import ConfigError, DataDirectoryBusy, StorageError, TidingsError
from tidings.server import run


def config(directory: Path, **settings: str) -> Config:
    return load(None, {}, {"data": str(directory), "listen": "127.0.0.1:0", "fsync": "false", **settings})


async def test_a_second_server_on_one_directory_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        with pytest.raises(DataDirectoryBusy, match=str(os.getpid())):
            async with serving(tmp_path):
                pass
        assert (await server.get("/v1/head")).status == 200


async def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    async with serving(tmp_path / "a") as server:
        with pytest.raises(ConfigError, match=f"can't listen on {server.server.address}: another program uses it"):
            async with serving(tmp_path / "b", listen=str(server.server.address)):
                pass


async def test_a_failed_start_leaves_the_directory_free(tmp_path: Path) -> None:
    with pytest.raises(ConfigError):
        async with serving(tmp_path, socket=str(tmp_path / ("x" * 200))):
            pass
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/head")).status == 200


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"listen": "off", "socket": "off"}, "nobody could reach"),
        ({"listen": "no-such-host.invalid:80"}, "can't listen"),
        ({"socket_group": "no-such-group"}, "no group"),
    ],
)
async def test_a_setting_that_can_not_work_is_named(tmp_path: Path, settings: dict[str, Any], reason: str) -> None:
    with pytest.raises(ConfigError, match=reason):
        async with serving(tmp_path, **settings):
            pass


async def test_a_directory_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    place = tmp_path / "file"
    place.write_text("in the way")
    with pytest.raises(StorageError, match=str(place)):
        async with serving(place / "data"):
            pass


async def test_a_directory_of_mode_read_only_is_refused(tmp_path: Path) -> None:
    place = tmp_path / "data"
    place.mkdir()
    place.chmod(0o500)
    if os.access(place, os.W_OK):
        pytest.skip("root may write everywhere")
    with pytest.raises(StorageError, match=str(place)):
        async with serving(place):
            pass


async def test_the_first_start_makes_an_admin_token_for_its_owner_only(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        assert server.server.is_first_start
        assert stat.S_IMODE((tmp_path / "admin.token").stat().st_mode) == 0o600


def test_a_start_that_fails_is_one_line_and_exit_code_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with restored_logging():
            assert run(config(tmp_path, listen=address)) == 1
    shown = capsys.readouterr()
    assert shown.out == ""
    assert [line for line in shown.err.splitlines() if line.startswith("tidings: ")] == [
        f"tidings: can't listen on {address}: another program uses it; choose another with --listen HOST:PORT"
    ]
    assert "Traceback" not in shown.err


async def test_the_command_says_where_it_is_and_stops_when_told(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tidings", "serve", "--data", str(tmp_path), "--listen", "127.0.0.1:0"]
    for _ in range(2):
        server = await asyncio.create_subprocess_exec(*command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert server.stdout is not None
        ready = (await server.stdout.readline()).decode()
        assert ready.startswith("tidings is ready: http://127.0.0.1:")
        token = (tmp_path / "admin.token").read_text().strip()
        assert token not in ready  # this output is no terminal: it may end up in a log
        assert str(tmp_path / "unix.socket") in (await server.stdout.readline()).decode()
        server.send_signal(signal.SIGTERM)
        _, errors = await server.communicate()
        assert server.returncode == 0
        assert token.encode() not in errors
        assert b"Traceback" not in errors


async def test_a_person_is_shown_the_token_at_the_first_start_only(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "tidings", "serve", "--data", str(tmp_path), "--listen", "127.0.0.1:0"]
    for start in range(2):
        terminal, inside = pty.openpty()
        server = await asyncio.create_subprocess_exec(*command, stdout=inside, stderr=subprocess.DEVNULL)
        os.close(inside)
        shown = b""
        while b"unix.socket" not in shown:
            shown += await asyncio.to_thread(os.read, terminal, 1000)
        server.send_signal(signal.SIGTERM)
        await server.wait()
        os.close(terminal)
        token = (tmp_path / "admin.token").read_bytes().strip()
        assert (b"#token=" + token in shown) == (start == 0)


async def test_a_demo_fills_an_empty_log_with_fresh_events_once(tmp_path: Path) -> None:
    async with serving(tmp_path, demo=True) as server:
        reply = await server.get("/v1/count", search="source = lxd/demo and time > -1h")
        assert reply.json["count"] >= 2814
    async with serving(tmp_path, demo=True) as server:
        assert (await server.get("/v1/count", search="source = lxd/demo")).json["count"] < 2900


async def test_every_error_of_a_start_is_one_of_ours(tmp_path: Path) -> None:
    (tmp_path / "state.db").write_text("this is no database, but it is long enough to be taken for one" * 20)
    with pytest.raises(TidingsError, match=r"state\.db is damaged"):
        async with serving(tmp_path):
            pass
