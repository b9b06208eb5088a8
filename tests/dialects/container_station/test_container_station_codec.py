"""Decoding rows of the log and event lines: the documented ones, and hostile ones."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.container_station.stored import GOLDEN, MESSAGES, row, stored
from tidings.clock import ManualClock
from tidings.dialects.container_station.codec import decode, recognises
from tidings.dialects.container_station.lines import event_line
from tidings.errors import InvalidEvent
from tidings.event import Draft, Link, decode_links
from tidings.kinds import describe

CASES = [json.loads(line) for line in Path(GOLDEN, "decoded.jsonl").read_text().splitlines()]
CLOCK = ManualClock()

ID = "08fd4fac14b85af65da4a7d9c4f9d8feb5f3ef39f2ccd978c753151de9a42765"

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
line_members = st.sampled_from(
    ["action", "state", "port", "container", "cid", "id", "name", "tag", "from", "type", "tid", "result", "path"]
)


def links(draft: Draft) -> list[Link]:
    """Return the draft's links, decoded."""
    return list(decode_links(draft.links))


def line(category: str = "container", user: str = "all", **members: Any) -> Draft:
    """Return the draft of an event line."""
    return decode(f"{category}:{user}:{json.dumps(members)}".encode(), "nas/1", CLOCK)


@pytest.mark.parametrize("case", CASES, ids=[case["expected"]["message"][:40] for case in CASES])
def test_golden_rows_and_lines_decode_to_the_expected_columns(case: dict[str, Any]) -> None:
    draft = decode(case["payload"].encode(), "nas/1", CLOCK)
    assert {name: getattr(draft, name) for name in case["expected"]} == case["expected"]


@pytest.mark.parametrize("case", CASES, ids=[case["expected"]["message"][:40] for case in CASES])
def test_the_catalogue_knows_every_golden_kind_and_its_severity(case: dict[str, Any]) -> None:
    expected = case["expected"]
    known = describe(expected["type"])
    assert known is not None
    assert known.severity in ("", expected["severity"])


@pytest.mark.parametrize("case", [case for case in CASES if case["payload"].startswith("{")])
def test_golden_rows_keep_their_bytes(case: dict[str, Any]) -> None:
    assert stored(decode(case["payload"].encode())).payload == case["payload"].encode()


@pytest.mark.parametrize("message", MESSAGES)
def test_the_payload_of_a_line_is_its_json_byte_for_byte(message: str) -> None:
    assert stored(decode(message.encode())).payload == message.split(":", 2)[2].encode()


def test_white_space_around_a_row_or_a_line_is_not_part_of_it() -> None:
    assert stored(decode(b" " + row() + b"\r\n")).payload == row()
    assert event_line(stored(decode(b'image:all:{"a": 1}\r\n')), has_time=False) == 'image:all:{"a": 1}'


def test_an_indented_row_keeps_its_bytes() -> None:
    payload = msgspec.json.format(row())
    assert stored(decode(payload)).payload == payload


def test_the_draft_says_dialect_source_and_cloudevents_version() -> None:
    draft = decode(row(), "nas/1")
    assert (draft.dialect, draft.source, draft.specversion) == ("container-station", "nas/1", "1.0")


def test_the_source_is_container_station_when_none_is_given() -> None:
    assert decode(row()).source == decode(MESSAGES[0].encode()).source == "container-station"


def test_rows_of_the_log_and_of_an_export_are_recognised() -> None:
    for payload in (row(), row(ts=None, id=None, date="2015-03-17 17:27:06.452144")):
        assert recognises(msgspec.json.decode(payload, type=dict[str, msgspec.Raw]))


@pytest.mark.parametrize(
    "other",
    [
        {"specversion": "1.0"} | json.loads(row()),
        {"type": "logging", "timestamp": "2026-11-20T22:18:27Z", "metadata": {}},
        {"message": "x", "level": "INFO", "user": "root", "ts": 1},
        {"message": "x", "level": "INFO", "user": "root", "category": "image"},
    ],
)
def test_events_of_other_languages_are_not_recognised(other: dict[str, Any]) -> None:
    assert not recognises(msgspec.json.decode(json.dumps(other), type=dict[str, msgspec.Raw]))


@pytest.mark.parametrize(
    ("level", "severity"),
    [("INFO", "normal"), ("WARN", "warning"), ("WARNING", "warning"), ("error", "error"), ("odd", "normal")],
)
def test_the_level_is_the_severity(level: str, severity: str) -> None:
    assert decode(row(level=level)).severity == severity


@pytest.mark.parametrize(
    ("members", "severity"),
    [
        ({"state": "completed", "result": 0}, "normal"),
        ({"state": "completed", "result": 2}, "error"),
        ({"state": "aborted"}, "error"),
        ({"state": "error"}, "error"),
        ({"state": "stop", "result": "odd"}, "normal"),
        ({"state": ["error"]}, "normal"),
    ],
)
def test_a_line_that_tells_of_an_error_is_one(members: dict[str, Any], severity: str) -> None:
    assert line(**members).severity == severity


@pytest.mark.parametrize(
    ("members", "what"),
    [
        ({"action": "update", "state": "pull"}, "update"),
        ({"state": "stop"}, "stop"),
        ({"port": "remove"}, "port-remove"),
        ({}, "event"),
        ({"state": "a.b c"}, "a%2Eb%20c"),
    ],
)
def test_the_kind_of_a_line_says_what_happened(members: dict[str, Any], what: str) -> None:
    assert line(**members).type == f"container-station.container.{what}"


def test_a_row_without_a_category_is_of_the_system() -> None:
    assert decode(row(category=None)).type == "container-station.system.log"


def test_all_is_nobody_in_particular_in_a_line_but_a_name_in_a_row() -> None:
    assert line(user="all").actor == ""
    assert line(user="admin").actor == "admin"
    assert decode(row(user="all")).actor == "all"


def test_a_line_without_a_time_happened_now() -> None:
    assert line(state="stop").time == "2026-09-21T14:13:20Z"


def test_a_line_with_a_time_happened_then() -> None:
    assert decode(b'container:all:1629100800:{"state": "stop"}', "", CLOCK).time == "2021-08-16T08:00:00Z"


def test_the_date_of_an_exported_row_is_told_in_its_zone() -> None:
    payload = row(ts=None, id=None, date="2015-03-17 17:27:06.5", zone="Asia/Taipei")
    assert decode(payload).time == "2015-03-17T09:27:06.5Z"


def test_rows_of_the_log_go_by_their_number_and_exported_ones_by_a_digest() -> None:
    exported = row(ts=None, id=None, date="2015-03-17 17:27:06.452144")
    assert decode(row()).id == "log:12"
    assert decode(row(id=None)).id == ""
    assert decode(exported).id.startswith("csv:")
    assert decode(exported).id == decode(exported, "nas/1").id != decode(exported.replace(b"06.4", b"06.5")).id


def test_a_task_is_told_from_those_of_other_sources_and_categories() -> None:
    assert line("export", tid=7).correlation == "nas/1/export/7"
    assert line("export").correlation == ""


def test_a_line_names_a_container_by_id_and_name() -> None:
    assert links(line(container="web1", id=ID)) == [Link("container", "web1", ID)]
    assert links(line("export", container="web1", cid=ID)) == [Link("container", "web1", ID)]
    assert links(line("import", cid="web1")) == [Link("container", "", "web1")]


def test_the_id_of_an_lxc_container_is_its_name_and_not_said_twice() -> None:
    assert links(line("export", container="utest", cid="utest")) == [Link("container", "utest")]


def test_a_container_may_be_null() -> None:
    assert line(container=None, id=ID).subject == f"container {ID}"
    assert line(container=None).subject == ""


def test_a_row_names_what_its_message_names() -> None:
    draft = decode(row())
    assert draft.subject == "container DockerTestAPI"
    assert links(draft) == [Link("container", "DockerTestAPI", "397568fb6bde")]


def test_a_row_of_the_system_names_nothing() -> None:
    assert decode(row(category="system", message="Create a folder (lxc, a)")).subject == ""


def test_a_message_is_one_line_whatever_the_row_holds() -> None:
    assert decode(row(message="one\r\ntwo\0\x1b[31m")).message == "one  two\ufffd [31m"


def test_a_number_too_big_to_read_is_kept_all_the_same() -> None:
    text = 'container:all:{"state": "stop", "n": 1e999}'
    assert event_line(stored(decode(text.encode())), has_time=False) == text


@pytest.mark.parametrize(
    "payload",
    [
        b"", b"{", b"[]", b"null", b"image", b"image:all", b"image:all:", b"image:all:[]", b"image:all:12:", b":all:{}",
        b"image:all:{", b"image:all:{}x", b"image:all:{1}", b'image:all:{"a":"\xff"}', b"image:a\x00b:{}",
        b"image:all:9999999999:{}", b"image:all:" + b'{"a":' * 100_000, b'{"message":' + b"[" * 100_000,
        b"x" * 101 + b":all:{}",
    ],
)  # fmt: skip
def test_what_is_neither_row_nor_line_is_refused(payload: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode(payload)


@pytest.mark.parametrize("message", [None, 7, []])
def test_a_row_without_a_message_is_refused(message: object) -> None:
    with pytest.raises(InvalidEvent, match="'message'"):
        decode(row(message=message))


@pytest.mark.parametrize("ts", [None, "1426613325", True, [], {}])
def test_a_row_without_a_time_is_refused(ts: object) -> None:
    with pytest.raises(InvalidEvent, match="'ts'"):
        decode(row(ts=ts))


@pytest.mark.parametrize("ts", [10**11, -(10**11), 1e300])
def test_a_time_that_cannot_be_kept_is_refused(ts: float) -> None:
    with pytest.raises(InvalidEvent, match="1678 to 2261"):
        decode(row(ts=ts))


@pytest.mark.parametrize(
    ("date", "zone"),
    [
        ("17.03.2015", ""), ("2015-02-30 00:00:00", ""), ("0001-01-01 00:00:00", "Asia/Taipei"),
        ("2015-03-17 17:27:06", "Nowhere/Else"), ("2015-03-17 17:27:06", "../etc"), ("9999-12-31 23:59:59", ""),
    ],
)  # fmt: skip
def test_a_date_that_is_none_is_refused(date: str, zone: str) -> None:
    with pytest.raises(InvalidEvent):
        decode(row(ts=None, date=date, zone=zone))


@given(st.dictionaries(line_members | st.text(max_size=3), json_values, max_size=8), st.sampled_from(["image", "x"]))
def test_a_line_with_any_json_object_is_decoded_and_comes_back(members: dict[str, Any], category: str) -> None:
    text = f"{category}:Anonymous:{json.dumps(members)}"
    assert event_line(stored(decode(text.encode())), has_time=False) == text


@given(st.dictionaries(st.sampled_from([*json.loads(row()), "date", "zone", "extra"]), json_values, max_size=6))
def test_any_row_is_decoded_or_refused(members: dict[str, Any]) -> None:
    payload = json.dumps(json.loads(row()) | members).encode()
    try:
        draft = decode(payload)
    except InvalidEvent:
        return
    assert stored(draft).payload == payload


@given(st.binary(max_size=100))
def test_no_bytes_do_more_than_be_refused(payload: bytes) -> None:
    with pytest.raises(InvalidEvent):
        decode(payload)
