"""Roles are ordered, scopes limit, and a scoped principal never administers."""

import pytest

from tidings.auth import Principal, Role, condition, may_write_scope
from tidings.event import Draft, decode_line, encode_lines
from tidings.query.ast import EVERYTHING, AnyOf, Column, Compare, Pattern
from tidings.query.predicate import matches


@pytest.mark.parametrize(
    ("role", "allowed"),
    [
        (Role.READER, {Role.READER}),
        (Role.WRITER, {Role.READER, Role.WRITER}),
        (Role.ADMIN, {Role.READER, Role.WRITER, Role.ADMIN}),
    ],
)
def test_a_role_allows_itself_and_those_below_it(role: Role, allowed: set[Role]) -> None:
    assert allowed == {other for other in Role if role.allows(other)}


@pytest.mark.parametrize(
    ("role", "rights"),
    [(Role.READER, (True, False, False)), (Role.WRITER, (True, True, False)), (Role.ADMIN, (True, True, True))],
)
def test_a_role_gives_its_rights(role: Role, rights: tuple[bool, bool, bool]) -> None:
    principal = Principal("p", role)
    assert rights == (principal.may_read, principal.may_publish, principal.is_admin)


def test_a_scoped_principal_is_never_an_admin() -> None:
    assert not Principal("p", Role.ADMIN, ("finance",)).is_admin


def test_without_scopes_everything_is_seen() -> None:
    assert condition(Principal("p", Role.READER)) == EVERYTHING


def test_with_scopes_only_events_of_exactly_these_are_seen() -> None:
    assert condition(Principal("p", Role.READER, ("finance", "a*b"))) == AnyOf(
        (
            Compare(Column.SCOPE, "=", Pattern(("finance",), case_sensitive=True)),
            Compare(Column.SCOPE, "=", Pattern(("a*b",), case_sensitive=True)),
        )
    )


OWN, LINE, TIME = "f" * 64, "lxd.logging", "2026-11-20T22:18:28Z"


@pytest.mark.parametrize(
    ("origin", "scope", "actor", "kind", "seen"),
    [
        ("tls", "finance", "root", "lxd.lifecycle.instance-started", True),
        ("tls", "sales", "root", "lxd.lifecycle.instance-started", False),
        ("tls", "sales", OWN, "lxd.lifecycle.instance-started", True),
        ("tls", "", OWN, "lxd.operation", True),
        ("tls", "sales", OWN[:-1], "lxd.operation", False),
        ("tls", "sales", OWN.upper(), "lxd.operation", False),
        ("tls", "sales", OWN, LINE, False),
        ("tls", "finance", OWN, LINE, True),
        ("token", "sales", OWN, "lxd.operation", False),
    ],
)
def test_a_client_certificate_with_scopes_also_sees_what_it_did_but_no_log_lines(
    origin: str, scope: str, actor: str, kind: str, seen: bool
) -> None:
    principal = Principal(OWN, Role.READER, ("finance",), origin)
    draft = Draft(sequence="1", received=TIME, time=TIME, severity="normal", type=kind, scope=scope, actor=actor)
    (line,) = encode_lines([draft]).splitlines()
    assert matches(condition(principal), decode_line(line)) is seen


@pytest.mark.parametrize(
    ("role", "scopes", "scope", "allowed"),
    [
        (Role.WRITER, (), "finance", True),
        (Role.WRITER, (), "", True),
        (Role.WRITER, ("finance",), "finance", True),
        (Role.WRITER, ("finance",), "Finance", False),
        (Role.WRITER, ("finance",), "sales", False),
        (Role.WRITER, ("finance",), "", False),
        (Role.READER, (), "finance", False),
        (Role.READER, ("finance",), "finance", False),
    ],
)
def test_publishing_needs_the_role_and_the_scope(
    role: Role, scopes: tuple[str, ...], scope: str, allowed: bool
) -> None:
    assert may_write_scope(Principal("p", role, scopes), scope) is allowed


def test_a_principal_can_be_a_key() -> None:
    assert len({Principal("p", Role.READER, ("a",)), Principal("p", Role.READER, ("a",))}) == 1
