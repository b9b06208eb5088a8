"""Decoding LXD events: the recorded ones, the golden ones, and hostile ones."""

import contextlib
import json
from collections.abc import Mapping
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import MAX_COLUMN, decode, recognises
from tidings.dialects.lxd.objects import MAX_LINKS
from tidings.errors import InvalidEvent
from tidings.event import Draft, Link, decode_line, decode_links, encode_lines, payload_of

RECORDED = list(recorded_events())
GOLDEN = [
    json.loads(line) for line in (Path(__file__).parents[2] / "golden/lxd/decoded.jsonl").read_text().splitlines()
]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
known_names = st.sampled_from(
    [
        "action",
        "source",
        "context",
        "requestor",
        "username",
        "project",
        "level",
        "message",
        "id",
        "class",
        "description",
        "status",
        "status_code",
        "resources",
        "metadata",
        "err",
        "command",
        "name",
        "key",
        "instance",
        "fds",
        "secret",
    ]
)
metadata_like = st.dictionaries(
    known_names, json_values | st.dictionaries(known_names | st.text(), json_values, max_size=4), max_size=8
)


def event(type: str = "lifecycle", metadata: object = None, **members: object) -> bytes:
    """Return an LXD event with *metadata*."""
    return json.dumps({"type": type, "timestamp": "2026-11-20T22:18:27Z", "metadata": metadata} | members).encode()


def lifecycle(action: str, source: str, context: object = None, project: str = "") -> Draft:
    """Return the draft of a lifecycle event."""
    return decode(event(metadata={"action": action, "source": source, "context": context}, project=project))


def links(draft: Draft) -> list[Link]:
    """Return the draft's links, decoded."""
    return list(decode_links(draft.links))


def test_there_are_2814_recorded_events() -> None:
    assert len(RECORDED) == 2814


def test_every_recorded_event_keeps_its_bytes() -> None:
    assert [payload_of(decode(payload + b"\n")) for payload in RECORDED] == RECORDED


def test_every_recorded_event_has_a_readable_message_of_one_line() -> None:
    messages = [decode(payload).message for payload in RECORDED]
    assert [message for message in messages if not (0 < len(message) <= 600 and message.isprintable())] == []


def test_every_recorded_event_is_recognised() -> None:
    decoder = msgspec.json.Decoder(dict[str, msgspec.Raw])
    assert all(recognises(decoder.decode(payload)) for payload in RECORDED)


def test_every_recorded_event_survives_being_stored_as_a_line() -> None:
    for number, payload in enumerate(RECORDED, start=1):
        draft = decode(payload)
        draft.sequence, draft.received = str(number), draft.time
        assert decode_line(encode_lines([draft])).payload == payload


@pytest.mark.parametrize("golden", GOLDEN, ids=[golden["expected"]["message"][:40] for golden in GOLDEN])
def test_golden_events_decode_to_the_expected_columns(golden: Mapping[str, Mapping[str, str]]) -> None:
    draft = decode(str(golden["payload"]).encode())
    assert {name: getattr(draft, name) for name in golden["expected"]} == golden["expected"]


def test_the_draft_says_dialect_source_and_cloudevents_version() -> None:
    draft = decode(event(), "lxd/prod-1")
    assert (draft.dialect, draft.source, draft.specversion) == ("lxd", "lxd/prod-1", "1.0")


def test_the_source_is_lxd_when_none_is_given() -> None:
    assert decode(event(), "").source == "lxd"


@pytest.mark.parametrize("type", ["ovn", "network-acl", "config", "device", "from-the-future"])
def test_no_type_is_refused(type: str) -> None:
    assert decode(event(type, {})).type == f"lxd.{type}"


def test_a_lifecycle_event_without_an_action_is_kept() -> None:
    assert decode(event(metadata={"action": 7})).type == "lxd.lifecycle"


def test_a_timestamp_with_an_offset_is_rendered_in_utc() -> None:
    payload = b'{"type":"logging","timestamp":"2026-11-20T17:18:27.75916896-05:00","metadata":{}}'
    assert decode(payload).time == "2026-11-20T22:18:27.75916896Z"


@pytest.mark.parametrize(
    ("level", "severity"),
    [
        *[("trace", "debug"), ("dbug", "debug"), ("debug", "debug"), ("info", "normal"), ("?", "normal")],
        *[("warn", "warning"), ("WARNING", "warning"), ("eror", "error"), ("error", "error")],
        *[("fatal", "alert"), ("panic", "alert")],
    ],
)
def test_the_level_of_a_log_line_is_its_severity(level: str, severity: str) -> None:
    assert decode(event("logging", {"level": level})).severity == severity


@pytest.mark.parametrize(("code", "severity"), [(103, "normal"), (200, "normal"), (400, "error"), (401, "warning")])
def test_the_status_of_an_operation_is_its_severity(code: int, severity: str) -> None:
    assert decode(event("operation", {"status_code": code})).severity == severity


def test_the_project_of_the_query_is_the_scope_where_the_event_names_none() -> None:
    draft = lifecycle("profile-created", "/1.0/profiles/p?project=a%20b")
    assert (draft.scope, draft.subject) == ("a b", "/1.0/profiles/p")


def test_the_project_of_the_event_wins_over_that_of_the_query() -> None:
    assert lifecycle("profile-created", "/1.0/profiles/p?project=a", project="b").scope == "b"


def test_the_project_of_an_operations_resource_is_its_scope_where_it_names_none() -> None:
    assert decode(event("operation", {"resources": {"instances": ["/1.0/instances/c1?project=web"]}})).scope == "web"


def test_location_none_means_no_location() -> None:
    assert decode(event(location="none")).location == ""
    assert decode(event(location="node1")).location == "node1"


def test_the_requestor_of_an_operation_is_its_actor() -> None:
    assert decode(event("operation", {"requestor": {"username": "jane"}})).actor == "jane"


@pytest.mark.parametrize("reference", ["493fbef8", "/1.0/operations/493fbef8", "/1.0/operations/493fbef8?project=web"])
def test_the_operation_in_a_context_is_the_correlation(reference: str) -> None:
    draft = lifecycle("instance-started", "/1.0/instances/c1", {"operation": reference})
    assert draft.correlation == "493fbef8"
    assert Link("operation", "493fbef8") in links(draft)


@pytest.mark.parametrize(
    ("context", "subject"),
    [
        ({"instance": "c1", "pool": "pool0"}, "/1.0/instances/c1"),
        ({"instance": "c1/s1"}, "/1.0/instances/c1/snapshots/s1"),
        ({"network": "lxdbr0"}, "/1.0/networks/lxdbr0"),
        ({"pool": "a b"}, "/1.0/storage-pools/a%20b"),
        ({"volName": "v1"}, ""),
        ({"instance": 7}, ""),
        ({}, ""),
    ],
)
def test_a_log_line_is_about_what_its_context_names(context: object, subject: str) -> None:
    assert decode(event("logging", {"message": "m", "context": context})).subject == subject


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("/1.0/instances/c%201", [Link("instance", "c 1")]),
        ("/1.0/virtual-machines/v1/snapshots/s1", [Link("instance", "v1"), Link("snapshot", "s1")]),
        ("/1.0/instances/c1/s1", [Link("instance", "c1"), Link("snapshot", "s1")]),
        ("/1.0/instances/c1/metadata", [Link("instance", "c1")]),
        ("/1.0/instances/c1/metadata/templates", [Link("instance", "c1")]),
        (
            "/1.0/storage-pools/p/volumes/custom/v/backups/b",
            [Link("storage_pool", "p"), Link("volume", "v"), Link("backup", "b")],
        ),
        ("/1.0/storage-pools/p/buckets/b/keys/k", [Link("storage_pool", "p"), Link("storage_bucket", "b"), Link("storage_bucket_key", "k")]),
        ("/1.0/images/aliases/tiny", [Link("image_alias", "tiny")]),
        ("/1.0/auth/identities/oidc/jane@example.org", [Link("identity", "jane@example.org")]),
        ("/1.0/cluster/members/node1", [Link("cluster_member", "node1")]),
        ("/1.0/projects/web", [Link("project", "web")]),
        ("/1.0/unheard-of/x", []),
        ("/1.0", []),
        ("", []),
    ],
)  # fmt: skip
def test_a_url_is_read_into_links(url: str, expected: list[Link]) -> None:
    assert links(lifecycle("x", url)) == expected


def test_an_operation_links_each_resource_once_and_itself() -> None:
    resources = {"containers": ["/1.0/containers/c1"], "instances": ["/1.0/instances/c1", "/1.0/instances/c2"]}
    draft = decode(event("operation", {"id": "493f", "resources": resources}))
    assert links(draft) == [Link("instance", "c1"), Link("instance", "c2"), Link("operation", "493f")]


def test_an_endless_list_of_resources_gives_a_bounded_number_of_links() -> None:
    urls = [f"/1.0/instances/c{number}" for number in range(5000)]
    draft = decode(event("operation", {"id": "1", "resources": {"instances": urls}}))
    assert len(links(draft)) == MAX_LINKS


def test_an_event_without_a_resource_is_about_its_operation() -> None:
    assert decode(event("operation", {"id": "493f", "resources": None})).subject == "/1.0/operations/493f"


def test_long_text_is_cut_in_the_column_and_whole_in_the_payload() -> None:
    payload = event(metadata={"requestor": {"username": "r" * 5000}})
    draft = decode(payload)
    assert len(draft.actor) == MAX_COLUMN
    assert payload_of(draft) == payload


def test_control_characters_do_not_reach_the_columns() -> None:
    draft = decode(event("logging", {"message": "a\0b\x1b[31mc\u2028d", "context": {"username": "x\r\ny"}}))
    assert draft.message.startswith("a\ufffdb [31mc")
    assert draft.actor == "x  y"


def test_line_breaks_between_tokens_survive() -> None:
    payload = json.dumps(json.loads(RECORDED[0]), indent=1).encode()
    draft = decode(payload)
    assert encode_lines([draft]).count(b"\n") == 1
    assert payload_of(draft) == payload


def test_a_number_too_big_to_hold_costs_the_columns_not_the_event() -> None:
    payload = b'{"type":"lifecycle","timestamp":"2026-11-20T22:18:27Z","metadata":{"action":"a","n":1e999}}'
    draft = decode(payload)
    assert (draft.type, payload_of(draft)) == ("lxd.lifecycle", payload)


@pytest.mark.parametrize(
    "metadata", [None, True, 7, "text", [], [{}], {"context": [], "requestor": "x", "resources": 1}]
)
@pytest.mark.parametrize("type", ["lifecycle", "operation", "logging", "security", "config", "device", "x"])
def test_metadata_may_be_anything(type: str, metadata: object) -> None:
    assert decode(event(type, metadata)).message


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "JSON"),
        (b"[]", "JSON object"),
        (b"{", "JSON"),
        (b'{"type":"logging"}', "'timestamp'"),
        (b'{"type":"logging","timestamp":7}', "'timestamp'"),
        (b'{"type":"logging","timestamp":"yesterday"}', "^timestamp: 'yesterday'"),
        (b'{"type":"logging","timestamp":"0001-01-01T00:00:00Z"}', "^timestamp: "),
        (b'{"timestamp":"2026-11-20T22:18:27Z"}', "'type'"),
        (b'{"type":" ","timestamp":"2026-11-20T22:18:27Z"}', "'type'"),
        (b'{"type":"x","timestamp":"2026-11-20T22:18:27Z","metadata":"\xff"}', "UTF-8, byte 60"),
        (b'{"type":"x","metadata":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested"),
    ],
)
def test_what_is_no_event_is_refused_with_a_reason(payload: bytes, reason: str) -> None:
    with pytest.raises(InvalidEvent, match=reason):
        decode(payload)


def test_a_cloudevent_is_not_recognised() -> None:
    members = msgspec.json.decode(
        b'{"specversion":"1.0","type":"x","timestamp":"","metadata":{}}', type=dict[str, msgspec.Raw]
    )
    assert not recognises(members)


@given(payload=st.binary(max_size=200))
def test_arbitrary_bytes_raise_nothing_but_invalid_event(payload: bytes) -> None:
    with contextlib.suppress(InvalidEvent):
        decode(payload)


@given(members=st.dictionaries(st.sampled_from(["type", "timestamp", "metadata", "location", "project"]), json_values))
def test_arbitrary_members_raise_nothing_but_invalid_event(members: Mapping[str, object]) -> None:
    with contextlib.suppress(InvalidEvent):
        decode(json.dumps(members).encode())


@given(
    type=st.sampled_from(["lifecycle", "operation", "logging", "security", "config", "device"]) | st.text(min_size=1),
    metadata=metadata_like,
    location=json_values,
    project=json_values,
)
def test_any_metadata_decodes_to_clean_columns(type: str, metadata: object, location: object, project: object) -> None:
    if not type.strip():
        return
    draft = decode(event(type, metadata, location=location, project=project))
    draft.sequence, draft.received = "1", draft.time
    stored = decode_line(encode_lines([draft]))
    assert 0 < len(stored.message) <= 600
    columns = (
        stored.kind,
        stored.subject,
        stored.actor,
        stored.scope,
        stored.location,
        stored.correlation,
        stored.message,
    )
    assert not any("\n" in column or "\0" in column or len(column) > MAX_COLUMN for column in columns)
