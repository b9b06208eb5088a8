"""Which server a command talks to: --data, --url and --token, and the environment variables behind them."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import click

from tidings.cli.exits import Unusable


class Target(NamedTuple):
    """A server: *url* is ``unix:/path``, ``http://…`` or ``https://…``; *token* may be empty. *data* is the data directory."""

    url: str
    token: str
    data: Path


def data_directory(data: str | None, env: Mapping[str, str]) -> Path:
    """Return --data, else $TIDINGS_DATA, else ``~/.local/share/tidings``."""
    chosen = data or env.get("TIDINGS_DATA") or "~/.local/share/tidings"
    return Path(chosen).expanduser()


def resolve(data: str | None, url: str | None, token: str | None, env: Mapping[str, str]) -> Target:
    """Choose the server: an option wins over the environment, a URL over a data directory of the same rank."""
    directory = data_directory(data, env)
    chosen = url or (None if data else env.get("TIDINGS_URL")) or f"unix:{directory / 'unix.socket'}"
    if chosen.startswith("unix:"):
        chosen = "unix:" + str(Path(chosen.removeprefix("unix:").replace("//", "/")).expanduser())
    elif not chosen.startswith(("http://", "https://")):
        raise click.UsageError(f"{chosen!r} is no URL; write http://HOST:PORT, https://HOST:PORT or unix:/PATH")
    else:
        _check_url(chosen)
    secret = (token or env.get("TIDINGS_TOKEN", "")).strip()
    if not (secret.isascii() and secret.isprintable()):
        raise click.UsageError("the token holds characters that no token has")
    return Target(chosen, secret, directory)


def _check_url(url: str) -> None:
    try:
        url.encode()
        parts = urlsplit(url)
        _ = parts.port  # looked at for the error it may raise
        (parts.hostname or "").encode("idna")
    except ValueError:
        # the words of the error aren't repeated: they may hold the URL's password
        raise Unusable("the URL has an impossible host or port; write http://HOST:PORT or https://HOST:PORT") from None


def server_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* --data, --url and --token, and hand it what they name as ``server``."""

    @functools.wraps(command)
    def wrapper(data: str | None, url: str | None, token: str | None, **given: Any) -> Any:
        return command(server=resolve(data, url, token, os.environ), **given)

    return _options(wrapper, hidden=False)


def local_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command*, which needs no server, the same options, and hand it ``data`` as it was given.

    Every command accepts the three, so that a script can pass them without thinking; here --url and --token mean nothing.
    """

    @functools.wraps(command)
    def wrapper(url: str | None, token: str | None, **given: Any) -> Any:
        return command(**given)

    return _options(wrapper, hidden=True)


def _options(wrapper: Callable[..., Any], hidden: bool) -> Callable[..., Any]:
    for option in (
        click.option("--token", metavar="TOKEN", hidden=hidden, help="Bearer token [$TIDINGS_TOKEN]."),
        click.option(
            "--url", metavar="URL", hidden=hidden, help="Server, http://HOST:PORT or unix:/PATH [$TIDINGS_URL]."
        ),
        click.option("--data", metavar="DIR", help="Data directory [$TIDINGS_DATA, ~/.local/share/tidings]."),
    ):
        wrapper = option(wrapper)
    return wrapper
