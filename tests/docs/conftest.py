import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.documents import ROOT

SHOWN_ADDRESS = "127.0.0.1:8600"
READY = re.compile(r"tidings is ready: http://([^/]+)/")


class Reader(NamedTuple):
    """Somebody who follows the documentation: a home, a place to type in, and a fresh server that listens on *address*."""

    directory: Path
    environment: dict[str, str]
    address: str


@pytest.fixture
def reader() -> Iterator[Reader]:
    # pytest's own temporary paths are too long for a Unix socket below them
    with tempfile.TemporaryDirectory(prefix="tidings-docs-") as home:
        directory = Path(home) / "checkout"
        directory.mkdir()
        for name in ("src", "examples"):
            (directory / name).symlink_to(ROOT / name)
        environment = _environment(Path(home))
        command = ["tidings", "serve", "--listen", "127.0.0.1:0", "--tls-listen", "127.0.0.1:0"]
        with (
            (Path(home) / "server.log").open("wb") as log,
            subprocess.Popen(
                command, cwd=home, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
            ) as server,
        ):
            try:
                assert server.stdout is not None
                ready = READY.match(server.stdout.readline())
                assert ready, (Path(home) / "server.log").read_text(encoding="utf-8")
                yield Reader(directory, environment, ready[1])
            finally:
                server.terminate()
        assert server.returncode == 0, (Path(home) / "server.log").read_text(encoding="utf-8")


def _environment(home: Path) -> dict[str, str]:
    """Return what a login shell would have, and a ``tidings`` that is the one under test, installed or not."""
    for name, arguments in (("tidings", "-m tidings"), ("python", "")):
        launcher = home / "bin" / name
        launcher.parent.mkdir(exist_ok=True)
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" {arguments} "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)
    return {
        "HOME": str(home),
        "PATH": f"{home / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": os.pathsep.join((str(ROOT / "src"), os.environ.get("PYTHONPATH", ""))),
        "TZ": "UTC",
        "LANG": "C.UTF-8",
    }


@pytest.fixture
def curl() -> None:
    if shutil.which("curl") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("curl is missing: apt-get install curl")
        pytest.skip("curl is missing: sudo apt-get install curl")
