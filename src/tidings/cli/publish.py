"""``tidings publish``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import click

from tidings.cli import terminal
from tidings.cli.batches import (
    BATCH_LINES,
    PIECE_BYTES,
    Batch,
    Read,
    batches,
    open_events,
    read_descriptor,
    read_stream,
)
from tidings.cli.connection import Target, server_options
from tidings.cli.failures import note
from tidings.cli.http import Http
from tidings.cli.output import output_option, write
from tidings.cli.plurals import number_of
from tidings.cli.progress import Advance, progress
from tidings.cli.sending import Sender

FORMATS = ("auto", "cloudevents", "container-station", "lxd", "ovirt")
_WHOLE = "container-station"  # whose exports are no lines: a cell may hold a line break


@click.command()
@click.argument(
    "files",
    nargs=-1,
    metavar="[FILE|-]...",
    type=click.Path(path_type=Path, exists=True, dir_okay=False, allow_dash=True),
)
@click.option(
    "--format",
    "form",
    type=click.Choice(FORMATS),
    default="auto",
    show_default=True,
    help="auto: each line by its content.",
)
@click.option("--source", metavar="NAME", help="Source of events that name none.")
@click.option(
    "--zone", metavar="ZONE", default="UTC", show_default=True, help="Time zone of the dates in a CSV export."
)
@output_option("text", "json")
@server_options
def publish(server: Target, files: tuple[Path, ...], form: str, source: str | None, zone: str, output: str) -> None:
    """Store events from files (plain, .gz or .zst) or standard input, one JSON event a line.

    Lines go in batches of up to 1,000 or 1 MiB. A batch is stored whole or not at all: when a line is refused, the batches before
    its own are stored and nothing after. What is acknowledged is on disk.
    """
    with Http(server) as http:
        sender = Sender(http, {"format": form, "source": source}, note)
        try:
            for path in files or (Path("-"),):
                if form == _WHOLE:
                    _publish_whole(path, sender, zone)
                else:
                    _publish_file(path, sender)
        except KeyboardInterrupt:
            note(f"interrupted; {sender.acknowledged}")
            raise
        total = sender.total
        head = total.head if sender.lines else http.ask_json("GET", "/v1/head")["head"]
    if output == "json":
        write(f'{{"stored":{total.stored},"duplicates":{total.duplicates},"head":{head}}}\n'.encode())
    else:
        duplicates = number_of(total.duplicates, "duplicate")
        click.echo(f"stored {number_of(total.stored, 'event')} ({duplicates}), head {head}")


def _publish_file(path: Path, sender: Sender) -> None:
    if str(path) == "-":
        name = "standard input"
        if terminal.is_terminal(sys.stdin):
            note("Type events, one JSON object a line; end with Ctrl-D.")
        for batch in batches(_read_stdin()):
            sender.send(batch, name)
        return
    with _reading(path) as (read, advance):
        for batch in batches(read):
            sender.send(batch, str(path))
            advance(0)


def _publish_whole(path: Path, sender: Sender, zone: str) -> None:
    """Send a file that has to be read to its end before it can be taken apart."""
    from tidings.dialects.container_station.splitting import split

    if str(path) == "-":
        body = sys.stdin.buffer.read()
    else:
        stream, raw = open_events(path)
        with raw, closing(stream):
            body = b"".join(iter(lambda: stream.read(PIECE_BYTES), b""))
    pieces = split(body, zone)
    numbers = list(range(1, len(pieces) + 1))
    for at in range(0, len(pieces), BATCH_LINES):
        sender.send(Batch(pieces[at : at + BATCH_LINES], numbers[at : at + BATCH_LINES]), str(path))


def _read_stdin() -> Read:
    try:
        return read_descriptor(sys.stdin.fileno())
    except OSError:  # no real file: whoever runs this command inside a program has replaced it
        return read_stream(sys.stdin.buffer)


@contextmanager
def _reading(path: Path) -> Iterator[tuple[Read, Advance]]:
    """Give the reader of a file, and what moves its progress bar to where the reading is."""
    stream, raw = open_events(path)
    with raw, closing(stream), progress(path.name, path.stat().st_size) as show:
        yield read_stream(stream), lambda _: show(raw.tell())
