"""The TLS listener's certificate: made once, private, for the right names; an own one is used as it is."""

from __future__ import annotations

import datetime as dt
import ipaddress
import os
import socket
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import BestAvailableEncryption, Encoding, NoEncryption, PrivateFormat

from tests.server.client_certificates import make_certificate
from tidings.auth import fingerprint_of
from tidings.clock import ManualClock
from tidings.errors import ConfigError, StorageError
from tidings.server.certificate import ServerCertificate, ensure_server_certificate
from tidings.server.tls import server_context

DAY_S = 86_400.0


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def loaded(made: ServerCertificate) -> x509.Certificate:
    return x509.load_pem_x509_certificate(made.certificate.read_bytes())


def put(folder: Path, certificate: bytes, key: bytes) -> None:
    (folder / "server.crt").write_bytes(certificate)
    (folder / "server.key").write_bytes(key)


def test_the_first_start_makes_a_pair_that_tls_can_use(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, [], clock)
    assert (made.certificate, made.key) == (tmp_path / "server.crt", tmp_path / "server.key")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["server.crt", "server.key"]
    server_context(made.certificate, made.key)


def test_the_key_is_for_its_owner_only(tmp_path: Path, clock: ManualClock) -> None:
    before = os.umask(0)
    try:
        made = ensure_server_certificate(tmp_path, [], clock)
    finally:
        os.umask(before)
    assert (mode(made.key), mode(made.certificate)) == (0o600, 0o644)


def test_it_is_signed_by_itself_with_ecdsa_p_384_for_ten_years(tmp_path: Path, clock: ManualClock) -> None:
    certificate = loaded(ensure_server_certificate(tmp_path, [], clock))
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert key.curve.name == "secp384r1"
    certificate.verify_directly_issued_by(certificate)
    now = dt.datetime.fromtimestamp(clock.now_ns() // 1_000_000_000, dt.UTC)
    assert certificate.not_valid_before_utc == now - dt.timedelta(hours=1)
    assert certificate.not_valid_after_utc == now + dt.timedelta(days=3650)


def test_it_is_for_this_machine_and_the_names_given(tmp_path: Path, clock: ManualClock) -> None:
    names = ["events.example.org", "192.0.2.7", "2001:db8::7", "localhost", ""]
    certificate = loaded(ensure_server_certificate(tmp_path, names, clock))
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == [socket.gethostname(), "localhost", "events.example.org"]
    addresses = ["127.0.0.1", "::1", "192.0.2.7", "2001:db8::7"]
    assert found.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address(one) for one in addresses]


def test_a_long_host_name_is_cut_where_a_certificate_has_no_room(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    host = "a" * 60 + ".example.org"
    monkeypatch.setattr(socket, "gethostname", lambda: host)
    certificate = loaded(ensure_server_certificate(tmp_path, [], clock))
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert host in found.get_values_for_type(x509.DNSName)


def test_a_name_that_is_not_ascii_is_refused_with_what_to_write(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(ConfigError, match=r"'bücher\.example' can't be a name in a certificate; write it in ASCII"):
        ensure_server_certificate(tmp_path, ["bücher.example"], clock)


def test_it_tells_what_clients_pin(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, [], clock)
    certificate = loaded(made)
    assert made.fingerprint == fingerprint_of(certificate.public_bytes(Encoding.DER))
    assert made.pem.encode() == made.certificate.read_bytes()


def test_the_next_start_uses_the_same(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, [], clock)
    files = {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()}
    assert ensure_server_certificate(tmp_path, ["other.example"], clock) == made
    assert {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.iterdir()} == files


def test_an_own_certificate_is_used_with_its_chain(tmp_path: Path, clock: ManualClock) -> None:
    own, above = make_certificate("own"), make_certificate("above")
    put(tmp_path, own.pem + above.pem, own.key)
    made = ensure_server_certificate(tmp_path, [], clock)
    assert (made.fingerprint, made.pem.encode()) == (own.fingerprint, own.pem)
    assert made.certificate.read_bytes() == own.pem + above.pem
    server_context(made.certificate, made.key)


def test_after_a_start_that_was_cut_short_the_key_gets_its_certificate(tmp_path: Path, clock: ManualClock) -> None:
    before = ensure_server_certificate(tmp_path, [], clock)
    key = before.key.read_bytes()
    before.certificate.unlink()
    after = ensure_server_certificate(tmp_path, [], clock)
    assert after.key.read_bytes() == key
    assert after.fingerprint != before.fingerprint
    server_context(after.certificate, after.key)


def test_somebodys_rsa_key_is_not_overwritten_for_want_of_a_certificate(tmp_path: Path, clock: ManualClock) -> None:
    key = rsa.generate_private_key(65537, 2048)
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "server.key").write_bytes(content)
    with pytest.raises(ConfigError, match="put the certificate of this key there, or move the key away"):
        ensure_server_certificate(tmp_path, [], clock)
    assert (tmp_path / "server.key").read_bytes() == content
    assert not (tmp_path / "server.crt").exists()


def test_a_certificate_without_its_key_says_which_file_is_missing(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, [], clock)
    made.key.unlink()
    with pytest.raises(ConfigError, match=r"can't read .*server\.key: No such file"):
        ensure_server_certificate(tmp_path, [], clock)


def test_the_key_of_another_certificate_is_refused(tmp_path: Path, clock: ManualClock) -> None:
    put(tmp_path, make_certificate().pem, make_certificate().key)
    with pytest.raises(ConfigError, match=r"server\.key is not the key of .*server\.crt; put the two that belong"):
        ensure_server_certificate(tmp_path, [], clock)


def test_an_expired_certificate_is_refused_with_the_date_and_what_to_do(tmp_path: Path, clock: ManualClock) -> None:
    made = ensure_server_certificate(tmp_path, [], clock)
    ends = loaded(made).not_valid_after_utc
    clock.advance(3650 * DAY_S - 1)
    assert ensure_server_certificate(tmp_path, [], clock) == made
    clock.advance(1)
    with pytest.raises(ConfigError, match=rf"expired on {ends:%Y-%m-%d}; put a valid one there, or remove it"):
        ensure_server_certificate(tmp_path, [], clock)


@pytest.mark.parametrize(
    "content", [b"", b"garbage", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_a_certificate_that_is_none_is_refused(tmp_path: Path, clock: ManualClock, content: bytes) -> None:
    put(tmp_path, content, make_certificate().key)
    with pytest.raises(ConfigError, match=r"server\.crt holds no certificate in PEM; put one there"):
        ensure_server_certificate(tmp_path, [], clock)


@pytest.mark.parametrize("content", [b"", b"garbage", make_certificate().pem], ids=["nothing", "garbage", "no key"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, clock: ManualClock, content: bytes) -> None:
    put(tmp_path, make_certificate().pem, content)
    with pytest.raises(ConfigError, match=r"server\.key holds no private key in PEM"):
        ensure_server_certificate(tmp_path, [], clock)


def test_a_key_with_a_pass_phrase_is_refused_instead_of_asking_for_it(tmp_path: Path, clock: ManualClock) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    content = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"secret"))
    put(tmp_path, make_certificate(key=key).pem, content)
    with pytest.raises(ConfigError, match=r"server\.key has a pass phrase; store the key without"):
        ensure_server_certificate(tmp_path, [], clock)


@pytest.mark.parametrize("which", ["server.crt", "server.key"])
def test_a_file_that_can_not_be_read_is_named(tmp_path: Path, clock: ManualClock, which: str) -> None:
    ensure_server_certificate(tmp_path, [], clock)
    (tmp_path / which).unlink()
    (tmp_path / which).mkdir()
    with pytest.raises(ConfigError, match=rf"can't read .*{which}: Is a directory; it must be a file"):
        ensure_server_certificate(tmp_path, [], clock)


def test_a_folder_that_can_not_be_written_to_is_a_storage_error(tmp_path: Path, clock: ManualClock) -> None:
    with pytest.raises(StorageError, match=r"can't write .*server\.key: No such file"):
        ensure_server_certificate(tmp_path / "gone", [], clock)


def test_no_error_quotes_the_key(tmp_path: Path, clock: ManualClock) -> None:
    key = make_certificate().key
    put(tmp_path, make_certificate().pem, key[:-40])
    with pytest.raises(ConfigError) as caught:
        ensure_server_certificate(tmp_path, [], clock)
    assert key.splitlines()[1].decode() not in str(caught.value)
