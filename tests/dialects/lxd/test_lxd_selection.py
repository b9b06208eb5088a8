"""Which events a listener of ``/1.0/events`` gets: what the wire's own rule says, whoever made the event."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.dialects.lxd.stored import foreign, of_ours, stored
from tidings.demo import recorded_events
from tidings.dialects.lxd.codec import decode
from tidings.dialects.lxd.frames import message
from tidings.dialects.lxd.selection import BASIC, SUPPORTED, UnsupportedType, condition, types_of
from tidings.event import Draft, Event
from tidings.query.parser import parse
from tidings.query.predicate import compile_predicate
from tidings.query.render import render

INCUS, OLD_LXC = "Incus 7.3", "LXD 5.0.2 (Linux; x86_64)"

some_types = st.lists(st.sampled_from(SUPPORTED), min_size=1, unique=True)
some_project = st.sampled_from([None, "default", "web", "Web", "tmpproj", "nowhere"])


RECORDED = [stored(decode(payload)) for payload in recorded_events()]


def lxd(type: str, project: str = "", **metadata: object) -> Event:
    """Return an event that came from LXD."""
    members: dict[str, object] = {"type": type, "timestamp": "2026-11-20T22:18:27Z", "metadata": metadata}
    if project:
        members["project"] = project
    return stored(decode(json.dumps(members).encode()))


def selects(event: Event, types: str, project: str | None = None) -> bool:
    """Whether a listener for *types* in *project* gets *event*."""
    return compile_predicate(condition(types_of(types, ""), project))(event)


def wire_rule(frame: bytes, types: list[str], project: str | None) -> bool:
    """Say it as the daemon does, from the frame alone."""
    members = json.loads(frame)
    return members["type"] in types and (project is None or members.get("project", project) == project)


@settings(deadline=None, max_examples=40)
@given(some_types, some_project)
def test_of_the_recorded_events_exactly_those_of_the_wires_rule_are_selected(
    types: list[str], project: str | None
) -> None:
    matches = compile_predicate(condition(types, project))
    assert [matches(event) for event in RECORDED] == [wire_rule(event.payload, types, project) for event in RECORDED]


_kinds = st.sampled_from(
    ["lxd.logging", "lxd.lifecycle.x", "lxd.operation", "tidings.job", "tidings.config-updated", "tidings.trimmed", "x"]
)
_texts = st.sampled_from(["", "web", "Web", "default"])


@given(_kinds, st.sampled_from(["tidings", "cloudevents", "ovirt"]), _texts, _texts, some_types, some_project)
def test_events_of_others_are_selected_by_the_frame_that_is_sent_for_them(
    kind: str, dialect: str, subject: str, scope: str, types: list[str], project: str | None
) -> None:
    draft = Draft(dialect=dialect, source="s", type=kind, specversion="1.0", severity="normal", subject=subject)
    draft.time, draft.scope = "2026-11-20T22:18:27Z", scope
    event = stored(draft)
    assert compile_predicate(condition(types, project))(event) == wire_rule(message(event), types, project)


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_type_a_listener_gets_all(text: str | None) -> None:
    assert types_of(text, INCUS) == types_of(text, "") == types_of(text, "LXD 6.9") == SUPPORTED


def test_an_old_lxc_gets_only_the_types_it_knows() -> None:
    assert types_of(None, OLD_LXC) == BASIC == ("lifecycle", "logging", "operation")


def test_an_old_lxc_gets_other_types_when_it_asks() -> None:
    assert types_of("ovn", OLD_LXC) == ("ovn",)


def test_types_are_the_same_in_any_order_and_however_often() -> None:
    assert types_of("operation,lifecycle,operation", "") == types_of("lifecycle,operation", "")


@pytest.mark.parametrize(
    ("text", "name"), [("bogus", "bogus"), ("lifecycle,", ""), (",", ""), ("Lifecycle", "Lifecycle"), (" ", " ")]
)
def test_an_unknown_or_empty_type_is_refused_in_lxds_words(text: str, name: str) -> None:
    with pytest.raises(UnsupportedType) as refused:
        types_of(text, "")
    assert str(refused.value) == f'"{name}" isn\'t a supported event type'


@given(some_types, some_project)
def test_equal_wishes_make_equal_conditions(types: list[str], project: str | None) -> None:
    turned = condition(types[::-1], project)
    assert (turned, hash(turned)) == (condition(types, project), hash(condition(tuple(types), project)))


@pytest.mark.parametrize("type", SUPPORTED)
def test_every_type_is_selected_by_its_name_and_by_no_other(type: str) -> None:
    event = lxd(type, action="instance-started")
    assert [name for name in SUPPORTED if selects(event, name)] == [type]


def test_a_lifecycle_event_without_an_action_is_one_too() -> None:
    assert selects(lxd("lifecycle"), "lifecycle")


@pytest.mark.parametrize("type", ["config", "device", "brand-new", "loggingx", "unreadable"])
def test_what_no_client_knows_goes_to_no_listener(type: str) -> None:
    assert not selects(lxd(type), "")


def test_a_projects_name_is_taken_letter_for_letter() -> None:
    event = lxd("lifecycle", "Web", action="instance-started", source="/1.0/instances/c1")
    assert selects(event, "", "Web")
    assert not selects(event, "", "web")


def test_an_operation_without_a_project_goes_to_everybody() -> None:
    assert selects(lxd("operation", description="Pruning"), "operation", "web")


@pytest.mark.parametrize("type", ["logging", "ovn", "security", "network-acl"])
def test_a_log_line_goes_to_everybody_whatever_its_words_name(type: str) -> None:
    event = lxd(type, message="m", project="finance", context={"project": "finance"})
    assert event.scope == "finance"
    assert selects(event, type, "web")


def test_an_event_of_another_system_is_a_lifecycle_event_when_it_has_a_subject() -> None:
    event = foreign(subject="vm web1")
    assert [name for name in SUPPORTED if selects(event, name)] == ["lifecycle"]


def test_an_event_of_another_system_is_a_log_line_when_it_has_none() -> None:
    assert [name for name in SUPPORTED if selects(foreign(), name)] == ["logging"]


@pytest.mark.parametrize("subject", ["", "job 1"])
def test_a_job_of_ours_is_an_operation(subject: str) -> None:
    event = of_ours("job", {"id": "1"}, subject=subject)
    assert [name for name in SUPPORTED if selects(event, name)] == ["operation"]


@pytest.mark.parametrize("subject", ["", "vm web1"])
def test_events_of_another_system_belong_to_the_project_of_their_scope(subject: str) -> None:
    event = foreign(subject=subject, scope="dc1")
    assert selects(event, "", "dc1")
    assert not selects(event, "", "default")
    assert selects(foreign(subject=subject), "", "default")


@given(some_types, st.sampled_from([None, "default", "tmpproj", 'a "b" or (c) *']))
def test_written_as_a_query_it_selects_the_same(types: list[str], project: str | None) -> None:
    wanted = condition(types, project)
    said, meant = compile_predicate(parse(render(wanted), 0).where), compile_predicate(wanted)
    events = [*RECORDED[::20], foreign(), foreign(subject="vm a", scope="default"), of_ours("job", scope="web")]
    assert [said(event) for event in events] == [meant(event) for event in events]
