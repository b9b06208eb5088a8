"""``tidings kinds``."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows


@click.command()
@click.argument("text", nargs=-1)
@click.option("--seen", is_flag=True, help="Only kinds that were seen.")
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def kinds(server: Target, text: tuple[str, ...], seen: bool, output: str) -> None:
    """List the kinds of events: what each means and how often it was seen.

    With TEXT only those in which every word occurs.
    """
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/kinds", {"search": " ".join(text) or None})
    if seen:
        rows = [row for row in rows if row.get("seen")]
    write_rows(rows, ("kind", "severity", "seen", "title"), output)
