"""The sockets that the server listens on: bound before anything is said to be ready, with an error a person can act on."""

from __future__ import annotations

import errno
import grp
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tidings.config import Address
from tidings.errors import ConfigError

BACKLOG = 1024
MAX_PATH_BYTES = 107
_OWNER_ONLY, _OWNER_AND_GROUP = 0o600, 0o660


def tcp_socket(address: Address) -> socket.socket:
    """Return a socket bound to *address*. Raises ConfigError when it can't be."""
    try:
        family, kind, number, _, place = socket.getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as fault:
        raise ConfigError(f"can't listen on {address}: {fault.strerror}; see the setting listen") from None
    sock = socket.socket(family, kind, number)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(place)
        sock.listen(BACKLOG)
    except OSError as fault:
        sock.close()
        what = "another program uses it" if fault.errno == errno.EADDRINUSE else fault.strerror
        raise ConfigError(f"can't listen on {address}: {what}; choose another with --listen HOST:PORT") from None
    sock.setblocking(False)
    return sock


@contextmanager
def unix_socket(path: Path, group: str) -> Iterator[socket.socket]:
    """Give a socket bound to *path*, for its owner and, when one is named, a group; remove the file at the end.

    Raises ConfigError. A file that a dead server left is replaced, that of a living one isn't.
    """
    size = len(os.fsencode(path))
    if size > MAX_PATH_BYTES:
        hint = "choose a shorter one with --socket PATH, or --socket off"
        raise ConfigError(
            f"the Unix socket's path {path} has {size} bytes, more than the {MAX_PATH_BYTES} a socket can have; {hint}"
        )
    group_id = _group_id(group) if group else -1
    _remove_stale(path)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
        try:
            sock.bind(str(path))
            # Nobody can connect before listen(), so there is no moment with wrong permissions.
            os.chown(path, -1, group_id)
            path.chmod(_OWNER_AND_GROUP if group else _OWNER_ONLY)
            sock.listen(BACKLOG)
            mine = path.stat().st_ino
        except OSError as fault:
            hint = "see the setting socket"
            raise ConfigError(f"can't listen on the Unix socket {path}: {fault.strerror}; {hint}") from None
        sock.setblocking(False)
        try:
            yield sock
        finally:
            _remove(path, mine)


def _remove_stale(path: Path) -> None:
    try:
        mode = path.lstat().st_mode
    except OSError:
        return  # nothing there, or bind() will say what is wrong
    if not stat.S_ISSOCK(mode):
        raise ConfigError(f"{path} is in the way: it is no socket; remove it, or choose another path with --socket")
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(1)
        try:
            probe.connect(str(path))
        except ConnectionRefusedError:
            path.unlink(missing_ok=True)
            return
        except OSError as fault:
            raise ConfigError(f"can't find out who uses the Unix socket {path}: {fault.strerror or fault}") from None
    raise ConfigError(f"another server listens on the Unix socket {path}; choose another path with --socket")


def _remove(path: Path, inode: int) -> None:
    """Remove our socket file, unless somebody replaced it."""
    try:
        if path.lstat().st_ino == inode:
            path.unlink()
    except OSError:
        return


def _group_id(name: str) -> int:
    try:
        return grp.getgrnam(name).gr_gid
    except KeyError:
        raise ConfigError(f"there is no group {name!r}; see the setting socket_group") from None
