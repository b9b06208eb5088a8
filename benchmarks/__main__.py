"""Measure every target of speed, memory and disk against a real server: ``make bench``, or ``python -m benchmarks``."""

from __future__ import annotations

import argparse
import http.client
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks import (
    clone,
    container_station,
    disk,
    events,
    fanout,
    lxd,
    machine,
    ovirt,
    publish,
    report,
    search,
    single,
    start,
)
from benchmarks.figures import Row, not_measured
from benchmarks.server import NotStarted, Server
from benchmarks.wire import Unexpected
from benchmarks.workplace import scratch, workplace

PIECES = ("publish", "search", "disk", "start", "single", "fanout", "lxd", "ovirt", "container-station", "clone")
_ON_THE_LOG = {"publish", "search", "disk", "start", "ovirt", "container-station"}
DEFAULT_EVENTS = 2_000_000
Piece = Callable[[Server, Path, Path], Iterator[Row]]


def measure(chosen: Sequence[str], count: int, folder: Path) -> Iterator[Row]:
    """Yield the rows of the chosen pieces, in the order in which they can share a log."""
    path = events.generated(folder, count)
    if _ON_THE_LOG & set(chosen):
        yield from _guarded("what needs the loaded log", _on_the_log(chosen, count, folder, path))
    if "publish" in chosen:
        yield from _guarded("publish, 2 connections", _publish_again(count, folder, path))
    if "single" in chosen:
        yield from _guarded("publish, one event a request", _on_an_empty_log(single.rows, folder, path))
    if "fanout" in chosen:
        yield from _guarded("fan-out", _on_an_empty_log(fanout.rows, folder, path))
    if "lxd" in chosen:
        yield from _guarded("LXD event stream", _on_an_empty_log(lxd.rows, folder, path))
    if "clone" in chosen:
        yield from _guarded("fresh clone", clone.rows(folder))


def _guarded(what: str, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield *rows*; a piece that fails says so in a row, and the others are measured all the same."""
    try:
        yield from rows
    except (
        OSError,
        RuntimeError,
        http.client.HTTPException,
        subprocess.SubprocessError,
        NotStarted,
        Unexpected,
    ) as fault:
        yield not_measured(what, f"{type(fault).__name__}: {fault}")


def _publish_again(count: int, folder: Path, path: Path) -> Iterator[Row]:
    with scratch(folder, "data") as data, Server(data) as server:
        yield from publish.rows(publish.load(server, path, 2), count, 2)


def _on_an_empty_log(piece: Piece, folder: Path, path: Path) -> Iterator[Row]:
    with scratch(folder, "data") as data, Server(data) as server:
        yield from piece(server, path, folder)


def _on_the_log(chosen: Sequence[str], count: int, folder: Path, path: Path) -> Iterator[Row]:
    """Load the log (unless a kept one will do) and measure what is measured on a full one."""
    data = folder / f"log-{count}"
    whole = data.with_suffix(".whole")
    fresh = "publish" in chosen or not whole.exists()
    if fresh:
        shutil.rmtree(data, ignore_errors=True)
        whole.unlink(missing_ok=True)
    settled_s = None
    with Server(data) as server:
        if fresh:
            run = publish.load(server, path, 1)
            if "publish" in chosen:
                yield from publish.rows(run, count, 1)
            if "search" in chosen:
                yield from search.rows(server, "right after the load")
            settled_s = server.wait_until_settled()
            whole.touch()
        else:
            server.wait_until_settled()
        if "search" in chosen:
            yield from search.rows(server, "when sealed")
            yield from search.export_rows(server, "when sealed")
    if "disk" in chosen:
        # the time can't be told from one that searches were measured in
        yield from disk.rows(data, count, path.stat().st_size, None if "search" in chosen else settled_s)
    if "start" in chosen:
        yield from start.rows(data, count)
    if "ovirt" in chosen:
        yield from _guarded("oVirt's events service", _on_a_copy(ovirt.rows, data, folder, path))
    if "container-station" in chosen:
        yield from _guarded("Container Station", _on_a_copy(container_station.rows, data, folder, path))


def _on_a_copy(piece: Piece, log: Path, folder: Path, path: Path) -> Iterator[Row]:
    """Measure what adds to the loaded log, which others may want as it is."""
    with scratch(folder, "data") as data:
        shutil.copytree(log, data, ignore=shutil.ignore_patterns("*.socket"))
        with Server(data) as server:
            yield from piece(server, path, folder)


def main() -> int:
    given = _arguments()
    chosen = given.only.split(",") if given.only else PIECES
    unknown = [name for name in chosen if name not in PIECES]
    if unknown:
        print(f"unknown piece {unknown[0]!r}; choose from {', '.join(PIECES)}", file=sys.stderr)
        return 2
    rows: list[Row] = []
    with workplace(given.data) as folder:
        facts = machine.describe(folder)
        print("\n".join(facts), flush=True)
        for row in measure(chosen, given.n, folder):
            report.show(row)
            rows.append(row)
    text = report.section(rows, facts, given.n)
    print(f"\n{text}")
    if given.write:
        report.write(text)
    return 0


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    ask.add_argument("-n", type=int, default=DEFAULT_EVENTS, help=f"events (default: {DEFAULT_EVENTS:,})")
    ask.add_argument("--only", metavar="A,B", help=f"pieces to measure: {', '.join(PIECES)} (default: all)")
    ask.add_argument("--data", type=Path, metavar="DIR", help="keep events and log here, and use them again")
    ask.add_argument("--write", action="store_true", help=f"record the table in {report.RESULTS.name}")
    return ask.parse_args()


if __name__ == "__main__":
    sys.exit(main())
