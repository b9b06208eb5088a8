"""What tests with oVirt's clients have in common: accounts, addresses, events to begin with, and the modules they need."""

from __future__ import annotations

import importlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest

from tests.clients.tidings_server import NDJSON, TidingsServer

ADMIN = "admin@internal"
"""As oVirt's users call themselves: the account is ``admin``, ``internal`` a profile."""
PASSWORD = "correct-horse-battery"
VM = "aae98225-5b73-490d-a252-899209af17e9"
USER = "57d91d48-00da-0137-0138-000000000244"
FULL = "File system /home is full"
DOWN = list(range(10, 0, -1))
"""The numbers of ten events, newest first."""

Add = Callable[..., Any]
"""Adds an event with what must be there and what is given, and returns it."""


def required(name: str) -> Any:
    """Return a module of a client; without it skip the tests of the module that asks, or fail where ``make test`` installs it."""
    try:
        return importlib.import_module(name)
    except ImportError as missing:
        reason = f"{missing}: 'make test' installs it where libcurl4-openssl-dev and libxml2-dev are, or as root"
        if os.environ.get("CI") == "true" and os.geteuid() == 0:
            pytest.fail(reason, pytrace=False)
        pytest.skip(reason, allow_module_level=True)


def engine_url(server: TidingsServer) -> str:
    """Return what users put where an engine's address is asked for."""
    return f"https://{server.tls_address}/ovirt-engine/api"


def certificate(server: TidingsServer) -> str:
    """Return the file with what the server is verified by."""
    return str(server.data / "server.crt")


def add_user(server: TidingsServer, name: str, role: str) -> None:
    """Make an account that has the one password."""
    wish = msgspec.json.encode({"name": name, "password": PASSWORD, "role": role})
    reply = server.ask("POST", "/v1/users", wish, {"Content-Type": "application/json"})
    assert reply.status == 201, reply


def add_token(server: TidingsServer, name: str, role: str, *scopes: str) -> str:
    """Return a new token that is limited to *scopes*; it can be used as a password."""
    limits = [word for scope in scopes for word in ("--scope", scope)]
    return server.command("token", "create", "--name", name, "--role", role, *limits).strip()


def publish_engine_events(server: TidingsServer, events: Sequence[Mapping[str, object]]) -> list[int]:
    """Store events as an engine's JSON has them; return their indexes."""
    lines = b"\n".join(msgspec.json.encode(event) for event in events)
    reply = server.ask("POST", "/v1/events?format=ovirt", lines, {"Content-Type": NDJSON})
    assert reply.status == 200, reply
    assert reply.json["stored"] == len(events), "each needs an id of its own"
    head = int(reply.json["head"])
    return list(range(head - len(events) + 1, head + 1))


def bearer_works(server: TidingsServer, token: str) -> bool:
    """Whether the API lets somebody in with *token*."""
    reply = server.ask("GET", "/ovirt-engine/api", headers={"Authorization": f"Bearer {token}"})
    assert reply.status in (200, 401), reply
    return reply.status == 200


@contextmanager
def sdk_connection(server: TidingsServer, **options: Any) -> Iterator[Any]:
    """Give the SDK's connection, as admin unless *options* say otherwise; it is closed with the block."""
    who = {"username": ADMIN, "password": PASSWORD}
    place = {"url": engine_url(server), "ca_file": certificate(server), "timeout": 20}
    connection = required("ovirtsdk4").Connection(**{**place, **who, **options})
    try:
        yield connection
    finally:
        connection.close()


def engine_event(number: int, **members: object) -> dict[str, object]:
    """Return an event of an engine's own."""
    return {
        "id": f"{uuid.uuid4()}", "code": "30", "custom_id": "-1", "description": f"number {number}", "flood_rate": "30",
        "origin": "oVirt", "severity": "normal", "time": 1_473_847_000_000 + number, **members,
    }  # fmt: skip


def of(origin: str, rest: str = "") -> str:
    """Return the search text for the events of *origin*."""
    return f"origin={origin} {rest}".strip()


def said(found: Sequence[Any]) -> list[str]:
    """Return the descriptions of events."""
    return [event.description for event in found]


def numbers(found: Sequence[Any]) -> list[int]:
    """Return the numbers that the descriptions of events end with."""
    return [int(event.description.rpartition(" ")[2]) for event in found]
