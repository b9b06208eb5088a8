"""The Unix socket's file."""

from __future__ import annotations

import grp
import os
import socket
import stat
from pathlib import Path

import pytest

from tidings.errors import ConfigError
from tidings.server.listeners import unix_socket


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_for_its_owner_only_unless_a_group_is_named(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with unix_socket(path, ""):
        assert mode(path) == 0o600
    group = grp.getgrgid(os.getegid()).gr_name
    with unix_socket(path, group):
        assert mode(path) == 0o660
        assert path.stat().st_gid == os.getegid()
    assert not path.exists()


def test_what_a_dead_server_left_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    with unix_socket(path, "") as sock:
        assert sock.getsockname() == str(path)


def test_what_a_living_server_uses_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with (
        unix_socket(path, ""),
        pytest.raises(ConfigError, match="another server listens"),
        unix_socket(path, ""),
    ):
        pass


def test_a_file_in_the_way_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "s"
    path.write_text("precious")
    with pytest.raises(ConfigError, match="in the way"), unix_socket(path, ""):
        pass
    assert path.read_text() == "precious"


def test_a_path_too_long_for_a_socket_is_told_with_its_length(tmp_path: Path) -> None:
    path = tmp_path / ("x" * 120)
    with pytest.raises(ConfigError, match=f"has {len(str(path))} bytes, more than the 107"), unix_socket(path, ""):
        pass


def test_a_folder_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"), unix_socket(tmp_path / "no" / "s", ""):
        pass


def test_a_file_that_somebody_else_put_there_meanwhile_stays(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with unix_socket(path, ""):
        path.unlink()
        path.write_text("another's")
    assert path.read_text() == "another's"
