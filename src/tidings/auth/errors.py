"""What can be wrong with an account."""

from __future__ import annotations

from tidings.errors import TidingsError


class InvalidAccount(TidingsError):
    """A user or token can't be made as asked; *field* says which part is wrong: name, password, scopes or expires_s."""

    def __init__(self, field: str, reason: str) -> None:
        self.field, self.reason = field, reason
        super().__init__(reason)
