"""The runs at one server with LXD's event stream: many listeners, with events at full speed, at a fixed rate, and beside stalled ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Collection, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

from benchmarks import proc

STALLED, BESIDE_STALLED = 100, 10
PACED_PER_S = 100
_STREAM = "/1.0/events?type=lifecycle&all-projects=true"
_LOAD_S, _PACED_S = 8.0, 10.0
_LIMIT_S, _PATIENCE_S = 120.0, 30.0


class Side(NamedTuple):
    """A server with such a stream, and the words that tell ``lxd_fanout gen`` how to make events there.

    *batch* lines of *lines* go into one request under load, where *lines* is a file; else a request makes one event.
    """

    socket: Path
    pid: int
    method: str
    path: str
    connections: int
    lines: Path | None = None
    batch: int = 1


class Run(NamedTuple):
    """What went on for some seconds: what listeners got and generator made, cores taken, memory before and at most."""

    got: Mapping[str, Any]
    made: Mapping[str, Any]
    events: int
    cores: float
    before_mb: float
    peak_mb: float

    @property
    def lost(self) -> int:
        """How many events the listener that got least lacks."""
        return max(0, self.events - int(self.got["least"]))


class Figures(NamedTuple):
    """All that is measured at one side; *loaded* and *paced* by the number of listeners."""

    paced: Mapping[int, Run]
    loaded: Mapping[int, Run]
    alone: Run
    beside: Run

    @property
    def all(self) -> tuple[Run, ...]:
        """Every run."""
        return (*self.paced.values(), *self.loaded.values(), self.alone, self.beside)

    @property
    def stalled_mb(self) -> float:
        """What those that don't read cost: the difference of two peaks under load."""
        return max(0.0, self.beside.peak_mb - self.alone.peak_mb)


class _Listeners:
    """The client in C with its open streams; use it with ``with``."""

    def __init__(self, program: Path, side: Side, live: int, stalled: int) -> None:
        words = ("listen", str(side.socket), _STREAM, str(live), str(stalled), str(_LIMIT_S))
        self._process = subprocess.Popen(
            [str(program), *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def __enter__(self) -> Self:
        assert self._process.stdout is not None
        if self._process.stdout.readline() != "ready\n":
            self._end()
            raise RuntimeError("the listeners couldn't connect")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._end()

    def result(self) -> dict[str, Any]:
        """Return what they got, once no more comes."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        text = self._process.stdout.read()
        if self._process.wait(_PATIENCE_S) != 0:
            raise RuntimeError(f"the listeners ended with {self._process.returncode}")
        got: dict[str, Any] = json.loads(text)
        return got

    def _end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.kill()  # harmless when it has ended
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()


def figures(program: Path, side: Side, listeners: Collection[int]) -> Figures:
    """Measure, with each number of *listeners*; *program* is ``lxd_fanout``. Raises RuntimeError when a server refuses."""
    # the quiet runs first: what is sealed after a load would disturb them
    paced = {count: _run(program, side, count, per_s=PACED_PER_S) for count in listeners}
    loaded = {count: _run(program, side, count) for count in listeners}
    alone = _run(program, side, BESIDE_STALLED)
    return Figures(paced, loaded, alone, _run(program, side, BESIDE_STALLED, STALLED))


def _run(program: Path, side: Side, listeners: int, stalled: int = 0, per_s: int = 0) -> Run:
    """Make events as fast as the server takes them, or *per_s* of them a second, one a request."""
    seconds, batch = (_PACED_S, 1) if per_s else (_LOAD_S, side.batch)
    words = [str(side.socket), side.method, side.path, str(side.connections), str(seconds), str(per_s)]
    if side.lines is not None:
        words += [str(side.lines), str(batch)]
    with _Listeners(program, side, listeners, stalled) as heard:
        before_mb, cpu_s = proc.rss_mb(side.pid), proc.cpu_s(side.pid)
        proc.reset_peak(side.pid)
        made = _generated(program, words)
        cores = (proc.cpu_s(side.pid) - cpu_s) / made["seconds"]
        got = heard.result()
        peak_mb = proc.peak_mb(side.pid)
    return Run(got, made, made["answered"] * batch, cores, before_mb, peak_mb)


def _generated(program: Path, words: list[str]) -> dict[str, Any]:
    done = subprocess.run(
        [str(program), "gen", *words], capture_output=True, text=True, timeout=_LIMIT_S + _PATIENCE_S, check=False
    )
    if done.returncode != 0:
        raise RuntimeError(f"the generator ended: {done.stderr.strip()}")
    made: dict[str, Any] = json.loads(done.stdout)
    if made["refused"]:
        raise RuntimeError(f"{made['refused']} requests were refused, the first so: {done.stderr.strip()}")
    return made
