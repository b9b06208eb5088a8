"""A real server in a process of its own: started, looked at from outside through /proc, and ended by its pid."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import proc
from benchmarks.wire import Connection, Unexpected

ENTRY = (sys.executable, "-m", "tidings")
_START_LIMIT_S, _STOP_LIMIT_S = 120.0, 60.0
_SETTLE_LIMIT_S, _QUIET_S = 1800.0, 6.0


class NotStarted(Exception):
    """The server ended, or never became ready; the message is what it said."""


def environment() -> dict[str, str]:
    """Return our environment without settings of tidings, which would make the figures those of another set-up."""
    return {name: value for name, value in os.environ.items() if not name.startswith("TIDINGS_")}


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Server:
    """``tidings serve`` on a data directory; use it with ``with``. *start_s* is how long it took until /readyz."""

    def __init__(self, data: Path, *settings: str) -> None:
        self.data, self.port = data, free_port()
        self.socket = data / "unix.socket"
        self._settings = settings
        self._log = data.parent / f"{data.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self.start_s = 0.0

    def __enter__(self) -> Self:
        options = [word for setting in self._settings for word in ("--set", setting)]
        command = [*ENTRY, "serve", "--data", str(self.data), "--listen", f"127.0.0.1:{self.port}", *options]
        began = time.perf_counter()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=environment()
            )
        try:
            self._wait_until_ready()
        except BaseException:
            self.stop()
            raise
        self.start_s = time.perf_counter() - began
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The main process."""
        assert self._process is not None
        return self._process.pid

    @property
    def token(self) -> str:
        """The administrator's token."""
        return (self.data / "admin.token").read_text().strip()

    def connect(self) -> Connection:
        """Return a new TCP connection, as administrator."""
        return Connection(self.port, self.token)

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it; harmless when it has ended already."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(how)
        try:
            self._process.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            print(f"the server didn't stop within {_STOP_LIMIT_S:.0f} s and was killed", file=sys.stderr)
            self._process.kill()
            self._process.wait()

    def metrics(self) -> dict[str, float]:
        """Return the values of /metrics that carry no label."""
        with self.connect() as connection:
            text = connection.get("/metrics").decode()
        return {name: float(value) for name, value in re.findall(r"^(\w+) (\S+)$", text, re.MULTILINE)}

    def wait_until_settled(self) -> float:
        """Return how many seconds it took until all is sealed and indexed and nothing is merged any more."""
        began = changed = time.perf_counter()
        before: tuple[float, ...] = ()
        while time.perf_counter() - began < _SETTLE_LIMIT_S:
            now = self.metrics()
            state = tuple(now[f"tidings_log_{name}"] for name in ("unindexed_events", "journals", "segments", "bytes"))
            state += (round(self.cpu_s()[1], 1),)  # a long merge shows nowhere else before its end
            if state != before:
                before, changed = state, time.perf_counter()
            elif not state[0] and time.perf_counter() - changed >= _QUIET_S:
                return changed - began
            time.sleep(0.25)
        print(f"sealing wasn't over after {_SETTLE_LIMIT_S:.0f} s", file=sys.stderr)
        return time.perf_counter() - began

    def processes(self) -> list[int]:
        """Return the pids of the server and its workers."""
        found = [self.pid]
        for pid in found:
            for task in _threads(pid):
                found += map(int, proc.read(task / "children").split())
        return found

    def rss_mb(self) -> float:
        """Return the resident memory of the main process."""
        return proc.rss_mb(self.pid)

    def workers_rss_mb(self) -> float:
        """Return the resident memory of its workers together; pages they share count in each."""
        return sum(proc.rss_mb(pid) for pid in self.processes()[1:])

    def reset_peak(self) -> None:
        """Start `peak_mb` anew."""
        proc.reset_peak(self.pid)

    def peak_mb(self) -> float:
        """Return the highest resident memory of the main process so far."""
        return proc.peak_mb(self.pid)

    def cpu_s(self) -> tuple[float, float]:
        """Return the processor time used by the main process and by its workers that live."""
        main, *workers = map(proc.cpu_s, self.processes())
        return main, sum(workers)

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        deadline = time.perf_counter() + _START_LIMIT_S
        while time.perf_counter() < deadline:
            if self._process.poll() is not None:
                raise NotStarted(f"the server ended with {self._process.returncode}:\n{_tail(self._log)}")
            try:
                with Connection(self.port) as connection:
                    connection.get("/readyz")
                    return
            except (OSError, Unexpected):
                time.sleep(0.005)
        raise NotStarted(f"the server wasn't ready after {_START_LIMIT_S:.0f} s:\n{_tail(self._log)}")


def _threads(pid: int) -> list[Path]:
    try:
        return list(Path(f"/proc/{pid}/task").iterdir())
    except FileNotFoundError:
        return []


def _tail(log: Path) -> str:
    return log.read_text(errors="replace")[-2000:].strip()
