"""Say on standard error what went wrong, where, and what to do."""

from __future__ import annotations

import sys

from tidings.cli import terminal
from tidings.errors import QuerySyntaxError, TidingsError, Unauthenticated
from tidings.problem import Rejected

SHOWN_COLUMNS = 76


def tell(error: TidingsError) -> None:
    """Print *error*; for a query its text with a caret under the fault."""
    colour = terminal.wants_colour(sys.stderr)
    head = terminal.paint("tidings:", "red", colour)
    if isinstance(error, QuerySyntaxError):
        print(f"{head} {terminal.clean(error.reason)}", *caret_lines(error.text, error.at), sep="\n", file=sys.stderr)
        if error.suggestion:
            print(terminal.clean(error.suggestion), file=sys.stderr)
        return
    print(head, _clean_lines(str(error)), file=sys.stderr)
    cause = error.because if isinstance(error, Rejected) else error
    if isinstance(cause, Unauthenticated):
        print("Give a token with --token or $TIDINGS_TOKEN.", file=sys.stderr)


def note(text: str) -> None:
    """Print a remark that isn't a failure."""
    print(_clean_lines(text), file=sys.stderr)


def _clean_lines(text: str) -> str:
    return "\n".join(terminal.clean(line) for line in text.splitlines())


def caret_lines(text: str, at: int) -> tuple[str, str]:
    """Return *text* and a line with a caret under its character *at*; long text is cut around the fault."""
    at = min(at, len(text))
    before, behind = terminal.clean(text[:at]), terminal.clean(text[at:])
    if terminal.width(before) > SHOWN_COLUMNS // 2:
        before = "…" + before[-(SHOWN_COLUMNS // 2) :]
    room = SHOWN_COLUMNS - terminal.width(before)
    return f"  {before}{terminal.cut(behind, room)}", f"  {' ' * terminal.width(before)}^"
