"""The certificate that tidings shows to the servers it collects from; their users trust it, as they trust one of ``lxc``."""

from __future__ import annotations

import datetime as dt
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
from tidings.errors import ConfigError
from tidings.server.durable_file import PRIVATE, PUBLIC, write_file

CERTIFICATE_FILE, KEY_FILE = "client.crt", "client.key"
_VALID_FOR = dt.timedelta(days=3650)
_BACKDATED = dt.timedelta(hours=1)  # for servers whose clock is behind
_MAX_COMMON_NAME = 64
_SECOND_NS = 1_000_000_000


def is_wanted(rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether one of the ``[[collect]]`` tables reaches an LXD by TLS and brings no certificate of its own."""
    return any(
        row.get("kind") == "lxd" and str(row.get("url")).startswith("https:") and "certificate" not in row
        for row in rows
    )


def ensure_client_certificate(directory: Path, clock: Clock) -> None:
    """Make ``client.crt`` and ``client.key`` in *directory*, good for ten years, unless they are there.

    Blocks. Raises StorageError, and ConfigError when one of the two is missing: a new one wouldn't fit the other, which somebody may still trust.
    """
    certificate, key = directory / CERTIFICATE_FILE, directory / KEY_FILE
    if certificate.exists() and key.exists():
        return
    for there, missing in ((certificate, key), (key, certificate)):
        if there.exists():
            raise ConfigError(
                f"{there} is there, but not {missing.name}; restore it, or remove both to have new ones made"
            )
    now = dt.datetime.fromtimestamp(clock.now_ns() // _SECOND_NS, dt.UTC)
    private = ec.generate_private_key(ec.SECP384R1())
    signed = _sign(private, now)
    write_file(key, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), PRIVATE)
    write_file(certificate, signed.public_bytes(Encoding.PEM), PUBLIC)


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
