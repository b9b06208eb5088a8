"""oVirt's own Python SDK, unmodified: lists, with each parameter and with several."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from tests.clients.ovirt import DOWN, VM, engine_event, numbers, of, publish_engine_events, required
from tests.clients.recorded import recorded
from tests.clients.tidings_server import TidingsServer

sdk = required("ovirtsdk4")

HOST = "57d91d48-00da-0137-0138-000000000003"


def test_a_bare_list_is_everything_newest_first(events: Any, ten: list[Any], origin: str) -> None:
    found = events.list()
    assert [event.index for event in found] == sorted((event.index for event in found), reverse=True)
    assert numbers([event for event in found if event.origin == origin]) == DOWN


@pytest.mark.parametrize(
    ("search", "expected"),
    [
        ("", DOWN),
        ("severity=error", [10, 5]),
        ("severity>normal", [10, 5]),
        ("message=event*", DOWN),
        ('message="event 3"', [3]),
        ('message="event 3" or message="event 4"', [4, 3]),
        ("custom_event_id=7", [7]),
        ("type=9803", [10, 5]),
        ("time=today or time=yesterday", DOWN),
        (f"_event_vm_id={VM}", DOWN),
        ("sortby time asc", DOWN[::-1]),
        ("sortby time desc", DOWN),
        ("severity=error sortby time asc", [5, 10]),
        ("sortby severity desc", [10, 5, 9, 8, 7, 6, 4, 3, 2, 1]),
        ("sortby custom_event_id asc", DOWN[::-1]),
    ],
)
def test_a_search_narrows_and_sorts(
    events: Any, ten: list[Any], origin: str, search: str, expected: Sequence[int]
) -> None:
    assert numbers(events.list(search=of(origin, search))) == list(expected)


@pytest.mark.parametrize(
    ("search", "limit", "expected"),
    [
        ("sortby time asc page 1", 4, [1, 2, 3, 4]),
        ("sortby time asc page 3", 4, [9, 10]),
        ("sortby time asc page 4", 4, []),
        ("sortby time page 2", 4, [5, 6, 7, 8]),
        ("page 2", 4, [6, 5, 4, 3]),
        ("page 1", None, DOWN),
        ("page 2", None, []),
    ],
)
def test_a_search_names_its_page(
    events: Any, ten: list[Any], origin: str, search: str, limit: int | None, expected: list[int]
) -> None:
    assert numbers(events.list(search=of(origin, search), max=limit)) == expected


def test_max_is_the_newest_ones(events: Any, ten: list[Any], origin: str) -> None:
    assert numbers(events.list(search=of(origin), max=3)) == [10, 9, 8]
    assert [event.index for event in events.list(max=1)] == [max(event.index for event in events.list())]


def test_a_max_of_nought_is_none_at_all(events: Any, ten: list[Any], origin: str) -> None:
    assert events.list(search=of(origin), max=0) == []


def test_a_max_below_nought_is_refused(events: Any) -> None:
    with pytest.raises(sdk.Error) as caught:
        events.list(max=-1)
    assert (caught.value.code, caught.value.fault.reason) == (400, "Operation Failed")


def test_from_leaves_out_the_event_that_it_names(events: Any, ten: list[Any], origin: str) -> None:
    assert numbers(events.list(search=of(origin), from_=ten[6].index)) == [10, 9, 8]
    assert [event.index for event in events.list(from_=ten[9].index)] == []


@pytest.mark.parametrize("start", [0, -5])
def test_a_from_that_is_no_index_bounds_nothing(events: Any, ten: list[Any], origin: str, start: int) -> None:
    assert numbers(events.list(search=of(origin), from_=start)) == DOWN


def test_a_from_beyond_32_bits_is_beyond_all_events(events: Any, ten: list[Any]) -> None:
    assert events.list(from_=2**40) == []


def test_from_and_max_are_the_newest_ones_after_it(events: Any, ten: list[Any], origin: str) -> None:
    assert numbers(events.list(search=of(origin), from_=ten[2].index, max=3)) == [10, 9, 8]


def test_a_poller_gets_the_next_ones_oldest_first_by_sorting(events: Any, ten: list[Any], origin: str) -> None:
    seen: list[int] = []
    position = ten[0].index - 1
    while found := events.list(search=of(origin, "sortby time asc"), from_=position, max=3):
        seen += numbers(found)
        position = found[-1].index
    assert seen == DOWN[::-1]


def test_search_from_and_max_go_together(events: Any, ten: list[Any], origin: str) -> None:
    found = events.list(
        search=of(origin, "severity=normal"), from_=ten[1].index, max=4, case_sensitive=True, follow="vm"
    )
    assert numbers(found) == [9, 8, 7, 6]


@pytest.mark.parametrize(("case_sensitive", "expected"), [(None, DOWN), (False, DOWN), (True, [10, 8, 6, 4, 2])])
def test_case_counts_only_when_that_is_asked_for(
    events: Any, ten: list[Any], origin: str, case_sensitive: bool | None, expected: list[int]
) -> None:
    assert numbers(events.list(search=of(origin, "message=event*"), case_sensitive=case_sensitive)) == expected


@pytest.mark.parametrize("follow", ["", "user", "vm,host", "vm.cluster", "unheard_of"])
def test_links_that_cannot_be_followed_stay_links(events: Any, ten: list[Any], origin: str, follow: str) -> None:
    found = events.list(search=of(origin), follow=follow)
    assert numbers(found) == DOWN
    assert {event.vm.id for event in found} == {VM}
    assert events.event_service(ten[0].id).get(follow=follow).vm.id == VM


def test_an_empty_search_is_none(events: Any, ten: list[Any]) -> None:
    assert [event.id for event in events.list(search="", max=3)] == [event.id for event in ten[:-4:-1]]


@pytest.mark.parametrize("search", ["severity=bogus", "foo bar", "message=", 'message="it\'s"', "sortby id"])
def test_a_search_that_cannot_be_read_is_an_empty_list(events: Any, ten: list[Any], search: str) -> None:
    assert events.list(search=search) == []


def test_a_long_list_comes_whole(server: TidingsServer, events: Any) -> None:
    mark = uuid.uuid4().hex
    publish_engine_events(server, [engine_event(number, correlation_id=mark) for number in range(2500)])
    assert numbers(events.list(search=f"correlation_id={mark}")) == list(range(2499, -1, -1))


def test_events_of_other_systems_are_listed_as_ovirt_events(server: TidingsServer, events: Any) -> None:
    head = server.publish(recorded()[:50])
    found = events.list(from_=head - 50, max=50, search="origin=lxd*")
    assert [event.index for event in found] == list(range(head, head - 50, -1))
    assert all(event.description and event.severity and event.time and event.code >= 100_000 for event in found)
    assert events.event_service(str(head)).get().description == found[0].description


def test_an_engines_event_is_shown_as_the_engine_shows_it(server: TidingsServer, events: Any) -> None:
    user = {"id": HOST, "href": f"/ovirt-engine/api/users/{HOST}", "name": "admin"}
    [index] = publish_engine_events(server, [engine_event(1, code="31", correlation_id="1e892ea9", user=user)])
    event = events.event_service(str(index)).get()
    assert (event.index, event.code, event.custom_id, event.origin, event.flood_rate) == (index, 31, -1, "oVirt", 30)
    assert (event.correlation_id, event.user.id, event.user.name) == ("1e892ea9", HOST, "admin")
    assert event.time.timestamp() == 1_473_847_000.001
