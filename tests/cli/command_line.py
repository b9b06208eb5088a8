"""Run `tidings` in this process."""

from __future__ import annotations

from click.testing import CliRunner, Result

from tidings.cli import main


class CommandLine:
    """Runs `tidings` with arguments against one server."""

    def __init__(self, url: str) -> None:
        self.env: dict[str, str | None] = {"TIDINGS_URL": url, "TIDINGS_TOKEN": None, "TIDINGS_DATA": None, "TZ": "UTC"}

    def __call__(self, *args: str, stdin: str | bytes | None = None, **env: str | None) -> Result:
        return CliRunner().invoke(main, args, input=stdin, env={**self.env, **env}, prog_name="tidings")
