"""``tidings token``."""

from __future__ import annotations

import secrets
import sys
from urllib.parse import quote

import click

from tidings.cli import terminal
from tidings.cli.connection import Target, server_options
from tidings.cli.durations import DURATION
from tidings.cli.failures import note
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows

ROLES = ("reader", "writer", "admin")


@click.group()
def token() -> None:
    """Manage access tokens."""


@token.command()
@click.option("--name", metavar="NAME", help="To list and revoke it by; made up when not given.")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What it may do.")
@click.option(
    "--scope", "scopes", multiple=True, metavar="SCOPE", help="Only events of this scope; may be given several times."
)
@click.option("--expires", type=DURATION, metavar="TIME", help="How long it is good for, such as 12h or 30d.")
@server_options
def create(server: Target, name: str | None, role: str, scopes: tuple[str, ...], expires: float | None) -> None:
    """Create a token and print it: the only time it is shown."""
    wish: dict[str, object] = {"name": name or f"{role}-{secrets.token_hex(4)}", "role": role}
    if scopes:
        wish["scopes"] = scopes
    if expires is not None:
        wish["expires_s"] = int(expires)
    with Http(server) as http:
        made = http.ask_json("POST", "/v1/tokens", wish=wish)
    click.echo(made["token"])
    if terminal.is_terminal(sys.stdout):
        note(f"This is the token {made['name']!r} ({made['role']}). It is not shown again.")


@token.command("list")
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def list_tokens(server: Target, output: str) -> None:
    """List the tokens, without their secrets."""
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/tokens")
    write_rows(rows, ("name", "role", "scopes", "created", "expires"), output)


@token.command()
@click.argument("names", nargs=-1)
@click.option("--name", metavar="NAME", help="The same as the argument.")
@server_options
def revoke(server: Target, names: tuple[str, ...], name: str | None) -> None:
    """Revoke tokens by name: they are refused from now on."""
    chosen = (*names, name) if name else names
    if not chosen:
        raise click.UsageError("say which token, by its name")
    with Http(server) as http:
        for one in chosen:
            http.ask_json("DELETE", f"/v1/tokens/{quote(one, safe='')}")
            note(f"revoked {one!r}")
