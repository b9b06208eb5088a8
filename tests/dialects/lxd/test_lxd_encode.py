"""Events as LXD frames, for ``lxc monitor`` and pylxd."""

import json

import pytest

from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import decode, encode
from tidings.event import Draft, Event, decode_line, encode_lines


def stored(draft: Draft) -> Event:
    """Return *draft* as the log would give it back."""
    draft.sequence, draft.received = "42", "2026-11-20T22:18:28Z"
    return decode_line(encode_lines([draft]))


def foreign(**fields: str) -> Event:
    """Return an oVirt event with *fields*."""
    draft = Draft(dialect="ovirt", source="ovirt/e1", type="ovirt.USER_RUN_VM", specversion="1.0", severity="normal")
    draft.time, draft.message = "2026-11-20T22:18:27.5Z", "VM web1 started"
    for name, value in fields.items():
        setattr(draft, name, value)
    return stored(draft)


def test_an_lxd_event_is_encoded_as_the_bytes_it_came_in() -> None:
    assert all(encode(stored(decode(payload))) == payload for payload in recorded_events())


def test_an_event_about_something_becomes_a_lifecycle_event() -> None:
    event = foreign(subject="vm web1", actor="admin@internal", scope="dc1", location="node1", correlation="c0ffee")
    assert encode(event).decode() == (
        '{"type":"lifecycle","timestamp":"2026-11-20T22:18:27.5Z","metadata":{"action":"ovirt.USER_RUN_VM",'
        '"source":"vm web1","context":{"message":"VM web1 started","severity":"normal","source":"ovirt/e1",'
        '"operation":"c0ffee","index":"42"},"requestor":{"username":"admin@internal","protocol":"ovirt","address":""}},'
        '"location":"node1","project":"dc1"}'
    )


def test_an_event_about_nothing_becomes_a_log_line() -> None:
    assert encode(foreign(severity="warning")).decode() == (
        '{"type":"logging","timestamp":"2026-11-20T22:18:27.5Z","metadata":{"message":"VM web1 started",'
        '"level":"warning","context":{"kind":"ovirt.USER_RUN_VM","severity":"warning","source":"ovirt/e1","index":"42"}}}'
    )


def test_an_absent_requestor_location_and_project_are_omitted() -> None:
    frame = json.loads(encode(foreign(subject="vm web1")))
    assert list(frame) == ["type", "timestamp", "metadata"]
    assert list(frame["metadata"]) == ["action", "source", "context"]


@pytest.mark.parametrize(
    ("severity", "level"),
    [("debug", "debug"), ("normal", "info"), ("warning", "warning"), ("error", "error"), ("alert", "error")],
)
def test_the_level_is_one_that_every_client_knows(severity: str, level: str) -> None:
    assert json.loads(encode(foreign(severity=severity)))["metadata"]["level"] == level


def test_every_value_of_a_log_lines_context_is_a_string() -> None:
    context = json.loads(encode(foreign(actor="a", scope="s", correlation="c")))["metadata"]["context"]
    assert {type(value) for value in context.values()} == {str}


def test_a_log_line_without_a_message_shows_its_kind() -> None:
    assert json.loads(encode(foreign(message="")))["metadata"]["message"] == "ovirt.USER_RUN_VM"


def test_what_is_encoded_can_be_decoded_again() -> None:
    draft = decode(encode(foreign(subject="vm web1", actor="admin", scope="dc1", location="n1", correlation="c")))
    assert (draft.subject, draft.actor, draft.scope, draft.location, draft.correlation) == (
        "vm web1",
        "admin",
        "dc1",
        "n1",
        "c",
    )
