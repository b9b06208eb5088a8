"""oVirt's own Python SDK, unmodified: one event, looked at, removed and brought back."""

from __future__ import annotations

from typing import Any

import pytest

from tests.clients.ovirt import Add, of, required, said, sdk_connection
from tests.clients.tidings_server import TidingsServer

sdk = required("ovirtsdk4")


def test_an_unknown_event_is_not_found(events: Any) -> None:
    service = events.event_service(str(2**40))
    for ask in (service.get, service.remove):
        with pytest.raises(sdk.NotFoundError) as caught:
            ask()
        assert caught.value.code == 404


@pytest.mark.parametrize("id", ["abc", "-1", "1.5"])
def test_an_id_that_is_no_number_is_refused(events: Any, id: str) -> None:
    with pytest.raises(sdk.Error) as caught:
        events.event_service(id).get()
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation failed")


def test_a_removed_event_is_listed_no_more_but_can_be_looked_at(events: Any, add: Add, origin: str) -> None:
    kept, removed = add("kept"), add("removed")
    events.event_service(removed.id).remove()
    assert said(events.list(search=of(origin))) == ["kept"]
    assert removed.id not in {event.id for event in events.list(from_=kept.index)}
    assert events.event_service(removed.id).get().description == "removed"


def test_removing_twice_is_no_error(events: Any, add: Add) -> None:
    service = events.event_service(add().id)
    service.remove()
    service.remove()


def test_removing_without_waiting_for_it_is_no_error(events: Any, add: Add, origin: str) -> None:
    events.event_service(add().id).remove(async_=True)
    assert events.list(search=of(origin)) == []


@pytest.mark.parametrize("is_async", [None, False, True])
def test_undelete_brings_all_alerts_back_and_nothing_else(
    events: Any, add: Add, origin: str, is_async: bool | None
) -> None:
    for severity in ("normal", "warning", "error", "alert"):
        events.event_service(add(severity, severity).id).remove()
    events.event_service(add("another alert", "alert").id).remove()
    assert events.list(search=of(origin)) == []
    events.undelete(async_=is_async)
    assert said(events.list(search=of(origin))) == ["another alert", "alert"]


def test_undelete_with_nothing_to_bring_back_is_no_error(events: Any) -> None:
    events.undelete()
    events.undelete()


def test_a_writer_may_remove_events_but_no_alerts(server: TidingsServer, add: Add) -> None:
    normal, alert = add(severity="normal"), add(severity="alert")
    with sdk_connection(server, username="writer@internal") as connection:
        events = connection.system_service().events_service()
        events.event_service(normal.id).remove()
        with pytest.raises(sdk.AuthError):
            events.event_service(alert.id).remove()
        with pytest.raises(sdk.AuthError):
            events.undelete()


def test_a_reader_may_remove_nothing(server: TidingsServer, events: Any, add: Add, origin: str) -> None:
    event = add()
    with sdk_connection(server, username="reader@internal") as connection:
        service = connection.system_service().events_service().event_service(event.id)
        with pytest.raises(sdk.AuthError) as caught:
            service.remove()
        assert (caught.value.code, caught.value.fault.reason) == (403, "Operation Failed")
    assert len(events.list(search=of(origin))) == 1
