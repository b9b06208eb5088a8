"""Run a server for a long time under steady work and look for loss, repeats, disorder, leaks and slowing down.

``make soak ARGS="--minutes 60"``, or ``python -m benchmarks.soak``. Publishers send batches at a steady rate, followers leave
and come back with their cursor, a searcher asks what people ask. Once a minute a line says how it stands. Loss, repeats and
disorder make the exit code 1; times and memory are only told.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import number, percentile
from benchmarks.server import Server
from benchmarks.soak_clients import Book, Client, Follower, Publisher, Searcher, source_of
from benchmarks.workplace import scratch, workplace

_CATCH_UP_S = 60.0
_LINE = "{:>7} {:>12} {:>9} {:>12} {:>12} {:>9} {:>9} {:>10} {:>10}"
_HEADS = ("minute", "events", "events/s", "publish p99", "search p95", "RSS MB", "workers", "disk MB", "unindexed")


def run(server: Server, minutes: float, rate: float, publishers: int, followers: int, every_s: float) -> Book:
    """Keep the clients busy for *minutes*, then let the followers catch up; return what was noted."""
    book = Book()
    senders: list[Client] = [Publisher(server, book, i, rate / publishers) for i in range(publishers)]
    readers: list[Client] = [Follower(server, book, i) for i in range(followers)]
    searcher = Searcher(server, book)
    for client in (*senders, *readers, searcher):
        client.start()
    _watch(server, book, minutes * 60, every_s)
    _end((*senders, searcher))
    book.wait_until_followed(server, followers, _CATCH_UP_S)
    _end(readers)
    return book


def check_log(server: Server, book: Book) -> None:
    """Read the whole log once and note every acknowledged event that isn't in it exactly once and in its place."""
    seen: Counter[str] = Counter()
    index = 0
    with server.connect() as connection:
        rest = b""
        for piece in connection.pieces("/v1/events", {"export": 1, "format": "ndjson"}):
            *lines, rest = (rest + piece).split(b"\n")
            for line in lines:
                index += 1
                book.check(line, index, seen, "the log")
    for publisher, acknowledged in book.acknowledged.items():
        source = source_of(publisher)
        if seen[source] < acknowledged:
            book.fault(f"the log lacks {acknowledged - seen[source]} acknowledged events of {source}")


def _watch(server: Server, book: Book, seconds: float, every_s: float) -> None:
    print(_LINE.format(*_HEADS), flush=True)
    began = before = time.monotonic()
    stored = 0
    while before - began < seconds and not book.faults:
        book.stop_early.wait(min(every_s, seconds - (before - began)))
        now, total, took, searched = time.monotonic(), *book.take_figures()
        metrics, rss = server.metrics(), server.rss_mb()
        book.rss_mb.append(rss)
        cells = (
            f"{(now - began) / 60:.1f}",
            f"{total:,}",
            number((total - stored) / (now - before)),
            f"{number(percentile(took, 0.99) * 1e3)} ms",
            f"{number(percentile(searched, 0.95) * 1e3)} ms",
            number(rss),
            number(server.workers_rss_mb()),
            number(metrics["tidings_log_bytes"] / 1e6),
            number(metrics["tidings_log_unindexed_events"]),
        )
        print(_LINE.format(*cells), flush=True)
        before, stored = now, total


def _end(clients: Sequence[Client]) -> None:
    for client in clients:
        client.end()
    for client in clients:
        client.join()


def _verdict(book: Book) -> int:
    quarter = max(1, len(book.rss_mb) // 4)
    first, last = statistics.median(book.rss_mb[:quarter]), statistics.median(book.rss_mb[-quarter:])
    total = sum(book.acknowledged.values())
    print(
        f"\n{total:,} events acknowledged; {book.followed:,} deliveries over {book.connections:,} connections of followers"
    )
    print(
        f"RSS of the first quarter {number(first)} MB, of the last {number(last)} MB ({number(last - first)} MB more)"
    )
    for fault in book.faults:
        print(f"FAULT: {fault}")
    print("no event lost, repeated or out of order" if not book.faults else f"{len(book.faults)} faults")
    return 1 if book.faults else 0


def main() -> int:
    given = _arguments()
    with workplace(given.data) as folder, scratch(folder, "soak") as data, Server(data) as server:
        book = run(server, given.minutes, given.rate, given.publishers, given.followers, given.every)
        check_log(server, book)
        return _verdict(book)


def _arguments() -> argparse.Namespace:
    ask = argparse.ArgumentParser(prog="python -m benchmarks.soak", description=__doc__)
    ask.add_argument("--minutes", type=float, default=60.0)
    ask.add_argument("--rate", type=float, default=2_000.0, help="events a second, all publishers together")
    ask.add_argument("--publishers", type=int, default=4)
    ask.add_argument("--followers", type=int, default=8)
    ask.add_argument("--every", type=float, default=60.0, metavar="SECONDS", help="between two lines")
    ask.add_argument("--data", type=Path, metavar="DIR", help="where to put the log instead of a temporary folder")
    return ask.parse_args()


if __name__ == "__main__":
    sys.exit(main())
