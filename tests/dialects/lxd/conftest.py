"""A setting in which the real collector of LXD runs."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.collect.collecting import Setting
from tests.dialects.lxd.collecting_lxd import LxdKinds


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="td") as name:
        yield Path(name)


@pytest.fixture
def setting(folder: Path) -> Setting:
    made = Setting(folder)
    made.kind = LxdKinds()
    return made
