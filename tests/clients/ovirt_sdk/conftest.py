"""A server to a module, the SDK's connection to it, and events added through that."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest

from tests.clients.ovirt import FULL, VM, Add, add_user, required, sdk_connection
from tests.clients.tidings_server import TidingsServer, tidings_server


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    with tidings_server(tls=True) as server:
        for role in ("admin", "writer", "reader"):
            add_user(server, role, role)
        # Whoever guesses too often has to wait, so it is these whose passwords are guessed.
        for name in ("careless", "forgetful"):
            add_user(server, name, "admin")
        yield server


@pytest.fixture
def connection(server: TidingsServer) -> Iterator[Any]:
    with sdk_connection(server) as connection:
        yield connection


@pytest.fixture
def events(connection: Any) -> Any:
    return connection.system_service().events_service()


@pytest.fixture
def origin() -> str:
    """Give an origin of this test alone: all tests share one log."""
    return f"monitor-{uuid.uuid4()}"


@pytest.fixture
def add(events: Any, origin: str) -> Add:
    """Give a function that adds an event with what must be there."""
    types, numbers = required("ovirtsdk4.types"), count(1)

    def add(description: str | None = FULL, severity: str | None = "normal", **members: Any) -> Any:
        word = None if severity is None else types.LogSeverity(severity)
        usual = {"origin": origin, "custom_id": next(numbers)}
        return events.add(types.Event(description=description, severity=word, **{**usual, **members}))

    return add


@pytest.fixture
def ten(add: Add) -> list[Any]:
    """Add ten events, linked to one machine; the fifth and the tenth are errors, and their texts differ by number and case."""
    vm = required("ovirtsdk4.types").Vm(id=VM)
    return [
        add(f"{'EVENT' if number % 2 else 'event'} {number}", "normal" if number % 5 else "error", vm=vm)
        for number in range(1, 11)
    ]
