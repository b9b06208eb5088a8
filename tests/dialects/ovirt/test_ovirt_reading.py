"""Events that clients add: what is read, and every reason to refuse one."""

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.ovirt.stored import GOLDEN, USER, VM
from tidings.dialects.ovirt.faults import OvirtFault
from tidings.dialects.ovirt.reading import NewEvent, NewLink, read_event
from tidings.dialects.ovirt.xml import escape, escape_attribute
from tidings.severity import Severity

XML, JSON = "application/xml", "application/json"
FULL: dict[str, Any] = {
    "description": "File system /home is full",
    "severity": "alert",
    "origin": "mymonitor",
    "custom_id": "1467879754",
}
BLANK = "00000000-0000-0000-0000-000000000000"


def as_xml(members: dict[str, Any]) -> bytes:
    """Return *members* as the element that a client would send."""
    elements = ""
    for name, value in members.items():
        if isinstance(value, dict):
            inner = "".join(f"<{key}>{escape(str(text))}</{key}>" for key, text in value.items() if key != "id")
            id = f' id="{escape_attribute(str(value["id"]))}"' if "id" in value else ""
            elements += f"<{name}{id}>{inner}</{name}>"
        elif value is not None:
            elements += f"<{name}>{escape(str(value))}</{name}>"
    return f"<event>{elements}</event>".encode()


def read(form: str, **members: Any) -> NewEvent:
    """Return what is read when a whole event with *members* is sent as *form*."""
    whole = FULL | members
    return read_event(as_xml(whole) if form == XML else json.dumps(whole).encode(), form)


def refusal(form: str, **members: Any) -> tuple[int, str, str]:
    """Return status, reason and detail of why it is refused."""
    with pytest.raises(OvirtFault) as caught:
        read(form, **members)
    return caught.value.status, caught.value.reason, caught.value.detail


both = pytest.mark.parametrize("form", [XML, JSON])


def test_the_documented_event_is_read() -> None:
    assert read_event((GOLDEN / "seed-add.xml").read_bytes(), XML) == NewEvent(
        description="File system /home is full",
        severity=Severity.ALERT,
        origin="mymonitor",
        custom_id=1467879754,
        flood_rate_s=30,
        correlation_id="",
        custom_data="",
        links=(),
    )


def test_the_documented_event_with_a_link_is_read() -> None:
    assert read_event((GOLDEN / "seed-add-linked.xml").read_bytes(), XML).links == (NewLink("vm", VM),)


def test_what_the_sdk_sends_is_read() -> None:
    assert read_event((GOLDEN / "sdk-add.xml").read_bytes(), XML) == NewEvent(
        description="File system /home is full",
        severity=Severity.ALERT,
        origin="mymonitor",
        custom_id=1467879754,
        flood_rate_s=60,
        correlation_id="c0ffee",
        custom_data='{"volume": "/home"}',
        links=(NewLink("host", "57d91d48-00da-0137-0138-000000000003", "error"), NewLink("vm", VM)),
        hold_back_s=60,
    )


def test_json_takes_numbers_as_well_as_strings() -> None:
    assert read(JSON, custom_id=1467879754, flood_rate=60, origin=7) == read(JSON, flood_rate="60", origin="7")


@pytest.mark.parametrize(
    "media_type", ["", "application/xml", "TEXT/XML; charset=utf-8", 'application/x+xml;charset="UTF-8"']
)
def test_xml_is_read_by_any_of_its_names(media_type: str) -> None:
    assert read_event(as_xml(FULL), media_type) == read(XML)


@pytest.mark.parametrize("media_type", ["application/json", "application/json; charset=UTF-8", "Application/X+JSON"])
def test_json_is_read_by_any_of_its_names(media_type: str) -> None:
    assert read_event(json.dumps(FULL).encode(), media_type) == read(JSON)


@pytest.mark.parametrize(
    "media_type", ["text/plain", "application/x-www-form-urlencoded", "application/xml; charset=latin1"]
)
def test_other_media_types_are_refused(media_type: str) -> None:
    with pytest.raises(OvirtFault, match="is not read") as caught:
        read_event(as_xml(FULL), media_type)
    assert caught.value.status == 415


@both
def test_unknown_elements_and_what_is_the_servers_to_say_are_ignored(form: str) -> None:
    extra = {"code": "1", "index": "x", "time": "never", "log_on_host": "true", "name": "n", "extra": {"id": "x"}}
    assert read(form, **extra) == read(form)


@both
@pytest.mark.parametrize(
    ("gone", "named"),
    [
        (["origin"], "origin"),
        (["severity"], "severity"),
        (["custom_id"], "customId"),
        (["description"], "description"),
        (["custom_id", "origin"], "origin, customId"),
        (list(FULL), "origin, severity, customId, description"),
    ],
)
@pytest.mark.parametrize("value", [None, "", "  "])
def test_every_missing_element_is_named(form: str, gone: list[str], named: str, value: str | None) -> None:
    assert refusal(form, **dict.fromkeys(gone, value)) == (
        400,
        "Incomplete parameters",
        f"Event [{named}] required for add",
    )


@both
@pytest.mark.parametrize(
    ("word", "severity"), [("normal", Severity.NORMAL), (" Warning\n", Severity.WARNING), ("ALERT", Severity.ALERT)]
)
def test_a_severity_is_read_in_any_letter_case(form: str, word: str, severity: Severity) -> None:
    assert read(form, severity=word).severity is severity


@both
@pytest.mark.parametrize("word", ["debug", "critical", "10", "x" * 500])
def test_a_severity_that_ovirt_does_not_know_is_refused(form: str, word: str) -> None:
    status, reason, detail = refusal(form, severity=word)
    assert (status, reason) == (400, "Invalid value")
    assert "none of normal, warning, error, alert" in detail


@both
@pytest.mark.parametrize("name", ["custom_id", "flood_rate"])
@pytest.mark.parametrize("value", ["x", "1.5", "2147483648", "-2147483649", "1e3", "٣", "9" * 5000])
def test_numbers_must_be_whole_and_of_32_bits(form: str, name: str, value: str) -> None:
    status, reason, detail = refusal(form, **{name: value})
    assert (status, reason) == (400, "Invalid value")
    assert detail.startswith(f"{name}: ")


@both
@pytest.mark.parametrize("value", ["2147483647", "-2147483648", " 7 ", "+7", "0"])
def test_a_custom_id_may_be_any_number_of_32_bits(form: str, value: str) -> None:
    assert read(form, custom_id=value).custom_id == int(value)


@both
def test_a_flood_rate_may_be_left_out_and_not_be_negative(form: str) -> None:
    assert read(form, flood_rate="").flood_rate_s == 30
    assert read(form, flood_rate="0").flood_rate_s == 0
    assert refusal(form, flood_rate="-1")[:2] == (400, "Operation Failed")


@both
@pytest.mark.parametrize("origin", ["oVirt", "OVIRT", "ovirt", " oVirt "])
def test_the_engines_own_origin_is_refused(form: str, origin: str) -> None:
    status, reason, detail = refusal(form, origin=origin)
    assert (status, reason) == (400, "Operation Failed")
    assert detail.startswith("[the origin oVirt ")
    assert detail.endswith("]")


@both
def test_an_origin_has_at_most_255_characters_and_no_control_characters(form: str) -> None:
    assert read(form, origin="é" * 255).origin == "é" * 255
    assert "256 characters" in refusal(form, origin="é" * 256)[2]
    assert "control characters" in refusal(form, origin="a\nb")[2]


@both
def test_a_correlation_id_has_at_most_50_characters(form: str) -> None:
    assert read(form, correlation_id="c" * 50).correlation_id == "c" * 50
    assert "51 characters" in refusal(form, correlation_id="c" * 51)[2]


@both
def test_a_long_description_is_cut_with_an_ellipsis(form: str) -> None:
    assert read(form, description="x" * 10_001).description == "x" * 9_997 + "..."
    assert read(form, description="x" * 10_000).description == "x" * 10_000


@both
def test_all_seven_links_are_read_in_the_order_in_which_they_are_shown(form: str) -> None:
    types = ["vm", "user", "template", "storage_domain", "host", "data_center", "cluster"]
    assert [link.type for link in read(form, **{type: {"id": VM} for type in types}).links] == sorted(types)


@both
def test_the_name_of_a_link_is_ignored_and_alone_it_links_nothing(form: str) -> None:
    assert read(form, vm={"id": VM.upper(), "name": "web1"}).links == (NewLink("vm", VM),)
    assert read(form, vm={"name": "web1"}).links == ()


@both
@pytest.mark.parametrize("id", ["web1", "aae98225", VM + "0", VM.replace("-", ""), "{" + VM + "}"])
def test_the_id_of_a_link_must_be_a_uuid(form: str, id: str) -> None:
    status, reason, detail = refusal(form, vm={"id": id})
    assert (status, reason) == (400, "Operation failed")
    assert detail.startswith("vm: ")


@both
def test_the_empty_uuid_links_nothing_but_the_blank_template(form: str) -> None:
    assert read(form, vm={"id": BLANK}, template={"id": BLANK}).links == (NewLink("template", BLANK),)


@both
@pytest.mark.parametrize("type", ["host", "storage_domain"])
def test_a_host_or_storage_domain_may_be_told_its_health(form: str, type: str) -> None:
    assert read(form, **{type: {"id": USER, "external_status": "Failure"}}).links == (NewLink(type, USER, "failure"),)
    assert refusal(form, **{type: {"id": USER, "external_status": "bad"}})[:2] == (400, "Invalid value")


@both
def test_nothing_else_has_a_health(form: str) -> None:
    assert read(form, vm={"id": VM, "external_status": "bad"}).links == (NewLink("vm", VM),)


@pytest.mark.parametrize("member", [{"vm": VM}, {"vm": [VM]}, {"description": ["x"]}, {"origin": {"a": 1}}])
def test_json_members_of_another_type_are_refused(member: dict[str, Any]) -> None:
    assert refusal(JSON, **member)[:2] == (400, "Invalid value")


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b"7", b'{"a":"\xff"}', b'{"a":' + b"[" * 100_000, b'{"a":"\\ud800"}']
)
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    with pytest.raises(OvirtFault) as caught:
        read_event(body, JSON)
    assert (caught.value.status, caught.value.reason) == (400, "Invalid value")


@pytest.mark.parametrize("body", [b"", b"{}", b"<event>", b"<events/>", b"<vm/>", b"<!DOCTYPE event><event/>"])
def test_what_is_no_xml_event_is_refused(body: bytes) -> None:
    with pytest.raises(OvirtFault) as caught:
        read_event(body, XML)
    assert (caught.value.status, caught.value.reason) == (400, "Invalid value")


_values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.lists(st.text(max_size=3), max_size=2),
)
_names = st.sampled_from([*FULL, "correlation_id", "custom_data", "flood_rate", "vm", "host", "time", "x"])
_links = st.dictionaries(st.sampled_from(["id", "name", "external_status"]), _values, max_size=3)


@given(st.dictionaries(_names, _values | _links, max_size=8))
def test_no_json_object_does_more_than_be_refused(members: dict[str, Any]) -> None:
    with contextlib.suppress(OvirtFault):
        assert read_event(json.dumps(FULL | members).encode(), JSON).description.strip()


@given(st.dictionaries(_names, st.text(max_size=20), max_size=8))
def test_xml_and_json_say_the_same(members: dict[str, Any]) -> None:
    members = {
        name: "".join(character for character in value if character.isprintable()) for name, value in members.items()
    }
    for type in ("vm", "host"):
        if type in members:
            members[type] = {"name": members[type]}

    def outcome(form: str) -> NewEvent | tuple[str, str]:
        try:
            return read(form, **members)
        except OvirtFault as fault:
            return fault.reason, fault.detail

    assert outcome(XML) == outcome(JSON)
