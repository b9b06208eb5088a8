"""oVirt's API with curl: the examples that its document prints, and what requests and answers carry beside events."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as ET

import pytest

from tests.clients.curl import Answer, Curl
from tests.clients.ovirt import ADMIN, PASSWORD, USER, VM, add_user, publish_engine_events
from tests.clients.programs import need
from tests.clients.tidings_server import TidingsServer, tidings_server

API = "/ovirt-engine/api"
GOLDEN = Path(__file__).parents[1] / "golden" / "ovirt"
AS_XML = ("--header", "Content-Type: application/xml")
AS_JSON = ("--header", "Content-Type: application/json", "--header", "Accept: application/json")


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    need("curl")
    with tidings_server(tls=True) as server:
        add_user(server, "admin", "admin")
        yield server


@pytest.fixture(scope="module")
def curl(server: TidingsServer) -> Curl:
    return Curl(server)


@pytest.fixture
def origin() -> str:
    """Give an origin of this test alone: most tests share one log."""
    return f"monitor-{uuid.uuid4()}"


@pytest.fixture
def ten(curl: Curl, origin: str) -> list[int]:
    """Add ten events, of which the fifth and the tenth are errors, and give their indexes."""
    answers = [
        post_xml(curl, xml_event(origin, number, "normal" if number % 5 else "error")) for number in range(1, 11)
    ]
    assert {answer.status for answer in answers} == {201}
    return [int(answer.xml.attrib["id"]) for answer in answers]


def xml_event(origin: str, custom_id: int, severity: str = "normal") -> bytes:
    return (
        f"<event><description>number {custom_id}</description><severity>{severity}</severity>"
        f"<origin>{origin}</origin><custom_id>{custom_id}</custom_id></event>"
    ).encode()


def post_xml(curl: Curl, body: bytes) -> Answer:
    return curl("POST", f"{API}/events", *AS_XML, body=body)


def ids(answer: Answer) -> list[int]:
    """Return the events of a list, in its order."""
    assert answer.status == 200, answer
    assert answer.xml.tag == "events"
    return [int(event.attrib["id"]) for event in answer.xml]


def members(event: ET.Element) -> dict[str, object]:
    """Return an event without its place in the log: the document's numbers are others, and it leaves out the index."""
    found: dict[str, object] = {child.tag: child.text or dict(child.attrib) for child in event if child.tag != "index"}
    return found | {"time": datetime.fromisoformat(str(found["time"])).timestamp()}


def as_engine_json(event: ET.Element) -> dict[str, object]:
    """Return a printed event as the engine's JSON has it."""
    found = {**members(event), "id": event.attrib["id"], "href": event.attrib["href"]}
    return found | {"time": round(float(str(found["time"])) * 1000)}


def printed(name: str) -> list[ET.Element]:
    """Return the events of a list that the document prints, newest first."""
    return list(ET.fromstring((GOLDEN / name).read_bytes()))


# The document's examples, as printed


@pytest.fixture
def document() -> Iterator[TidingsServer]:
    """Give a server of its own: the examples share a custom id."""
    need("curl")
    with tidings_server(tls=True) as server:
        add_user(server, "admin", "admin")
        yield server


@pytest.mark.parametrize(("name", "vm"), [("seed-add.xml", None), ("seed-add-linked.xml", VM)])
def test_the_printed_events_can_be_added(document: TidingsServer, name: str, vm: str | None) -> None:
    curl = Curl(document)
    answer = curl("POST", "/ovirt-engine/api/events", *AS_XML, body=(GOLDEN / name).read_bytes())
    assert answer.status == 201
    event = answer.xml
    assert answer.headers["location"].endswith(f"/ovirt-engine/api/events/{event.attrib['id']}")
    found = members(event)
    assert found.pop("time")
    link = {"vm": {"href": f"/ovirt-engine/api/vms/{vm}", "id": vm}} if vm else {}
    assert found == {
        "description": "File system /home is full", "code": "9804", "custom_id": "1467879754", "flood_rate": "30",
        "origin": "mymonitor", "severity": "alert", **link,
    }  # fmt: skip
    assert ids(curl("GET", "/ovirt-engine/api/events?search=origin%3Dmymonitor")) == [int(event.attrib["id"])]


@pytest.mark.parametrize(
    ("name", "target"),
    [
        ("seed-list.xml", "/ovirt-engine/api/events"),
        ("seed-search.xml", "/ovirt-engine/api/events?search=severity%3Dnormal"),
    ],
)
def test_the_printed_answers_are_answered(document: TidingsServer, name: str, target: str) -> None:
    curl, expected = Curl(document), printed(name)
    indexes = publish_engine_events(document, [as_engine_json(event) for event in reversed(expected)])
    answer = curl("GET", target)
    assert answer.status == 200
    found = [event for event in answer.xml if int(event.attrib["id"]) in indexes]
    assert [members(event) for event in found] == [members(event) for event in expected]
    assert [event.attrib["href"] for event in found] == [f"/ovirt-engine/api/events/{index}" for index in indexes[::-1]]
    assert [child.tag for child in found[0] if child.tag != "index"] == [child.tag for child in expected[0]]


def test_the_printed_ways_to_page_and_to_poll(document: TidingsServer) -> None:
    curl, [newer, older] = Curl(document), printed("seed-list.xml")
    texts = [as_engine_json(older), as_engine_json(newer)]
    indexes = publish_engine_events(
        document,
        [
            {**texts[at % 2], "id": str(at + 1), "time": 1_473_847_000_000 + at, "severity": "normal"}
            for at in range(150)
        ],
    )
    later = [index for index in ids(curl("GET", "/ovirt-engine/api/events")) if index > indexes[-1]]
    assert ids(curl("GET", "/ovirt-engine/api/events?max=1")) == ([*later, indexes[-1]])[:1]
    assert ids(curl("GET", "/ovirt-engine/api/events?from=123")) == [
        *later, *(index for index in reversed(indexes) if index > 123)
    ]  # fmt: skip
    first = ids(curl("GET", "/ovirt-engine/api/events?search=sortby%20time%20asc%20page%201"))
    second = ids(curl("GET", "/ovirt-engine/api/events?search=sortby%20time%20asc%20page%202"))
    assert first == indexes[:100]
    assert second[:50] == indexes[100:]
    assert set(ids(curl("GET", "/ovirt-engine/api/events?search=severity%3Dnormal"))) >= set(indexes)


# XML and JSON


def test_an_event_can_be_added_and_read_as_json(curl: Curl, origin: str) -> None:
    body = (
        f'{{"description": "日本語", "severity": "warning", "origin": "{origin}", "custom_id": "7", "flood_rate": 0,'
        f' "vm": {{"id": "{VM}"}}, "user": {{"id": "{USER}", "name": "ignored"}}}}'
    )
    added = curl("POST", f"{API}/events", *AS_JSON, body=body.encode())
    assert added.status == 201
    event = dict(added.json)
    id = str(event["id"])
    assert isinstance(event.pop("time"), int)
    assert event == {
        "id": id, "href": f"{API}/events/{id}", "index": id, "description": "日本語", "severity": "warning",
        "origin": origin, "custom_id": "7", "flood_rate": "0", "code": "9802",
        "vm": {"id": VM, "href": f"{API}/vms/{VM}"}, "user": {"id": USER, "href": f"{API}/users/{USER}"},
    }  # fmt: skip
    assert curl("GET", f"{API}/events/{id}", *AS_JSON).json == added.json
    assert curl("GET", f"{API}/events?search=origin%3D{origin}", *AS_JSON).json == {"event": [added.json]}


@pytest.mark.parametrize("custom_id", ['"8"', "8"])
def test_numbers_in_json_may_be_numbers_or_strings(curl: Curl, origin: str, custom_id: str) -> None:
    body = f'{{"description": "x", "severity": "alert", "origin": "{origin}", "custom_id": {custom_id}}}'
    added = curl("POST", f"{API}/events", *AS_JSON, body=body.encode())
    assert (added.status, added.json["custom_id"]) == (201, "8")


def test_an_empty_list_is_an_empty_element_or_an_empty_object(curl: Curl, origin: str) -> None:
    target = f"{API}/events?search=origin%3D{origin}"
    assert ids(curl("GET", target)) == []
    assert curl("GET", target, *AS_JSON).json == {}


@pytest.mark.parametrize(
    ("target", "accept", "media_type"),
    [
        ("", "application/xml", "application/xml"),
        ("", "application/json", "application/json"),
        ("", "*/*", "application/xml"),
        ("", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("", "application/json;q=0.5, application/xml", "application/xml"),
        ("", "application/xml;q=0.5, application/json", "application/json"),
        ("?accept=application/json", "application/xml", "application/json"),
        ("?accept=application/xml", "application/json", "application/xml"),
        ("?accept=application%2Fjson", "*/*", "application/json"),
    ],
)
def test_the_form_of_the_answer_is_the_one_asked_for(curl: Curl, target: str, accept: str, media_type: str) -> None:
    for path in (API, f"{API}/events"):
        answer = curl("GET", f"{path}{target}", "--header", f"Accept: {accept}")
        assert (answer.status, answer.headers["content-type"].partition(";")[0]) == (200, media_type)


def test_a_fault_has_the_form_that_was_asked_for_too(curl: Curl) -> None:
    fault = curl("POST", f"{API}/events", *AS_JSON, body=b"{}")
    assert (fault.status, fault.json["reason"]) == (400, "Incomplete parameters")
    fault = curl("POST", f"{API}/events", *AS_XML, body=b"<event/>")
    assert (fault.status, fault.xml.tag, fault.xml.findtext("reason")) == (400, "fault", "Incomplete parameters")
    for name in ("origin", "severity", "customId", "description"):
        assert name in str(fault.xml.findtext("detail"))


def test_a_body_of_another_media_type_is_a_fault(curl: Curl, origin: str) -> None:
    answer = curl("POST", f"{API}/events", body=xml_event(origin, 1))  # curl says it is a form
    assert (answer.status, answer.xml.tag) == (415, "fault")


# Parameters


@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (";from={4};max=2", [9, 8]),
        (";from={7};max=2", [9, 8]),
        (";from={8}", [9]),
        (";max=1?max=2", [9, 8]),
        (";from={4}?max=3&from={8}", [9]),
        ("?max=&from=", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        ("?max=three&from=x", [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]),
        (";max=3;unheard-of=1?unheard-of-too", [9, 8, 7]),
        (";max=%32", [9, 8]),
        ("/?max=1", [9]),
    ],
)
def test_parameters_stand_in_the_query_or_in_the_path(
    curl: Curl, ten: list[int], origin: str, target: str, expected: Sequence[int]
) -> None:
    place = re.sub(r"\{(\d)\}", lambda match: str(ten[int(match[1])]), target)
    search = f"search=origin%3D{origin}"
    for prefix in (API, f"{API}/v4", f"{API}/"):
        answer = curl("GET", f"{prefix}/events{place}{'&' if '?' in place else '?'}{search}")
        assert ids(answer) == [ten[at] for at in expected]


def test_a_search_may_stand_in_the_path(curl: Curl, ten: list[int], origin: str) -> None:
    assert ids(curl("GET", f"{API}/events;search=origin%3D{origin}%20severity%3Derror")) == [ten[9], ten[4]]


@pytest.mark.parametrize("text", ["a/b", "50%41", "a%2Fb", "x=y"])
def test_what_stands_in_the_path_is_decoded_once(curl: Curl, origin: str, text: str) -> None:
    body = xml_event(origin, 1).replace(b"</event>", f"<correlation_id>{text}</correlation_id></event>".encode())
    added = post_xml(curl, body)
    target = f"{API}/events;search=correlation_id%3D{quote(text, safe='')}"
    assert ids(curl("GET", target)) == [int(added.xml.attrib["id"])]


@pytest.mark.parametrize(
    ("value", "is_sensitive"),
    [
        *((word, True) for word in ("true", "T", "Yes", "y", "1", "")),
        *((word, False) for word in ("false", "F", "NO", "n", "0", "maybe")),
    ],
)
def test_truth_has_many_words(curl: Curl, ten: list[int], origin: str, value: str, is_sensitive: bool) -> None:
    for place in (f"events;case_sensitive={value}?", f"events?case_sensitive={value}&"):
        answer = curl("GET", f"{API}/{place}search=origin%3D{origin}+message%3DNUMBER*")
        assert len(ids(answer)) == (0 if is_sensitive else 10)


def test_a_search_that_cannot_be_read_is_an_empty_list_that_says_why(curl: Curl) -> None:
    answer = curl("GET", f"{API}/events?search=severity%3Dbogus")
    assert ids(answer) == []
    assert re.fullmatch(r'299 tidings ".*column \d+.*"', answer.headers["warning"])
    assert "warning" not in curl("GET", f"{API}/events?search=severity%3Derror").headers


def test_the_address_that_the_entry_point_gives_for_searches_works(curl: Curl, ten: list[int], origin: str) -> None:
    links = {link.attrib["rel"]: link.attrib["href"] for link in curl("GET", API).xml.findall("link")}
    target = links["events/search"].format(event_id=ten[4], query=f"origin%3D{origin}")
    assert ids(curl("GET", target)) == ten[:4:-1]
    assert ids(curl("GET", f"{links['events']}?max=1"))


# Headers


@pytest.mark.parametrize("version", ["3", "4"])
def test_two_versions_of_the_api_are_known(curl: Curl, version: str) -> None:
    assert curl("GET", API, "--header", f"Version: {version}").status == 200
    assert curl("GET", f"{API}/v{version}/events?max=0").status == 200


@pytest.mark.parametrize("version", ["5", "2", "x"])
def test_another_version_is_refused_without_a_fault(curl: Curl, version: str) -> None:
    answer = curl("GET", API, "--header", f"Version: {version}")
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(
    ("sent", "echoed"),
    [("c0ffee_1-x", "c0ffee_1-x"), ("a b;c/d:e<é>", "abcde"), ("x" * 50, "x" * 36)],
)
def test_a_correlation_id_is_echoed_in_safe_letters(curl: Curl, sent: str, echoed: str) -> None:
    for target, status in ((API, 200), (f"{API}/events/999999999999", 404), (f"{API}/events/x", 400)):
        answer = curl("GET", target, "--header", f"Correlation-Id: {sent}")
        assert (answer.status, answer.headers["correlation-id"]) == (status, echoed)


def test_a_correlation_id_may_stand_in_the_query_and_else_is_made_up(curl: Curl) -> None:
    assert curl("GET", f"{API}?correlation_id=from-query").headers["correlation-id"] == "from-query"
    both = curl("GET", f"{API}?correlation_id=from-query", "--header", "Correlation-Id: from-header")
    assert both.headers["correlation-id"] == "from-header"
    made = {curl("GET", API).headers["correlation-id"] for _ in range(2)}
    assert len(made) == 2
    assert all(uuid.UUID(id) for id in made)


def test_the_requests_label_is_not_the_events(curl: Curl, origin: str) -> None:
    answer = curl("POST", f"{API}/events", *AS_XML, "--header", "Correlation-Id: label", body=xml_event(origin, 1))
    assert answer.headers["correlation-id"] == "label"
    assert answer.xml.find("correlation_id") is None


# Who asks


def test_who_shows_nothing_is_asked_for_a_password_with_an_empty_body(curl: Curl) -> None:
    for user in (None, f"{ADMIN}:wrong-password"):
        answer = curl("GET", f"{API}/events", user=user)
        assert (answer.status, answer.body) == (401, b"")
        assert answer.headers["www-authenticate"] == 'Basic realm="RESTAPI"'


def test_what_is_not_there_has_an_empty_body(curl: Curl) -> None:
    for target in (f"{API}/events/999999999999", f"{API}/nowhere", f"{API}/vms/{VM}", "/ovirt-engine/nowhere"):
        answer = curl("GET", target)
        assert (answer.status, answer.body) == (404, b""), target


def test_a_method_that_is_not_there_is_a_fault(curl: Curl) -> None:
    answer = curl("PUT", f"{API}/events", *AS_XML, body=b"<event/>")
    assert (answer.status, answer.xml.tag) == (405, "fault")


def cookie_of(answer: Answer) -> str:
    return re.sub(r";.*", "", answer.headers["set-cookie"])


def test_who_prefers_it_gets_a_session_by_cookie(curl: Curl) -> None:
    first = curl("GET", API, "--header", "Prefer: persistent-auth")
    assert re.fullmatch(r"JSESSIONID=[^;]+;.*HttpOnly.*", first.headers["set-cookie"], re.IGNORECASE)
    with_cookie = ("--header", f"Cookie: {cookie_of(first)}")
    assert curl("GET", f"{API}/events?max=0", *with_cookie, user=None).status == 200
    assert curl("GET", API, "--header", "Cookie: JSESSIONID=bogus", user=None).status == 401


def test_who_does_not_gets_none(curl: Curl) -> None:
    assert "set-cookie" not in curl("GET", API).headers


def test_a_token_is_got_and_revoked_with_forms(curl: Curl) -> None:
    form = f"grant_type=password&scope=ovirt-app-api&username={ADMIN}&password={PASSWORD}".replace("@", "%40")
    accept = ("--header", "Accept: application/json")
    got = curl("POST", "/ovirt-engine/sso/oauth/token", *accept, body=form.encode(), user=None)
    assert (got.status, got.json["token_type"], got.json["scope"]) == (200, "bearer", "ovirt-app-api")
    assert str(got.json["expires_in"]).isdecimal()
    bearer = ("--header", f"Authorization: Bearer {got.json['access_token']}")
    assert curl("GET", API, *bearer, user=None).status == 200
    gone = f"scope=ovirt-app-api&token={got.json['access_token']}"
    for _ in range(2):  # one that is gone is no error
        answer = curl("POST", "/ovirt-engine/services/sso-logout", *accept, body=gone.encode(), user=None)
        assert (answer.status, "error" in answer.json) == (200, False)
    assert curl("GET", API, *bearer, user=None).status == 401


def test_a_form_may_come_in_pieces(curl: Curl) -> None:
    form = f"grant_type=password&scope=ovirt-app-api&username={ADMIN}&password={PASSWORD}".replace("@", "%40").encode()

    def halves() -> Iterator[bytes]:
        yield form[:20]
        assert curl("GET", API).status == 200  # by when the first half has been read
        yield form[20:]

    assert curl.stream("/ovirt-engine/sso/oauth/token", halves()).status == 200


def test_a_form_without_end_is_refused(curl: Curl) -> None:
    pieces = (b"state=" + b"x" * 65_536 for _ in range(1600))
    answer = curl.stream("/ovirt-engine/sso/oauth/token", pieces)
    assert answer.status in {400, 413}
    assert b"error" in answer.body


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ("", "unsupported_grant_type"),
        ("grant_type=client_credentials&scope=ovirt-app-api", "unsupported_grant_type"),
        ("grant_type=password&scope=other&username=admin&password=x", "invalid_scope"),
        ("grant_type=password&scope=ovirt-app-api&username=admin", "invalid_request"),
        ("grant_type=password&scope=ovirt-app-api&username=guesser&password=wrong", "access_denied"),
    ],
)
def test_signing_on_fails_in_words(curl: Curl, form: str, code: str) -> None:
    answer = curl("POST", "/ovirt-engine/sso/oauth/token", body=form.encode(), user=None)
    assert (answer.status, answer.json["error_code"]) == (400, code)
    assert answer.json["error"]


def test_json_is_indented_for_people(curl: Curl) -> None:
    lines: Any = curl("GET", API, *AS_JSON).body.decode().splitlines()
    assert len(lines) > 10
