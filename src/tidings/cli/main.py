"""The command group: a table of commands, each imported when it is called, and one place where errors become exit codes."""

from __future__ import annotations

import difflib
import os
import sys
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple

import click


class Entry(NamedTuple):
    """Where a command is (``module:function``) and its line in the help."""

    where: str
    help: str


COMMANDS: dict[str, Entry] = {
    "serve": Entry("tidings.cli.serve:serve", "Run the server."),
    "publish": Entry("tidings.cli.publish:publish", "Store events, one JSON event a line."),
    "search": Entry("tidings.cli.search:search", "Find events."),
    "monitor": Entry("tidings.cli.monitor:monitor", "Watch events arrive; reconnects and resumes."),
    "wait": Entry("tidings.cli.wait:wait", "Wait until a matching event arrives."),
    "export": Entry("tidings.cli.export:export", "Write all matching events to a file."),
    "count": Entry("tidings.cli.search:count", "Count events."),
    "head": Entry("tidings.cli.search:head", "Print the newest index."),
    "state": Entry("tidings.cli.state:state", "Show the last known state of things."),
    "kinds": Entry("tidings.cli.kinds:kinds", "List the kinds of events, documented and seen."),
    "fields": Entry("tidings.cli.fields:fields", "List the fields a query can name."),
    "user": Entry("tidings.cli.user:user", "Manage user accounts."),
    "token": Entry("tidings.cli.token:token", "Manage access tokens."),
    "trust": Entry("tidings.cli.trust:trust", "Manage LXD client certificates and join tokens."),
    "collect": Entry("tidings.cli.collect:collect", "Look at the collectors."),
    "trim": Entry("tidings.cli.trim:trim", "Delete the oldest events."),
    "config": Entry("tidings.cli.config:config", "Show the settings and where each came from."),
    "verify": Entry("tidings.cli.verify:verify", "Check a data directory for damage."),
    "completion": Entry("tidings.cli.completion:completion", "Print the completion script of a shell."),
    "version": Entry("tidings.cli.version:version", "Print the version."),
}


class LazyGroup(click.Group):
    """A group that knows its commands from the table: listing them imports none of them."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Refuse what isn't UTF-8 here, once for the arguments and options of every command."""
        if not ctx.resilient_parsing:
            _refuse_other_encodings(ctx, args)
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        """Return the names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - the same
        """Import the command's module and return the command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            return None
        module, _, name = entry.where.partition(":")
        command: click.Command = getattr(import_module(module), name)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant."""
        if args and args[0] not in COMMANDS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], COMMANDS, 1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            raise click.UsageError(f"No such command {args[0]!r}.{hint}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - the same
        """Write the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what it raises becomes a message and a documented exit code."""
        # Imported here because `--help` needs none of it.
        from tidings.cli.exits import Exit, exit_of
        from tidings.cli.failures import tell
        from tidings.errors import TidingsError

        try:
            result = super().invoke(ctx)
            sys.stdout.flush()
        except TidingsError as error:
            tell(error)
            ctx.exit(exit_of(error))
        except BrokenPipeError:
            _discard_output()
            ctx.exit(Exit.OK)  # whoever read us has seen enough: `tidings search | head`
        except OSError as error:
            tell(TidingsError(f"{error.filename or 'input/output'}: {error.strerror or error}"))
            ctx.exit(Exit.FAILURE)
        except KeyboardInterrupt:
            ctx.exit(Exit.INTERRUPTED)
        return result


def _refuse_other_encodings(ctx: click.Context, args: list[str]) -> None:
    number = next((number for number, arg in enumerate(args, 1) if not _is_utf8(arg)), 0)
    if number:
        from tidings.cli.exits import Exit, Unusable
        from tidings.cli.failures import tell

        # by its number, because the argument may be a token or hold a password
        tell(Unusable(f"argument {number} is not UTF-8"))
        ctx.exit(Exit.USAGE)


def _is_utf8(arg: str) -> bool:
    """Whether the bytes that *arg* was made from were UTF-8: Python turns the others into surrogates."""
    try:
        arg.encode()
    except UnicodeEncodeError:
        return False
    return True


def _discard_output() -> None:
    """Point standard output at nothing, so that the interpreter's last flush doesn't complain about the closed pipe."""
    with Path(os.devnull).open("wb") as nothing:
        os.dup2(nothing.fileno(), sys.stdout.fileno())


def _print_version(ctx: click.Context, parameter: click.Parameter, wanted: bool) -> None:
    if wanted:
        from tidings.cli.version import installed_version

        click.echo(f"tidings {installed_version()}")
        ctx.exit()


@click.group(
    cls=LazyGroup,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog="Exit codes: 0 done, 1 failed, 2 wrong use or query, 3 no server, 4 not allowed, 5 export cut short, "
    "124 nothing came in time, 130 interrupted.",
)
@click.option(
    "--version", is_flag=True, is_eager=True, expose_value=False, callback=_print_version, help="Print the version."
)
def main() -> None:
    """One durable, searchable, live event log for infrastructure."""
