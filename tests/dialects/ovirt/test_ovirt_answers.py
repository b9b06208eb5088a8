"""Faults, actions and the entry point."""

import json

import pytest

from tidings.dialects.ovirt.api_root import api_json, api_xml
from tidings.dialects.ovirt.faults import OvirtFault, action_json, action_xml, fault_json, fault_xml, refused
from tidings.dialects.ovirt.xml import Element, read_xml

NOW_NS = 1_795_213_107_759_168_960


def leaves(element: Element) -> dict[str, str]:
    """Return the texts below *element* by their paths."""
    found: dict[str, str] = {}
    for child in element.children:
        if child.children:
            found |= {f"{child.name}.{name}": text for name, text in leaves(child).items()}
        elif not child.attributes:
            found[child.name] = child.text
    return found


def test_a_fault_has_detail_and_reason() -> None:
    root = read_xml(fault_xml("Operation Failed", "[<no> & never]"))
    assert (root.name, leaves(root)) == ("fault", {"detail": "[<no> & never]", "reason": "Operation Failed"})
    assert json.loads(fault_json("Invalid value", "x")) == {"detail": "x", "reason": "Invalid value"}


def test_a_forbidden_character_in_a_detail_does_not_break_the_fault() -> None:
    assert leaves(read_xml(fault_xml("Invalid value", "'\0'")))["detail"] == "'\ufffd'"


def test_a_refusal_lists_its_messages_in_brackets() -> None:
    fault = refused("one", "two")
    assert (fault.status, fault.reason, fault.detail) == (400, "Operation Failed", "[one, two]")


def test_a_fault_says_reason_and_detail_to_whoever_logs_it() -> None:
    assert str(OvirtFault("Invalid value", "x")) == "Invalid value: x"


@pytest.mark.parametrize("status", ["complete", "in_progress"])
def test_an_action_has_its_status(status: str) -> None:
    root = read_xml(action_xml(status))
    assert (root.name, leaves(root)) == ("action", {"status": status})
    assert json.loads(action_json(status)) == {"status": status}


def test_the_entry_point_says_version_time_and_counts() -> None:
    root = read_xml(api_xml(NOW_NS))
    said = leaves(root)
    assert root.name == "api"
    assert (said["product_info.version.major"], said["product_info.version.minor"]) == ("4", "5")
    assert said["time"] == "2026-11-20T22:18:27.759Z"
    assert said["summary.vms.total"] == "0"


def test_the_entry_point_says_where_the_events_are() -> None:
    links = [dict(child.attributes) for child in read_xml(api_xml(NOW_NS)).children if child.name == "link"]
    assert links == [
        {"href": "/ovirt-engine/api/events", "rel": "events"},
        {"href": "/ovirt-engine/api/events;from={event_id}?search={query}", "rel": "events/search"},
    ]
    assert json.loads(api_json(NOW_NS))["link"] == links


def test_the_entry_point_is_the_same_in_json() -> None:
    document = json.loads(api_json(NOW_NS))
    assert list(document) == [*dict.fromkeys(child.name for child in read_xml(api_xml(NOW_NS)).children)]
    assert document["product_info"]["version"] == {
        "build": "7",
        "full_version": "4.5.7",
        "major": "4",
        "minor": "5",
        "revision": "0",
    }
    assert document["time"] == 1_795_213_107_759
