"""The options of ``lxc monitor``, for those whose fingers know them. Any of them asks for LXD's form of events."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

import click

if TYPE_CHECKING:
    from tidings.cli.lxc_output import View

Form = Literal["json", "yaml", "pretty"]


class LxcOptions(NamedTuple):
    """What was given of them, as it was given."""

    types: tuple[str, ...]
    project: str | None
    all_projects: bool
    level: str | None
    pretty: bool
    form: Form | None

    @property
    def given(self) -> bool:
        """Whether any of them was."""
        return self != LxcOptions((), None, False, None, False, None)

    def _check(self) -> None:
        if self.project is not None and self.all_projects:
            raise click.UsageError("Cannot specify a project when requesting all projects")
        if self.level is not None and not self.pretty and self.form != "pretty":
            raise click.UsageError("Log level filtering can only be used with pretty formatting")

    def view(self) -> View:
        """Return what to show and how.

        Raises click.UsageError for what ``lxc`` and the daemon refuse, in their words where they say enough.
        """
        # not at the top: listing the options needs none of it
        from tidings.cli.lxc_output import LEVELS, View, level_of
        from tidings.dialects.lxd.selection import SUPPORTED, UnsupportedType, condition, types_of

        self._check()
        level = level_of(self.level or "debug")
        if level is None:
            raise click.BadParameter(f"{self.level!r} is no level; give {', '.join(LEVELS)}", param_hint="--loglevel")
        try:
            types = types_of(",".join(self.types), "")
        except UnsupportedType as fault:
            raise click.BadParameter(f"{fault}; give {', '.join(SUPPORTED)}", param_hint="--type") from None
        is_narrowed = self.types or self.project is not None
        form = "pretty" if self.pretty else self.form or "frame"
        return View(form, level, condition(types, self.project) if is_narrowed else None)


def lxc_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give *command* the options, and hand it what was given as ``lxc``."""

    @functools.wraps(command)
    def wrapper(
        type: tuple[str, ...],
        project: str | None,
        all_projects: bool,
        loglevel: str | None,
        pretty: bool,
        format: Form | None,
        **given: Any,
    ) -> Any:
        return command(lxc=LxcOptions(type, project, all_projects, loglevel, pretty, format), **given)

    for option in (
        click.option("--pretty", is_flag=True, help="Short for --format pretty."),
        click.option(
            "-f",
            "--format",
            type=click.Choice(("json", "yaml", "pretty")),
            help="With -o lxd, as lxc monitor prints it; without, each event is one line as it came.",
        ),
        click.option(
            "--loglevel", metavar="LEVEL", help="With --pretty, only LEVEL and graver; other events count as info."
        ),
        click.option("--all-projects", is_flag=True, help="Show all projects; they are shown without --project too."),
        click.option(
            "--project", metavar="PROJECT", help="With -o lxd, only events of PROJECT and those of no project."
        ),
        click.option(
            "--type",
            multiple=True,
            metavar="TYPE",
            help="With -o lxd, only lifecycle, logging, operation …; several with commas, or give it again.",
        ),
    ):
        wrapper = option(wrapper)
    return wrapper
