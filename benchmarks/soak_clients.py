"""The clients of a soak, a thread each, and the book in which they note what they saw."""

from __future__ import annotations

import http.client
import json
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime

from benchmarks.search import QUESTIONS
from benchmarks.server import Server
from benchmarks.wire import Unexpected

MAX_FAULTS = 20
_BATCHES_PER_S = 5.0
_STAY_S = (0.5, 20.0)
_SEARCH_PAUSE_S = 0.2
_BROKEN = (OSError, http.client.HTTPException, Unexpected)


def source_of(publisher: int) -> str:
    """Return the source that a publisher's events name."""
    return f"soak/{publisher}"


class Book:
    """What all clients saw; any thread may write."""

    def __init__(self) -> None:
        self.faults: list[str] = []
        self.acknowledged: Counter[int] = Counter()
        self.rss_mb: list[float] = []
        self.followed = self.connections = 0
        self.positions: dict[int, int] = {}
        self.stop_early = threading.Event()
        self._published: list[float] = []
        self._searched: list[float] = []
        self._lock = threading.Lock()

    def fault(self, words: str) -> None:
        """Note what must not be; the first one ends the run."""
        with self._lock:
            if len(self.faults) < MAX_FAULTS:
                self.faults.append(words)
        self.stop_early.set()

    def published(self, publisher: int, events: int, took_s: float) -> None:
        """Note a batch that was acknowledged."""
        with self._lock:
            self.acknowledged[publisher] += events
            self._published.append(took_s)

    def searched(self, took_s: float) -> None:
        """Note a search that was answered."""
        with self._lock:
            self._searched.append(took_s)

    def connected(self) -> None:
        """Note that a follower has come (back)."""
        with self._lock:
            self.connections += 1

    def delivered(self, follower: int, index: int, events: int) -> None:
        """Note how far a follower is."""
        with self._lock:
            self.followed += events
            self.positions[follower] = index

    def take_figures(self) -> tuple[int, list[float], list[float]]:
        """Return all acknowledged events, and the times of publishes and of searches since the last call."""
        with self._lock:
            published, self._published = self._published, []
            searched, self._searched = self._searched, []
            return self.acknowledged.total(), published, searched

    def check(self, line: bytes, index: int, seen: Counter[str], where: str) -> None:
        """Note a fault unless *line* is the event *index*, and its publisher's next one; *seen* counts per source."""
        event = json.loads(line)
        if int(event["sequence"]) != index:
            self.fault(f"{where}: index {event['sequence']} came where {index} belongs")
        source = event["source"]
        if source.startswith("soak/"):
            seen[source] += 1
            if int(event["id"]) != seen[source]:
                self.fault(f"{where}: event {event['id']} of {source} came where {seen[source]} belongs")
                seen[source] = int(event["id"])

    def wait_until_followed(self, server: Server, followers: int, limit_s: float) -> None:
        """Return when all followers have the newest event; note a fault when they don't get there."""
        with server.connect() as connection:
            head = connection.get_json("/v1/head")["head"]
        end = time.monotonic() + limit_s
        while time.monotonic() < end and not self.faults:
            with self._lock:
                if len(self.positions) == followers and min(self.positions.values(), default=head) >= head:
                    return
            time.sleep(0.1)
        for follower, position in sorted(self.positions.items()):
            if position < head:
                self.fault(f"follower {follower} is at {position} of {head} after {limit_s:.0f} s")


class Client(threading.Thread):
    """A client that works until it is told to end; an answer it doesn't expect is a fault."""

    def __init__(self, server: Server, book: Book, number: int) -> None:
        super().__init__(daemon=True)
        self.server, self.book, self.number = server, book, number
        self.ending = threading.Event()

    def run(self) -> None:
        """Do the work."""
        try:
            self.work()
        except _BROKEN as fault:
            self.book.fault(f"{type(self).__name__} {self.number}: {type(fault).__name__}: {fault}")

    def work(self) -> None:
        """Do it until `ending` is set."""
        raise NotImplementedError

    def end(self) -> None:
        """Ask it to end soon."""
        self.ending.set()


class Publisher(Client):
    """Sends batches of numbered events at a steady rate; a late one is caught up."""

    def __init__(self, server: Server, book: Book, number: int, rate: float) -> None:
        super().__init__(server, book, number)
        self._batch = max(1, round(rate / _BATCHES_PER_S))
        self._pause_s = self._batch / rate
        self._sent = 0

    def work(self) -> None:
        """Publish."""
        due = time.monotonic()
        with self.server.connect() as connection:
            while not self.ending.wait(max(0.0, due - time.monotonic())):
                due += self._pause_s
                body = b"\n".join(self._events())
                began = time.perf_counter()
                connection.publish(body)
                self.book.published(self.number, self._batch, time.perf_counter() - began)

    def _events(self) -> Iterator[bytes]:
        now = datetime.now(UTC).isoformat().replace("+00:00", "Z")
        for _ in range(self._batch):
            self._sent += 1
            severity = "error" if self._sent % 25 == 0 else "normal"
            yield (
                f'{{"specversion":"1.0","id":"{self._sent}","source":"{source_of(self.number)}","time":"{now}",'
                f'"type":"lxd.lifecycle.instance-started","severity":"{severity}","actor":"admin",'
                f'"subject":"/1.0/instances/web-{self._sent % 900:04d}","scope":"default",'
                f'"message":"Started instance web-{self._sent % 900:04d}: timeout {random.getrandbits(32):x}",'
                f'"data":{{"type":"lifecycle","filler":"{random.getrandbits(1200):x}"}}}}'
            ).encode()


class Follower(Client):
    """Follows everything from the beginning, leaves without a word after a while, and comes back with its cursor."""

    def __init__(self, server: Server, book: Book, number: int) -> None:
        super().__init__(server, book, number)
        self._index = 0
        self._seen: Counter[str] = Counter()
        self._dice = random.Random(number)

    def work(self) -> None:
        """Follow again and again."""
        while not self.ending.is_set():
            self._stay(time.monotonic() + self._dice.uniform(*_STAY_S))

    def _stay(self, until: float) -> None:
        with self.server.connect() as connection:
            self.book.connected()
            headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._index)}
            rest = b""
            # the server's sign of life every 15 s ends a wait for the next piece at the latest
            for piece in connection.pieces("/v1/stream", headers=headers):
                *blocks, rest = (rest + piece).split(b"\n\n")
                before = self._index
                for block in blocks:
                    self._take(block)
                self.book.delivered(self.number, self._index, self._index - before)
                if self.ending.is_set() or time.monotonic() > until:
                    return
            if not self.ending.is_set():
                self.book.fault(f"follower {self.number}: the server ended the stream after index {self._index}")

    def _take(self, block: bytes) -> None:
        if block.startswith(b":"):
            return
        _, found, line = block.partition(b"\ndata: ")
        if not found or not block.startswith(b"id: "):
            self.book.fault(f"follower {self.number}: an unexpected frame: {block[:200]!r}")
            return
        self._index += 1
        self.book.check(line, self._index, self._seen, f"follower {self.number}")


class Searcher(Client):
    """Asks one question after the other."""

    def __init__(self, server: Server, book: Book) -> None:
        super().__init__(server, book, 0)

    def work(self) -> None:
        """Search."""
        turn = 0
        with self.server.connect() as connection:
            while not self.ending.wait(_SEARCH_PAUSE_S):
                question = QUESTIONS[turn % len(QUESTIONS)]
                turn += 1
                began = time.perf_counter()
                connection.get(question.path, question.parameters)
                self.book.searched(time.perf_counter() - began)
