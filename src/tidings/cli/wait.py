"""``tidings wait``."""

from __future__ import annotations

import time

import click

from tidings.cli import pretty
from tidings.cli.connection import Target, server_options
from tidings.cli.durations import DURATION
from tidings.cli.exits import Exit
from tidings.cli.failures import note
from tidings.cli.http import Answer, Http, Params
from tidings.cli.output import encode_for_stdout, output_option, write
from tidings.cli.query_argument import query_argument
from tidings.event import decode_line
from tidings.problem import TRANSIENT

# The server is asked again and again, so that a proxy which cuts long requests does no harm.
STEP_S = 60.0
GRACE_S = 15.0
RETRY_S = 0.5


@click.command()
@query_argument(required=True)
@click.option("--timeout", type=DURATION, default="60", show_default=True, metavar="TIME", help="Seconds, or 5m, 2h ….")
@click.option(
    "--after", type=click.IntRange(0), metavar="INDEX", help="Count events after INDEX; else those from now on."
)
@output_option("pretty", "json")
@server_options
def wait(server: Target, query: str, timeout: float, after: int | None, output: str) -> None:
    """Wait until an event matches QUERY and print it; exit code 124 when none came in time."""
    deadline = time.monotonic() + timeout
    with Http(server) as http:
        # The position is fixed before the waiting starts: across a lost connection no event is missed.
        position = http.ask_json("GET", "/v1/head")["head"] if after is None else after
        line = _wait(http, query, position, deadline)
    if line is None:
        note(f"no event matched within {timeout:g} s")
        raise click.exceptions.Exit(Exit.TIMED_OUT)
    shown = encode_for_stdout(pretty.line_printer()(decode_line(line))) if output == "pretty" else line
    write(shown + b"\n")


def _wait(http: Http, query: str, position: int, deadline: float) -> bytes | None:
    """Return the first matching line after *position*, or None when the time is up."""
    while True:
        left = max(0.0, deadline - time.monotonic())
        answer = _ask(http, query, position, min(left, STEP_S), can_retry=left > RETRY_S)
        if answer is not None and answer.status != 204:
            return answer.body.rstrip(b"\n")
        if time.monotonic() >= deadline:
            return None


def _ask(http: Http, query: str, position: int, timeout_s: float, can_retry: bool) -> Answer | None:
    wish: Params = {"search": query, "after": position, "timeout": f"{timeout_s:.3f}"}
    try:
        return http.ask("GET", "/v1/wait", wish, timeout_s=timeout_s + GRACE_S)
    except TRANSIENT:
        if not can_retry:
            raise
        time.sleep(RETRY_S)
        return None
