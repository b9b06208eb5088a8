"""Publish one event a request over keep-alive connections: 64 at once for the target, one alone to see the floor."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from benchmarks import compiling, events
from benchmarks.figures import Row, at_least, at_most, number, plain
from benchmarks.server import Server

CONNECTIONS = 64
TARGET_PER_S, TARGET_P99_MS = 15_000, 20.0
_DIFFERENT_EVENTS = 2_000
_WARM_S, _SECONDS = 1.0, 6.0


def rows(server: Server, path: Path, folder: Path) -> Iterator[Row]:
    """Yield the rows for an empty server; *path* holds the events, *folder* is for files of this measurement."""
    sample = folder / "single.ndjson"
    sample.write_bytes(b"\n".join(events.first_lines(path, _DIFFERENT_EVENTS)))
    client, with_what = client_for(folder)
    one, many = (run(server, client, sample, many) for many in (1, CONNECTIONS))
    name = f"publish, one event a request, {CONNECTIONS} connections"
    note = f"{with_what}; the server took {number(many['cpu_us'])} µs of processor time each{refused(many)}"
    yield at_least(name, TARGET_PER_S, rate(many), "events/s", note)
    yield at_most(f"{name}: p99", TARGET_P99_MS, many["p99_ms"], "ms", f"p50 {number(many['p50_ms'])} ms")
    note = f"p50 {number(one['p50_ms'])}, p99 {number(one['p99_ms'])} ms" + refused(one)
    yield plain("publish, one event a request, 1 connection", rate(one), "events/s", note)
    bare = _bare(client, sample)
    yield plain(
        f"for comparison: a bare aiohttp answer, {CONNECTIONS} connections",
        bare,
        "requests/s",
        "nothing decoded or stored",
    )


def client_for(folder: Path) -> tuple[list[str], str]:
    """Return the command of the client, made in *folder*, and what it is."""
    program = compiling.compiled("single", folder)
    if program is None:
        return [sys.executable, "-m", "benchmarks.single_client"], "client in Python, which takes much of the machine"
    return [str(program)], "client in C"


def run(server: Server, client: Sequence[str], lines: Path, connections: int, *way: str) -> dict[str, Any]:
    """Send *lines*, one a request, and return the client's answer; *way* is a path and a media type other than the usual ones.

    *cpu_us* is added: what the server took for each.
    """
    command = [*client, str(server.port), str(lines), str(connections), str(_WARM_S), str(_SECONDS), *way]
    environment = {**os.environ, "TOKEN": server.token}
    before = sum(server.cpu_s())
    text = subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    cpu_s = sum(server.cpu_s()) - before
    answer: dict[str, Any] = json.loads(text)
    # the warm-up's requests aren't counted, so its share of the time is taken off
    share = _SECONDS / (_WARM_S + _SECONDS)
    return {**answer, "cpu_us": cpu_s * share / max(1, answer["acknowledged"]) * 1e6}


def rate(answer: dict[str, Any]) -> float:
    """Return how many were acknowledged in a second."""
    return float(answer["acknowledged"] / answer["seconds"])


def refused(answer: dict[str, Any]) -> str:
    """Say how many were refused, if any were."""
    return f"; {answer['refused']} were refused" if answer["refused"] else ""


def _bare(client: list[str], sample: Path) -> float:
    """Return what the HTTP library alone reaches here, by the same client."""
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.bare"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        port = process.stdout.readline().strip()
        command = [*client, port, str(sample), str(CONNECTIONS), str(_WARM_S), str(_SECONDS)]
        text = subprocess.run(command, env={**os.environ, "TOKEN": "none"}, check=True, stdout=subprocess.PIPE).stdout
        process.stdin.close()
    return rate(json.loads(text))
