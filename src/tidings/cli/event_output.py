"""Pages of events on standard output, page after page, in the form that was asked for."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import Protocol

from tidings.cli import pretty, terminal
from tidings.cli.output import Table, encode_for_stdout, write
from tidings.event import Event, decode_line
from tidings.severity import Severity


class PageWriter(Protocol):
    """Prints pages of stored lines."""

    def page(self, lines: Sequence[bytes]) -> None:
        """Print one page."""

    def end(self) -> None:
        """Print what closes the output."""


class LinesWriter:
    """NDJSON: the stored lines as they are."""

    def page(self, lines: Sequence[bytes]) -> None:
        """Print one page."""
        if lines:
            write(b"\n".join(lines) + b"\n")

    def end(self) -> None:
        """Nothing closes NDJSON."""


class ArrayWriter:
    """JSON: one array, one event a line, each as its stored bytes."""

    def __init__(self) -> None:
        self._before = b"["

    def page(self, lines: Sequence[bytes]) -> None:
        """Print one page."""
        for line in lines:
            write(self._before + b"\n" + line)
            self._before = b","

    def end(self) -> None:
        """Close the array."""
        write(b"[]\n" if self._before == b"[" else b"\n]\n")


class YamlWriter:
    """YAML: one sequence of events."""

    def __init__(self) -> None:
        self._empty = True

    def page(self, lines: Sequence[bytes]) -> None:
        """Print one page."""
        from tidings.cli.yaml_text import from_json

        for line in lines:
            self._empty = False
            write(from_json(b"[" + line + b"]").encode())

    def end(self) -> None:
        """Say so when there was nothing."""
        if self._empty:
            write(b"[]\n")


class TableWriter:
    """A table whose columns are as wide as its first page needs."""

    def __init__(self) -> None:
        self._table: Table | None = None
        self._screen = terminal.is_terminal(sys.stdout)
        self._symbols = terminal.can_show(pretty.SYMBOLS, sys.stdout)

    def page(self, lines: Sequence[bytes]) -> None:
        """Print one page, the first one under the titles."""
        if not lines:
            return
        events = [decode_line(line) for line in lines]
        cells = [self._screen_cells(event) if self._screen else _full_cells(event) for event in events]
        first = self._table is None
        if self._table is None:
            severity = "" if self._screen else "SEVERITY"
            self._table = Table(["INDEX", "TIME", severity, "KIND", "SUBJECT", "MESSAGE"], cells)
        styles = ["" if event.severity == Severity.NORMAL else pretty.MARKS[event.severity].style for event in events]
        write(encode_for_stdout(self._table.render(cells, head=first, styles=styles)))

    def end(self) -> None:
        """Say so on a terminal when there was nothing."""
        if self._table is None and self._screen:
            print("no events match", file=sys.stderr)

    def _screen_cells(self, event: Event) -> list[str]:
        mark = pretty.MARKS[event.severity]
        return [
            str(event.index),
            pretty.local_time(event.time, "%m-%d %H:%M:%S"),
            mark.symbol if self._symbols else mark.plain,
            terminal.clean(pretty.short_kind(event.kind)),
            terminal.clean(pretty.short_subject(event.subject)),
            terminal.clean(event.message),
        ]


def _full_cells(event: Event) -> list[str]:
    cells = (event.severity.label, event.kind, event.subject, event.message)
    return [str(event.index), pretty.stamp(event.time), *(terminal.clean(cell) for cell in cells)]


WRITERS: dict[str, type[LinesWriter | ArrayWriter | YamlWriter | TableWriter]] = {
    "table": TableWriter,
    "json": ArrayWriter,
    "ndjson": LinesWriter,
    "yaml": YamlWriter,
}
