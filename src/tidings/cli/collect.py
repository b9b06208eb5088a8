"""``tidings collect``."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.exits import Exit
from tidings.cli.failures import note
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows

COLUMNS = (
    "name",
    "kind",
    "state",
    "since",
    "events",
    "last_event",
    "last_seen",
    "lag_s",
    "gaps",
    "reconnects",
    "detail",
)


@click.group()
def collect() -> None:
    """Look at the collectors."""


@collect.command()
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def status(server: Target, output: str) -> None:
    """Show how each collector is; exit code 1 when one isn't live."""
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/collectors")
    write_rows(rows, COLUMNS, output)
    if not rows:
        note("no collectors are configured")
    if down := [row["name"] for row in rows if row["state"] != "live"]:
        note(f"not live: {', '.join(down)}")
        raise click.exceptions.Exit(Exit.FAILURE)
