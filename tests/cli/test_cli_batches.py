"""Cutting a stream of bytes into batches of lines."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.cli import batches as module
from tidings.cli.batches import Read, batches, read_descriptor
from tidings.errors import InvalidEvent


def pieces_of(*pieces: bytes | None) -> Read:
    """Return a reader that gives *pieces*, then the end; None is a silence as long as it may be."""
    left = iter((*pieces, b""))
    return lambda timeout_s: next(left)


class Time:
    """A clock that a reader moves."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_a_silent_pipe_does_not_hold_a_line_back() -> None:
    time = Time()
    waits: list[float | None] = []
    left = iter([b"a\nb\nc", None, b"\n", None, b""])

    def read(timeout_s: float | None) -> bytes | None:
        waits.append(timeout_s)
        piece = next(left)
        time.now += timeout_s or 0.0 if piece is None else 0.0
        return piece

    found = [batch.lines for batch in batches(read, time)]
    assert found == [[b"a", b"b"], [b"c"]]
    assert waits == [None, 0.2, None, 0.2, None]


def test_a_trickle_that_never_pauses_does_not_hold_a_line_back() -> None:
    time = Time()
    count = 0

    def read(timeout_s: float | None) -> bytes | None:
        nonlocal count
        count += 1
        time.now += 0.15
        return b"x\n" if count <= 6 else b""

    assert [len(batch.lines) for batch in batches(read, time)] == [3, 3]


def test_a_line_keeps_its_place_when_blank_lines_are_left_out() -> None:
    (batch,) = batches(pieces_of(b"\na\n\n\nb\n"))
    assert batch.numbers == [2, 5]
    assert batch.number_of(2) == 5
    assert batch.span == "lines 2 to 5"


def test_a_line_without_end_is_refused_before_it_fills_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_LINE_BYTES", 10)
    with pytest.raises(InvalidEvent) as refused:
        list(batches(pieces_of(b"a\n", b"x" * 6, b"x" * 6)))
    assert refused.value.line == 2


@given(st.lists(st.binary(max_size=8), max_size=12))
def test_however_the_bytes_are_split_the_lines_are_the_same(pieces: list[bytes]) -> None:
    given_pieces = [piece for piece in pieces if piece]
    found = [line for batch in batches(pieces_of(*given_pieces)) for line in batch.lines]
    assert found == [line for line in b"".join(given_pieces).split(b"\n") if line.strip()]


def test_a_pipe_gives_what_is_there_and_none_when_nothing_comes() -> None:
    reading, writing = os.pipe()
    try:
        read = read_descriptor(reading)
        assert read(0.0) is None
        os.write(writing, b"x\n")
        assert read(None) == b"x\n"
        os.close(writing)
        assert read(None) == b""
    finally:
        os.close(reading)


@pytest.mark.parametrize(
    ("line", "safe"),
    [
        (b'{"specversion":"1.0","id":"a"}', True),
        (b'{"specversion":"1.0","id":""}', False),
        (b'{"id":"a"}', False),
        (b'{"type":"lifecycle","metadata":{"id":"a"}}', False),
        (b"no json", False),
    ],
)
def test_only_events_with_an_id_may_be_sent_twice(line: bytes, safe: bool) -> None:
    (batch,) = batches(pieces_of(line + b"\n"))
    assert batch.is_idempotent is safe
