"""Every event as a row of the log and of the export: the document's own, and anybody's."""

import csv
import datetime as dt
import io
import json
import zoneinfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.dialects.container_station.stored import EXPORT, SEED, foreign, published, row, stored
from tests.query.strategies import events
from tidings import rfc3339
from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.csv_rows import CSV_HEADER, csv_rows
from tidings.dialects.container_station.log_rows import log_row
from tidings.event import Draft, Event

UTC = dt.UTC
TAIPEI = zoneinfo.ZoneInfo("Asia/Taipei")

texts = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["日本語、コンテナ", "🚀 up", 'say "hi"', "a,b", "one\r\ntwo", "\n", ",", '"', "=1+1", " x "]
)


def exported(events: list[Event], zone: dt.tzinfo = UTC, *, is_safe: bool = False) -> bytes:
    """Return the rows of *events*."""
    return csv_rows(b"".join(event.line + b"\n" for event in events), zone, is_safe=is_safe)


def test_the_documents_export_comes_back_byte_for_byte() -> None:
    assert CSV_HEADER + exported(published(EXPORT)) == EXPORT


@pytest.mark.parametrize("zone", ["Asia/Taipei", "Europe/Berlin", "America/St_Johns"])
def test_in_the_zone_that_it_was_read_in_it_comes_back_too(zone: str) -> None:
    assert CSV_HEADER + exported(published(EXPORT, zone), zoneinfo.ZoneInfo(zone)) == EXPORT


def test_the_documents_five_records_are_the_newest_rows_of_its_export() -> None:
    newest = published(EXPORT)[:-6:-1]
    assert [log_row(event) for event in newest] == SEED["log_records"]


def test_rows_that_came_as_json_come_back_as_they_were() -> None:
    body = json.dumps(SEED["log_records"]).encode()
    rows = [log_row(event) for event in published(body)]
    assert [row | {"id": 0} for row in rows] == [record | {"id": 0} for record in SEED["log_records"][::-1]]


def test_a_row_has_the_index_of_the_log() -> None:
    assert log_row(stored(decode(row(id=7)), 42))["id"] == 42


def test_a_row_of_ours_keeps_what_the_columns_cannot_hold() -> None:
    message, user = "one\ntwo\t" + "x" * 20_000, " admin "
    event = stored(decode(row(message=message, user=user)))
    assert (log_row(event)["message"], log_row(event)["user"]) == (message, user)
    assert exported([event]) == f'2015-03-17 17:28:45.000000,INFO,container, admin ,"{message}"\r\n'.encode()


def test_a_row_without_a_user_is_of_the_system() -> None:
    assert log_row(stored(decode(row(user=None))))["user"] == "system"
    assert log_row(stored(decode(row(user=7))))["user"] == "system"


def test_an_event_of_another_system_is_a_row() -> None:
    assert log_row(foreign(actor="root", severity="warning")) == {
        "category": "container",
        "id": 42,
        "level": "WARN",
        "message": "Instance c1 started",
        "ts": 1795213107,
        "user": "root",
    }


def test_without_a_message_and_an_actor_there_is_the_kind_and_the_system() -> None:
    shown = log_row(foreign(message="", type="x.y"))
    assert (shown["message"], shown["user"], shown["category"]) == ("x.y", "system", "system")


def test_a_line_is_a_row_in_the_vendors_words() -> None:
    event = stored(decode(b'container:all:1426613325:{"container": "utest", "state": "stop", "type": "lxc"}'))
    assert exported([event]) == b'2015-03-17 17:28:45.000000,INFO,container,system,"Stop container (lxc, utest)"\r\n'


@pytest.mark.parametrize(
    ("severity", "level"),
    [("debug", "INFO"), ("normal", "INFO"), ("warning", "WARN"), ("error", "ERROR"), ("alert", "ERROR")],
)
def test_there_are_three_levels(severity: str, level: str) -> None:
    event = foreign(severity=severity)
    assert log_row(event)["level"] == level
    assert exported([event]).split(b",")[1] == level.encode()


@pytest.mark.parametrize(
    ("time", "date"),
    [
        ("2026-11-20T22:18:27.123456789Z", "2026-11-21 06:18:27.123456"),
        ("2026-11-20T22:18:27.5Z", "2026-11-21 06:18:27.500000"),
        ("2026-11-20T22:18:27Z", "2026-11-21 06:18:27.000000"),
    ],
)
def test_dates_have_six_decimals_and_are_of_the_zone(time: str, date: str) -> None:
    assert exported([foreign(time=time)], TAIPEI).startswith(date.encode())


@given(
    st.integers(-2_000_000_000, 7_000_000_000).map(lambda seconds: rfc3339.render(seconds * 1_000_000_000)),
    st.sampled_from(["Asia/Kolkata", "Australia/Lord_Howe", "Africa/Monrovia", "America/New_York", "Europe/Dublin"]),
)
@example("2026-04-04T14:59:59Z", "Australia/Lord_Howe")
@example("2026-04-04T15:30:00Z", "Australia/Lord_Howe")
@example("1972-01-07T00:44:30Z", "Africa/Monrovia")
@example("2026-10-25T05:59:59Z", "America/New_York")
def test_dates_are_those_that_python_tells_for_the_zone(time: str, name: str) -> None:
    zone = zoneinfo.ZoneInfo(name)
    local = dt.datetime.fromisoformat(time).astimezone(zone)
    assert exported([foreign(time=time)], zone).decode().partition(",")[0] == f"{local:%Y-%m-%d %H:%M:%S.%f}"


@pytest.mark.parametrize("text", ["=1+1", "+x", "-x", "@x", "\tx", "\rx"])
def test_formulas_are_made_harmless_only_when_asked(text: str) -> None:
    event = foreign(message=text, actor=text)
    [cells] = csv.reader(io.StringIO(exported([event], is_safe=True).decode(), newline=""))
    assert cells[3:] == [f"'{text}", f"'{text}"]
    [cells] = csv.reader(io.StringIO(exported([event]).decode(), newline=""))
    assert cells[3:] == [text, text]


def test_no_lines_are_no_rows() -> None:
    assert exported([]) == b""


def test_an_event_that_only_claims_to_be_a_row_is_shown_from_its_fields() -> None:
    draft = Draft(dialect="container-station", source="s", type="container-station.image.log", specversion="1.0")
    draft.severity, draft.time, draft.message = "normal", "2026-11-20T22:18:27Z", "m"
    event = stored(draft)
    assert log_row(event)["message"] == "m"
    assert exported([event]).endswith(b",image,system,m\r\n")


@given(st.lists(st.tuples(st.sampled_from(["INFO", "WARN", "ERROR"]), texts, texts, texts), max_size=4))
def test_any_export_comes_back_byte_for_byte(rows: list[tuple[str, str, str, str]]) -> None:
    text = io.StringIO(newline="")
    out = csv.writer(text)
    out.writerow(["Date", "Level", "Category", "User", "Message"])
    for level, category, user, message in rows:
        out.writerow(["2015-03-17 17:27:06.452144", level, category or "system", user, message])
    body = text.getvalue().encode()
    assert CSV_HEADER + exported(published(body)) == body


@given(events(), st.sampled_from([UTC, TAIPEI]))
def test_any_event_is_the_same_row_in_both_answers(event: Event, zone: dt.tzinfo) -> None:
    shown = log_row(event)
    [cells] = csv.reader(io.StringIO(exported([event], zone).decode(), newline=""), strict=True)
    instant = dt.datetime.fromisoformat(cells[0]).replace(tzinfo=zone)
    assert (int(instant.timestamp() // 1), *cells[1:]) == (
        shown["ts"], shown["level"], shown["category"], shown["user"], shown["message"]
    )  # fmt: skip
    assert json.loads(json.dumps(shown)) == shown
