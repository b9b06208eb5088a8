"""``tidings serve``."""

from __future__ import annotations

import os
from pathlib import Path

import click

from tidings.cli.config import configuration_file
from tidings.cli.connection import local_options


@click.command()
@click.option("--listen", metavar="HOST:PORT", help="TCP address without TLS, or off.")
@click.option("--socket", metavar="PATH", help="Unix socket, or off.")
@click.option("--tls-listen", metavar="HOST:PORT", help="TCP address with TLS, or off.")
@click.option("--config", "path", type=click.Path(path_type=Path), help="Configuration file [$TIDINGS_CONFIG].")
@click.option(
    "--set", "settings", multiple=True, metavar="NAME=VALUE", help="Any other setting; see `tidings config show`."
)
@click.option("--demo", is_flag=True, help="Start an empty log with recorded events, then a slow trickle of them.")
@local_options
def serve(path: Path | None, settings: tuple[str, ...], demo: bool, **flags: str | None) -> None:
    """Run the server until it is told to stop (Ctrl-C or SIGTERM)."""
    from tidings.config import load

    config = load(path or configuration_file(), os.environ, {**dict(map(_pair, settings)), **_given(flags)})
    from tidings.server import run  # after the settings: a mistake in them is told at once

    raise click.exceptions.Exit(run(config, demo=demo))


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise click.UsageError(f"--set takes NAME=VALUE, not {text!r}")
    return name.strip().replace("-", "_"), value.strip()


def _given(flags: dict[str, str | None]) -> dict[str, str]:
    return {name: value for name, value in flags.items() if value is not None}
