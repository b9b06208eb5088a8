"""Who is at the other end of a request's connection, as far as the connection itself tells."""

from __future__ import annotations

import socket

from aiohttp import web

from tidings.auth import Peer, peer_uid
from tidings.auth import fingerprint_of as digest_of
from tidings.server.tls import client_certificate


def peer_of(request: web.Request) -> Peer | None:
    """Return the process at the other end of a Unix socket, None on any other."""
    sock = request.transport.get_extra_info("socket") if request.transport else None
    if sock is None or sock.family != socket.AF_UNIX:
        return None
    try:
        return peer_uid(sock)
    except OSError:
        return None


def certificate_of(request: web.Request) -> bytes | None:
    """Return the client certificate (DER) that was shown, not verified by anybody yet."""
    return client_certificate(request.transport) if request.transport else None


def fingerprint_of(request: web.Request) -> str | None:
    """Return the SHA-256 of the client certificate that was shown, in hexadecimal."""
    certificate = certificate_of(request)
    return digest_of(certificate) if certificate else None
