"""Fan-out: one stream to many WebSocket readers, how fast, how soon, and what readers cost that never read."""

from __future__ import annotations

import json
import statistics
import subprocess
import threading
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchmarks import compiling, events
from benchmarks.figures import Row, at_least, at_most, not_measured, number, plain, spread
from benchmarks.server import Server

READERS, STALLED, BESIDE_STALLED = 500, 100, 100
TARGET_PER_S, TARGET_P99_MS, TARGET_STALLED_MB = 1_000_000, 10.0, 20.0
_BATCH, _WINDOW = 100, 400
_EVENTS, _RUNS = 4_000, 3
_PACED_PER_S, _PACED_S = 100, 10
_LIMIT_S = 120.0


class Run(NamedTuple):
    """What the readers got, how many deliveries a second that was, and how many cores the server took."""

    got: dict[str, Any]
    per_s: float
    cores: float


class Readers:
    """The client in C with its open streams; use it with ``with``."""

    def __init__(self, program: Path, server: Server, live: int, stalled: int, expected: int, latency: bool) -> None:
        numbers = map(str, (live, stalled, expected, _LIMIT_S, int(latency)))
        self._process = subprocess.Popen(
            [str(program), str(server.socket), *numbers], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        self._lines = self._process.stdout
        self._slowest, self._result = 0, ""
        self._news = threading.Condition()
        self._listener = threading.Thread(target=self._listen, daemon=True)

    def __enter__(self) -> Self:
        if self._lines.readline() != "ready\n":
            self._process.wait()
            raise RuntimeError("the readers couldn't connect")
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        if kind is not None:
            self._process.kill()
        self._process.wait()
        self._lines.close()

    def wait_until_slowest_has(self, count: int) -> None:
        """Return when every reader has *count* frames, or no more are to be expected."""
        with self._news:
            self._news.wait_for(lambda: self._slowest >= count or self._result, _LIMIT_S)

    def result(self) -> dict[str, Any]:
        """Return what they got, when they have got it all; their streams stay open."""
        with self._news:
            self._news.wait_for(lambda: self._result, _LIMIT_S + 10)
        got: dict[str, Any] = json.loads(self._result)
        return got

    def _listen(self) -> None:
        for line in self._lines:
            with self._news:
                if line.startswith("at "):
                    self._slowest = int(line[3:])
                else:
                    self._result = line
                self._news.notify_all()
            if self._result:
                return


def rows(server: Server, path: Path, folder: Path) -> Iterator[Row]:
    """Yield the rows for an empty server; *path* holds events to publish, *folder* is for files of this measurement."""
    program = compiling.compiled("fanout", folder)
    if program is None:
        yield not_measured(f"fan-out to {READERS} WebSocket readers", compiling.NO_COMPILER)
        return
    bodies = events.bodies(path, _BATCH)[: _EVENTS // _BATCH]
    yield from _throughput(program, server, bodies)
    yield _latency(program, server)
    yield from _stalled(program, server, bodies)


def _throughput(program: Path, server: Server, bodies: Sequence[memoryview]) -> Iterator[Row]:
    name = f"fan-out to {READERS} WebSocket readers"
    for window, what in ((_WINDOW, f"{_WINDOW} events under way"), (0, "publisher doesn't wait for them")):
        runs = [_burst(program, server, READERS, 0, bodies, window)[0] for _ in range(_RUNS)]
        per_s = [run.per_s for run in runs]
        note = f"{spread(per_s, '/s')}; cores {number(max(run.cores for run in runs))}{_faults(runs, bodies)}"
        middle = statistics.median(per_s)
        if window:
            yield at_least(f"{name}, {what}", TARGET_PER_S, middle, "deliveries/s", note)
        else:
            yield plain(f"{name}, {what}", middle, "deliveries/s", note)


def _latency(program: Path, server: Server) -> Row:
    count = _PACED_PER_S * _PACED_S
    with Readers(program, server, READERS, 0, count, latency=True) as readers, server.connect() as connection:
        start = time.perf_counter()
        for number_of in range(count):
            time.sleep(max(0.0, start + number_of / _PACED_PER_S - time.perf_counter()))
            connection.publish(_event_of_now(number_of))
        got = readers.result()
    name = f"fan-out, {_PACED_PER_S} events/s to {READERS} readers: publish to delivery p99"
    lost = "" if got["slowest"] == count else f"; the slowest reader got {got['slowest']} of {count}"
    note = f"p50 {number(got['p50_ms'])}, max {number(got['max_ms'])} ms, commit on disk included{lost}"
    return at_most(name, TARGET_P99_MS, got["p99_ms"], "ms", note)


def _stalled(program: Path, server: Server, bodies: Sequence[memoryview]) -> Iterator[Row]:
    alone = [_burst(program, server, BESIDE_STALLED, 0, bodies, _WINDOW) for _ in range(_RUNS)]
    beside = [_burst(program, server, BESIDE_STALLED, STALLED, bodies, _WINDOW) for _ in range(_RUNS)]
    cost = max(rss for _, rss in beside) - max(rss for _, rss in alone)
    held = sum(map(len, bodies)) / 1e6
    note = f"{number(max(rss for _, rss in beside))} MB RSS, each {number(held)} MB behind"
    yield at_most(f"{STALLED} stalled readers cost", TARGET_STALLED_MB, max(cost, 0.0), "MB", note)
    without, with_them = (statistics.median(run.per_s for run, _ in runs) for runs in (alone, beside))
    name = f"fan-out to {BESIDE_STALLED} readers beside {STALLED} stalled ones"
    note = f"{number(without)}/s without them{_faults([run for run, _ in beside], bodies)}"
    yield plain(name, with_them, "deliveries/s", note)


def _burst(
    program: Path, server: Server, live: int, stalled: int, bodies: Sequence[memoryview], window: int
) -> tuple[Run, float]:
    """Publish *bodies*, at most *window* events ahead of the slowest reader (0: not waiting); also return the RSS after it."""
    expected = len(bodies) * _BATCH
    with Readers(program, server, live, stalled, expected, latency=False) as readers, server.connect() as connection:
        cpu, start = server.cpu_s()[0], time.monotonic()
        for done, body in enumerate(bodies):
            if window:
                readers.wait_until_slowest_has((done + 1) * _BATCH - window)
            connection.publish(body)
        got = readers.result()
        seconds = got["last_s"] - start
        run = Run(got, got["frames"] / seconds, (server.cpu_s()[0] - cpu) / seconds)
        return run, server.rss_mb()


def _event_of_now(count: int) -> bytes:
    now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
    return (
        f'{{"time":"{now}","source":"fanout","type":"lxd.lifecycle.instance-started","severity":"info","actor":"root",'
        f'"subject":"/1.0/instances/web-{count % 100:04d}","project":"default","message":"Started instance {count}",'
        f'"data":{{"type":"lifecycle","filler":"{"x" * 300}"}}}}'
    ).encode()


def _faults(runs: Sequence[Run], bodies: Sequence[memoryview]) -> str:
    """Say what is wrong with what the readers got, if anything is."""
    missing = sum(len(bodies) * _BATCH - min(run.got["slowest"], len(bodies) * _BATCH) for run in runs)
    found = {"missing": missing, "breaks": 0, "closed": 0}
    for run in runs:
        found["breaks"] += run.got["breaks"]
        found["closed"] += run.got["closed"]
    words = ", ".join(f"{count} {what}" for what, count in found.items() if count)
    return f"; FAULTS: {words}" if words else ""
