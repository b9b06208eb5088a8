"""``tidings fields``."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows


@click.command()
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def fields(server: Target, output: str) -> None:
    """List the fields that a query can name, with an example of each."""
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/fields")
    write_rows(rows, ("name", "aliases", "type", "example", "help"), output)
