"""Stored lines as frames on the wire. Plain functions: streams whose encoder is equal share a channel of the hub."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from tidings.log.base import Batch

SSE_PING = b": ping\n\n"
WS_PING = b"\x89\x00"


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


def _text_frame(line: bytes) -> bytes:
    size = len(line)
    if size < 126:
        return b"\x81%c%b" % (size, line)
    if size < 65_536:
        return b"\x81\x7e%b%b" % (size.to_bytes(2, "big"), line)
    return b"\x81\x7f%b%b" % (size.to_bytes(8, "big"), line)
