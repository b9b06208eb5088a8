"""What is stored of an event that a client adds, and how it is shown again."""

import json
from typing import Any

import pytest

from tests.dialects.ovirt.stored import GOLDEN, USER, VM, stored
from tidings.dialects.ovirt.adding import added_record, draft_of
from tidings.dialects.ovirt.codec import decode
from tidings.dialects.ovirt.reading import NewEvent, read_event
from tidings.dialects.ovirt.record import Record, record_of
from tidings.dialects.ovirt.wire import ObjectLink
from tidings.event import Draft, Index, Link, decode_links, payload_of
from tidings.log.segments.dedupe import key_of
from tidings.query.ast import Compare, Pattern, Payload
from tidings.query.predicate import matches

NOW_NS = 1_795_213_107_759_168_960
SEED = read_event((GOLDEN / "seed-add.xml").read_bytes(), "application/xml")
LINKED = read_event((GOLDEN / "sdk-add.xml").read_bytes(), "application/xml")


def new(**members: Any) -> NewEvent:
    """Return an event to add with *members*."""
    usual = {"description": "x", "severity": "normal", "origin": "mymonitor", "custom_id": 7}
    return read_event(json.dumps(usual | members).encode(), "application/json")


def added(event: NewEvent) -> Draft:
    """Return what is stored of *event*."""
    return draft_of(event, "ovirt", "alice", NOW_NS)


def test_the_documented_event_is_stored_with_all_columns() -> None:
    draft = added(SEED)
    assert (draft.source, draft.type, draft.severity, draft.actor, draft.message, draft.dialect, draft.time) == (
        "ovirt/mymonitor",
        "ovirt.EXTERNAL_ALERT",
        "alert",
        "alice",
        "File system /home is full",
        "ovirt",
        "2026-11-20T22:18:27.75916896Z",
    )


@pytest.mark.parametrize(
    "event",
    [SEED, LINKED, new(), new(description=" two\nlines ", custom_data="\t{}", correlation_id="c" * 50, flood_rate=0)],
)
def test_what_is_shown_at_once_is_what_is_shown_once_it_is_stored(event: NewEvent) -> None:
    assert added_record(event, Index(42), NOW_NS) == record_of(stored(added(event), 42))


def test_the_payload_is_the_event_as_an_engine_gives_it_but_for_its_place() -> None:
    assert json.loads(payload_of(added(LINKED))) == {
        "description": "File system /home is full",
        "code": "9804",
        "correlation_id": "c0ffee",
        "custom_data": '{"volume": "/home"}',
        "custom_id": "1467879754",
        "flood_rate": "60",
        "origin": "mymonitor",
        "severity": "alert",
        "time": 1795213107759,
        "host": {
            "href": "/ovirt-engine/api/hosts/57d91d48-00da-0137-0138-000000000003",
            "id": "57d91d48-00da-0137-0138-000000000003",
            "external_status": "error",
        },
        "vm": {"href": f"/ovirt-engine/api/vms/{VM}", "id": VM},
    }


def test_empty_texts_are_left_out_of_the_payload() -> None:
    assert "correlation_id" not in json.loads(payload_of(added(SEED)))


def test_an_added_event_is_shown_as_it_was_sent() -> None:
    assert record_of(stored(added(LINKED))) == Record(
        index=Index(42),
        description="File system /home is full",
        code=9804,
        correlation_id="c0ffee",
        custom_data='{"volume": "/home"}',
        custom_id=1467879754,
        flood_rate_s=60,
        origin="mymonitor",
        severity="alert",
        time_ns=NOW_NS,
        links=(ObjectLink("host", "57d91d48-00da-0137-0138-000000000003"), ObjectLink("vm", VM)),
    )


@pytest.mark.parametrize(
    ("severity", "kind", "code"),
    [
        ("normal", "ovirt.EXTERNAL_EVENT_NORMAL", 9801),
        ("warning", "ovirt.EXTERNAL_EVENT_WARNING", 9802),
        ("error", "ovirt.EXTERNAL_EVENT_ERROR", 9803),
        ("alert", "ovirt.EXTERNAL_ALERT", 9804),
    ],
)
def test_the_severity_decides_kind_and_code(severity: str, kind: str, code: int) -> None:
    draft = added(new(severity=severity, code="30"))
    assert (draft.type, record_of(stored(draft)).code) == (kind, code)


def test_links_have_ids_and_no_names() -> None:
    draft = added(new(vm={"id": VM}, user={"id": USER}))
    assert list(decode_links(draft.links)) == [Link("user", "", USER), Link("vm", "", VM)]
    assert draft.subject == f"vm {VM}"


def test_a_message_is_one_line_and_the_description_what_was_sent() -> None:
    draft = added(new(description="one\ntwo"))
    assert (draft.message, record_of(stored(draft)).description) == ("one two", "one\ntwo")


@pytest.mark.parametrize(("path", "value"), [("origin", "mymonitor"), ("custom_id", "1467879754")])
def test_origin_and_custom_id_are_found_in_the_payload(path: str, value: str) -> None:
    assert matches(Compare(Payload((path,)), "=", Pattern((value,))), stored(added(SEED)))


def test_the_same_origin_and_custom_id_have_one_key() -> None:
    assert key_of(added(new())) == key_of(added(new(severity="alert", description="other")))


@pytest.mark.parametrize("other", [{"origin": "MyMonitor"}, {"custom_id": 8}, {"origin": "mymonitor/"}])
def test_another_origin_or_custom_id_has_another_key(other: dict[str, Any]) -> None:
    assert key_of(added(new())) != key_of(added(new(**other)))


def test_an_engine_that_is_called_what_an_origin_is_shares_no_key_with_it() -> None:
    collected = decode(b'{"id":"7","time":1,"description":"x"}', "ovirt/mymonitor")
    assert collected.source == added(new()).source
    assert key_of(collected) != key_of(added(new()))
