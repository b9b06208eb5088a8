"""The readers and writers of oVirt's own Python SDK, on our XML: no server is needed to find out what they choke on."""

from __future__ import annotations

from typing import Any

import pytest

from tests.dialects.ovirt.stored import GOLDEN, USER, VM, engine_event, foreign, stored
from tidings.dialects.ovirt.api_root import api_xml
from tidings.dialects.ovirt.codec import decode
from tidings.dialects.ovirt.faults import action_xml, fault_xml
from tidings.dialects.ovirt.reading import NewLink, read_event
from tidings.dialects.ovirt.record import record_of
from tidings.dialects.ovirt.writing import event_xml, events_xml
from tidings.event import Link, encode_links
from tidings.severity import Severity

sdk: Any = pytest.importorskip(
    "ovirtsdk4", reason="install libcurl4-openssl-dev, libxml2-dev and ovirt-engine-sdk-python"
)
readers: Any = pytest.importorskip("ovirtsdk4.readers")
writers: Any = pytest.importorskip("ovirtsdk4.writers")
types: Any = pytest.importorskip("ovirtsdk4.types")
Reader: Any = pytest.importorskip("ovirtsdk4.reader").Reader
Writer: Any = pytest.importorskip("ovirtsdk4.writer").Writer

NOW_NS = 1_795_213_107_759_168_960


def test_the_sdk_reads_an_engines_event() -> None:
    event = Reader.read(event_xml(record_of(stored(decode(engine_event(vm={"id": VM, "name": "web1"}))))))
    assert (event.id, event.index, event.code, event.custom_id, event.flood_rate) == ("42", 42, 31, -1, 30)
    assert (event.description, event.origin) == ("User admin@internal-authz logged out.", "oVirt")
    assert event.severity is types.LogSeverity.NORMAL
    assert event.time.isoformat() == "2016-09-14T10:14:34.541000+00:00"
    assert (event.user.id, event.user.name) == (USER, None)
    assert (event.vm.id, event.vm.name) == (VM, "web1")


def test_the_sdk_reads_a_list_of_other_systems_events() -> None:
    links = encode_links([Link("instance", "c1"), Link("host", "node1")])
    records = [record_of(foreign(links=links, severity=severity.label, actor="root")) for severity in Severity]
    events = Reader.read(events_xml(records))
    assert [event.severity.value for event in events] == ["normal", "normal", "warning", "error", "alert"]
    assert {(event.vm.name, event.host.name, event.user.name) for event in events} == {("c1", "node1", "root")}


def test_the_sdk_reads_an_empty_list() -> None:
    assert list(Reader.read(events_xml([]))) == []


@pytest.mark.parametrize("text", ["<&>\"'", "日本語 🔥", "one\r\n\ttwo", " edges "])
def test_the_sdk_reads_every_text_as_it_was(text: str) -> None:
    assert Reader.read(event_xml(record_of(foreign(message=text)))).description == text


def test_what_xml_cannot_hold_does_not_stop_the_sdk() -> None:
    assert Reader.read(event_xml(record_of(foreign(message="a\0\x1b\ufffeb")))).description == "a\ufffd\ufffd\ufffdb"


def test_the_sdk_reads_the_entry_point() -> None:
    api = Reader.read(api_xml(NOW_NS))
    assert (api.product_info.name, api.product_info.version.major, api.product_info.version.minor) == ("tidings", 4, 5)
    assert api.summary.vms.total == 0
    assert api.special_objects.blank_template.id == "00000000-0000-0000-0000-000000000000"
    assert api.time.year == 2026


def test_the_sdk_reads_a_fault_and_an_action() -> None:
    fault = Reader.read(fault_xml("Operation Failed", "[no]"))
    assert (fault.reason, fault.detail) == ("Operation Failed", "[no]")
    assert Reader.read(action_xml()).status == "complete"


def test_what_the_sdk_writes_is_read() -> None:
    event = types.Event(
        description="File system /home is full",
        severity=types.LogSeverity.ALERT,
        origin="mymonitor",
        custom_id=1467879754,
        correlation_id="c0ffee",
        custom_data='{"volume": "/home"}',
        flood_rate=60,
        vm=types.Vm(id=VM),
        host=types.Host(id="57d91d48-00da-0137-0138-000000000003", external_status=types.ExternalStatus.ERROR),
    )
    body = Writer.write(event).encode()
    assert body.strip() == (GOLDEN / "sdk-add.xml").read_bytes().strip()
    assert read_event(body, "application/xml").links[1] == NewLink("vm", VM)
