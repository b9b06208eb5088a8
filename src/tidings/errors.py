"""The one error root; every package adds few subclasses with typed fields.

A message says what is wrong, where, and what to do. The core knows no HTTP: each dialect turns these into its own shape.
"""

from __future__ import annotations


class TidingsError(Exception):
    """Anything tidings refuses or fails to do, with a message made for the user."""


class InvalidEvent(TidingsError):
    """One event of a publish can't be accepted, so none of its batch was stored.

    *line* is the 1-based position in the batch (0 = the body as a whole), *column* the 1-based byte column where known (0 = unknown).
    """

    def __init__(self, reason: str, line: int = 0, column: int = 0) -> None:
        self.reason, self.line, self.column = reason, line, column
        where = f"line {line}, column {column}: " if line and column else f"line {line}: " if line else ""
        super().__init__(f"{where}{reason}")


class TooLarge(TidingsError):
    """Something is over a limit; the message names the limit, its value and the setting that changes it."""

    def __init__(self, what: str, size: int, limit: int, setting: str) -> None:
        self.what, self.size, self.limit, self.setting = what, size, limit, setting
        super().__init__(f"{what} is {size} bytes, over the limit of {limit}; raise the setting {setting} to allow it")


class QuerySyntaxError(TidingsError):
    """The search text can't be parsed. *at* is the 0-based offset of the fault, always within the text or at its end."""

    def __init__(self, text: str, at: int, reason: str, suggestion: str | None = None) -> None:
        self.text, self.at, self.reason, self.suggestion = text, at, reason, suggestion
        hint = f"; {suggestion}" if suggestion else ""
        super().__init__(f"{reason} at column {at + 1}{hint}")


class CursorExpired(TidingsError):
    """The position asked for is older than what is kept; resume from *oldest* (the oldest index still stored)."""

    def __init__(self, after: int, oldest: int) -> None:
        self.after, self.oldest = after, oldest
        super().__init__(
            f"events after index {after} were deleted by retention; the oldest kept index is {oldest}, follow from after={oldest - 1}"
        )


class InvalidCursor(TidingsError):
    """A page cursor or position isn't one that this log gave out."""


class NotFound(TidingsError):
    """The thing asked for doesn't exist (or the caller may not see it)."""


class Unauthenticated(TidingsError):
    """No or wrong credentials."""


class Forbidden(TidingsError):
    """The caller is known but may not do this; the message names the role or scope that is needed."""


class Busy(TidingsError):
    """A bounded queue is full; nothing was stored, try again after *retry_after_s* seconds."""

    def __init__(self, message: str, retry_after_s: int = 1) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class SearchTimeout(TidingsError):
    """A search ran longer than allowed; narrow it by time or by an indexed field."""


class StorageError(TidingsError):
    """The disk refused: full, read-only or failing. What was acknowledged stays; what was being written wasn't acknowledged."""


class DataDirectoryBusy(StorageError):
    """Another server has this data directory open."""


class ConfigError(TidingsError):
    """A setting is unknown or has an unusable value."""


class Stopping(TidingsError):
    """The server is shutting down; nothing was stored, publish again when it is back."""
