"""TLS from our side: the client certificate that we show, and how we know that the server is the right one."""

from __future__ import annotations

import hashlib
import ssl
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from tidings.collect import Disconnected
from tidings.dialects.lxd.collector_settings import Identity

_PROBE_TIMEOUT_S = 10


class Trust(NamedTuple):
    """A context for the connection, and the SHA-256 that the server's certificate must have (empty: the context verifies it)."""

    context: ssl.SSLContext
    pin: bytes


def load_trust(identity: Identity) -> Trust:
    """Read the files; at each connection again, since certificates are renewed. Blocks. Raises Disconnected."""
    pin = bytes.fromhex(identity.fingerprint)
    if identity.server_certificate is not None:
        pin = hashlib.sha256(_read_certificate(identity.server_certificate)).digest()
    context = ssl.create_default_context()
    if pin:
        # LXD's own certificate is signed by nobody, and names few of the addresses that it is reached by.
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    try:
        context.load_cert_chain(identity.certificate, identity.key, password=_no_pass_phrase)
    except (OSError, ValueError) as fault:
        reason = fault.strerror if isinstance(fault, OSError) and fault.strerror else fault
        raise Disconnected(
            f"can't use the client certificate {identity.certificate} with the key {identity.key}: {reason}; both must be in "
            "PEM, belong together, and be readable by the user running tidings"
        ) from None
    return Trust(context, pin)


def wrong_certificate(base: str, expected: bytes, seen: bytes) -> Disconnected:
    """Return the error for a server whose certificate isn't the one that was pinned."""
    return Disconnected(
        f"the certificate of {base} has the fingerprint {seen.hex()}, expected was {expected.hex()}; if the server has a new "
        f'certificate, set fingerprint = "{seen.hex()}", else somebody stands between it and us'
    )


def unknown_certificate(base: str, reason: str) -> Disconnected:
    """Return the error for a certificate that no authority vouches for. Blocks, to ask the server which one it is."""
    parts = urlsplit(base)
    advice = "set fingerprint or server_certificate to what the server really has"
    try:
        shown = ssl.get_server_certificate((parts.hostname or "", parts.port or 0), timeout=_PROBE_TIMEOUT_S)
    except (OSError, ValueError):
        pass
    else:
        seen = hashlib.sha256(ssl.PEM_cert_to_DER_cert(shown)).hexdigest()
        advice = (
            f"its fingerprint is {seen}; if `lxc info` (`incus info`) on the server shows the same as "
            f'certificate_fingerprint, set fingerprint = "{seen}"'
        )
    return Disconnected(f"the certificate of {base} is not trusted ({reason}); {advice}")


def fingerprint_of_file(path: Path) -> str:
    """Return the SHA-256 of the first certificate in the PEM file *path*. Blocks. Raises Disconnected."""
    return hashlib.sha256(_read_certificate(path)).hexdigest()


def _read_certificate(path: Path) -> bytes:
    """Return the first certificate of the file, as DER."""
    begin, end = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
        start = text.index(begin)
        return ssl.PEM_cert_to_DER_cert(text[start : text.index(end, start) + len(end)])
    except OSError as fault:
        raise Disconnected(f"can't read {path}: {fault.strerror}") from None
    except ValueError:
        raise Disconnected(f"{path} holds no certificate in PEM") from None


def _no_pass_phrase() -> str:
    """Refuse a key that asks for one: without this, OpenSSL would ask on the terminal."""
    raise ValueError("the key has a pass phrase")
