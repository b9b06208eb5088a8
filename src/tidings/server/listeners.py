"""The sockets that the server listens on: bound before anything is said to be ready, with an error a person can act on."""

from __future__ import annotations

import errno
import grp
import os
import socket
import ssl
import stat
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple

from tidings.config import Address, Config
from tidings.errors import ConfigError
from tidings.server.certificate import ensure_server_certificate
from tidings.server.context import Context
from tidings.server.tls import server_context

BACKLOG = 1024
MAX_PATH_BYTES = 107
_OWNER_ONLY, _OWNER_AND_GROUP = 0o600, 0o660
_ANY = ("", "0.0.0.0", "::")  # noqa: S104 (what to tell from a real address)


class Site(NamedTuple):
    """A socket to listen on, with TLS or without."""

    socket: socket.socket
    tls: ssl.SSLContext | None = None


class Bound(NamedTuple):
    """All that is listened on; the addresses tell where the TCP ones really are."""

    sites: list[Site]
    devlxd_sites: list[Site]
    address: Address | None
    tls_address: Address | None


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


async def bind(context: Context, stack: AsyncExitStack) -> Bound:
    """Open all sockets that the settings ask for, below *stack*. Raises ConfigError."""
    config = context.config
    address = tls_address = None
    sites: list[Site] = []
    if config.listen is not None:
        sites.append(Site(stack.enter_context(tcp_socket(config.listen))))
        address = _bound_to(config.listen, sites[-1])
    if config.socket is not None:
        sites.append(Site(stack.enter_context(unix_socket(config.socket, config.socket_group))))
    if config.tls_listen is not None:
        certificate = await context.blocking(
            lambda: ensure_server_certificate(config.data, names_of(config), context.clock)
        )
        tls = await context.blocking(lambda: server_context(certificate.certificate, certificate.key))
        sites.append(Site(stack.enter_context(tcp_socket(config.tls_listen)), tls))
        tls_address = _bound_to(config.tls_listen, sites[-1])
        context.server_certificate, context.tls_addresses = certificate, reachable(config, tls_address)
    if not sites:
        raise ConfigError("listen, socket and tls_listen are off, so nobody could reach the server; set one of them")
    devlxd = [] if config.devlxd_socket is None else [Site(stack.enter_context(unix_socket(config.devlxd_socket, "")))]
    return Bound(sites, devlxd, address, tls_address)


def names_of(config: Config) -> list[str]:
    """Return the names that clients may know the TLS listener by, as far as the settings say."""
    hosts = [address.rpartition(":")[0].strip("[]") for address in _listed(config.tls_addresses)]
    if config.tls_listen is not None and config.tls_listen.host not in _ANY:
        hosts.append(config.tls_listen.host)
    return hosts


def reachable(config: Config, bound: Address) -> list[str]:
    """Return where clients reach the TLS listener, each ``host:port``."""
    if config.tls_addresses:
        return _listed(config.tls_addresses)
    if bound.host not in _ANY:
        return [str(bound)]
    # the address that packets to elsewhere leave from; connecting a datagram socket sends nothing
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
            return [str(Address(probe.getsockname()[0], bound.port))]
        except OSError:
            return [str(Address(socket.gethostname(), bound.port))]


def _listed(addresses: str) -> list[str]:
    return [address.strip() for address in addresses.split(",") if address.strip()]


def _bound_to(address: Address, site: Site) -> Address:
    return Address(address.host, site.socket.getsockname()[1])


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
