"""Every event as oVirt shows one."""

import pytest

from tests.dialects.ovirt.stored import USER, VM, engine_event, foreign, stored
from tidings.dialects.ovirt.codec import decode
from tidings.dialects.ovirt.record import Record, record_of
from tidings.dialects.ovirt.wire import ObjectLink
from tidings.event import Draft, Link, encode_links, set_payload
from tidings.severity import Severity


def own(**members: object) -> Record:
    """Return an engine's event with *members*, as it is shown."""
    return record_of(stored(decode(engine_event(**members), "ovirt/e1")))


def links(*links: Link, **fields: str) -> dict[str, ObjectLink]:
    """Return how the links of another system's event are shown, by type."""
    return {link.type: link for link in record_of(foreign(links=encode_links(links), **fields)).links}


def test_an_engines_event_is_shown_as_the_engine_gave_it_but_for_our_index() -> None:
    assert own() == Record(
        index=42,  # type: ignore[arg-type]
        description="User admin@internal-authz logged out.",
        code=31,
        correlation_id="1e892ea9",
        custom_data="",
        custom_id=-1,
        flood_rate_s=30,
        origin="oVirt",
        severity="normal",
        time_ns=1_473_848_074_541_000_000,
        links=(ObjectLink("user", USER),),
    )


def test_numbers_are_read_from_numbers_as_from_digits() -> None:
    shown = own(code=30, custom_id="+7", flood_rate=" 60 ")
    assert (shown.code, shown.custom_id, shown.flood_rate_s) == (30, 7, 60)


@pytest.mark.parametrize("wrong", [None, "", "x", 1.5, True, [], {}, 2**31, str(-(2**31) - 1), "9" * 5000, "٣"])
def test_what_is_missing_or_no_number_is_shown_as_the_engines_own_default(wrong: object) -> None:
    shown = own(code=wrong, custom_id=wrong, flood_rate=wrong)
    assert (shown.code, shown.custom_id, shown.flood_rate_s) == (0, -1, 30)


def test_an_engines_description_is_shown_with_its_line_breaks() -> None:
    assert own(description="one\ntwo").description == "one\ntwo"


def test_an_engines_links_are_shown_with_their_names_in_the_engines_order() -> None:
    shown = own(vm={"id": VM, "name": "web1"}, cluster={"id": USER, "name": "Default"}, user=None)
    assert shown.links == (ObjectLink("cluster", USER, "Default"), ObjectLink("vm", VM, "web1"))


@pytest.mark.parametrize("wrong", [None, "", "x", 7, [], {}, {"id": ""}, {"name": "web1"}])
def test_an_engines_link_without_an_id_is_not_shown(wrong: object) -> None:
    assert own(vm=wrong, user=None).links == ()


def test_an_ovirt_event_without_a_readable_payload_is_shown_from_its_fields() -> None:
    draft = Draft(dialect="ovirt", source="ovirt/e1", type="ovirt.USER_RUN_VM", message="VM web1 started")
    draft.time, draft.severity = "2026-11-20T22:18:27Z", "warning"
    set_payload(draft, b"not JSON", "text/plain")
    shown = record_of(stored(draft))
    assert (shown.description, shown.code, shown.severity) == ("VM web1 started", 32, "warning")


def test_an_ovirt_event_without_a_description_is_described_by_its_message() -> None:
    draft = decode(engine_event())
    set_payload(draft, b"{}", "application/json")
    assert record_of(stored(draft)).description == "User admin@internal-authz logged out."


def test_another_systems_event_is_shown_from_its_fields() -> None:
    assert record_of(foreign(correlation="0d7b9b0a")) == Record(
        index=42,  # type: ignore[arg-type]
        description="Instance c1 started",
        code=record_of(foreign()).code,
        correlation_id="0d7b9b0a",
        custom_data="",
        custom_id=-1,
        flood_rate_s=0,
        origin="lxd/prod-1",
        severity="normal",
        time_ns=1_795_213_107_123_456_789,
        links=(),
    )


def test_an_event_without_a_message_is_described_by_its_kind() -> None:
    assert record_of(foreign(message="")).description == "lxd.lifecycle.instance-started"


def test_a_long_message_is_cut_at_ten_thousand_characters_with_an_ellipsis() -> None:
    assert record_of(foreign(message="x" * 10_001)).description == "x" * 9_997 + "..."
    assert record_of(foreign(message="x" * 10_000)).description == "x" * 10_000


def test_a_long_correlation_is_cut_at_fifty_characters() -> None:
    assert record_of(foreign(correlation="c" * 60)).correlation_id == "c" * 50
    assert own(correlation_id="c" * 60).correlation_id == "c" * 50


@pytest.mark.parametrize("severity", Severity)
def test_every_severity_has_its_word_and_debug_is_normal(severity: Severity) -> None:
    word = "normal" if severity is Severity.DEBUG else severity.label
    assert record_of(foreign(severity=severity.label)).severity == word


@pytest.mark.parametrize("type", ["cluster", "data_center", "host", "storage_domain", "template", "user", "vm"])
def test_a_link_that_ovirt_knows_keeps_its_id_and_name(type: str) -> None:
    assert links(Link(type, "a", VM)) == {type: ObjectLink(type, VM, "a")}


@pytest.mark.parametrize("type", ["instance", "container"])
def test_an_instance_or_container_is_shown_as_a_virtual_machine(type: str) -> None:
    assert links(Link(type, "c1"))["vm"].name == "c1"


def test_a_virtual_machine_goes_before_an_instance_and_an_earlier_instance_before_a_later() -> None:
    assert links(Link("instance", "c1"), Link("instance", "c2"))["vm"].name == "c1"
    assert links(Link("instance", "c1"), Link("vm", "web1"))["vm"].name == "web1"
    assert links(Link("vm", "web1"), Link("instance", "c1"))["vm"].name == "web1"


def test_of_several_links_of_one_type_the_first_is_shown() -> None:
    assert links(Link("vm", "web1"), Link("vm", "web2"))["vm"].name == "web1"


def test_links_that_ovirt_does_not_know_are_not_shown() -> None:
    assert links(Link("network", "lxdbr0"), Link("operation", "0d7b9b0a"), Link("vm")) == {}


def test_the_actor_is_shown_as_the_user() -> None:
    assert links(actor="root")["user"].name == "root"


def test_a_link_to_a_user_goes_before_the_actor() -> None:
    assert links(Link("user", "admin"), actor="root")["user"].name == "admin"


def test_links_are_in_the_engines_order() -> None:
    given = (Link("vm", "web1"), Link("host", "node1"), Link("cluster", "c"))
    assert list(links(*given, actor="root")) == ["cluster", "host", "user", "vm"]


def test_an_object_without_a_uuid_has_the_same_one_each_time() -> None:
    # written down, since clients may have stored it
    assert links(Link("instance", "c1"))["vm"].id == "470d3773-a2d2-5872-8e8c-9d0030ee18eb"
    assert links(Link("instance", "c1"), message="another")["vm"].id == links(Link("instance", "c1"))["vm"].id


@pytest.mark.parametrize(
    ("link", "fields"),
    [
        (Link("instance", "c2"), {}),
        (Link("instance", "c1"), {"source": "lxd/prod-2"}),
        (Link("instance", "c1"), {"scope": "finance"}),
        (Link("instance", "c1", "ocid1.instance.oc1"), {}),
    ],
)
def test_different_objects_have_different_uuids(link: Link, fields: dict[str, str]) -> None:
    assert links(link, **fields)["vm"].id != links(Link("instance", "c1"))["vm"].id


def test_a_host_is_the_same_in_every_project() -> None:
    assert links(Link("host", "node1"), scope="finance") == links(Link("host", "node1"))


def test_a_uuid_is_shown_in_small_letters() -> None:
    assert links(Link("vm", "web1", VM.upper()))["vm"].id == VM
