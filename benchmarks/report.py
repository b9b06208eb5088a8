"""The table: printed row by row while a run goes on, and written into RESULTS.md, the newest run first."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.figures import Row

RESULTS = Path(__file__).parent / "RESULTS.md"
_INTRODUCTION = """# Results

Written by `make bench ARGS=--write`, the newest run first; [README.md](README.md) says how each figure is taken.
"""
_MET = {True: "yes", False: "**no**", None: ""}


def show(row: Row) -> None:
    """Print a row as soon as it is there."""
    met = {True: "met", False: "MISSED", None: ""}[row.met]
    print(f"{row.what:<78} {row.reached:>24}  {row.target:<22} {met:<6}", flush=True)
    if row.note:
        print(f"    {row.note}", flush=True)


def table(rows: Sequence[Row]) -> str:
    """Return the rows as a Markdown table."""
    cells = [("what", "target", "reached", "met", "notes"), ("---", "---", "---:", "---", "---")]
    cells += [(row.what, row.target, row.reached, _MET[row.met], row.note) for row in rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in line) + " |\n" for line in cells
    )


def section(rows: Sequence[Row], machine: Sequence[str], count: int) -> str:
    """Return what a run found, as Markdown."""
    heading = f"## {datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {count:,} events\n"
    facts = "".join(f"- {line}\n" for line in machine)
    return f"{heading}\n{facts}\n{table(rows)}"


def write(text: str) -> None:
    """Put a section before the older ones."""
    old = RESULTS.read_text() if RESULTS.exists() else _INTRODUCTION
    introduction, mark, older = old.partition("\n## ")
    RESULTS.write_text(f"{introduction.rstrip()}\n\n{text}" + (f"\n## {older}" if mark else ""))
