"""What a collector needs to sign on over HTTPS: a password from a file, whom to trust, and what to say when the certificate isn't the right one."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from urllib.parse import urlsplit

from tidings.collect.base import Disconnected

_PROBE_TIMEOUT_S = 10
_HTTPS = 443
_MAX_PASSWORD = 4096


def read_password(path: Path) -> str:
    """Return the first line of the file, without its line end. Blocks. Raises Disconnected."""
    try:
        with path.open("rb") as file:
            content = file.read(_MAX_PASSWORD)
    except OSError as fault:
        raise Disconnected(
            f"can't read password_file {path}: {fault.strerror}; the user running tidings must be able to"
        ) from None
    try:
        password = content.decode().partition("\n")[0].rstrip("\r")
    except UnicodeDecodeError:
        raise Disconnected(f"password_file {path} is not UTF-8") from None
    if not password:
        raise Disconnected(f"password_file {path} is empty; its first line must be the password")
    return password


def load_context(ca_file: Path | None) -> ssl.SSLContext:
    """Return the context that verifies by *ca_file*, or by the authorities of this machine. Blocks. Raises Disconnected."""
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as fault:  # ssl.SSLError is one too
        reason = fault.strerror or fault
        raise Disconnected(f"can't use ca_file {ca_file}: {reason}; it must hold certificates in PEM") from None


def wrong_certificate(root: str, expected: bytes, seen: bytes) -> Disconnected:
    """Return the error for a server whose certificate isn't the one that was pinned."""
    return Disconnected(
        f"the certificate of {root} has the fingerprint {seen.hex()}, expected was {expected.hex()}; if it has a new "
        f'certificate, set fingerprint = "{seen.hex()}", else somebody stands between it and us'
    )


def unknown_certificate(root: str, reason: str, advice: str) -> Disconnected:
    """Return the error for a certificate that no authority vouches for; *advice* says how else it may be trusted.

    Blocks, to ask the server which certificate it is.
    """
    parts = urlsplit(root)
    try:
        shown = ssl.get_server_certificate((parts.hostname or "", parts.port or _HTTPS), timeout=_PROBE_TIMEOUT_S)
    except (OSError, ValueError):
        pass
    else:
        seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        advice += f', or, if that is what it really has, fingerprint = "{seen}"'
    return Disconnected(f"the certificate of {root} is not trusted ({reason}); {advice}")
