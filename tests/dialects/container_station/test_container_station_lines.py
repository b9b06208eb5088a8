"""Every event as an event line: the document's own byte for byte, and anybody's so that it can be taken apart."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.container_station.stored import MESSAGES, foreign, published, row, stored
from tests.query.strategies import events
from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.lines import event_line
from tidings.event import Event, Link, encode_links

TIMED = 'container:admin:1629100800:{"state": "die", "container": null}'


def parts(line: str, has_time: bool) -> tuple[str, str, int | None, dict[str, object]]:
    """Take a line apart as a reader does: at the first colons."""
    category, user, *time, text = line.split(":", 3 if has_time else 2)
    return category, user, int(time[0]) if time else None, json.loads(text)


def test_the_documents_lines_come_back_byte_for_byte() -> None:
    body = json.dumps({"index": 56, "messages": MESSAGES, "offset": 76}).encode()
    assert [event_line(event, has_time=False) for event in published(body)] == MESSAGES[::-1]


def test_a_line_keeps_its_time_unasked() -> None:
    assert event_line(stored(decode(TIMED.encode())), has_time=False) == TIMED


def test_a_line_with_a_time_is_not_given_another() -> None:
    assert event_line(stored(decode(TIMED.encode())), has_time=True) == TIMED


@pytest.mark.parametrize("blank", ["", " ", "\t"])
def test_a_line_without_a_time_gets_one_when_asked(blank: str) -> None:
    draft = decode(f'image:all:{blank}{{"a": ":"}}'.encode())
    draft.time = "2021-08-16T08:00:00.5Z"
    assert event_line(stored(draft), has_time=True) == f'image:all:1629100800:{blank}{{"a": ":"}}'


def test_a_row_is_a_line_too() -> None:
    event = stored(decode(row(user="admin")))
    category, user, _, members = parts(event_line(event, has_time=False), has_time=False)
    assert (category, user) == ("container", "admin")
    assert members["message"] == "Stop container (docker, 397568fb6bde, DockerTestAPI)"


@pytest.mark.parametrize(
    ("kind", "type", "state"),
    [
        ("lxd.lifecycle.instance-started", "instance", "start"),
        ("lxd.lifecycle.instance-shutdown", "instance", "stop"),
        ("lxd.lifecycle.instance-deleted", "instance", "destroy"),
        ("ovirt.USER_RUN_VM", "vm", "start"),
        ("ovirt.VM_DOWN", "vm", "stop"),
        ("ovirt.USER_REMOVE_VM_FINISHED", "vm", "destroy"),
    ],
)
def test_what_happens_to_an_instance_happens_to_a_container(kind: str, type: str, state: str) -> None:
    event = foreign(type=kind, links=encode_links([Link("host", "h"), Link(type, "web1", "id-1")]))
    category, user, _, members = parts(event_line(event, has_time=False), has_time=False)
    assert (category, user) == ("container", "all")
    assert (members["container"], members["id"], members["state"]) == ("web1", "id-1", state)


def test_a_state_of_nothing_is_no_state() -> None:
    assert "state" not in parts(event_line(foreign(), has_time=False), has_time=False)[3]


def test_other_events_tell_kind_message_subject_and_source_as_python_dumps_them() -> None:
    event = foreign(type="oci.x", message="Größe", subject="ocid1", source="oci/1", actor="a")
    assert event_line(event, has_time=False) == (
        'system:a:{"kind": "oci.x", "message": "Gr\\u00f6\\u00dfe", "subject": "ocid1", "source": "oci/1"}'
    )


def test_what_would_break_a_line_is_replaced_in_its_user() -> None:
    line = event_line(foreign(actor="oidc:me\n\x1b", type="x"), has_time=True)
    assert line.startswith('system:oidc_me__:1795213107:{"kind"')


def test_a_time_before_1970_is_nought() -> None:
    line = event_line(foreign(time="1901-01-01T00:00:00Z"), has_time=True)
    assert parts(line, has_time=True)[2] == 0


@given(events(), st.booleans())
def test_any_event_is_a_line_that_can_be_taken_apart(event: Event, has_time: bool) -> None:
    line = event_line(event, has_time)
    category, user, time, members = parts(line, has_time)
    assert category
    assert user
    assert members["kind"] == event.kind
    assert (time is not None) == has_time
    assert len(line.splitlines()) == 1
    assert line.isascii() or not event.actor.isascii()
