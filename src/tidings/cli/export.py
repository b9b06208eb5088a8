"""``tidings export``."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

import click

from tidings.answers import COUNT_HINT
from tidings.cli.connection import Target, server_options
from tidings.cli.export_file import Sink, partial_of, whole_file
from tidings.cli.failures import note
from tidings.cli.http import Http, Params
from tidings.cli.plurals import number_of
from tidings.cli.progress import progress
from tidings.cli.query_argument import query_argument
from tidings.cli.rows import LineCounter, RowCounter
from tidings.cli.zone import local_zone
from tidings.problem import CutShort


@click.command()
@query_argument()
@click.option(
    "--format",
    "form",
    type=click.Choice(["ndjson", "csv", "cloudevents"]),
    default="ndjson",
    show_default=True,
    help="cloudevents is one JSON array, the batch form of the standard.",
)
@click.option(
    "--to",
    "path",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    default="-",
    metavar="FILE",
    help="A file, compressed when it ends in .gz or .zst; else standard output.",
)
@server_options
def export(server: Target, query: str, form: str, path: Path) -> None:
    """Write all matching events, oldest first.

    FILE gets its name when it is whole; until then it is FILE.partial. When the server breaks off, the exit code is 5.
    """
    counter = RowCounter() if form == "csv" else LineCounter()
    try:
        if str(path) == "-":
            _copy(server, query, form, counter, sys.stdout.buffer)
        else:
            with whole_file(path) as sink:
                _copy(server, query, form, counter, sink)
    except CutShort:
        where = "" if str(path) == "-" else f"; the part is in {partial_of(path)}"
        note(f"EXPORT CUT SHORT after {number_of(counter.count, 'event')}{where}")
        raise
    note(number_of(counter.count, "event"))


def _copy(server: Target, query: str, form: str, counter: LineCounter | RowCounter, sink: Sink) -> None:
    """Stream the export into *sink*, a piece at a time, and count its events."""
    wish: Params = {
        "search": query,
        "export": 1,
        "order": "oldest",
        "format": "csv" if form == "csv" else "ndjson",
        "zone": local_zone(),
    }
    with Http(server) as http, http.stream("/v1/events", wish) as (headers, pieces):
        hint = headers.get(COUNT_HINT, "")
        with progress("export", int(hint) if hint.isdecimal() else None) as advance:
            for piece in as_array(counted(pieces, counter)) if form == "cloudevents" else counted(pieces, counter):
                sink.write(piece)
                advance(counter.count)


def counted(pieces: Iterable[bytes], counter: LineCounter | RowCounter) -> Iterator[bytes]:
    """Pass *pieces* on and count what is in them."""
    for piece in pieces:
        counter.feed(piece)
        yield piece


def as_array(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Turn pieces of NDJSON, cut anywhere, into pieces of one JSON array with an event a line.

    The comma between two lines takes the place of the line end of the first, which is therefore held back till more comes.
    """
    held = b"[\n"
    empty = True
    for piece in pieces:
        body = piece.removesuffix(b"\n")
        yield held + body.replace(b"\n", b",\n")
        held = b",\n" if piece.endswith(b"\n") else b""
        empty = False
    yield b"[]\n" if empty else b"\n]\n"
