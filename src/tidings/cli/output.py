"""Rows and events as table, JSON, NDJSON, CSV or YAML on standard output."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import msgspec

from tidings.cli import terminal

GAP = "  "
Row = Mapping[str, Any]


def output_option(*forms: str, default: str | None = None) -> Callable[[Any], Any]:
    """Return the option -o with these forms; the first is the default."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(forms),
        default=default or forms[0],
        show_default=True,
        help="Form of output.",
    )


def write(data: bytes) -> None:
    """Write bytes to standard output at once."""
    sys.stdout.flush()
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def write_rows(rows: Sequence[Row], columns: Sequence[str], form: str) -> None:
    """Print *rows*; a table and CSV show only *columns*, the others everything that is in a row."""
    match form:
        case "json":
            write(msgspec.json.format(msgspec.json.encode(rows), indent=2) + b"\n")
        case "ndjson":
            write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        case "yaml":
            from tidings.cli.yaml_text import dump

            write(dump(list(rows)).encode())
        case "csv":
            _write_csv(rows, columns)
        case _:
            cells = [[_cell(row.get(column)) for column in columns] for row in rows]
            write(encode_for_stdout(Table([column.upper() for column in columns], cells).render(cells, head=True)))


def write_value(value: Row, form: str) -> None:
    """Print one object as JSON or YAML."""
    if form == "yaml":
        from tidings.cli.yaml_text import dump

        write(dump(value).encode())
    else:
        write(msgspec.json.encode(value) + b"\n")


def _write_csv(rows: Sequence[Row], columns: Sequence[str]) -> None:
    import csv
    import io

    text = io.StringIO(newline="")
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([_cell(row.get(column)) for column in columns] for row in rows)
    write(text.getvalue().encode())


def _cell(value: Any) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case list() | tuple():
            return ", ".join(_cell(item) for item in value)
        case _:
            return terminal.clean(str(value))


class Table:
    """Aligned columns, as wide as the cells it was made from need.

    On a terminal the widest columns give way until a line fits, and a cell that is too long then ends in an ellipsis. In a pipe
    nothing is cut. The last column isn't padded.
    """

    def __init__(self, titles: Sequence[str], cells: Sequence[Sequence[str]]) -> None:
        self._titles = titles
        self._fits = terminal.is_terminal(sys.stdout)
        self._colour = terminal.wants_colour(sys.stdout)
        self._widths = [
            max([terminal.width(title), *(terminal.width(row[at]) for row in cells)]) for at, title in enumerate(titles)
        ]
        if self._fits:
            self._shrink(terminal.columns() - len(GAP) * (len(titles) - 1))

    def _shrink(self, room: int) -> None:
        while sum(self._widths) > room and max(self._widths) > 8:
            self._widths[self._widths.index(max(self._widths))] -= 1

    def render(self, cells: Sequence[Sequence[str]], head: bool, styles: Sequence[str] | None = None) -> str:
        """Return the lines of *cells*, under the titles when *head*; *styles* colours whole rows."""
        lines = [terminal.paint(self._line(self._titles), "bold", self._colour)] if head else []
        for number, row in enumerate(cells):
            lines.append(terminal.paint(self._line(row), styles[number] if styles else "", self._colour))
        return "".join(f"{line}\n" for line in lines)

    def _line(self, row: Sequence[str]) -> str:
        last = len(row) - 1
        shown = [terminal.cut(cell, self._widths[at]) if self._fits else cell for at, cell in enumerate(row)]
        return GAP.join(
            cell if at == last else terminal.pad(cell, self._widths[at]) for at, cell in enumerate(shown)
        ).rstrip()


def encode_for_stdout(text: str) -> bytes:
    """Encode for standard output; what its encoding can't hold becomes a question mark."""
    return text.encode(sys.stdout.encoding or "utf-8", "replace")
