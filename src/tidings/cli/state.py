"""``tidings state``."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.failures import note
from tidings.cli.http import Http, Params
from tidings.cli.output import output_option, write_rows

COLUMNS = ("type", "name", "state", "since", "source", "scope", "id")


@click.command()
@click.argument("name", required=False, metavar="[NAME]")
@click.option("--type", "kind", metavar="TYPE", help="Such as instance, container, vm, host or image.")
@click.option("--state", "word", metavar="STATE", help="Such as running, stopped, up or down; gone: what is no more.")
@click.option("--source", metavar="SOURCE", help="Which system told it.")
@click.option("--scope", metavar="SCOPE", help="Project, data centre or compartment.")
@click.option(
    "--max",
    "limit",
    default=100,
    show_default=True,
    metavar="N",
    type=click.IntRange(1, 10_000),
    help="At most N things.",
)
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def state(
    server: Target,
    name: str | None,
    kind: str | None,
    word: str | None,
    source: str | None,
    scope: str | None,
    limit: int,
    output: str,
) -> None:
    """Show the last known state of things, the last changed first.

    NAME is a name or an id, and may hold * for any text; without it all things are shown, but for those that are gone.
    """
    wish: Params = {"name": name, "type": kind, "state": word, "source": source, "scope": scope, "max": limit}
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/state", wish)
    for row in rows:
        # an id that is the name says nothing more
        row["id"] = row["id"] if output != "table" or row["id"] != row["name"] else ""
    write_rows(rows, COLUMNS, output)
    if len(rows) == limit:
        note(f"there may be more than these {limit}; --max N shows up to N")
