"""The exit codes of the command line, and which error ends with which."""

from __future__ import annotations

import enum

from tidings.errors import ConfigError, Forbidden, InvalidCursor, QuerySyntaxError, TidingsError, Unauthenticated
from tidings.problem import CutShort, Rejected, Unreachable


class Unusable(TidingsError):
    """What a command was given can't be used at all; one line says so, without the command's usage."""


class Exit(enum.IntEnum):
    """What a command's exit code says. A test holds this list and the documentation together."""

    OK = 0
    FAILURE = 1
    USAGE = 2
    UNREACHABLE = 3
    NOT_ALLOWED = 4
    CUT_SHORT = 5
    TIMED_OUT = 124
    INTERRUPTED = 130

    @property
    def meaning(self) -> str:
        """One line of help."""
        return _MEANINGS[self]


_MEANINGS = {
    Exit.OK: "done",
    Exit.FAILURE: "it failed; the reason is on standard error",
    Exit.USAGE: "wrong options, or a query that can't be read",
    Exit.UNREACHABLE: "no server answers there, or the connection broke",
    Exit.NOT_ALLOWED: "the credentials are missing, wrong or not enough",
    Exit.CUT_SHORT: "an export ended before its end",
    Exit.TIMED_OUT: "wait: the time is up and no event came",
    Exit.INTERRUPTED: "interrupted (Ctrl-C or SIGTERM)",
}


def exit_of(error: TidingsError) -> Exit:
    """Return the exit code that *error* ends a command with."""
    match error:
        case QuerySyntaxError() | InvalidCursor() | ConfigError() | Unusable():
            return Exit.USAGE
        case Unreachable():
            return Exit.UNREACHABLE
        case Unauthenticated() | Forbidden():
            return Exit.NOT_ALLOWED
        case CutShort():
            return Exit.CUT_SHORT
        case Rejected():
            return exit_of(error.because)
        case _:
            return Exit.FAILURE
