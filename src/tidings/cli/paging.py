"""Fetch a search page by page, until there is no more or enough of it."""

from __future__ import annotations

from collections.abc import Iterator

from tidings.answers import NEXT_CURSOR
from tidings.cli.http import Http, Params
from tidings.cli.rows import LineCounter, RowCounter

PAGE_EVENTS = 1000


def pages(http: Http, wish: Params, limit: int, form: str) -> Iterator[bytes]:
    """Yield page after page as *form* (``ndjson`` or ``csv``, each with its head), *limit* events in all (0: every one)."""
    cursor: str | None = None
    left = limit
    while True:
        size = min(left, PAGE_EVENTS) if limit else PAGE_EVENTS
        answer = http.ask("GET", "/v1/events", {**wish, "format": form, "max": size, "cursor": cursor})
        yield answer.body
        cursor = answer.headers.get(NEXT_CURSOR)
        counter = RowCounter() if form == "csv" else LineCounter()
        counter.feed(answer.body)
        left -= counter.count
        if not cursor or (limit and left <= 0):
            return
