"""Start on a log that is there, the memory of an idle server, and how quick the command line is."""

from __future__ import annotations

import signal
import statistics
import subprocess
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.figures import Row, at_most, plain, spread
from benchmarks.server import ENTRY, Server, environment

TARGET_START_S, TARGET_RSS_MB, TARGET_HELP_MS, TARGET_SEARCH_MS = 1.0, 80.0, 200.0, 400.0
_STARTS, _COMMANDS = 5, 15
_IDLE_S = 5.0


def rows(data: Path, count: int) -> Iterator[Row]:
    """Yield the rows for the log in *data*, on which no server runs."""
    took = [_start(data, signal.SIGTERM) for _ in range(_STARTS)]
    name = f"start on {count:,} events until /readyz"
    yield at_most(name, TARGET_START_S, statistics.median(took), "s", spread(took, "s"))
    _start(data, signal.SIGKILL)
    yield plain(f"{name}, after SIGKILL", _start(data, signal.SIGTERM), "s")
    with Server(data) as server:
        time.sleep(_IDLE_S)
        workers = server.workers_rss_mb()
        note = f"{_IDLE_S:.0f} s after the start; its workers take {workers:.0f} MB beside it"
        yield at_most("idle RSS", TARGET_RSS_MB, server.rss_mb(), "MB", note)
        took = _commands(("--help",))
        yield at_most("tidings --help, p50", TARGET_HELP_MS, statistics.median(took), "ms", spread(took, "ms"))
        took = _commands(("search", "--max", "20", "--data", str(data)))
        yield at_most("tidings search, p50", TARGET_SEARCH_MS, statistics.median(took), "ms", spread(took, "ms"))


def _start(data: Path, end: signal.Signals) -> float:
    with Server(data) as server:
        server.stop(end)
        return server.start_s


def _commands(words: Sequence[str]) -> list[float]:
    """Return how many milliseconds each run of a command took; the first, which may compile, doesn't count."""
    took = []
    for _ in range(_COMMANDS + 1):
        began = time.perf_counter()
        subprocess.run(
            [*ENTRY, *words], env=environment(), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )
        took.append((time.perf_counter() - began) * 1e3)
    return took[1:]
