"""Sizes and durations are read as people write them and written so that they read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.units import parse_duration, parse_size, render_duration, render_size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("17", 17),
        ("17B", 17),
        ("1kB", 1000),
        ("1KB", 1000),
        ("1 KiB", 1024),
        ("512 kB", 512_000),
        ("1.5MiB", 1_572_864),
        (" 2 gib ", 2 * 1024**3),
        ("3TB", 3 * 1000**4),
    ],
)
def test_a_size_is_read(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "MiB", "1M", "1 M", "-1", "+1", "1e6", "1,5MiB", "0.3B", "1.0001kB", "١MiB", "1MiB!"]
)
def test_what_is_no_size_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a"):
        parse_size(text)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("90", 90),
        ("1.5s", 1.5),
        ("250ms", 0.25),
        ("2 m", 120),
        ("2H", 7200),
        ("30d", 2_592_000),
        ("1w", 604_800),
    ],
)
def test_a_duration_is_read(text: str, seconds: float) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["", "h", "1y", "1 mon", "-2h", "1h30m", "inf", "nan"])
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="units ms, s, m, h, d, w"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0B"), (1023, "1023B"), (1024, "1KiB"), (512_000, "512kB"), (10**9, "1GB"), (2**30, "1GiB")]
)
def test_a_size_is_written_short(size: int, text: str) -> None:
    assert render_size(size) == text


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.25, "250ms"), (90.0, "90s"), (60.0, "1m"), (86_400.0, "1d"), (1.5, "1500ms")]
)
def test_a_duration_is_written_short(seconds: float, text: str) -> None:
    assert render_duration(seconds) == text


@given(st.integers(0, 2**63 - 1))
def test_a_written_size_reads_back(size: int) -> None:
    assert parse_size(render_size(size)) == size


@given(st.integers(0, 9 * 10**12))
def test_a_written_duration_reads_back_to_the_millisecond(milliseconds: int) -> None:
    assert parse_duration(render_duration(milliseconds / 1000)) == milliseconds / 1000
