"""The certificate that the TLS listener shows: the user's own, or one that signs itself, made at the first start."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from tidings.auth import fingerprint_of
from tidings.clock import Clock
from tidings.errors import ConfigError
from tidings.server.durable_file import PRIVATE, PUBLIC, write_file

CERTIFICATE_FILE, KEY_FILE = "server.crt", "server.key"
VALID_FOR = dt.timedelta(days=3650)

_BACKDATED = dt.timedelta(hours=1)  # for clients whose clock is behind
_MAX_COMMON_NAME = 64
_NANOSECONDS = 1_000_000_000


class ServerCertificate(NamedTuple):
    """The two files, and what clients pin: the *fingerprint* (SHA-256 of the DER, hexadecimal) of the server's own *pem*."""

    certificate: Path
    key: Path
    fingerprint: str
    pem: str


def ensure_server_certificate(directory: Path, names: Sequence[str], clock: Clock) -> ServerCertificate:
    """Return the certificate in *directory*, and make one for ten years when there is none.

    An own one, with its chain behind it, is used as it is. *names* are host names and IP addresses for a new one, beside
    those of this machine. Without a certificate an existing key is kept and gets a new one. Blocks. Raises ConfigError or
    StorageError with what to do.
    """
    certificate, key = directory / CERTIFICATE_FILE, directory / KEY_FILE
    now = dt.datetime.fromtimestamp(clock.now_ns() // _NANOSECONDS, dt.UTC)
    if not certificate.exists():
        _make(certificate, key, names, now)
    own = _read_certificate(certificate)
    if _public_key(own, certificate) != _public_key(_read_key(key), key):
        raise ConfigError(
            f"{key} is not the key of {certificate}; put the two that belong together there, or remove {CERTIFICATE_FILE} "
            "to have a new one made for this key"
        )
    if own.not_valid_after_utc <= now:
        raise ConfigError(
            f"{certificate} expired on {own.not_valid_after_utc:%Y-%m-%d}; put a valid one there, or remove it to have a "
            "new one made, which clients must then be told to trust"
        )
    return ServerCertificate(
        certificate,
        key,
        fingerprint_of(own.public_bytes(Encoding.DER)),
        own.public_bytes(Encoding.PEM).decode("ascii"),
    )


def _make(certificate: Path, key: Path, names: Sequence[str], now: dt.datetime) -> None:
    # The key first: should we end in between, the next start finds it and makes the certificate.
    if not key.exists():
        fresh = ec.generate_private_key(ec.SECP384R1())
        write_file(key, fresh.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()), PRIVATE)
    private = _read_key(key)
    if not isinstance(private, ec.EllipticCurvePrivateKey):
        raise ConfigError(
            f"there is {key} but no {certificate}; put the certificate of this key there, or move the key away to have "
            "both made"
        )
    host = socket.gethostname()
    subject = x509.Name(
        [
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "tidings"),
            x509.NameAttribute(NameOID.COMMON_NAME, host[:_MAX_COMMON_NAME] or "localhost"),
        ]
    )
    public = private.public_key()
    signed = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _BACKDATED)
        .not_valid_after(now + VALID_FOR)
        .add_extension(x509.SubjectAlternativeName(list(_alternative_names(host, names))), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .sign(private, hashes.SHA384())
    )
    write_file(certificate, signed.public_bytes(Encoding.PEM), PUBLIC)


def _alternative_names(host: str, names: Sequence[str]) -> Iterator[x509.GeneralName]:
    """Yield the names for the certificate; lxc asks for the first that is no address."""
    for name in dict.fromkeys((host, "localhost", "127.0.0.1", "::1", *names)):
        if not name:
            continue
        try:
            yield x509.IPAddress(ipaddress.ip_address(name))
        except ValueError:
            if not name.isascii():
                raise ConfigError(f"{name!r} can't be a name in a certificate; write it in ASCII (xn--…)") from None
            yield x509.DNSName(name)


def _read_certificate(path: Path) -> x509.Certificate:
    """Return the first certificate of the file, which is the server's own."""
    try:
        return x509.load_pem_x509_certificates(_read(path))[0]
    except (ValueError, x509.InvalidVersion):
        raise ConfigError(
            f"{path} holds no certificate in PEM; put one there, or remove it to have a new one made"
        ) from None


def _read_key(path: Path) -> object:
    try:
        return load_pem_private_key(_read(path), password=None)
    except TypeError:
        raise ConfigError(f"{path} has a pass phrase; store the key without, readable by its owner only") from None
    except (ValueError, UnsupportedAlgorithm):
        raise ConfigError(
            f"{path} holds no private key in PEM; put the one of {CERTIFICATE_FILE} there, or move both away to have new ones made"
        ) from None


def _public_key(holder: object, path: Path) -> bytes:
    public = getattr(holder, "public_key", None)
    try:
        if public is not None:
            encoded: bytes = public().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
            return encoded
    except (ValueError, UnsupportedAlgorithm):
        pass
    raise ConfigError(f"{path} is of a kind that TLS can't use; use ECDSA, RSA or Ed25519")


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as fault:
        remedy = "it must be a file that the user running tidings may read"
        raise ConfigError(f"can't read {path}: {fault.strerror}; {remedy}") from None
