"""What a measurement yields: rows of a table, and the arithmetic behind their figures."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Row(NamedTuple):
    """One measured thing. *target* is empty where the issue sets none; *met* is None where there is nothing to compare."""

    what: str
    target: str
    reached: str
    met: bool | None = None
    note: str = ""


def at_least(what: str, bound: float, value: float, unit: str, note: str = "") -> Row:
    """Return a row whose target is a lower bound."""
    return Row(what, f"≥ {number(bound)} {unit}", f"{number(value)} {unit}", value >= bound, note)


def at_most(what: str, bound: float, value: float, unit: str, note: str = "") -> Row:
    """Return a row whose target is an upper bound."""
    return Row(what, f"≤ {number(bound)} {unit}", f"{number(value)} {unit}", value <= bound, note)


def plain(what: str, value: float, unit: str, note: str = "") -> Row:
    """Return a row without a target, there to explain the others."""
    return Row(what, "", f"{number(value)} {unit}", None, note)


def not_measured(what: str, why: str) -> Row:
    """Return a row that says why there is no figure."""
    return Row(what, "", "not measured", None, why)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that *share* (0 to 1) of the values don't exceed; 0 when there are none."""
    ordered = sorted(values) or [0.0]
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def p50_p95(values: Sequence[float]) -> str:
    """Return both, in milliseconds, of times in seconds."""
    return f"p50 {number(statistics.median(values) * 1e3)}, p95 {number(percentile(values, 0.95) * 1e3)} ms"


def spread(values: Sequence[float], unit: str) -> str:
    """Return the lowest and the highest of some runs in words."""
    return f"{len(values)} runs, {number(min(values))} to {number(max(values))} {unit}"


def number(value: float) -> str:
    """Return a number as people read it: three digits that matter, or whole with thousands set apart."""
    magnitude = abs(value)
    if magnitude >= 100 or value == int(value):
        return f"{value:,.0f}"
    return f"{value:.1f}" if magnitude >= 10 else f"{value:.2f}"
