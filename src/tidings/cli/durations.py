"""Durations as options: ``90s``, ``1h``, ``30d``."""

from __future__ import annotations

from typing import Any

import click

from tidings.units import parse_duration


class _Duration(click.ParamType[float]):
    """A number of seconds, or a number with a unit."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        if isinstance(value, int | float):
            return float(value)
        try:
            return parse_duration(value)
        except ValueError:
            self.fail(f"{value!r} is no duration such as 90s, 1h or 30d", param, ctx)


DURATION = _Duration()
