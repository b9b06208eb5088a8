"""``tidings verify``."""

from __future__ import annotations

import os

import click

from tidings.cli.connection import data_directory, local_options
from tidings.cli.exits import Exit


@click.command()
@local_options
def verify(data: str | None) -> None:
    """Check every file of a data directory and print a report; exit code 1 when something is damaged. It changes nothing."""
    from tidings.log.segments import verify as check

    report = check(data_directory(data, os.environ))
    for line in report.lines():
        click.echo(line)
    if not report.ok:
        raise click.exceptions.Exit(Exit.FAILURE)
