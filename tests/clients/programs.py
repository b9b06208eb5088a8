"""Real programs that tests drive: a test says what it needs, and is skipped with the reason where that isn't there."""

import os
import shutil
from typing import NoReturn

import pytest

_PACKAGES = {"busybox": "busybox-static", "lxc": "lxd-client", "soffice": "libreoffice-calc-nogui"}


def need(*programs: str) -> None:
    """Skip unless all *programs* are installed."""
    missing = [program for program in programs if shutil.which(program) is None]
    if missing:
        packages = " ".join(_PACKAGES.get(program, program) for program in missing)
        pytest.skip(f"{', '.join(missing)} is missing: sudo apt-get install {packages}")


def need_root(reason: str) -> None:
    """Skip, or in CI fail, unless the tests run as root."""
    if os.geteuid() != 0:
        cannot_run(f"{reason}: run the tests as root")


def cannot_run(reason: str) -> NoReturn:
    """Skip because of this machine; in CI, where somebody counts on the proof, fail."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)
