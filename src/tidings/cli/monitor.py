"""``tidings monitor``: the options, and where to start."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from tidings.cli import terminal
from tidings.cli.connection import Target, server_options
from tidings.cli.cursor_file import CursorFile
from tidings.cli.failures import note
from tidings.cli.http import Http, Params
from tidings.cli.lxc_options import LxcOptions, lxc_options
from tidings.cli.output import output_option
from tidings.cli.query_argument import query_argument
from tidings.cli.zone import local_zone
from tidings.units import parse_duration


@click.command()
@query_argument()
@click.option(
    "--after",
    type=click.IntRange(0),
    metavar="INDEX",
    help="Begin after INDEX (0: everything kept); else with what comes.",
)
@click.option("--since", metavar="TIME", help="Begin with what was stored since 1h, 2d … or since a time.")
@click.option(
    "--cursor-file",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Remember the position there and resume from it.",
)
@click.option("--from-oldest", is_flag=True, help="Where the position is no longer kept, go on with the oldest event.")
@click.option("--max", "limit", type=click.IntRange(1), metavar="N", help="Stop after N events.")
@click.option(
    "-v", "--verbose", is_flag=True, help="Tell about the connection even when standard error is no terminal."
)
@output_option("pretty", "json", "ndjson", "yaml", "lxd")
@lxc_options
@server_options
@click.pass_context
def monitor(
    ctx: click.Context,
    server: Target,
    query: str,
    after: int | None,
    since: str | None,
    cursor_file: Path | None,
    from_oldest: bool,
    limit: int | None,
    verbose: bool,
    output: str,
    lxc: LxcOptions,
) -> None:
    """Watch events arrive. A lost connection is made again and resumes where it broke: no event is missed or shown twice.

    The options of lxc monitor work here too and ask for -o lxd.
    """
    from tidings.cli.watching import Watch, watch

    view = lxc.view()
    if lxc.given:
        if output != "lxd" and ctx.get_parameter_source("output") is not click.core.ParameterSource.DEFAULT:
            raise click.UsageError(f"the options of lxc monitor belong to -o lxd, not -o {output}")
        output = "lxd"
    if after is not None and since is not None:
        raise click.UsageError("--after and --since both say where to begin; give one")
    cursor = CursorFile(cursor_file) if cursor_file else None
    position: int | None = cursor.read() if cursor else None
    if position is None:
        position = _since(server, since) if since else after
    elif after is not None or since is not None:
        note(f"resuming after {position}, as {cursor_file} says")
    told = verbose or terminal.is_terminal(sys.stderr)
    plan = Watch(server, query, position, cursor, from_oldest, limit, output, told)
    raise click.exceptions.Exit(watch(plan.narrowed(view)))


def _since(server: Target, since: str) -> int:
    """Return the index before the first event received since then."""
    try:
        parse_duration(since)
        when = f"-{since}"
    except ValueError:
        when = '"' + since.replace("\\", "\\\\").replace('"', '\\"') + '"'
    wish: Params = {
        "search": f"received >= {when}",
        "order": "oldest",
        "max": 1,
        "format": "json",
        "zone": local_zone(),
    }
    with Http(server) as http:
        found = http.ask_json("GET", "/v1/events", wish)
        return int(found[0]["sequence"]) - 1 if found else int(http.ask_json("GET", "/v1/head")["head"])
