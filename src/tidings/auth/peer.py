"""Who is at the other end of a Unix socket, as the kernel says."""

from __future__ import annotations

import grp
import os
import pwd
import socket
import struct
from typing import NamedTuple, Protocol

from tidings.auth.principals import Principal, Role

_UCRED = struct.Struct("iII")


class PeerSocket(Protocol):
    """What `peer_uid` needs: a socket, or the stand-in that asyncio's transports give out."""

    def getsockopt(self, level: int, optname: int, buflen: int, /) -> bytes:
        """Return a socket option's bytes."""


class Peer(NamedTuple):
    """The process that opened the connection, with the ids it had then."""

    pid: int
    uid: int
    gid: int


def peer_uid(sock: PeerSocket) -> Peer:
    """Return the ids of the process at the other end of a connected Unix socket. Raises OSError."""
    return Peer(*_UCRED.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _UCRED.size)))


def socket_principal(uid: int, gid: int, group: str | None) -> Principal | None:
    """Return whom the Unix socket trusts without a password, or None.

    Root and the server's own user are admins; members of *group* are writers. It may read files or ask a directory
    service, so it blocks.
    """
    if uid in (0, os.geteuid()):
        return Principal(_user_name(uid), Role.ADMIN, (), "socket")
    if group is not None and _is_member(uid, gid, group):
        return Principal(_user_name(uid), Role.WRITER, (), "socket")
    return None


def _user_name(uid: int) -> str:
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return str(uid)


def _is_member(uid: int, gid: int, group: str) -> bool:
    try:
        entry = grp.getgrnam(group)
    except KeyError:
        return False
    if gid == entry.gr_gid:
        return True
    try:
        user = pwd.getpwuid(uid)
    except KeyError:
        return False
    return user.pw_gid == entry.gr_gid or user.pw_name in entry.gr_mem
