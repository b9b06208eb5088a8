"""``tidings trim``."""

from __future__ import annotations

import click

from tidings.cli.connection import Target, server_options
from tidings.cli.http import Http


@click.command()
@click.argument("before", type=click.IntRange(1))
@server_options
def trim(server: Target, before: int) -> None:
    """Delete events with an index below BEFORE, as far as whole segments allow; print the oldest index then kept."""
    with Http(server) as http:
        click.echo(http.ask_json("POST", "/v1/trim", wish={"before": before})["oldest"])
