"""The QUERY of a command: several words are one query, and a shell completes its fields, operators and values."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click


def query_argument(*, required: bool = False) -> Callable[[Any], Any]:
    """Return the argument QUERY; the command gets all words joined by spaces."""
    return click.argument(
        "query",
        nargs=-1,
        required=required,
        metavar="QUERY..." if required else "[QUERY]...",
        callback=_join,
        shell_complete=complete_query,
    )


def _join(_ctx: click.Context, _parameter: click.Parameter, words: tuple[str, ...]) -> str:
    return " ".join(words)


def complete_query(ctx: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return what the word under the cursor may become, after the words of the query before it."""
    from tidings.query.completion import complete  # only a shell's completion needs the language

    before = ctx.params.get(parameter.name or "") or ""
    text = f"{before} {incomplete}" if before else incomplete
    # A quoted query is one word for the shell, so its last part is completed and the rest of it repeated.
    head, gap, last = incomplete.rpartition(" ")
    return [
        head + gap + candidate for candidate in complete(text, len(text)) if candidate.lower().startswith(last.lower())
    ]
