"""LXD's event stream to many listeners, ours and, where it can run, the real daemon's: how fast, how soon, in order, and stalled ones."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

from benchmarks import compiling, events
from benchmarks.figures import Row, at_least, at_most, not_measured, number, plain
from benchmarks.lxd_daemon import LxdDaemon, NoDaemon
from benchmarks.lxd_runs import BESIDE_STALLED, PACED_PER_S, STALLED, Figures, Run, Side, figures
from benchmarks.server import Server
from benchmarks.workplace import scratch

TARGETS_PER_S = {100: 540_000, 500: 1_330_000}
"""By the number of listeners: ten times what LXD 5.0.2 reached on the machine that the targets were set on."""
TARGET_STALLED_MB = 20.0
_BATCH, _LINES = 100, 4_000
_STAMP = "0000-00-00T00:00:00.000000000Z"  # where lxd_fanout.c puts the time of sending


def rows(server: Server, path: Path, folder: Path) -> Iterator[Row]:
    """Yield the rows for an empty server; *path* holds events to publish, *folder* is for files of this measurement."""
    program = compiling.compiled("lxd_fanout", folder)
    if program is None:
        yield not_measured("LXD event stream", compiling.NO_COMPILER)
        return
    daemon, why = _daemon(program, folder)
    lines = folder / "lxd-lines.ndjson"
    _write_lines(path, lines)
    # one connection, since the order of two is for nobody to say
    side = Side(server.socket, server.pid, "POST", "/v1/events?format=lxd", 1, lines, _BATCH)
    ours = figures(program, side, TARGETS_PER_S)
    for listeners in TARGETS_PER_S:
        yield from _throughput(listeners, ours, daemon, why)
    for listeners in TARGETS_PER_S:
        yield from _latency(listeners, ours, daemon, why)
    yield from _order(ours, daemon, why)
    yield from _stalled(ours, daemon, why)


def _daemon(program: Path, folder: Path) -> tuple[Figures | None, str]:
    """Return the figures of the real daemon, or None; and its version, or why it has none."""
    try:
        with scratch(folder, "lxd") as place, LxdDaemon(place) as daemon:
            side = Side(daemon.socket, daemon.pid, "GET", daemon.request, 4)
            return figures(program, side, TARGETS_PER_S), f"LXD {daemon.version()}"
    except (NoDaemon, OSError, RuntimeError, ValueError, subprocess.SubprocessError) as fault:
        return None, str(fault)


def _write_lines(path: Path, to: Path) -> None:
    """Write the lifecycle events of LXD among the first of *path*, as LXD sends them, with room for the time of sending."""
    found = (
        json.loads(line)["data"] for line in events.first_lines(path, _LINES * 5) if b'"type":"lxd.lifecycle.' in line
    )
    texts = [_as_sent(data) for data, _ in zip(found, range(_LINES), strict=False)]
    whole = len(texts) - len(texts) % _BATCH
    if not whole:
        raise RuntimeError(
            f"needs more events: among the first {_LINES * 5:,} are {len(texts)} lifecycle events of LXD"
        )
    to.write_text("".join(f"{text}\n" for text in texts[:whole]))


def _as_sent(data: dict[str, object]) -> str:
    """Return an event with its members in LXD's order."""
    last = {name: data[name] for name in ("metadata", "location", "project") if name in data}
    return json.dumps({"type": data["type"], "timestamp": _STAMP, **last}, separators=(",", ":"))


def _throughput(listeners: int, ours: Figures, daemon: Figures | None, why: str) -> Iterator[Row]:
    name = f"LXD events to {listeners} listeners"
    run = ours.loaded[listeners]
    per_s = run.got["per_s"]
    times = f", {number(per_s / daemon.loaded[listeners].got['per_s'])} times the real daemon's" if daemon else ""
    yield at_least(name, TARGETS_PER_S[listeners], per_s, "deliveries/s", _under_load(run) + times)
    if daemon is None:
        yield not_measured(f"{name}: the real daemon", why)
        return
    run = daemon.loaded[listeners]
    yield plain(f"{name}: the real daemon", run.got["per_s"], "deliveries/s", f"{why}; {_under_load(run)}")


def _under_load(run: Run) -> str:
    got, made = run.got, run.made
    size = got["bytes"] / max(1, got["frames"])
    return (
        f"{number(run.events / made['seconds'])} events/s of {number(size)} bytes, p50 {number(got['p50_ms'])}, "
        f"p99 {number(got['p99_ms'])} ms; cores {number(run.cores)}{_faults(run)}"
    )


def _latency(listeners: int, ours: Figures, daemon: Figures | None, why: str) -> Iterator[Row]:
    name = f"LXD events, {PACED_PER_S} a second to {listeners} listeners: p99"
    run = ours.paced[listeners]
    note = f"{_apart(run)}; from before the request, commit on disk included"
    if daemon is None:
        yield Row(name, "≤ the real daemon's", f"{number(run.got['p99_ms'])} ms", None, note)
        yield not_measured(f"{name}, the real daemon", why)
        return
    theirs = daemon.paced[listeners]
    yield at_most(name, theirs.got["p99_ms"], run.got["p99_ms"], "ms", note)
    note = f"{_apart(theirs)}; from within the request, of which p50 is {number(theirs.made['p50_ms'])} ms"
    yield plain(f"{name}, the real daemon", theirs.got["p99_ms"], "ms", note)


def _apart(run: Run) -> str:
    return (
        f"p50 {number(run.got['p50_ms'])}, max {number(run.got['max_ms'])} ms; cores {number(run.cores)}{_faults(run)}"
    )


def _order(ours: Figures, daemon: Figures | None, why: str) -> Iterator[Row]:
    name = "LXD events whose time goes back at a listener"
    yield at_most(name, 0, _disordered(ours), "events", _of_all(ours))
    if daemon is None:
        yield not_measured(f"{name}: the real daemon", why)
    else:
        yield plain(f"{name}: the real daemon", _disordered(daemon), "events", _of_all(daemon))


def _disordered(figures: Figures) -> int:
    return sum(run.got["disordered"] for run in figures.all)


def _of_all(figures: Figures) -> str:
    return f"of {number(sum(run.got['frames'] for run in figures.all))} deliveries in all these runs"


def _stalled(ours: Figures, daemon: Figures | None, why: str) -> Iterator[Row]:
    name = f"{STALLED} stalled LXD listeners cost"
    beside = f"LXD events to {BESIDE_STALLED} listeners beside {STALLED} stalled ones"
    yield at_most(name, TARGET_STALLED_MB, ours.stalled_mb, "MB", _memory(ours.beside))
    if daemon is None:
        yield not_measured(f"{name} the real daemon", why)
    else:
        yield plain(f"{name} the real daemon", daemon.stalled_mb, "MB", _memory(daemon.beside))
    yield plain(beside, ours.beside.got["per_s"], "deliveries/s", _without(ours))
    if daemon is not None:
        yield plain(f"{beside}: the real daemon", daemon.beside.got["per_s"], "deliveries/s", _without(daemon))


def _memory(run: Run) -> str:
    closed = run.got["stalled_closed"]
    behind = run.events * run.got["bytes"] / max(1, run.got["frames"]) / 1e6
    fate = f"{closed} of them were cut off" if closed else "none was cut off"
    return f"{number(run.before_mb)} → {number(run.peak_mb)} MB RSS, each {number(behind)} MB behind in the end; {fate}"


def _without(figures: Figures) -> str:
    alone, beside = figures.alone, figures.beside
    return (
        f"{number(alone.got['per_s'])}/s without them; p99 {number(beside.got['p99_ms'])}, "
        f"without them {number(alone.got['p99_ms'])} ms{_faults(beside)}"
    )


def _faults(run: Run) -> str:
    """Say what is wrong with what listeners got, if anything is."""
    found = {"lost": run.lost, "out of order": run.got["disordered"], "cut off": run.got["closed"]}
    words = ", ".join(f"{number(count)} {what}" for what, count in found.items() if count)
    return f"; FAULTS: {words}" if words else ""
