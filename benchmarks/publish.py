"""Publish in batches of 1,000 over keep-alive connections; the bodies are built before the clock starts."""

from __future__ import annotations

import http.client
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from benchmarks import events
from benchmarks.figures import Row, at_least, at_most, number, percentile
from benchmarks.server import Server
from benchmarks.wire import Unexpected

TARGET_PER_S = 120_000
TARGET_SLOWDOWN = 10.0


class Run(NamedTuple):
    """One run: when each batch was acknowledged and how long that took, in seconds since the first byte, and what it cost."""

    acknowledged: list[float]
    took: list[float]
    cores: float
    worker_cores: float
    peak_mb: float

    @property
    def seconds(self) -> float:
        """From the first byte sent to the last acknowledgement."""
        return self.acknowledged[-1]


def load(server: Server, path: Path, connections: int) -> Run:
    """Publish every event of *path* and return how it went."""
    bodies = events.bodies(path)
    before = server.cpu_s()
    finished = _send(server, bodies, connections)
    cpu = [after - start for after, start in zip(server.cpu_s(), before, strict=True)]
    finished.sort()
    seconds = finished[-1][0]
    return Run(
        [at for at, _ in finished],
        [took for _, took in finished],
        cpu[0] / seconds,
        cpu[1] / seconds,
        server.peak_mb(),
    )


def rows(run: Run, count: int, connections: int) -> Iterator[Row]:
    """Yield the rows of one run."""
    name = f"publish, batches of {events.BATCH:,}, {connections} connection{'s' if connections > 1 else ''}"
    note = (
        f"ack p50 {number(statistics.median(run.took) * 1e3)}, p99 {number(percentile(run.took, 0.99) * 1e3)} ms; "
        f"cores {number(run.cores)} + workers {number(run.worker_cores)}; peak RSS {number(run.peak_mb)} MB"
    )
    yield at_least(name, TARGET_PER_S, count / run.seconds, "events/s", note)
    first, last = quarters(run)
    slower = (1 - last / first) * 100
    note = f"first {number(first)}, last {number(last)} events/s"
    yield at_most(f"{name}: last quarter slower than the first by", TARGET_SLOWDOWN, slower, "%", note)


def quarters(run: Run) -> tuple[float, float]:
    """Return the rate, in events a second, of the first and of the last quarter of the batches."""
    share = max(1, len(run.acknowledged) // 4)
    start = run.acknowledged[-share - 1] if len(run.acknowledged) > share else 0.0
    return share * events.BATCH / run.acknowledged[share - 1], share * events.BATCH / (run.seconds - start)


def _send(server: Server, bodies: Sequence[memoryview], connections: int) -> list[tuple[float, float]]:
    """Return for each body when it was acknowledged and how long it took."""
    work, finished = iter(bodies), list[tuple[float, float]]()
    faults: list[Exception] = []
    ready = threading.Barrier(connections + 1)
    start = [0.0]

    def publish() -> None:
        try:
            with server.connect() as connection:
                connection.get("/v1/head")  # connected before the clock starts
                ready.wait()
                ready.wait()
                for body in work:  # a list's iterator hands out each body once, whichever thread asks
                    sent = time.perf_counter()
                    connection.publish(body)
                    done = time.perf_counter()
                    finished.append((done - start[0], done - sent))
        except threading.BrokenBarrierError:
            pass  # another connection failed
        except (OSError, http.client.HTTPException, Unexpected) as fault:
            faults.append(fault)
            ready.abort()

    threads = [threading.Thread(target=publish) for _ in range(connections)]
    for thread in threads:
        thread.start()
    try:
        ready.wait()
        start[0] = time.perf_counter()
        ready.wait()
    except threading.BrokenBarrierError:
        pass
    for thread in threads:
        thread.join()
    if faults:
        raise faults[0]
    return finished
