"""How far an account's powers and lifetime can be limited, the same for tokens and certificates."""

from __future__ import annotations

from collections.abc import Sequence

from tidings.auth.errors import InvalidAccount
from tidings.auth.principals import Role

MAX_SCOPES = 100
MAX_SCOPE_LENGTH = 255
MAX_EXPIRES_S = 100 * 366 * 86_400

_SECOND_NS = 1_000_000_000


def checked_scopes(what: str, role: Role, scopes: Sequence[str]) -> tuple[str, ...]:
    """Return *scopes* without repeats, or raise InvalidAccount when a *what* can't have them."""
    if scopes and role is Role.ADMIN:
        reason = f"an admin {what} can't be limited to scopes; use the role writer or reader, or leave the scopes out"
        raise InvalidAccount("scopes", reason)
    if len(scopes) > MAX_SCOPES:
        raise InvalidAccount("scopes", f"a {what} can have at most {MAX_SCOPES} scopes, not {len(scopes)}")
    for scope in scopes:
        if not scope or len(scope) > MAX_SCOPE_LENGTH or not scope.isprintable():
            rule = f"use 1 to {MAX_SCOPE_LENGTH} printable characters"
            raise InvalidAccount("scopes", f"{scope[:80]!r} can't be a scope: {rule}")
    return tuple(dict.fromkeys(scopes))


def checked_lifetime_ns(expires_s: float) -> int:
    """Return the lifetime of a token in nanoseconds, or raise InvalidAccount."""
    if not 0 < expires_s <= MAX_EXPIRES_S:
        rule = f"give 1 to {MAX_EXPIRES_S}, or nothing for never"
        raise InvalidAccount("expires_s", f"a token can't expire in {expires_s} seconds: {rule}")
    return int(expires_s * _SECOND_NS)
