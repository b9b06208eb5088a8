"""Container Station's API as its clients use it: the newest rows with each filter, the export, and thousands who wait for one container."""

from __future__ import annotations

import json
import re
import resource
import select
import socket
import statistics
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import gen_events
from benchmarks.figures import Row, at_least, at_most, number, percentile, plain, spread
from benchmarks.search import repeat
from benchmarks.server import Server
from benchmarks.wire import NDJSON, Connection

TARGET_LOG_MS, TARGET_EXPORTED_PER_S, TARGET_RELEASED_MS = 5.0, 200_000, 100.0
WAITERS = 5_000
_API = "/container-station/api/v1"
_LIMIT, _EXPORTS, _RUNS = 20, 3, 5
_CONTAINER, _STATES = "waited-for", ("stopped", "running")
_LINES = {"running": "start", "stopped": "stop"}
_DURATION_S, _LIMIT_S, _LOOK_EVERY_S = 600, 60.0, 0.02
_AT_ONCE = 100  # the server's queue of connections that it hasn't accepted holds 128; one more would be a second late
_SPARE_FILES = 200
_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")

_MIDDLE = gen_events.START + timedelta(hours=gen_events.SPAN_HOURS / 2)
_HOUR = {"time_start": int(_MIDDLE.timestamp()), "time_end": int((_MIDDLE + timedelta(hours=1)).timestamp())}
FILTERS: Mapping[str, Mapping[str, object]] = {
    "no filter": {},
    "level=ERROR": {"level": "ERROR"},
    "level=WARN,ERROR": {"level": "WARN,ERROR"},
    "category=container": {"category": "container"},
    "category=import": {"category": "import"},
    "category=system": {"category": "system"},
    "user=admin": {"user": "admin"},
    "text=timeout": {"text": "timeout"},
    "text of 1 in 200,000": {"text": gen_events.NEEDLE},
    "one hour, long ago": _HOUR,
    "category, level, user and text": {"category": "container", "level": "ERROR", "user": "admin", "text": "timeout"},
}


def rows(server: Server, _path: Path, _folder: Path) -> Iterator[Row]:
    """Yield the rows for a server with a full log; an event for each run of waiters is added to it."""
    server.wait_until_settled()
    with server.connect() as connection:
        for name, parameters in FILTERS.items():
            yield _log(connection, name, parameters)
    yield from _export(server)
    yield from _wait(server)


def _log(connection: Connection, name: str, chosen: Mapping[str, object]) -> Row:
    parameters = {"limit": _LIMIT, **chosen}
    found = len(connection.get_json(f"{_API}/log", parameters))
    took = repeat(lambda: connection.get(f"{_API}/log", parameters))
    note = f"p50 {number(statistics.median(took) * 1e3)} ms, {len(took)} calls, {found} found"
    what = f"Container Station log, {_LIMIT} rows: {name}, p95"
    return at_most(what, TARGET_LOG_MS, percentile(took, 0.95) * 1e3, "ms", note)


def _export(server: Server) -> Iterator[Row]:
    """Export a tenth of the rows, then all: memory is constant when both take about the same."""
    with server.connect() as connection:
        end = gen_events.START + timedelta(hours=gen_events.SPAN_HOURS / 10)
        tenth = _Exported(server, connection, {"time_end": int(end.timestamp())})
        whole = [_Exported(server, connection, {}) for _ in range(_EXPORTS)]
    rates = [run.rows / run.took_s for run in whole]
    first = whole[0]
    note = (
        f"{number(first.rows)} rows, {number(first.size / first.rows)} bytes each; {spread(rates, 'rows/s')}; "
        f"cores {number(first.cores)}"
    )
    name = "Container Station export of all rows"
    yield at_least(name, TARGET_EXPORTED_PER_S, statistics.median(rates), "rows/s", note)
    growth = f"{number(tenth.grown_mb)} MB with {number(tenth.rows)} rows"
    more = ", ".join(number(run.grown_mb) for run in whole[1:])
    yield plain(f"{name}: peak RSS above that before", first.grown_mb, "MB", f"before that {growth}; again {more} MB")


class _Exported:
    """One export, read to its end: how many rows and bytes, how long, and by how much the server's memory rose."""

    def __init__(self, server: Server, connection: Connection, parameters: Mapping[str, object]) -> None:
        self.rows, self.size = -1, 0  # the first line is the header
        before, cpu = server.rss_mb(), server.cpu_s()[0]
        server.reset_peak()
        began = time.perf_counter()
        for piece in connection.pieces(f"{_API}/log/export", parameters):
            self.rows, self.size = self.rows + piece.count(b"\n"), self.size + len(piece)
        self.took_s = time.perf_counter() - began
        self.grown_mb = server.peak_mb() - before
        self.cores = (server.cpu_s()[0] - cpu) / self.took_s


def _wait(server: Server) -> Iterator[Row]:
    """Have thousands wait for a container, tell that it is so, and take the time until the last of them has its answer."""
    _allow_files(WAITERS + _SPARE_FILES)
    took: list[list[float]] = []
    grown_mb, waiting_cores, server_s = 0.0, 0.0, 0.0
    with server.connect() as connection:
        connection.publish(_line("running"), "container-station")
    for run in range(_RUNS):
        before = server.rss_mb()
        with _Waiters(server, WAITERS, _STATES[run % 2]) as waiters:
            if not run:
                grown_mb, waiting_cores = server.rss_mb() - before, _cores_for_a_second(server)
            cpu = server.cpu_s()[0]
            took.append(waiters.release())
            server_s += server.cpu_s()[0] - cpu
    lasts = [max(run) * 1e3 for run in took]
    note = (
        f"{spread(lasts, 'ms')}; the first answer after {number(statistics.median(min(run) for run in took) * 1e3)} ms, "
        f"half after {number(statistics.median(statistics.median(run) for run in took) * 1e3)} ms; "
        f"the server took {number(server_s * 1e6 / WAITERS / _RUNS)} µs of processor time each"
    )
    name = f"Container Station event/wait, {WAITERS:,} waiters"
    yield at_most(
        f"{name}: publish begun to last answer, p50", TARGET_RELEASED_MS, statistics.median(lasts), "ms", note
    )
    note = f"{number(grown_mb)} MB more than without them"
    yield plain(f"{name}: cores while nothing happens", waiting_cores, "cores", note)


class _Waiters:
    """Connections that each wait for the container to be in *state*, in one thread; use it with ``with``, where all of them wait."""

    def __init__(self, server: Server, count: int, state: str) -> None:
        self._server, self._count, self._state = server, count, state
        self._open: dict[int, socket.socket] = {}
        self._told = dict[int, bytes]()

    def __enter__(self) -> Self:
        target = f"{_API}/event/wait/lxc/{_CONTAINER}/{self._state}?duration={_DURATION_S}"
        request = (
            f"GET {target} HTTP/1.1\r\nHost: tidings\r\nAuthorization: Bearer {self._server.token}\r\n\r\n".encode()
        )
        try:
            while len(self._open) < self._count:
                for _ in range(min(_AT_ONCE, self._count - len(self._open))):
                    waiter = self._connected()
                    self._open[waiter.fileno()] = waiter
                    waiter.sendall(request)
                self._wait_until_held(len(self._open))
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    def release(self) -> list[float]:
        """Publish what they wait for; return how many seconds after the begin of that each had its whole answer."""
        poll, took = select.epoll(), list[float]()
        with poll, self._connected() as publisher:
            for number in self._open:
                poll.register(number, select.EPOLLIN)
            request = self._publication()
            began = time.perf_counter()
            publisher.sendall(request)
            while len(took) < self._count:
                if not (ready := poll.poll(_LIMIT_S, self._count)):
                    raise RuntimeError(f"{self._count - len(took)} waiters had no answer after {_LIMIT_S:.0f} s")
                for number, _ in ready:
                    if self._has_all(number):
                        took.append(time.perf_counter() - began)
                        poll.unregister(number)
        return took

    def _close(self) -> None:
        for waiter in self._open.values():
            waiter.close()

    def _wait_until_held(self, count: int) -> None:
        """Return when the server says that *count* wait."""
        deadline = time.perf_counter() + _LIMIT_S
        while self._server.metrics()["tidings_streams"] < count:
            if time.perf_counter() > deadline:
                raise RuntimeError(f"not all of {count} waiters were held after {_LIMIT_S:.0f} s")
            time.sleep(_LOOK_EVERY_S)

    def _connected(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self._server.port), _LIMIT_S)

    def _publication(self) -> bytes:
        body = _line(self._state)
        head = (
            f"POST /v1/events?format=container-station HTTP/1.1\r\nHost: tidings\r\nContent-Type: {NDJSON}\r\n"
            f"Authorization: Bearer {self._server.token}\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def _has_all(self, number: int) -> bool:
        """Read what has come; whether the answer is whole, which must be that the container is in the state."""
        piece = self._open[number].recv(1 << 16)
        if not piece:
            raise RuntimeError("the server closed the connection of a waiter")
        told = self._told[number] = self._told.get(number, b"") + piece
        head, end, body = told.partition(b"\r\n\r\n")
        length = _LENGTH.search(head)
        if not end or length is None or len(body) < int(length[1]):
            return False
        if not head.startswith(b"HTTP/1.1 200") or json.loads(body)["state"] != self._state:
            raise RuntimeError(f"a waiter for {self._state} was answered {told[:500]!r}")
        return True


def _line(state: str) -> bytes:
    return f'container:all:{{"container": "{_CONTAINER}", "state": "{_LINES[state]}", "type": "lxc"}}\n'.encode()


def _cores_for_a_second(server: Server) -> float:
    before, began = server.cpu_s()[0], time.perf_counter()
    time.sleep(1)
    return (server.cpu_s()[0] - before) / (time.perf_counter() - began)


def _allow_files(count: int) -> None:
    """Let this process open *count* files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < count:
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (count if hard == resource.RLIM_INFINITY else min(count, hard), hard)
        )
