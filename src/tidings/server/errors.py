"""What can be wrong with a request before the core sees it."""

from __future__ import annotations

from tidings.errors import TidingsError


class BadRequest(TidingsError):
    """A parameter or a body isn't what this route takes; *parameter* names it ("body": the body)."""

    def __init__(self, parameter: str, reason: str) -> None:
        self.parameter = parameter
        super().__init__(reason)


class NoSuchRoute(TidingsError):
    """Nothing answers at this path."""


class WrongMethod(TidingsError):
    """The path exists but not for this method; *allowed* are those it has."""

    def __init__(self, method: str, allowed: tuple[str, ...]) -> None:
        self.allowed = allowed
        super().__init__(f"{method} is not allowed here; use {' or '.join(allowed)}")
