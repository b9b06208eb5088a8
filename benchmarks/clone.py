"""From a fresh clone to a ready server: what ``make serve`` takes when nothing is set up yet."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.figures import Row, at_most, not_measured
from benchmarks.server import environment, free_port
from benchmarks.wire import Connection, Unexpected
from benchmarks.workplace import scratch

TARGET_S = 60.0
_WHAT = "fresh clone to a ready server with make serve"
_LIMIT_S = 600.0


def rows(folder: Path) -> Iterator[Row]:
    """Clone the commit that is checked out into *folder* and yield how long it takes until it serves."""
    origin = Path(__file__).resolve().parents[1]
    if not (shutil.which("git") and shutil.which("make") and (origin / ".git").exists()):
        yield not_measured(_WHAT, "needs git, make and a clone to clone from")
        return
    with scratch(folder, "clone") as clone, scratch(folder, "data") as data:
        yield _measure(origin, clone, data)


def _measure(origin: Path, clone: Path, data: Path) -> Row:
    port, output = free_port(), clone.with_suffix(".log")
    began = time.perf_counter()
    subprocess.run(["git", "clone", "--quiet", str(origin), str(clone)], check=True)
    arguments = f"--data {data} --listen 127.0.0.1:{port}"
    with output.open("wb") as log:
        # a session of its own, so that make and what it starts can be ended together
        process = subprocess.Popen(
            ["make", "serve", f"ARGS={arguments}"], cwd=clone, env=environment(), stdin=subprocess.DEVNULL,
            stdout=log, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        while time.perf_counter() - began < _LIMIT_S:
            if process.poll() is not None:
                words = output.read_text(errors="replace").strip().splitlines()[-1:]
                return not_measured(_WHAT, f"make serve ended with {process.returncode}: {' '.join(words)[:200]}")
            if _is_ready(port):
                return at_most(
                    _WHAT, TARGET_S, time.perf_counter() - began, "s", "downloads included, as pip caches them"
                )
            time.sleep(0.1)
        return not_measured(_WHAT, f"not ready after {_LIMIT_S:.0f} s")
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
        process.wait()


def _is_ready(port: int) -> bool:
    try:
        with Connection(port) as connection:
            connection.get("/readyz")
            return True
    except (OSError, Unexpected):
        return False
