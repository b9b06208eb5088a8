"""One event as one line for people."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import NamedTuple

from tidings.cli import terminal
from tidings.event import Event
from tidings.severity import Severity

KIND_COLUMNS = 22
SUBJECT_COLUMNS = 16


class Mark(NamedTuple):
    """How a severity looks: by symbol and by colour, so that neither is needed alone; *plain* where the symbol can't be shown."""

    symbol: str
    plain: str
    style: str


MARKS = {
    Severity.DEBUG: Mark("·", ".", "dim"),
    Severity.NORMAL: Mark("●", "*", "green"),
    Severity.WARNING: Mark("▲", "!", "yellow"),
    Severity.ERROR: Mark("✖", "x", "red"),
    Severity.ALERT: Mark("‼", "#", "alert"),
}
SYMBOLS = "".join(mark.symbol for mark in MARKS.values())


def short_kind(kind: str, limit: int = KIND_COLUMNS) -> str:
    """Return the last dotted parts of *kind* that fit into *limit* columns, at least the very last."""
    while len(kind) > limit and "." in kind:
        kind = kind.partition(".")[2]
    return kind


def short_subject(subject: str) -> str:
    """Return the last part of a subject that is a path."""
    return subject.rstrip("/").rpartition("/")[2] or subject


def stamp(ns: int) -> str:
    """Return the time in UTC to the second, for output that another program reads."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(ns // 1_000_000_000))


def local_time(ns: int, shape: str) -> str:
    """Return the time in the zone of this machine."""
    return time.strftime(shape, time.localtime(ns // 1_000_000_000))


def about(event: Event) -> str:
    """Return the subject and the message; the subject is left out where the message already names it, if only by its beginning."""
    name = short_subject(event.subject)
    is_named = name and name[:12] in event.message
    parts = (event.message,) if is_named else (terminal.cut(name, SUBJECT_COLUMNS), event.message)
    return terminal.clean(" ".join(part for part in parts if part))


def plain_line(event: Event) -> str:
    """Return the event for a file or a pipe: nothing cut, no colour, the severity as a word, the time in UTC."""
    words = (stamp(event.time), event.severity.label, event.kind, event.subject, event.message)
    return terminal.clean(" ".join(word for word in words if word))


def screen_line(event: Event, columns: int, *, colour: bool, symbols: bool = True) -> str:
    """Return the event in *columns* columns: local time, severity, the end of its kind, what happened."""
    mark = MARKS[event.severity]
    kind = terminal.cut(terminal.clean(short_kind(event.kind)), KIND_COLUMNS)
    head_columns = 8 + 1 + 1 + 1 + KIND_COLUMNS + 1
    text = terminal.cut(about(event), max(columns - head_columns, 20)).rstrip()
    parts = (
        terminal.paint(local_time(event.time, "%H:%M:%S"), "dim", colour),
        terminal.paint(mark.symbol if symbols else mark.plain, mark.style, colour),
        terminal.paint(terminal.pad(kind, KIND_COLUMNS), "cyan", colour),
        terminal.paint(text, mark.style if event.severity >= Severity.ERROR else "", colour),
    )
    return " ".join(parts).rstrip()


def line_printer() -> Callable[[Event], str]:
    """Return what turns events into lines for standard output as it is: a terminal or not, with colour or not.

    On a terminal a line with the date stands before the first event that isn't of the same day as the one before it.
    """
    if not terminal.is_terminal(sys.stdout):
        return plain_line
    colour = terminal.wants_colour(sys.stdout)
    symbols = terminal.can_show(SYMBOLS, sys.stdout)
    day = time.strftime("%Y-%m-%d")

    def show(event: Event) -> str:
        nonlocal day
        line = screen_line(event, terminal.columns(), colour=colour, symbols=symbols)
        before, day = day, local_time(event.time, "%Y-%m-%d")
        return line if day == before else f"{terminal.paint(day, 'bold', colour)}\n{line}"

    return show
