"""Writing a file as a whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidings.errors import StorageError
from tidings.server.durable_file import PRIVATE, write_file


def test_a_file_is_replaced_and_nothing_else_is_left(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.write_bytes(b"before")
    write_file(path, b"after", PRIVATE)
    assert path.read_bytes() == b"after"
    assert path.stat().st_mode & 0o777 == PRIVATE
    assert list(tmp_path.iterdir()) == [path]


def test_what_can_not_be_put_into_place_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "key"
    path.mkdir()
    with pytest.raises(StorageError, match=r"can't write .*key: Is a directory"):
        write_file(path, b"after", PRIVATE)
    assert list(tmp_path.iterdir()) == [path]
