"""``tidings version``."""

from __future__ import annotations

import click

from tidings.cli.connection import local_options


def installed_version() -> str:
    """Return the version of the installed package."""
    from importlib.metadata import PackageNotFoundError, version  # slow to import, rarely needed

    try:
        return version("tidings")
    except PackageNotFoundError:
        return "unknown (run from a source tree that isn't installed)"


@click.command()
@local_options
def version(data: str | None) -> None:
    """Print the version."""
    click.echo(f"tidings {installed_version()}")
