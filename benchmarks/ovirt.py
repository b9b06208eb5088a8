"""oVirt's events service as its clients use it: everyday searches, a poller that reads the whole log, and adding, all in XML."""

from __future__ import annotations

import json
import re
import statistics
import time
import zlib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from benchmarks import gen_events, single
from benchmarks.events import BATCH
from benchmarks.figures import Row, at_least, at_most, number, percentile, plain
from benchmarks.search import repeat
from benchmarks.server import Server
from benchmarks.wire import Connection

TARGET_SEARCH_MS, TARGET_POLLED_PER_S, TARGET_ADDED_PER_S = 10.0, 50_000, 2_000
SEARCHES = (
    "severity=error",
    "severity>normal sortby time desc",
    "event_vm=vm-db-0141",
    "usrname=admin*",
    "message=*timeout*",
    "time>today",
    'time>"Oct 2, 2026"',
    "page 3",
)
_EVENTS = "/ovirt-engine/api/events"
_PAGE, _POLLED_PAGE = 100, 1_000
_CONNECTIONS, _ADDED = 16, 120_000
_ENGINE_SHARE, _ENGINE_STEP_MS = 10, 50
_INDEX = re.compile(rb'<event href="[^"]*" id="(\d+)"')


def rows(server: Server, path: Path, folder: Path) -> Iterator[Row]:
    """Yield the rows for a server whose log holds the events of *path*; an engine's own events are added to it first."""
    lines = path.read_bytes().count(b"\n")
    _add_engine_events(server, path, lines // _ENGINE_SHARE)
    server.wait_until_settled()
    with server.connect() as connection:
        for text in SEARCHES:
            yield _search(connection, text)
    yield from _poll(server)
    yield from _add(server, folder)


def _search(connection: Connection, text: str) -> Row:
    parameters = {"search": text, "max": _PAGE}
    found = len(_INDEX.findall(connection.get(_EVENTS, parameters)))
    took = repeat(lambda: connection.get(_EVENTS, parameters))
    note = f"p50 {number(statistics.median(took) * 1e3)} ms, {len(took)} calls, {found} found"
    return at_most(
        f"oVirt search, {_PAGE} a page: {text}, p95", TARGET_SEARCH_MS, percentile(took, 0.95) * 1e3, "ms", note
    )


def _poll(server: Server) -> Iterator[Row]:
    """Read the whole log as pollers do: each page asked from the highest index of the one before."""
    last = read = size = 0
    took: list[float] = []
    with server.connect() as connection:
        head, before, began = connection.get_json("/v1/head")["head"], server.cpu_s()[0], time.perf_counter()
        while True:
            asked = time.perf_counter()
            parameters = {"from": last, "max": _POLLED_PAGE, "search": "sortby time asc"}
            body = connection.get(_EVENTS, parameters)
            took.append(time.perf_counter() - asked)
            if not (indexes := [int(index) for index in _INDEX.findall(body)]):
                break
            last, read, size = max(indexes), read + len(indexes), size + len(body)
        seconds = time.perf_counter() - began
        cores = (server.cpu_s()[0] - before) / seconds
    lost = f"; FAULT: {number(head - read)} of the log's events didn't come" if read < head else ""
    note = (
        f"{number(read)} events, {number(size / read)} bytes each; a page p50 {number(statistics.median(took) * 1e3)}, "
        f"p95 {number(percentile(took, 0.95) * 1e3)} ms; cores {number(cores)}{lost}"
    )
    name = f"oVirt polling, from=N, sortby time asc, {_POLLED_PAGE:,} a page"
    yield at_least(name, TARGET_POLLED_PER_S, read / seconds, "events/s", note)


def _add(server: Server, folder: Path) -> Iterator[Row]:
    """Add events, one a request, each with a custom id of its own."""
    bodies = folder / "ovirt-adds.xml"
    with bodies.open("w") as file:
        file.writelines(
            f"<event><custom_id>{row}</custom_id><description>File system /home is {row % 100} % full</description>"
            f"<origin>benchmark</origin><severity>warning</severity>"
            f'<vm id="aae98225-5b73-490d-a252-{row % 500:012x}"/></event>\n'
            for row in range(_ADDED)
        )
    client, with_what = single.client_for(folder)
    got = single.run(server, client, bodies, _CONNECTIONS, _EVENTS, "application/xml")
    name = f"oVirt add, {_CONNECTIONS} connections"
    note = f"{with_what}; the server took {number(got['cpu_us'])} µs of processor time each{single.refused(got)}"
    yield at_least(name, TARGET_ADDED_PER_S, single.rate(got), "events/s", note)
    yield plain(f"{name}: p99", got["p99_ms"], "ms", f"p50 {number(got['p50_ms'])} ms")


def _add_engine_events(server: Server, path: Path, count: int) -> None:
    """Store *count* of the oVirt events in *path* once more, as an engine has them, after all others: only those have links."""
    batch: list[bytes] = []
    with path.open("rb") as file, server.connect() as connection:
        found = (json.loads(line) for line in file if b'"source":"ovirt"' in line)
        for row, (event, _) in enumerate(zip(found, range(count), strict=False)):
            batch.append(_engine_event(event, row))
            if len(batch) == BATCH:
                connection.publish(b"\n".join(batch), "ovirt")
                batch.clear()
        connection.publish(b"\n".join(batch), "ovirt")


def _engine_event(event: dict[str, object], row: int) -> bytes:
    """Return a generated event as the engine's JSON has it, all of them later than the generated ones, so that time never goes back."""
    data = event["data"]
    assert isinstance(data, dict)
    end = gen_events.START + timedelta(hours=gen_events.SPAN_HOURS)
    user = {"id": f"{zlib.crc32(data['user']['name'].encode()):08x}-00da-0137-0138-000000000244"}
    members = {
        "id": str(row + 1),
        "description": event["message"],
        "code": str(data["code"]),
        "correlation_id": event["correlation"],
        "custom_id": "-1",
        "flood_rate": "30",
        "origin": "oVirt",
        "severity": {"info": "normal", "critical": "alert"}.get(str(event["severity"]), event["severity"]),
        "time": int(end.timestamp() * 1e3) + (row + 1) * _ENGINE_STEP_MS,
        "user": {**user, "name": data["user"]["name"]},
        "vm": data["vm"],
        "host": data["host"],
    }
    return json.dumps(members, separators=(",", ":")).encode()
