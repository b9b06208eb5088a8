"""Client certificates for tests: self-signed, as `lxc` makes its own."""

from __future__ import annotations

import datetime as dt
import ssl
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

NEVER = dt.datetime(9999, 12, 31, 23, 59, 59, tzinfo=dt.UTC)


class Made(NamedTuple):
    """A certificate in both forms, its fingerprint, and its key."""

    der: bytes
    pem: bytes
    fingerprint: str
    key: bytes


def make_certificate(
    name: str = "root@client", ends: dt.datetime = NEVER, key: ec.EllipticCurvePrivateKey | None = None
) -> Made:
    """Return a new certificate whose validity ends at *ends*."""
    key = key or ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(dt.datetime(2020, 1, 1, tzinfo=dt.UTC))
        .not_valid_after(ends)
        .sign(key, hashes.SHA256())
    )
    return Made(
        certificate.public_bytes(Encoding.DER),
        certificate.public_bytes(Encoding.PEM),
        certificate.fingerprint(hashes.SHA256()).hex(),
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )


def client_context(folder: Path, shown: Made | None = None) -> ssl.SSLContext:
    """Return the TLS settings of a client that trusts any server and shows *shown*, through files in *folder*."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    if shown is not None:
        (folder / "client.crt").write_bytes(shown.pem)
        (folder / "client.key").write_bytes(shown.key)
        context.load_cert_chain(folder / "client.crt", folder / "client.key")
    return context
