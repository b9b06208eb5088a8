"""oVirt's own Python SDK, unmodified: who sees and changes what."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from tests.clients.ovirt import (
    DOWN,
    add_token,
    engine_event,
    numbers,
    of,
    publish_engine_events,
    required,
    said,
    sdk_connection,
)
from tests.clients.tidings_server import TidingsServer

sdk = required("ovirtsdk4")
types = required("ovirtsdk4.types")


@pytest.fixture
def two_centers(server: TidingsServer) -> tuple[str, list[int]]:
    """Give a mark that six events have, and their indexes, by turns of the data centres north and south."""
    mark = uuid.uuid4().hex
    return mark, publish_engine_events(
        server,
        [
            engine_event(
                number,
                correlation_id=mark,
                data_center={"id": str(uuid.uuid5(uuid.NAMESPACE_DNS, name)), "name": name},
            )
            for number, name in enumerate([f"north-{mark}", f"south-{mark}"] * 3)
        ],
    )


def test_whoever_is_limited_to_a_scope_sees_nothing_else(
    server: TidingsServer, two_centers: tuple[str, list[int]]
) -> None:
    mark, indexes = two_centers
    token = add_token(server, f"reader-{mark}", "reader", f"north-{mark}")
    with sdk_connection(server, username="north@internal", password=token) as connection:
        events = connection.system_service().events_service()
        for headers in ({}, {"Filter": "true"}, {"Filter": "false"}):
            assert numbers(events.list(search=f"correlation_id={mark}", headers=dict(headers))) == [4, 2, 0]
            assert numbers(events.list(search=f"correlation_id={mark}", max=2, headers=dict(headers))) == [4, 2]
            assert {event.data_center.name for event in events.list(headers=dict(headers))} == {f"north-{mark}"}
        assert events.event_service(str(indexes[0])).get().description == "number 0"
        with pytest.raises(sdk.NotFoundError):
            events.event_service(str(indexes[1])).get()
        with pytest.raises(sdk.AuthError):
            events.event_service(str(indexes[0])).remove()


def test_whoever_is_limited_to_a_scope_removes_nothing_outside_of_it(
    server: TidingsServer, events: Any, two_centers: tuple[str, list[int]]
) -> None:
    mark, indexes = two_centers
    token = add_token(server, f"writer-{mark}", "writer", f"north-{mark}")
    with sdk_connection(server, username="north@internal", password=token) as connection:
        theirs = connection.system_service().events_service()
        with pytest.raises(sdk.NotFoundError):
            theirs.event_service(str(indexes[1])).remove()
        theirs.event_service(str(indexes[0])).remove()
        with pytest.raises(sdk.AuthError):
            theirs.undelete()
    assert numbers(events.list(search=f"correlation_id={mark}")) == [5, 4, 3, 2, 1]


def test_what_is_added_within_a_scope_stays_there(server: TidingsServer, events: Any, origin: str) -> None:
    north, south = (add_token(server, name, "writer", name) for name in (f"north-{origin}", f"south-{origin}"))
    with sdk_connection(server, password=north) as connection:
        theirs = connection.system_service().events_service()
        event = types.Event(description="x", severity=types.LogSeverity.NORMAL, origin=origin, custom_id=1)
        added = theirs.add(event)
        assert said(theirs.list(search=of(origin))) == ["x"]
    with sdk_connection(server, password=south) as connection:
        theirs = connection.system_service().events_service()
        assert theirs.list(search=of(origin)) == []
        with pytest.raises(sdk.NotFoundError):
            theirs.event_service(added.id).get()
    assert said(events.list(search=of(origin))) == ["x"]


def test_an_admin_who_asks_for_the_users_view_still_searches(events: Any, ten: list[Any], origin: str) -> None:
    filtered = {"Filter": "true"}
    assert numbers(events.list(search=of(origin), headers=dict(filtered))) == DOWN
    assert numbers(events.list(search=of(origin, "severity=error"), headers=dict(filtered))) == [10, 5]
    assert numbers(events.list(search=of(origin), from_=ten[6].index, max=2, headers=dict(filtered))) == [10, 9]
