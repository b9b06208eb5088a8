"""``tidings trust``."""

from __future__ import annotations

import ssl
import sys
from pathlib import Path
from urllib.parse import quote

import click

from tidings.cli import terminal
from tidings.cli.connection import Target, server_options
from tidings.cli.durations import DURATION
from tidings.cli.exits import Unusable
from tidings.cli.failures import note
from tidings.cli.http import Http
from tidings.cli.output import output_option, write_rows
from tidings.cli.token import ROLES

_MAX_BYTES = 1 << 20
_BEGIN, _END = b"-----BEGIN CERTIFICATE-----", b"-----END CERTIFICATE-----"

_role_option = click.option(
    "--role", type=click.Choice(ROLES), default="reader", show_default=True, help="What the client may do."
)
_project_option = click.option(
    "--project", "projects", multiple=True, metavar="P", help="Only events of this project; may be given several times."
)


@click.group()
def trust() -> None:
    """Manage trusted client certificates."""


@trust.command()
@click.argument("name")
@click.argument("certificate", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@_role_option
@_project_option
@server_options
def add(server: Target, name: str, certificate: Path, role: str, projects: tuple[str, ...]) -> None:
    """Trust the CERTIFICATE in a file (PEM or DER), and call it NAME."""
    wish = {"name": name, "certificate": _pem_of(certificate), "role": role, "scopes": projects}
    with Http(server) as http:
        made = http.ask_json("POST", "/v1/trust", wish=wish)
    note(f"trusted {made['fingerprint']} as {name!r} ({role})")


@trust.command("list")
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def list_certificates(server: Target, output: str) -> None:
    """List the trusted certificates."""
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/trust")
    write_rows(rows, ("name", "role", "scopes", "fingerprint", "expires"), output)


@trust.command()
@click.argument("fingerprints", nargs=-1, required=True, metavar="FINGERPRINT...")
@server_options
def remove(server: Target, fingerprints: tuple[str, ...]) -> None:
    """Trust certificates no more; the first 12 digits of a fingerprint are enough."""
    with Http(server) as http:
        for one in fingerprints:
            http.ask_json("DELETE", f"/v1/trust/{quote(one, safe='')}")
            note(f"removed {one!r}")


@trust.command()
@click.argument("name")
@_role_option
@_project_option
@click.option("--expires", type=DURATION, metavar="TIME", help="How long it is good for, such as 12h or 30d.")
@click.option(
    "--address",
    "addresses",
    multiple=True,
    metavar="HOST:PORT",
    help="Where the client reaches the server; may be given several times. The server's own guess when not given.",
)
@server_options
def token(
    server: Target,
    name: str,
    role: str,
    projects: tuple[str, ...],
    expires: float | None,
    addresses: tuple[str, ...],
) -> None:
    """Print a token with which one client may add its own certificate, once, to be called NAME."""
    wish: dict[str, object] = {"name": name, "role": role, "scopes": projects}
    if expires is not None:
        wish["expires_s"] = int(expires)
    if addresses:
        wish["addresses"] = addresses
    with Http(server) as http:
        made = http.ask_json("POST", "/v1/trust/tokens", wish=wish)
    click.echo(made["token"])
    if terminal.is_terminal(sys.stdout):
        note("On the client: lxc remote add NAME TOKEN. It works once and is not shown again.")


@trust.command()
@output_option("table", "json", "ndjson", "csv", "yaml")
@server_options
def tokens(server: Target, output: str) -> None:
    """List the tokens that nobody has used yet, without their secrets."""
    with Http(server) as http:
        rows = http.ask_json("GET", "/v1/trust/tokens")
    write_rows(rows, ("id", "name", "role", "scopes", "created", "expires"), output)


@trust.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID...")
@server_options
def revoke(server: Target, ids: tuple[str, ...]) -> None:
    """Revoke tokens that nobody has used yet."""
    with Http(server) as http:
        for one in ids:
            http.ask_json("DELETE", f"/v1/trust/tokens/{quote(one, safe='')}")
            note(f"revoked {one!r}")


def _pem_of(path: Path) -> str:
    """Return the first certificate of a file as PEM, and nothing else of it: there may be a private key beside."""
    with path.open("rb") as file:
        content = file.read(_MAX_BYTES)
    start, end = content.find(_BEGIN), content.find(_END)
    if 0 <= start < end:
        return content[start : end + len(_END)].decode("ascii", "replace")
    if b"-----BEGIN" in content or not content:
        raise Unusable(f"{path} holds no certificate; the client's .crt file is expected, not its key")
    return ssl.DER_cert_to_PEM_cert(content)
