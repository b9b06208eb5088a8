"""oVirt's own Python SDK, unmodified: adding events."""

from __future__ import annotations

import time
import uuid
from typing import Any

import pytest

from tests.clients.ovirt import FULL, VM, Add, of, required, said, sdk_connection
from tests.clients.tidings_server import TidingsServer

sdk = required("ovirtsdk4")
types = required("ovirtsdk4.types")

HOST = "57d91d48-00da-0137-0138-000000000003"
CODES = {"normal": 9801, "warning": 9802, "error": 9803, "alert": 9804}
LINKS = {
    "cluster": ("Cluster", "clusters"),
    "data_center": ("DataCenter", "datacenters"),
    "host": ("Host", "hosts"),
    "storage_domain": ("StorageDomain", "storagedomains"),
    "template": ("Template", "templates"),
    "user": ("User", "users"),
    "vm": ("Vm", "vms"),
}


def test_an_added_event_comes_back_as_it_is_stored(add: Add, origin: str) -> None:
    event = add(FULL, "alert", custom_id=1467879754)
    assert (event.description, event.origin, event.custom_id) == (FULL, origin, 1467879754)
    assert (event.severity, event.code) == (types.LogSeverity.ALERT, 9804)
    assert event.href == f"/ovirt-engine/api/events/{event.id}"
    assert event.index == int(event.id)
    assert abs(event.time.timestamp() - time.time()) < 60
    assert (event.flood_rate, event.correlation_id, event.custom_data, event.vm) == (30, None, None, None)


def test_a_link_of_the_event_can_be_followed(connection: Any, add: Add) -> None:
    event = add("follow me")
    assert connection.follow_link(event).description == "follow me"


@pytest.mark.parametrize("severity", CODES)
def test_every_severity_has_its_code(events: Any, add: Add, origin: str, severity: str) -> None:
    added = add(severity=severity)
    [listed] = events.list(search=of(origin))
    for event in (added, listed, events.event_service(added.id).get()):
        assert (event.severity.value, event.code) == (severity, CODES[severity])


@pytest.mark.parametrize("name", LINKS)
def test_an_event_can_be_linked_to_one_object(events: Any, add: Add, origin: str, name: str) -> None:
    type, collection = LINKS[name]
    added = add(**{name: getattr(types, type)(id=VM, name="ignored")})
    [listed] = events.list(search=of(origin))
    for event in (added, listed, events.event_service(added.id).get()):
        link = getattr(event, name)
        assert (link.id, link.href, link.name) == (VM, f"/ovirt-engine/api/{collection}/{VM}", None)
        assert [other for other in LINKS if getattr(event, other) is not None] == [name]


def test_an_event_can_be_linked_to_all_of_them(add: Add) -> None:
    links = {name: getattr(types, type)(id=str(uuid.uuid4())) for name, (type, _) in LINKS.items()}
    event = add(**links)
    assert {name: getattr(event, name).id for name in LINKS} == {name: link.id for name, link in links.items()}


def test_a_link_needs_a_uuid(add: Add) -> None:
    with pytest.raises(sdk.Error, match="web1") as caught:
        add(vm=types.Vm(id="web1"))
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation failed")


@pytest.mark.parametrize("text", ["<&>\"'", "日本語 🔥", "one\n\ttwo", " edges ", "]]>", "&amp;"])
def test_every_text_comes_back_as_it_was(events: Any, add: Add, text: str) -> None:
    added = add(text, custom_data=text)
    event = events.event_service(added.id).get()
    assert (added.description, event.description, event.custom_data) == (text, text, text)


def test_a_long_description_is_cut(add: Add) -> None:
    event = add("x" * 10_001)
    assert (len(event.description), event.description[-4:]) == (10_000, "x...")


def test_what_the_server_decides_is_not_taken_from_the_client(add: Add) -> None:
    event = add(code=30, index=7, id="7", name="ignored", comment="ignored", log_on_host=True)
    assert event.code == 9801
    assert event.index != 7


def test_a_host_can_be_told_its_health(add: Add) -> None:
    assert add(host=types.Host(id=HOST, external_status=types.ExternalStatus.ERROR)).host.id == HOST


def test_an_event_has_its_own_correlation_id(events: Any, add: Add, origin: str) -> None:
    assert add(correlation_id="c0ffee").correlation_id == "c0ffee"
    assert said(events.list(search=of(origin, "correlation_id=c0ffee"))) == [FULL]


def test_the_label_of_the_request_is_not_the_events(events: Any, origin: str) -> None:
    event = types.Event(description="x", severity=types.LogSeverity.NORMAL, origin=origin, custom_id=1)
    assert events.add(event, headers={"Correlation-Id": "of-the-request"}).correlation_id is None


def test_a_custom_id_is_free_once_for_each_origin(add: Add, origin: str) -> None:
    add(custom_id=7)
    with pytest.raises(sdk.Error, match="duplicate custom id") as caught:
        add("another one", custom_id=7)
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation Failed")
    assert add(custom_id=7, origin=f"{origin}-2").custom_id == 7


def test_the_custom_id_of_a_removed_event_stays_taken(events: Any, add: Add) -> None:
    events.event_service(add(custom_id=7).id).remove()
    with pytest.raises(sdk.Error, match="duplicate custom id"):
        add("another one", custom_id=7)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("description", "description"), ("severity", "severity"), ("origin", "origin"), ("custom_id", "customId")],
)
def test_a_missing_field_is_named(events: Any, add: Add, origin: str, name: str, shown: str) -> None:
    with pytest.raises(sdk.Error) as caught:
        add(**{name: None})
    assert (caught.value.code, caught.value.fault.reason) == (400, "Incomplete parameters")
    assert f"Event [{shown}] required for add" in caught.value.fault.detail
    assert events.list(search=of(origin)) == []


@pytest.mark.parametrize("origin", ["oVirt", "ovirt", "OVIRT"])
def test_the_engines_origin_is_the_engines(add: Add) -> None:
    with pytest.raises(sdk.Error) as caught:
        add()
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation Failed")


def test_a_second_alert_of_the_same_host_is_kept_too(events: Any, add: Add, origin: str) -> None:
    for text in ("first", "second"):
        add(text, "alert", host=types.Host(id=HOST))
    assert said(events.list(search=of(origin))) == ["second", "first"]


def test_an_equal_event_within_its_flood_rate_is_held_back(events: Any, add: Add, origin: str) -> None:
    first = add(flood_rate=3600)
    with pytest.raises(sdk.Error, match="flood_rate") as caught:
        add(flood_rate=3600)
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation Failed")
    add("of another text", flood_rate=3600)
    add(FULL, "error", flood_rate=3600)
    add(flood_rate=3600, vm=types.Vm(id=VM))
    events.event_service(first.id).remove()
    add(flood_rate=3600)
    assert len(events.list(search=of(origin))) == 4


@pytest.mark.parametrize("members", [{}, {"flood_rate": 0}], ids=["not given", "nought"])
def test_an_event_that_asks_for_no_flood_control_gets_none(
    events: Any, add: Add, origin: str, members: dict[str, int]
) -> None:
    add(**members)
    add(**members)
    assert len(events.list(search=of(origin))) == 2


def test_a_writer_may_add_and_a_reader_may_not(server: TidingsServer, origin: str) -> None:
    event = types.Event(description="x", severity=types.LogSeverity.NORMAL, origin=origin, custom_id=1)
    with sdk_connection(server, username="reader@internal") as connection:
        events = connection.system_service().events_service()
        with pytest.raises(sdk.AuthError) as caught:
            events.add(event)
        assert (caught.value.code, caught.value.fault.reason) == (403, "Operation Failed")
    with sdk_connection(server, username="writer@internal") as connection:
        assert connection.system_service().events_service().add(event).description == "x"
