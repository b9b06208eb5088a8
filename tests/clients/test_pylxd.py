"""The real pylxd: ``Client().events()`` with and without filters, over the Unix socket and over TLS."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.clients.key_pair import write_key_pair
from tests.clients.recorded import TYPES, read, recorded, visible
from tests.clients.tidings_server import TidingsServer, tidings_server
from tests.clients.waiting import until

pylxd = pytest.importorskip("pylxd")


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    with tidings_server(tls=True) as server:
        yield server


@pytest.fixture
def local(server: TidingsServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """Give a client made as everybody makes one."""
    monkeypatch.setenv("LXD_DIR", str(server.data))
    client = pylxd.Client()
    yield client
    client.api.session.close()


@contextmanager
def listening(client: Any, types: Sequence[str] | None) -> Iterator[list[Any]]:
    """Give the messages that come, a list that grows."""
    chosen = None if types is None else {pylxd.EventType(name) for name in types}
    events = client.events(event_types=chosen)
    events.connect()
    thread = threading.Thread(target=events.run, name="pylxd", daemon=True)
    thread.start()
    try:
        yield events.messages
    finally:
        events.close()
        thread.join()


@pytest.mark.parametrize(
    "types", [None, ["all"], ["lifecycle"], ["operation"], ["logging"], ["operation", "lifecycle"]], ids=str
)
def test_events_are_those_of_the_types_asked_for_in_their_order(
    server: TidingsServer, local: Any, types: Sequence[str] | None
) -> None:
    expected = [
        read(payload) for payload in visible(types=types if types not in (None, ["all"]) else TYPES, project="default")
    ]
    with listening(local, types) as messages:
        server.publish(recorded())  # right after the upgrade: nothing may be lost
        until(lambda: len(messages) >= len(expected), "the events that were published")
        assert messages == expected


def test_a_client_on_the_socket_is_trusted(local: Any) -> None:
    assert local.trusted
    assert local.host_info["environment"]["server"] == "tidings"


def test_projects_are_those_that_events_name(server: TidingsServer, local: Any) -> None:
    server.publish(recorded())
    assert {project.name for project in local.projects.all()} >= {"default", "web", "oldproj", "tmpproj"}


def test_a_client_that_joins_by_a_token_follows_over_tls(
    server: TidingsServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):  # requests lets them win over the file that pylxd gives it
        monkeypatch.delenv(name, raising=False)
    token = server.command("trust", "token", "laptop").strip()
    certificate = write_key_pair(tmp_path, "laptop")
    client = pylxd.Client(
        endpoint=f"https://{server.tls_address}", cert=certificate, verify=str(server.data / "server.crt")
    )
    try:
        assert not client.trusted
        client.authenticate(token)
        assert client.trusted
        with listening(client, ["lifecycle"]) as messages:
            server.publish(visible(types=["lifecycle"]))
            expected = [read(payload) for payload in visible(types=["lifecycle"], project="default")]
            until(lambda: len(messages) >= len(expected), "the events that were published")
            assert messages == expected
    finally:
        client.api.session.close()
