"""Events as XML and JSON, for every client of oVirt's API."""

import json
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.dialects.ovirt.stored import GOLDEN, USER, VM, engine_event, foreign, stored
from tests.query.strategies import events
from tidings.dialects.ovirt.codec import decode
from tidings.dialects.ovirt.record import Record, record_of
from tidings.dialects.ovirt.wire import COLLECTIONS, ObjectLink
from tidings.dialects.ovirt.writing import event_json, event_xml, events_json, events_xml, time_text
from tidings.dialects.ovirt.xml import Element, escape, read_xml
from tidings.event import Event, Index, Link, encode_links

_INT32 = st.integers(-(2**31), 2**31 - 1)
_SHORT = st.text(max_size=12)
records = st.builds(
    Record,
    index=st.integers(1, 2**63 - 1).map(Index),
    description=st.text(min_size=1),
    code=_INT32,
    correlation_id=_SHORT,
    custom_data=_SHORT,
    custom_id=_INT32,
    flood_rate_s=_INT32,
    origin=_SHORT,
    severity=st.sampled_from(["normal", "warning", "error", "alert"]),
    time_ns=st.integers(-(2**63) // 10**6 + 1, 2**63 // 10**6 - 1).map(lambda ms: ms * 10**6),
    links=st.lists(
        st.builds(ObjectLink, st.sampled_from(list(COLLECTIONS)), st.text(min_size=1, max_size=40), _SHORT),
        unique_by=lambda link: link.type,
    ).map(lambda links: tuple(sorted(links, key=lambda link: link.type))),
)

FULL = Record(
    index=Index(3),
    description="CPU > 90 % on <web1> & rising",
    code=9804,
    correlation_id="c0ffee",
    custom_data='{"cpu": 93}',
    custom_id=1467879754,
    flood_rate_s=60,
    origin="mymonitor",
    severity="alert",
    time_ns=1_795_213_107_759_168_960,
    links=(ObjectLink("host", "57d91d48-00da-0137-0138-000000000003"), ObjectLink("vm", VM, "web1")),
)
BARE = Record(Index(2), "The engine stopped.", 2, "", "", -1, 30, "", "normal", 1_795_213_107_000_000_000, ())


def read_back(element: Element) -> Record:
    """Return the record that an ``event`` element says."""
    texts = {child.name: child.text for child in element.children}
    return Record(
        index=Index(int(texts["index"])),
        description=texts["description"],
        code=int(texts["code"]),
        correlation_id=texts.get("correlation_id", ""),
        custom_data=texts.get("custom_data", ""),
        custom_id=int(texts["custom_id"]),
        flood_rate_s=int(texts["flood_rate"]),
        origin=texts.get("origin", ""),
        severity=texts["severity"],
        time_ns=_ms(texts["time"]) * 10**6,
        links=tuple(
            ObjectLink(child.name, child.attributes["id"], "".join(name.text for name in child.children))
            for child in element.children
            if child.name in COLLECTIONS
        ),
    )


def _ms(text: str) -> int:
    moment = datetime.fromisoformat(text)
    epoch = datetime.fromisoformat("1970-01-01T00:00:00Z")
    return round((moment - epoch).total_seconds() * 1000)


def as_shown(text: str) -> str:
    """Return *text* as XML can hold it."""
    return read_xml(f"<a>{escape(text)}</a>".encode()).text


def in_xml(record: Record) -> Record:
    """Return what is left of *record* in XML, whose times end at milliseconds."""
    return Record(
        record.index,
        as_shown(record.description),
        record.code,
        as_shown(record.correlation_id),
        as_shown(record.custom_data),
        record.custom_id,
        record.flood_rate_s,
        as_shown(record.origin),
        record.severity,
        record.time_ns // 10**6 * 10**6,
        tuple(ObjectLink(link.type, as_shown(link.id), as_shown(link.name)) for link in record.links),
    )


def compared(event: Element) -> list[tuple[object, ...]]:
    """Return what of an ``event`` is compared with the documentation, in order: its samples leave the index out."""
    said: list[tuple[object, ...]] = [tuple(event.attributes.items())]
    for child in event.children:
        if child.name == "time":
            said.append(("time", _ms(child.text)))
        elif child.name != "index":
            said.append((child.name, child.text, *child.attributes.items()))
    return said


def as_an_engine_sends_it(event: Element) -> Event:
    """Return the event of a documented sample as the collector would have stored it, under its own index."""
    texts = {child.name: child.text for child in event.children}
    user = next((child.attributes for child in event.children if child.name == "user"), None)
    index = int(event.attributes["id"])
    members = texts | {"time": _ms(texts["time"]), "user": user, "correlation_id": texts.get("correlation_id")}
    return stored(decode(engine_event(**members), "ovirt/e1"), index)


@pytest.mark.parametrize("name", ["seed-list.xml", "seed-search.xml"])
def test_the_documented_lists_are_written_as_documented(name: str) -> None:
    documented = read_xml((GOLDEN / name).read_bytes())
    written = read_xml(events_xml([record_of(as_an_engine_sends_it(event)) for event in documented.children]))
    assert (written.name, dict(written.attributes)) == ("events", {})
    assert [compared(event) for event in written.children] == [compared(event) for event in documented.children]


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("events.xml", events_xml([FULL, BARE])),
        ("events.json", events_json([FULL, BARE])),
        ("event.xml", event_xml(FULL)),
        ("event.json", event_json(FULL)),
    ],
)
def test_what_is_written_is_the_golden_bytes(name: str, body: bytes) -> None:
    assert body.decode() == (GOLDEN / name).read_text()


def test_an_empty_list_has_its_root() -> None:
    assert read_xml(events_xml([])) == Element("events", {}, "", ())


def test_an_empty_list_is_an_empty_object_in_json() -> None:
    assert json.loads(events_json([])) == {}


def test_all_integers_are_strings_in_json_and_times_are_milliseconds() -> None:
    event = json.loads(event_json(FULL))
    assert {type(event[name]) for name in ("id", "code", "custom_id", "flood_rate", "index")} == {str}
    assert event["time"] == 1_795_213_107_759


def test_an_index_of_64_bits_is_written_as_it_is() -> None:
    event = read_xml(event_xml(record_of(stored(decode(engine_event()), 2**63 - 1))))
    assert event.attributes["href"] == "/ovirt-engine/api/events/9223372036854775807"


@pytest.mark.parametrize(
    ("ns", "text"),
    [
        (1_473_848_074_541_999_999, "2016-09-14T10:14:34.541Z"),
        (1_473_848_074_000_000_000, "2016-09-14T10:14:34.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_has_milliseconds_and_a_zone(ns: int, text: str) -> None:
    assert time_text(ns) == text


@pytest.mark.parametrize(("type", "collection"), COLLECTIONS.items())
def test_a_links_href_is_in_its_collection(type: str, collection: str) -> None:
    event = read_xml(event_xml(record_of(foreign(links=encode_links([Link(type, "", USER)])))))
    assert event.children[-1] == Element(type, {"href": f"/ovirt-engine/api/{collection}/{USER}", "id": USER}, "", ())


def test_an_id_that_is_no_uuid_stays_inside_its_href() -> None:
    event = read_xml(event_xml(record_of(stored(decode(engine_event(vm={"id": 'a/../b?"<&'}, user=None))))))
    assert event.children[-1].attributes == {
        "href": "/ovirt-engine/api/vms/a%2F..%2Fb%3F%22%3C%26",
        "id": 'a/../b?"<&',
    }


@given(records)
def test_xml_says_the_whole_record(record: Record) -> None:
    assert read_back(read_xml(event_xml(record))) == in_xml(record)


@given(st.lists(records, max_size=4))
def test_a_list_says_its_records_in_order(given_records: list[Record]) -> None:
    written = read_xml(events_xml(given_records))
    assert [read_back(event) for event in written.children] == [in_xml(record) for record in given_records]


@given(records.filter(lambda record: record.description.strip()))
def test_json_says_the_whole_record_to_another_collector(record: Record) -> None:
    assert record_of(stored(decode(event_json(record)), record.index)) == record


@given(events())
def test_every_event_of_every_dialect_is_written_and_read_back(event: Event) -> None:
    record = record_of(event)
    assert read_back(read_xml(event_xml(record))) == in_xml(record)
    [listed] = json.loads(events_json([record]))["event"]
    assert (listed["id"], listed["description"]) == (str(event.index), record.description)


@given(st.text(), st.text(), st.text())
def test_no_text_of_an_event_breaks_its_xml(message: str, actor: str, correlation: str) -> None:
    record = record_of(foreign(message=message, actor=actor, correlation=correlation))
    assert read_back(read_xml(event_xml(record))) == in_xml(record)
