"""Times as people write them."""

from __future__ import annotations

from datetime import UTC, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import rfc3339
from tidings.query._times import Span, UnreadableTime, read_span

NOW_NS = rfc3339.parse("2026-11-20T22:18:27.5Z")  # a Friday


def span(start: str, end: str | None = None) -> tuple[int, int | None]:
    return rfc3339.parse(start), rfc3339.parse(end) if end else None


def read(text: str, zone: tzinfo = UTC) -> tuple[int, int | None]:
    return read_span(text, NOW_NS, zone)[:2]


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-11-20", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("2024-02-29", "2024-02-29T00:00:00Z", "2024-03-01T00:00:00Z"),
        ("2026-11-20T10:15", "2026-11-20T10:15:00Z", "2026-11-20T10:16:00Z"),
        ("2026-11-20 10:15", "2026-11-20T10:15:00Z", "2026-11-20T10:16:00Z"),
        ("2026-11-20T10:15+02:00", "2026-11-20T08:15:00Z", "2026-11-20T08:16:00Z"),
        ("today", "2026-11-20T00:00:00Z", "2026-11-21T00:00:00Z"),
        ("Yesterday", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("thursday", "2026-11-19T00:00:00Z", "2026-11-20T00:00:00Z"),
        ("Saturday", "2026-11-14T00:00:00Z", "2026-11-15T00:00:00Z"),
        ("friday", "2026-11-13T00:00:00Z", "2026-11-14T00:00:00Z"),
        ("Jan 5, 2017", "2017-01-05T00:00:00Z", "2017-01-06T00:00:00Z"),
        ("Thursday, January 5, 2017", "2017-01-05T00:00:00Z", "2017-01-06T00:00:00Z"),
        ("may 5 2017", "2017-05-05T00:00:00Z", "2017-05-06T00:00:00Z"),
        ("Jan  5, 2017 9:05", "2017-01-05T09:05:00Z", "2017-01-05T09:06:00Z"),
        ("2026-11-01..2026-11-02", "2026-11-01T00:00:00Z", "2026-11-03T00:00:00Z"),
        ("2026-11-01..2026-11-02T00:00:00Z", "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"),
        ("1969-12-31", "1969-12-31T00:00:00Z", "1970-01-01T00:00:00Z"),
    ],
)
def test_a_day_a_minute_and_a_range_are_spans(text: str, start: str, end: str) -> None:
    assert read(text) == span(start, end)


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("now", "2026-11-20T22:18:27.5Z"),
        ("-90s", "2026-11-20T22:16:57.5Z"),
        ("-30m", "2026-11-20T21:48:27.5Z"),
        ("-2h", "2026-11-20T20:18:27.5Z"),
        ("-7D", "2026-11-13T22:18:27.5Z"),
        ("-1w", "2026-11-13T22:18:27.5Z"),
        ("-1h30m", "2026-11-20T20:48:27.5Z"),
        ("2026-11-20T10:15:30Z", "2026-11-20T10:15:30Z"),
        ("2026-11-20t10:15:30", "2026-11-20T10:15:30Z"),
        ("2026-11-20T10:15:30.123456789999-0130", "2026-11-20T11:45:30.123456789Z"),
        ("2026-11-20T10:15:30,5+02", "2026-11-20T08:15:30.5Z"),
        ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59Z"),
        ("Jan 5, 2017 09:05:07", "2017-01-05T09:05:07Z"),
        ("1795213107", "2026-11-20T22:18:27Z"),
        ("1795213107500", "2026-11-20T22:18:27.5Z"),
        ("99999999999", "1973-03-03T09:46:39.999Z"),
        ("1795213107500000", "2026-11-20T22:18:27.5Z"),
        ("1795213107500000001", "2026-11-20T22:18:27.500000001Z"),
    ],
)
def test_a_time_with_seconds_is_an_instant(text: str, instant: str) -> None:
    assert read(text) == span(instant)


def test_a_time_without_zone_is_meant_in_the_given_one() -> None:
    assert read("2026-11-20T10:15:00", timezone(timedelta(hours=2))) == span("2026-11-20T08:15:00Z")


def test_today_is_the_day_of_the_given_zone() -> None:
    assert read("today", timezone(timedelta(hours=2))) == span("2026-11-20T22:00:00Z", "2026-11-21T22:00:00Z")


def test_a_day_with_a_clock_change_is_as_long_as_it_was() -> None:
    assert read("2026-10-25", ZoneInfo("Europe/Berlin")) == span("2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a time"),
        ("soon", "not a time"),
        ("5", "not a time"),
        ("20-11-2026", "not a time"),
        ("Foo 5, 2017", "not a time"),
        ("..", "not a time"),
        ("2026-02-30", "can't be"),
        ("2026-11-20T25:00", "can't be"),
        ("Feb 30, 2017", "can't be"),
        ("2026-11-20T10:15:30+24:00", "impossible zone"),
        ("0001-01-01", "outside the years"),
        ("9999-12-31", "outside the years"),
        ("1677-01-01", "outside the years"),
        ("2262-12-31T00:00:00Z", "outside the years"),
        ("9999999999", "outside the years"),
        ("-999999999999w", "outside the years"),
    ],
)
def test_what_cannot_be_a_time_is_refused(text: str, reason: str) -> None:
    with pytest.raises(UnreadableTime, match=reason):
        read(text)


def test_a_forgotten_minus_is_suggested() -> None:
    with pytest.raises(UnreadableTime) as refused:
        read("2h")

    assert "'-2h'" in refused.value.hint


@given(st.integers(rfc3339.MIN_NS, rfc3339.MAX_NS))
def test_every_instant_is_read_as_it_is_rendered(ns: int) -> None:
    assert read_span(rfc3339.render(ns), NOW_NS, UTC) == Span(ns, None)


@given(st.integers(0, 2**62))
def test_a_weekday_is_one_to_seven_days_back(now_ns: int) -> None:
    today_ns = read_span("today", now_ns, UTC).start_ns
    days_back = {
        (today_ns - read_span(name, now_ns, UTC).start_ns) / 86_400e9
        for name in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    }

    assert days_back == {1, 2, 3, 4, 5, 6, 7}
