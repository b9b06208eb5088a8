"""The plug is pulled at random moments: what was acknowledged is there exactly once, and readers see no gap and no repeat.

``KILLS`` says how often (``make soak`` pulls it 200 times).
"""

from __future__ import annotations

import http.client
import json
import os
import random
import socket
import subprocess
import sys
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

KILLS = int(os.environ.get("KILLS", "12"))
_SETTINGS = ("segment_events=400", "merge_events=3000", "seal_idle=300ms", "dedupe_window=1000000")


class Connection(http.client.HTTPConnection):
    """HTTP over the server's Unix socket."""

    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=20)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


class Server:
    """A server that is killed and started again on the same directory."""

    def __init__(self, directory: Path) -> None:
        self.directory, self.socket = directory, directory / "unix.socket"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        settings = [word for setting in _SETTINGS for word in ("--set", setting)]
        with (self.directory.parent / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tidings", "serve", "--data", str(self.directory), "--listen", "off", *settings],
                stdout=log, stderr=log, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                pytest.fail((self.directory.parent / "server.log").read_text()[-3000:])
            try:
                if request(self.socket, "GET", "/readyz")[0] == 200:
                    return
            except (OSError, http.client.HTTPException):
                time.sleep(0.02)
        pytest.fail("the server did not get ready within 30 s")

    def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        self.process.wait()


def request(path: Path, method: str, target: str, body: bytes | None = None) -> tuple[int, bytes]:
    connection = Connection(path)
    try:
        connection.request(method, target, body, {"Content-Type": "application/x-ndjson"} if body else {})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


class Publisher(threading.Thread):
    """Publishes batches with ids, again and again the same one until it is acknowledged."""

    def __init__(self, name: str, path: Path, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.path, self.stop = path, stop
        self.acknowledged: list[str] = []
        self.fault = ""
        self._chance = random.Random(name)

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            ids = [f"{self.name}-{number + n}" for n in range(self._chance.choice([1, 1, 2, 10, 100]))]
            number += len(ids)
            events = [
                {
                    "specversion": "1.0",
                    "id": id,
                    "source": "crash",
                    "type": "crash.test",
                    "message": f"token {id}",
                    "data": {"id": id},
                }
                for id in ids
            ]
            self._publish(b"\n".join(json.dumps(event).encode() for event in events), ids)

    def _publish(self, body: bytes, ids: list[str]) -> None:
        while True:
            try:
                status, answer = request(self.path, "POST", "/v1/events", body)
            except (OSError, http.client.HTTPException):
                if self.stop.is_set():
                    return
                time.sleep(0.01)
                continue
            if status == 200:
                self.acknowledged += ids
                return
            if status != 503:
                self.fault = f"{status}: {answer[:300]!r}"
                return


class Follower(threading.Thread):
    """Follows by SSE from its cursor, and notes every index that it is sent."""

    def __init__(self, name: str, path: Path, stop: threading.Event) -> None:
        super().__init__(name=name, daemon=True)
        self.path, self.stop = path, stop
        self.seen: list[int] = []
        self.fault = ""

    def run(self) -> None:
        while not self.stop.is_set() and not self.fault:
            connection = Connection(self.path)
            try:
                connection.request("GET", f"/v1/stream?after={self.seen[-1] if self.seen else 0}")
                answer = connection.getresponse()
                if answer.status == 200:
                    self._read(answer)
                elif answer.status != 503:
                    self.fault = f"{answer.status}: {answer.read()[:300]!r}"
            except (OSError, http.client.HTTPException):
                time.sleep(0.01)
            finally:
                connection.close()

    def _read(self, answer: http.client.HTTPResponse) -> None:
        index = 0
        while line := answer.readline():
            if line.startswith(b"id:"):
                index = int(line[3:])
            elif line.startswith(b"data:") and b'"sequence"' in line and line.endswith(b"}\n"):
                self.seen.append(index)


@pytest.mark.timeout(60 + KILLS * 10)
def test_nothing_acknowledged_is_lost_or_doubled_when_the_plug_is_pulled(tmp_path: Path) -> None:
    directory = tmp_path / "data"
    directory.mkdir()
    server = Server(directory)
    server.start()
    stop = threading.Event()
    publishers = [Publisher(f"p{n}", server.socket, stop) for n in range(4)]
    followers = [Follower(f"f{n}", server.socket, stop) for n in range(2)]
    for thread in (*publishers, *followers):
        thread.start()
    chance = random.Random(7)
    for _ in range(KILLS):
        time.sleep(chance.choice([0.0, 0.05, 0.2, 0.5, 1.0]) * chance.random())
        server.kill()
        server.start()
    stop.set()
    for publisher in publishers:
        publisher.join(30)
    status, body = request(server.socket, "GET", "/v1/events?export=1&format=ndjson&order=oldest")
    assert status == 200
    events = [json.loads(line) for line in body.splitlines()]
    head = len(events)
    assert [int(event["sequence"]) for event in events] == list(range(1, head + 1))
    stored = Counter(event["id"] for event in events if event["source"] == "crash")
    assert [id for id, times in stored.items() if times > 1] == []
    assert [p.fault for p in publishers] == [""] * len(publishers)
    acknowledged = {id for publisher in publishers for id in publisher.acknowledged}
    assert len(acknowledged) > KILLS
    assert acknowledged - stored.keys() == set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and any(not f.seen or f.seen[-1] < head for f in followers):
        stop.clear()
        time.sleep(0.05)
    stop.set()
    for follower in followers:
        assert follower.fault == ""
        assert follower.seen[:head] == list(range(1, len(follower.seen[:head]) + 1))
    verdict = subprocess.run(
        [sys.executable, "-m", "tidings", "verify", "--data", str(directory)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    server.kill()
