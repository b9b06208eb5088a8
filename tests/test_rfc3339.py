"""Times: what is read, what is refused, and that rendering gives back the same instant."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import rfc3339


@pytest.mark.parametrize(
    ("text", "ns"),
    [
        ("1970-01-01T00:00:00Z", 0),
        ("2026-11-20T22:18:27.75916896Z", 1795213107759168960),
        ("2026-11-20T23:18:27.75916896+01:00", 1795213107759168960),
        ("2026-11-20t22:18:27.759168960z", 1795213107759168960),
        ("2026-11-20 22:18:27Z", 1795213107000000000),
        ("1969-12-31T23:59:59.999999999Z", -1),
        ("2026-11-20T22:18:27.1234567891234Z", 1795213107123456789),
        ("2026-12-31T23:59:60Z", 1798761599000000000),
        ("1678-01-01T00:00:00Z", -9214560000000000000),
    ],
)
def test_a_time_is_read_to_the_nanosecond(text: str, ns: int) -> None:
    assert ns == rfc3339.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "", "yesterday", "2026-11-20", "2026-11-20T22:18:27", "2026-11-20T24:00:00Z", "2026-02-30T00:00:00Z", "2026-11-20T22:60:00Z",
        "0000-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "1600-01-01T00:00:00Z", "2300-01-01T00:00:00Z", "2026-11-20T22:18:27.Z",
        "2026-11-20T22:18:27+25:00", "2026-11-20T22:18:27.１Z", "２026-11-20T22:18:27Z", "2026-11-20T22:18:27Z\n", "2026-1-1T00:00:00Z",
    ],
)  # fmt: skip
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(rfc3339.InvalidTime):
        rfc3339.parse(text)
    assert not rfc3339.is_canonical(text)


@given(st.integers(rfc3339.MIN_NS + 10**12, rfc3339.MAX_NS - 10**12))
def test_rendering_and_parsing_are_inverse(ns: int) -> None:
    assert ns == rfc3339.parse(rfc3339.render(ns))


@given(st.integers(-8_520_336_000_000_000, 7_226_582_400_000_000))
def test_the_quick_way_and_the_general_way_agree(microseconds: int) -> None:
    moment = (dt.datetime(1970, 1, 1, tzinfo=dt.UTC) + dt.timedelta(microseconds=microseconds)).replace(tzinfo=None)
    text = moment.isoformat() + "Z"
    assert rfc3339.is_canonical(text)
    assert rfc3339.parse(text) == rfc3339.parse(moment.isoformat() + "+00:00")


@pytest.mark.parametrize(
    "text",
    [
        "2026-10-01T00:00:00.",
        "2026-10-01T00:00:00Z123Z",
        "2026-10-01T00:00:00.Z",
        "2026-10-01T00:00:00.1",
        "2026-10-01T00:00:00.１Z",
    ],
)
def test_a_second_that_is_known_makes_no_other_text_a_time(text: str) -> None:
    assert rfc3339.is_canonical("2026-10-01T00:00:00.5Z")
    assert rfc3339.is_canonical("2026-10-01T00:00:00Z")
    assert not rfc3339.is_canonical(text)
    with pytest.raises(rfc3339.InvalidTime):
        rfc3339.parse(text)


def test_trailing_zeros_are_trimmed_as_go_does() -> None:
    assert rfc3339.render(1795213107759168960) == "2026-11-20T22:18:27.75916896Z"
    assert rfc3339.render(1795213107000000000) == "2026-11-20T22:18:27Z"
