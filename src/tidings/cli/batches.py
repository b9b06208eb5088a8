"""Cut what is published into batches of whole lines, and know the place of every line."""

from __future__ import annotations

import os
import select
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, NamedTuple, Protocol

import msgspec

from tidings.errors import InvalidEvent

BATCH_LINES = 1_000
BATCH_BYTES = 1 << 20
PIECE_BYTES = 1 << 20
MAX_LINE_BYTES = 64 << 20
# A live pipe gives a line now and then: a batch is sent this long after its first line, full or not.
LINGER_S = 0.2

Read = Callable[[float | None], bytes | None]
"""Read the next bytes: None when the given seconds pass without any, empty at the end."""


class Readable(Protocol):
    """A file, compressed or not."""

    def read(self, size: int, /) -> bytes:
        """Return up to *size* bytes, empty at the end."""

    def close(self) -> None:
        """Close it."""


class Batch(NamedTuple):
    """Neighbouring lines without their line ends; *numbers* are their places in the file, from 1 (blank lines are left out)."""

    lines: list[bytes]
    numbers: list[int]

    @property
    def body(self) -> bytes:
        """The lines as NDJSON."""
        return b"\n".join(self.lines) + b"\n"

    @property
    def span(self) -> str:
        """The lines in words."""
        first, last = self.numbers[0], self.numbers[-1]
        return f"line {first}" if first == last else f"lines {first} to {last}"

    def number_of(self, line: int) -> int:
        """Return the place in the file of the batch's line *line* (from 1)."""
        return self.numbers[line - 1] if 0 < line <= len(self.numbers) else self.numbers[0]

    @property
    def is_idempotent(self) -> bool:
        """Whether sending it twice stores it once: every event is a CloudEvent with an id of its producer's."""
        return all(_has_id(line) for line in self.lines)


class _Identity(msgspec.Struct):
    id: str = ""
    specversion: str = ""


_IDENTITY = msgspec.json.Decoder(_Identity)


def _has_id(line: bytes) -> bool:
    try:
        event = _IDENTITY.decode(line)
    except msgspec.DecodeError:
        return False
    return bool(event.id and event.specversion)


def batches(read: Read, now: Callable[[], float] = time.monotonic) -> Iterator[Batch]:
    """Yield the lines that *read* gives, up to 1,000 or 1 MiB together, none waiting longer than LINGER_S for company."""
    lines: list[bytes] = []
    numbers: list[int] = []
    size, number, rest, deadline = 0, 0, b"", 0.0
    while True:
        piece = read(max(0.0, deadline - now()) if lines else None)
        complete = _complete(rest, piece) if piece is not None else []
        rest = complete.pop() if complete else rest
        for line in complete:
            number += 1
            if not line.strip():
                continue
            if lines and (len(lines) == BATCH_LINES or size + len(line) > BATCH_BYTES):
                yield Batch(lines, numbers)
                lines, numbers, size = [], [], 0
            if not lines:
                deadline = now() + LINGER_S
            lines.append(line)
            numbers.append(number)
            size += len(line) + 1
        if len(rest) > MAX_LINE_BYTES:
            raise InvalidEvent(
                f"the line is over {MAX_LINE_BYTES >> 20} MiB; publish reads one JSON event a line", number + 1
            )
        if lines and (piece == b"" or now() >= deadline):
            yield Batch(lines, numbers)
            lines, numbers, size = [], [], 0
        if piece == b"":
            return


def _complete(rest: bytes, piece: bytes) -> list[bytes]:
    """Return the lines that *piece* completes and what is left over; at the end the last line needs no line end."""
    if piece:
        return (rest + piece).split(b"\n")
    return [rest, b""]


def read_descriptor(descriptor: int) -> Read:
    """Return the reader of a pipe, terminal or socket, which gives what is there instead of waiting for more."""

    def read(timeout_s: float | None) -> bytes | None:
        readable, _, _ = select.select([descriptor], [], [], timeout_s)
        return os.read(descriptor, PIECE_BYTES) if readable else None

    return read


def read_stream(stream: Readable) -> Read:
    """Return the reader of a file, which never has to wait."""
    return lambda _: stream.read(PIECE_BYTES)


def open_events(path: Path) -> tuple[Readable, IO[bytes]]:
    """Open a file of events, plain or compressed as its first bytes say; return it, and the raw file to tell the progress by."""
    raw = path.open("rb")
    magic = raw.read(4)
    raw.seek(0)
    if magic[:2] == b"\x1f\x8b":
        import gzip

        return gzip.GzipFile(fileobj=raw), raw
    if magic == b"\x28\xb5\x2f\xfd":
        import zstandard

        return zstandard.ZstdDecompressor().stream_reader(raw, read_across_frames=True), raw
    return raw, raw
