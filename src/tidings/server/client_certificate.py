"""The certificate that tidings shows to the servers it collects from; their users trust it, as they trust one of ``lxc``."""

from __future__ import annotations

import datetime as dt
import os
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tidings.clock import Clock
from tidings.errors import StorageError

CERTIFICATE_FILE, KEY_FILE = "client.crt", "client.key"
_VALID_FOR = dt.timedelta(days=3650)
_BACKDATED = dt.timedelta(hours=1)  # for servers whose clock is behind
_MAX_COMMON_NAME = 64
_PRIVATE, _PUBLIC = 0o600, 0o644
_SECOND_NS = 1_000_000_000


def is_wanted(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the ``[[collect]]`` tables reaches an LXD by TLS and brings no certificate of its own."""
    return any(
        row.get("kind") == "lxd" and str(row.get("url")).startswith("https:") and "certificate" not in row
        for row in rows
    )


def ensure_client_certificate(directory: Path, clock: Clock) -> None:
    """Make ``client.crt`` and ``client.key`` in *directory*, good for ten years, unless they are there. Blocks. Raises StorageError."""
    certificate, key = directory / CERTIFICATE_FILE, directory / KEY_FILE
    if certificate.exists() and key.exists():
        return
    now = dt.datetime.fromtimestamp(clock.now_ns() // _SECOND_NS, dt.UTC)
    private = ec.generate_private_key(ec.SECP384R1())
    signed = _sign(private, now)
    try:
        _write(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), _PRIVATE)
        _write(certificate, signed.public_bytes(Encoding.PEM), _PUBLIC)
    except OSError as fault:
        raise StorageError(f"can't write {certificate} and its key: {fault.strerror}") from fault


def _sign(private: ec.EllipticCurvePrivateKey, now: dt.datetime) -> x509.Certificate:
    host = socket.gethostname()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tidings"),
            x509.NameAttribute(NameOID.COMMON_NAME, f"tidings@{host}"[:_MAX_COMMON_NAME]),
        ]
    )
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + _VALID_FOR)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH]), critical=False)
        .sign(private, hashes.SHA384())
    )


def _write(path: Path, content: bytes, mode: int) -> None:
    """Put *content* into place at once, so that no half of a file is ever there."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
