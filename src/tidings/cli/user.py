"""``tidings user``."""

from __future__ import annotations

import sys
from urllib.parse import quote

import click

from tidings.cli import terminal
from tidings.cli.connection import Target, server_options
from tidings.cli.exits import Unusable
from tidings.cli.failures import note
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows
from tidings.cli.token import ROLES

_password_option = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


@click.group()
def user() -> None:
    """Manage user accounts."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What the user may do.")
@_password_option
@server_options
def add(server: Target, name: str, role: str, password_stdin: bool) -> None:
    """Create the account NAME."""
    password = _password(password_stdin)
    with Http(server) as http:
        http.ask_json("POST", "/v1/users", wish={"name": name, "password": password, "role": role})
    note(f"added {name!r} ({role})")


@user.command("list")
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def list_users(server: Target, output: str) -> None:
    """List the accounts."""
    with Http(server) as http:
        write_rows(http.ask_json("GET", "/v1/users"), ("name", "role"), output)


@user.command()
@click.argument("name")
@server_options
def remove(server: Target, name: str) -> None:
    """Delete the account NAME."""
    with Http(server) as http:
        http.ask_json("DELETE", f"/v1/users/{quote(name, safe='')}")
    note(f"removed {name!r}")


@user.command()
@click.argument("name")
@_password_option
@server_options
def passwd(server: Target, name: str, password_stdin: bool) -> None:
    """Give the account NAME a new password."""
    password = _password(password_stdin)
    with Http(server) as http:
        http.ask_json("PUT", f"/v1/users/{quote(name, safe='')}/password", wish={"password": password})
    note(f"new password for {name!r}")


def _password(from_stdin: bool) -> str:
    """Return the password from standard input (its first line) or from a prompt that doesn't show it."""
    if not (from_stdin or terminal.is_terminal(sys.stdin)):
        raise click.UsageError("there is no terminal to ask for the password on; use --password-stdin")
    try:
        if from_stdin:
            password = sys.stdin.buffer.readline().decode().rstrip("\r\n")
        else:
            password = str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
            password.encode()
    except UnicodeError:
        raise Unusable("the password is not UTF-8") from None
    if not password:
        raise click.UsageError("the password is empty")
    return password
