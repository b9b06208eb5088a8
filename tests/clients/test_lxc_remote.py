"""The real ``lxc remote add`` and ``lxc monitor NAME:`` over TLS: joining by a token, not being trusted, being trusted no more."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.clients.key_pair import write_key_pair
from tests.clients.lxc import Lxc
from tests.clients.programs import need
from tests.clients.raw_web_socket import RawWebSocket, Refused
from tests.clients.recorded import read, recorded, visible
from tests.clients.short_folder import short_folder
from tests.clients.tidings_server import TidingsServer, tidings_server
from tests.clients.waiting import until

WRONG = "--password=wrong"


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    need("lxc")
    with tidings_server(tls=True) as server:
        server.publish(recorded())  # which makes the projects that they name
        yield server


@pytest.fixture
def home() -> Iterator[Path]:
    """Give a home of its own: its certificate is made at first use."""
    with short_folder() as folder:
        yield folder


@pytest.fixture
def lxc(home: Path) -> Lxc:
    # whatever it asks the local daemon would be a mistake: there is none
    return Lxc(home, {"LXD_DIR": str(home / "none")})


def fingerprint(home: Path) -> str:
    """Return the fingerprint of the client's own certificate."""
    return hashlib.sha256(ssl.PEM_cert_to_DER_cert((home / "client.crt").read_text())).hexdigest()


def trusted(server: TidingsServer) -> list[str]:
    return [str(url).rpartition("/")[2] for url in server.get("/1.0/certificates")["metadata"]]


def as_set(events: Iterable[Any]) -> Counter[str]:
    return Counter(json.dumps(event, sort_keys=True) for event in events)


def join(server: TidingsServer, lxc: Lxc, *options: str) -> str:
    """Add the server as the remote ``far`` by a new token, and return the token."""
    token = server.command("trust", "token", "laptop", *options).strip()
    added = lxc.run("remote", "add", "far", token)
    assert added.code == 0, added
    return token


def test_a_join_token_makes_a_client_trusted(server: TidingsServer, lxc: Lxc, home: Path) -> None:
    join(server, lxc)
    assert fingerprint(home) in trusted(server)
    assert "far" in lxc.run("remote", "list", "--format=csv").output


def test_a_join_token_names_what_lxc_needs_to_find_and_to_recognise_the_server(server: TidingsServer) -> None:
    token = json.loads(base64.b64decode(server.command("trust", "token", "laptop")))
    certificate = ssl.PEM_cert_to_DER_cert((server.data / "server.crt").read_text())
    assert token["client_name"] == "laptop"
    assert token["fingerprint"] == hashlib.sha256(certificate).hexdigest()
    assert server.tls_address in token["addresses"]


def test_a_monitor_over_tls_prints_what_was_published(server: TidingsServer, lxc: Lxc) -> None:
    join(server, lxc)
    expected = [read(payload) for payload in visible(types=["lifecycle"], project=None)]
    with lxc.monitor("far:", "--format=json", "--type=lifecycle", "--all-projects") as monitor:
        monitor.wait_until_live(server.publish)
        server.publish(recorded())
        printed = monitor.printed(len(expected), server.publish)
    assert as_set(map(json.loads, printed.elements())) == as_set(expected)


def test_a_token_can_be_used_once(server: TidingsServer, lxc: Lxc) -> None:
    token = join(server, lxc)
    with short_folder() as other_home:
        other = Lxc(other_home, {"LXD_DIR": str(other_home / "none")})
        again = other.run("remote", "add", "far", token)
        assert again.code == 1
        assert "No matching certificate add operation found" in again.errors
        assert fingerprint(other_home) not in trusted(server)


def test_a_token_does_not_help_a_client_that_is_trusted_already(server: TidingsServer, lxc: Lxc) -> None:
    join(server, lxc)
    before = trusted(server)
    again = lxc.run("remote", "add", "further", server.command("trust", "token", "laptop").strip())
    assert again.code == 0 or "Client is already trusted" in again.errors, again
    assert trusted(server) == before


def test_a_revoked_token_opens_nothing(server: TidingsServer, lxc: Lxc, home: Path) -> None:
    token = server.command("trust", "token", "laptop").strip()
    pending = server.get("/v1/trust/tokens")
    for row in pending:
        server.command("trust", "revoke", row["id"])
    assert lxc.run("remote", "add", "far", token).code == 1
    assert fingerprint(home) not in trusted(server)


def test_lxc_lists_pending_tokens_without_their_secrets_and_revokes_them(server: TidingsServer, home: Path) -> None:
    local = Lxc(home, {"LXD_SOCKET": str(server.socket)})
    assert local.run("config", "trust", "add", "--name=tablet").code == 0
    (row,) = (
        line
        for line in local.run("config", "trust", "list-tokens", "--format=csv").output.splitlines()
        if "tablet," in line
    )
    assert json.loads(base64.b64decode(row.split(",")[1]))["secret"] == "REDACTED"
    assert local.run("config", "trust", "revoke-token", "tablet").code == 0
    assert "tablet" not in local.run("config", "trust", "list-tokens", "--format=csv").output


def test_a_wrong_password_is_not_authorized(server: TidingsServer, lxc: Lxc, home: Path) -> None:
    added = lxc.run("remote", "add", "far", f"https://{server.tls_address}", "--accept-certificate", WRONG)
    assert added.code == 1
    assert "Error: not authorized" in added.errors
    assert fingerprint(home) not in trusted(server)


def test_a_certificate_that_an_admin_trusts_needs_no_token(server: TidingsServer, lxc: Lxc, home: Path) -> None:
    refused = lxc.run("remote", "add", "far", f"https://{server.tls_address}", "--accept-certificate", WRONG)
    assert refused.code == 1  # by now it has a certificate
    server.command("trust", "add", "laptop", str(home / "client.crt"))
    added = lxc.run("remote", "add", "far", f"https://{server.tls_address}", "--accept-certificate")
    assert added.code == 0, added
    with lxc.monitor("far:", "--format=json") as monitor:
        monitor.wait_until_live(server.publish)


def test_removing_the_trust_ends_the_stream_there_is_and_refuses_the_next(
    server: TidingsServer, lxc: Lxc, home: Path
) -> None:
    join(server, lxc)
    with lxc.monitor("far:") as monitor:
        monitor.wait_until_live(server.publish)
        server.command("trust", "remove", fingerprint(home))
        assert monitor.wait_for_end() == 1
    with lxc.monitor("far:") as monitor:
        assert monitor.wait_for_end() == 1
    assert "Error: websocket: bad handshake" in monitor.errors


def test_a_restricted_client_sees_its_projects_and_nothing_of_the_server(server: TidingsServer, lxc: Lxc) -> None:
    join(server, lxc, "--project", "web")
    expected = [event for payload in recorded() if (event := read(payload)).get("project") == "web"]
    with lxc.monitor("far:", "--format=json", "--all-projects") as monitor:
        monitor.wait_until_live(server.publish, project="web")
        server.publish(recorded())
        printed = monitor.printed(len(expected), server.publish, project="web")
    assert as_set(map(json.loads, printed.elements())) == as_set(expected)


def test_a_restricted_client_cannot_follow_another_project(server: TidingsServer, lxc: Lxc) -> None:
    join(server, lxc, "--project", "web")
    with lxc.monitor("far:", "--project=default") as monitor:
        assert monitor.wait_for_end() == 1
    assert "bad handshake" in monitor.errors


def test_a_restricted_client_that_asks_for_log_lines_is_forbidden(server: TidingsServer, tmp_path: Path) -> None:
    certificate, key = write_key_pair(tmp_path, "narrow")
    server.command("trust", "add", "narrow", certificate, "--project", "web")
    context = ssl.create_default_context(cafile=str(server.data / "server.crt"))
    context.load_cert_chain(certificate, key)
    host, _, port = server.tls_address.rpartition(":")
    with socket.create_connection((host, int(port)), timeout=10) as plain:
        sock = context.wrap_socket(plain, server_hostname=host)
        with sock, pytest.raises(Refused) as refused:
            RawWebSocket(sock, "/1.0/events?project=web&type=logging")
    assert (refused.value.status, json.loads(refused.value.body)["error"]) == (403, "Forbidden")


def test_a_server_that_is_started_again_keeps_its_certificate_and_whom_it_trusts(lxc: Lxc) -> None:
    with tidings_server(tls=True) as server:
        join(server, lxc)
        server.stop()
        server.start()
        with lxc.monitor("far:") as monitor:
            monitor.wait_until_live(server.publish)
        until(lambda: server.get("/1.0/certificates")["metadata"], "a trusted certificate")
