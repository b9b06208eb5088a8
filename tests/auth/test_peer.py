"""What the kernel says about a Unix socket's peer, and whom the server trusts for it."""

import grp
import os
import pwd
import socket

import pytest

from tidings.auth import Principal, Role, peer_uid, socket_principal

ANN, BOB, NOBODY_AT_ALL = 4_000_001, 4_000_002, 4_000_003
OPERATORS, STAFF = 5_000_001, 5_000_002


@pytest.fixture
def directory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Users ann (primary group operators) and bob (staff; the group's list names him)."""
    users = {
        ANN: pwd.struct_passwd(("ann", "x", ANN, OPERATORS, "", "/", "/bin/sh")),
        BOB: pwd.struct_passwd(("bob", "x", BOB, STAFF, "", "/", "/bin/sh")),
    }
    groups = {
        "operators": grp.struct_group(("operators", "x", OPERATORS, ["bob"])),
        "staff": grp.struct_group(("staff", "x", STAFF, [])),
    }
    monkeypatch.setattr(pwd, "getpwuid", users.__getitem__)
    monkeypatch.setattr(grp, "getgrnam", groups.__getitem__)


def test_the_peer_of_a_socket_pair_is_this_process() -> None:
    ours, theirs = socket.socketpair(socket.AF_UNIX)
    with ours, theirs:
        peer = peer_uid(ours)
    assert peer == (os.getpid(), os.geteuid(), os.getegid())
    assert peer.uid == os.geteuid()


def test_a_tcp_socket_has_no_trusted_peer() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()) as client:
        peer = peer_uid(client)
    assert socket_principal(peer.uid, peer.gid, None) is None


def test_root_is_an_admin() -> None:
    assert socket_principal(0, 0, None) == Principal("root", Role.ADMIN, (), "socket")


def test_the_servers_own_user_is_an_admin(monkeypatch: pytest.MonkeyPatch, directory: None) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: BOB)
    assert socket_principal(BOB, STAFF, None) == Principal("bob", Role.ADMIN, (), "socket")


def test_anybody_else_is_not_trusted(directory: None) -> None:
    assert socket_principal(ANN, OPERATORS, None) is None
    assert socket_principal(ANN, OPERATORS, "staff") is None


@pytest.mark.parametrize(
    ("uid", "gid", "name"),
    [
        pytest.param(ANN, STAFF, "ann", id="by the user's primary group"),
        pytest.param(BOB, STAFF, "bob", id="by the group's member list"),
        pytest.param(NOBODY_AT_ALL, OPERATORS, str(NOBODY_AT_ALL), id="by the process's group, without a user entry"),
    ],
)
def test_a_member_of_the_group_is_a_writer(directory: None, uid: int, gid: int, name: str) -> None:
    assert socket_principal(uid, gid, "operators") == Principal(name, Role.WRITER, (), "socket")


def test_a_user_without_an_entry_is_no_member(directory: None) -> None:
    assert socket_principal(NOBODY_AT_ALL, STAFF, "operators") is None


def test_a_group_that_doesnt_exist_has_no_members(directory: None) -> None:
    assert socket_principal(BOB, STAFF, "nosuch") is None
