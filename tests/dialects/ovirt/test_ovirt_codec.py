"""Decoding an engine's events: the documented ones, and hostile ones."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.ovirt.stored import GOLDEN, USER, VM, engine_event, stored
from tidings.dialects.ovirt.codec import decode, decode_list, recognises
from tidings.dialects.ovirt.record import record_of
from tidings.dialects.ovirt.writing import event_json, events_json
from tidings.errors import InvalidEvent
from tidings.event import Draft, Link, decode_links, payload_of

CASES = [json.loads(line) for line in Path(GOLDEN, "decoded.jsonl").read_text().splitlines()]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "name", "href"]), inner),
    max_leaves=6,
)
names = st.sampled_from([*json.loads(engine_event()), "vm", "host", "cluster", "data_center", "custom_data", "extra"])


def links(draft: Draft) -> list[Link]:
    """Return the draft's links, decoded."""
    return list(decode_links(draft.links))


def linked(type: str, name: str = "", id: str = VM) -> dict[str, Any]:
    """Return the member for one link."""
    return {type: {"href": "/x", "id": id} | ({"name": name} if name else {})}


@pytest.mark.parametrize("case", CASES, ids=[case["expected"]["message"][:40] for case in CASES])
def test_golden_events_decode_to_the_expected_columns(case: dict[str, Any]) -> None:
    draft = decode(case["payload"].encode(), "ovirt/e1")
    assert {name: getattr(draft, name) for name in case["expected"]} == case["expected"]


@pytest.mark.parametrize("case", CASES, ids=[case["expected"]["message"][:40] for case in CASES])
def test_golden_events_keep_their_bytes(case: dict[str, Any]) -> None:
    assert stored(decode(case["payload"].encode())).payload == case["payload"].encode()


def test_an_indented_event_keeps_its_bytes() -> None:
    payload = msgspec.json.format(engine_event())
    assert stored(decode(payload)).payload == payload


def test_white_space_around_an_event_is_not_part_of_it() -> None:
    assert payload_of(decode(b" " + engine_event() + b"\r\n")) == engine_event()


def test_the_draft_says_dialect_source_and_cloudevents_version() -> None:
    draft = decode(engine_event(), "ovirt/e1")
    assert (draft.dialect, draft.source, draft.specversion) == ("ovirt", "ovirt/e1", "1.0")


def test_the_source_is_ovirt_when_none_is_given() -> None:
    assert decode(engine_event(), "").source == "ovirt"


def test_an_event_is_recognised_by_what_every_engine_sends() -> None:
    assert recognises(msgspec.json.decode(engine_event(), type=dict[str, msgspec.Raw]))


@pytest.mark.parametrize(
    "other",
    [
        {"specversion": "1.0"} | json.loads(engine_event()),
        {"type": "logging", "timestamp": "2026-11-20T22:18:27Z", "metadata": {}},
        {"description": "x", "severity": "normal", "time": 1},
    ],
)
def test_events_of_other_languages_are_not_recognised(other: dict[str, Any]) -> None:
    assert not recognises(msgspec.json.decode(json.dumps(other), type=dict[str, msgspec.Raw]))


def test_a_code_that_the_catalogue_lacks_becomes_the_kind() -> None:
    assert decode(engine_event(code="77777")).type == "ovirt.77777"


def test_an_event_without_a_code_is_unassigned() -> None:
    assert decode(engine_event(code=None)).type == "ovirt.UNASSIGNED"


def test_a_severity_that_is_missing_or_unknown_is_the_codes_usual_one() -> None:
    assert decode(engine_event(code="12", severity=None)).severity == "error"
    assert decode(engine_event(code="31", severity="grave")).severity == "normal"


@pytest.mark.parametrize("time", [1473848074541, "1473848074541", "2016-09-14T12:14:34.541+02:00"])
def test_a_time_is_milliseconds_or_a_date(time: object) -> None:
    assert decode(engine_event(time=time)).time == "2016-09-14T10:14:34.541Z"


@pytest.mark.parametrize("time", [None, "", "yesterday", 1.5, True, 2**63, -(2**63), {}])
def test_an_event_without_a_time_is_refused(time: object) -> None:
    with pytest.raises(InvalidEvent, match="'time'"):
        decode(engine_event(time=time))


@pytest.mark.parametrize("description", [None, "", "  ", 7, []])
def test_an_event_without_a_description_is_refused(description: object) -> None:
    with pytest.raises(InvalidEvent, match="'description'"):
        decode(engine_event(description=description))


@pytest.mark.parametrize(
    "payload", [b"", b"{", b"[]", b"7", b"null", b'{"time":1}x', b'{"a":"\xff"}', b'{"time":' + b"[" * 100_000]
)
def test_what_is_no_json_object_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode(payload)


def test_an_id_may_be_a_number_or_missing() -> None:
    assert decode(engine_event(id=7)).id == "7"
    assert decode(engine_event(id=None)).id == ""


def test_the_actor_is_the_users_name_or_its_id() -> None:
    assert decode(engine_event(**linked("user", "admin@internal"))).actor == "admin@internal"
    assert decode(engine_event()).actor == USER


def test_the_subject_is_the_most_specific_of_all_links() -> None:
    around = linked("host", "node1") | linked("cluster", "c") | linked("data_center", "dc")
    assert decode(engine_event(**around, **linked("vm", "web1"))).subject == "vm web1"
    assert decode(engine_event(**around)).subject == "host node1"
    assert decode(engine_event(**linked("storage_domain"))).subject == f"storage_domain {VM}"


def test_a_user_alone_or_the_blank_template_is_no_subject() -> None:
    blank = linked("template", "Blank", "00000000-0000-0000-0000-000000000000")
    assert decode(engine_event(**blank)).subject == ""


def test_links_keep_type_name_and_id() -> None:
    draft = decode(engine_event(**linked("vm", "web1")))
    assert links(draft) == [Link("user", "", USER), Link("vm", "web1", VM)]


def test_the_data_centre_is_the_scope_and_the_host_the_location() -> None:
    draft = decode(engine_event(**linked("data_center", "dc1"), **linked("host", "node1")))
    assert (draft.scope, draft.location) == ("dc1", "node1")
    assert decode(engine_event(**linked("data_center"))).scope == ""


def test_a_message_is_one_line_whatever_the_description_holds() -> None:
    assert decode(engine_event(description="one\r\ntwo\0\x1b[31m")).message == "one  two\ufffd [31m"


@given(st.dictionaries(names, json_values, max_size=12))
def test_any_object_is_decoded_and_shown_or_refused(members: dict[str, Any]) -> None:
    payload = json.dumps(json.loads(engine_event()) | members).encode()
    try:
        draft = decode(payload)
    except InvalidEvent:
        return
    event = stored(draft)
    assert event.payload == payload
    assert event_json(record_of(event))


@given(st.binary(max_size=100))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode(payload)


def test_a_list_gives_its_events_in_order_and_byte_for_byte() -> None:
    first, second = engine_event(id="2"), msgspec.json.format(engine_event(id="1"))
    assert decode_list(b'{"event" : [ ' + first + b" , \n" + second + b"]}") == [first, second]


def test_an_empty_object_is_an_empty_list() -> None:
    assert decode_list(b"{ }") == []


def test_a_list_that_we_write_gives_events_that_we_read() -> None:
    record = record_of(stored(decode(engine_event())))
    [payload] = decode_list(events_json([record]))
    assert record_of(stored(decode(payload))) == record


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b'{"event":{}}', b'{"event":[1', b'{"event":[\xff]}', b"[" * 100_000, b'{"event":' + b"[" * 9999],
)
def test_what_is_no_list_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode_list(body)
