"""Who is asking and what they may do: roles, scopes, and the condition their scopes put on every query."""

from __future__ import annotations

import enum

import msgspec

from tidings.query.ast import EVERYTHING, AllOf, AnyOf, Column, Compare, Condition, Not, Pattern


class Role(enum.StrEnum):
    """What a principal may do; each role may do all that the ones before it may."""

    READER = "reader"
    WRITER = "writer"
    ADMIN = "admin"

    def allows(self, other: Role) -> bool:
        """Whether this role may do what *other* may."""
        return _RANK[self] >= _RANK[other]


_RANK = {role: rank for rank, role in enumerate(Role)}


class Principal(msgspec.Struct, frozen=True):
    """Somebody whose credentials were checked. No *scopes* means all of them.

    *origin* says how: "token", "password", "socket" or "tls", whose *name* is the client certificate's fingerprint;
    "internal" is the server acting by itself.
    """

    name: str
    role: Role
    scopes: tuple[str, ...] = ()
    origin: str = "internal"

    # Properties, not methods: a method somebody forgot to call would be true for everybody.
    @property
    def may_read(self) -> bool:
        """Whether it may search and follow, within its scopes."""
        return self.role.allows(Role.READER)

    @property
    def may_publish(self) -> bool:
        """Whether it may publish, within its scopes."""
        return self.role.allows(Role.WRITER)

    @property
    def is_admin(self) -> bool:
        """Whether it may manage accounts and the log; a scoped principal never may, or it could lift its own limits."""
        return self.role.allows(Role.ADMIN) and not self.scopes


def condition(principal: Principal) -> Condition:
    """Return what an event must fulfil for *principal* to see it. With scopes, none without a scope.

    A client certificate also sees, of any scope, what it did itself: newer LXD has that rule. Log lines are left out, since
    they quote requests.
    """
    if not principal.scopes:
        return EVERYTHING
    seen: list[Condition] = [_is(Column.SCOPE, scope) for scope in principal.scopes]
    if principal.origin == "tls":
        seen.append(AllOf((_is(Column.ACTOR, principal.name), Not(_is(Column.KIND, "lxd.logging")))))
    return AnyOf(tuple(seen))


def _is(column: Column, text: str) -> Compare:
    return Compare(column, "=", Pattern((text,), case_sensitive=True))


def may_write_scope(principal: Principal, scope: str) -> bool:
    """Whether *principal* may publish an event of *scope* ("": an event without one)."""
    return principal.may_publish and (not principal.scopes or scope in principal.scopes)
