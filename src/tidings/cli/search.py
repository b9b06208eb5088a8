"""``tidings search``, ``count`` and ``head``: questions that are answered at once."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.event_output import WRITERS
from tidings.cli.http import Http, Params
from tidings.cli.output import output_option, write
from tidings.cli.paging import pages
from tidings.cli.query_argument import query_argument
from tidings.cli.zone import local_zone


@click.command()
@query_argument()
@click.option(
    "--max",
    "limit",
    default=100,
    show_default=True,
    metavar="N",
    type=click.IntRange(0),
    help="At most N events; 0: all.",
)
@click.option(
    "--order", type=click.Choice(["newest", "oldest"]), default="newest", show_default=True, help="Which come first."
)
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def search(server: Target, query: str, limit: int, order: str, output: str) -> None:
    """Find events.

    QUERY is the search language: words, comparisons such as `severity >= warning`, and, or, not, parentheses. Several words are
    joined by spaces. In a terminal the table is cut to its width and shows local time; in a pipe nothing is cut, and time is UTC.
    """
    wish: Params = {"search": query, "order": order, "zone": local_zone()}
    with Http(server) as http:
        if output == "csv":
            for number, body in enumerate(pages(http, wish, limit, "csv")):
                write(body.partition(b"\n")[2] if number else body)
            return
        writer = WRITERS[output]()
        for body in pages(http, wish, limit, "ndjson"):
            writer.page(body.splitlines())
        writer.end()


@click.command()
@query_argument()
@server_options
def count(server: Target, query: str) -> None:
    """Print how many events match QUERY."""
    with Http(server) as http:
        click.echo(http.ask_json("GET", "/v1/count", {"search": query, "zone": local_zone()})["count"])


@click.command()
@server_options
def head(server: Target) -> None:
    """Print the newest index (0: the log is empty)."""
    with Http(server) as http:
        click.echo(http.ask_json("GET", "/v1/head")["head"])
