"""Stored lines as frames on the wire. Plain functions: streams whose encoder is equal share a channel of the hub."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import msgspec

from tidings.event import Event
from tidings.log.base import Batch

SSE_PING = b": ping\n\n"


def sse_frames(batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
    """Return server-sent events, the index as their id."""
    first, lines = batch.first, batch.lines
    places = range(batch.count) if picks is None else picks
    return [b"id: %d\ndata: %b\n\n" % (first + at, lines[at]) for at in places]


def ws_frames(batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
    """Return WebSocket text frames (RFC 6455, section 5.2): final, unmasked, as a server's are."""
    lines = batch.lines
    return [_text_frame(line) for line in (lines if picks is None else [lines[at] for at in picks])]


def sse_bye(reason: str) -> bytes:
    """Return the event that ends a stream."""
    return b"event: bye\ndata: %b\n\n" % msgspec.json.encode({"reason": reason})


def ping_frame(payload: bytes) -> bytes:
    """Return a ping; *payload* has at most 125 bytes."""
    return b"\x89%c%b" % (len(payload), payload)


def pong_frame(payload: bytes) -> bytes:
    """Return the answer to a ping, which carries its payload back."""
    return b"\x8a%c%b" % (len(payload), payload)


@dataclass(frozen=True, slots=True)
class WebSocketMessages:
    """Encodes events one by one, as a dialect writes them; equal where *message* is."""

    message: Callable[[Event], bytes]

    def __call__(self, batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
        """Return text frames."""
        message, events = self.message, batch.events
        return [_text_frame(message(event)) for event in (events if picks is None else [events[at] for at in picks])]


@dataclass(frozen=True, slots=True)
class Lines:
    """The same without frames: *message* ends its lines itself."""

    message: Callable[[Event], bytes]

    def __call__(self, batch: Batch, picks: Sequence[int] | None) -> list[bytes]:
        """Return lines."""
        message, events = self.message, batch.events
        return [message(event) for event in (events if picks is None else [events[at] for at in picks])]


def _text_frame(line: bytes) -> bytes:
    size = len(line)
    if size < 126:
        return b"\x81%c%b" % (size, line)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), line)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), line)
