"""Reading X.509 certificates that somebody else made."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from tidings import rfc3339
from tidings.auth.errors import InvalidAccount

MAX_BYTES = 64 * 1024

_SECOND_NS = 1_000_000_000
_NO_CERTIFICATE = "this is no certificate: the PEM or the DER of an X.509 certificate is expected"


class ReadCertificate(NamedTuple):
    """What is kept of a certificate; *expires_ns* is the end of its own validity."""

    fingerprint: str
    pem: str
    expires_ns: int


def fingerprint_of(der: bytes) -> str:
    """Return what a certificate is known by: the SHA-256 of its DER, hexadecimal."""
    return hashlib.sha256(der).hexdigest()


def read_certificate(content: bytes, now_ns: int) -> ReadCertificate:
    """Return the certificate in *content*, PEM (of several the first) or DER.

    Raises InvalidAccount when there is none, or one whose validity has ended. The content isn't quoted: it may be a key.
    """
    if len(content) > MAX_BYTES:
        raise InvalidAccount("certificate", f"a certificate has at most {MAX_BYTES} bytes, not {len(content)}")
    load = x509.load_pem_x509_certificate if b"-----BEGIN" in content else x509.load_der_x509_certificate
    try:
        certificate = load(content)
        ends = certificate.not_valid_after_utc
    except (ValueError, x509.InvalidVersion):
        raise InvalidAccount("certificate", _NO_CERTIFICATE) from None
    # "never" is the year 9999, which nanoseconds in 64 bits can't say
    expires_ns = min(int(ends.timestamp()) * _SECOND_NS, rfc3339.MAX_NS)
    if now_ns >= expires_ns:
        raise InvalidAccount("certificate", f"the certificate's validity ended on {ends:%Y-%m-%d}; make a new one")
    return ReadCertificate(
        fingerprint_of(certificate.public_bytes(Encoding.DER)),
        certificate.public_bytes(Encoding.PEM).decode("ascii"),
        expires_ns,
    )
