"""``tidings config``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tidings.cli.connection import local_options
from tidings.cli.output import output_option, write_rows


@click.group()
def config() -> None:
    """Show the settings."""


@config.command()
@click.option("--config", "path", type=click.Path(path_type=Path), help="Configuration file [$TIDINGS_CONFIG].")
@output_option("table", "json", "ndjson", "csv", "yaml")
@local_options
def show(data: str | None, path: Path | None, output: str) -> None:
    """List every setting, its value and where the value came from."""
    from tidings.config import SETTINGS, load

    settings = load(path or configuration_file(), os.environ, {"data": data})
    rows = [
        {"setting": row.name, "value": settings.show(row.name), "from": settings.origin(row.name), "help": row.help}
        for row in SETTINGS
    ]
    write_rows(rows, ("setting", "value", "from"), output)


def configuration_file() -> Path | None:
    """Return what $TIDINGS_CONFIG names."""
    named = os.environ.get("TIDINGS_CONFIG")
    return Path(named) if named else None
