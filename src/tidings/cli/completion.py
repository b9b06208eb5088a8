"""``tidings completion``."""

from __future__ import annotations

import click

from tidings.cli.connection import local_options

_INSTALL = {
    "bash": "tidings completion bash > ~/.local/share/bash-completion/completions/tidings",
    "zsh": "tidings completion zsh > a directory of $fpath, as _tidings",
    "fish": "tidings completion fish > ~/.config/fish/completions/tidings.fish",
}


@click.command(epilog="To install: " + "; ".join(_INSTALL.values()) + ".")
@click.argument("shell", type=click.Choice(tuple(_INSTALL)))
@local_options
def completion(shell: str, data: str | None) -> None:
    """Print the script that completes commands, options and query fields in SHELL."""
    from click.shell_completion import get_completion_class

    found = get_completion_class(shell)
    if found is None:
        raise click.UsageError(f"no completion for {shell}")
    click.echo(found(click.get_current_context().find_root().command, {}, "tidings", "_TIDINGS_COMPLETE").source())
