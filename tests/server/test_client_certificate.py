"""The certificate that tidings shows when it collects by TLS."""

from __future__ import annotations

import ssl
import stat
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509

from tidings.clock import ManualClock
from tidings.errors import ConfigError, StorageError
from tidings.server.client_certificate import ensure_client_certificate, is_wanted


def test_a_pair_is_made_whose_key_is_the_owners_only(tmp_path: Path) -> None:
    clock = ManualClock()
    ensure_client_certificate(tmp_path, clock)
    made = x509.load_pem_x509_certificate((tmp_path / "client.crt").read_bytes())
    assert made.not_valid_before_utc.timestamp() == clock.now_ns() // 1_000_000_000 - 3600
    assert (made.not_valid_after_utc - made.not_valid_before_utc).days == 3650
    assert stat.S_IMODE((tmp_path / "client.key").stat().st_mode) == 0o600
    ssl.create_default_context().load_cert_chain(tmp_path / "client.crt", tmp_path / "client.key")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["client.crt", "client.key"]


def test_a_pair_that_is_there_is_kept(tmp_path: Path) -> None:
    ensure_client_certificate(tmp_path, ManualClock())
    before = (tmp_path / "client.crt").read_bytes()
    ensure_client_certificate(tmp_path, ManualClock())
    assert (tmp_path / "client.crt").read_bytes() == before


@pytest.mark.parametrize(("missing", "there"), [("client.crt", "client.key"), ("client.key", "client.crt")])
def test_half_a_pair_is_named_and_left_alone(tmp_path: Path, missing: str, there: str) -> None:
    ensure_client_certificate(tmp_path, ManualClock())
    (tmp_path / missing).unlink()
    before = (tmp_path / there).read_bytes()
    with pytest.raises(ConfigError, match=rf"{there} is there, but not {missing}"):
        ensure_client_certificate(tmp_path, ManualClock())
    assert (tmp_path / there).read_bytes() == before


def test_a_directory_that_takes_no_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match=r"can't write .*client\.key: No such file"):
        ensure_client_certificate(tmp_path / "gone", ManualClock())


@pytest.mark.parametrize(
    ("row", "wanted"),
    [
        ({"kind": "lxd", "url": "https://host"}, True),
        ({"kind": "lxd", "url": "https://host", "certificate": "/c"}, False),
        ({"kind": "lxd", "url": "unix:/run/x"}, False),
        ({"kind": "lxd"}, False),
        ({"kind": "ovirt", "url": "https://host"}, False),
    ],
)
def test_it_is_made_only_where_it_will_be_shown(row: dict[str, Any], wanted: bool) -> None:
    assert is_wanted([row]) is wanted
