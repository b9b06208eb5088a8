"""WebSocket frames as they are on the wire (RFC 6455, section 5.2), read from bytes that come in any pieces."""

from __future__ import annotations

from typing import NamedTuple

CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0x0, 0x1, 0x2, 0x8, 0x9, 0xA
_FINAL, _MASKED = 0x80, 0x80


class Frame(NamedTuple):
    """One frame; *is_final*: its message ends with it."""

    opcode: int
    payload: bytes
    is_final: bool = True


class FrameReader:
    """Takes a server's bytes, which are not masked, and gives frames."""

    def __init__(self) -> None:
        self._unread = bytearray()

    def feed(self, data: bytes) -> list[Frame]:
        """Return the frames that are complete with *data*."""
        self._unread += data
        found: list[Frame] = []
        while (frame := self._next()) is not None:
            found.append(frame)
        return found

    def _next(self) -> Frame | None:
        unread = self._unread
        if len(unread) < 2:
            return None
        assert not unread[0] & 0x70, "nothing was negotiated that uses the reserved bits"
        assert not unread[1] & _MASKED, "a server masks nothing"
        start, size = 2, unread[1] & 0x7F
        if size >= 126:
            start = 4 if size == 126 else 10
            size = int.from_bytes(unread[2:start], "big")
        # a head that is cut short gives a size that is too small, but never a start that is reached
        if len(unread) < start or len(unread) < start + size:
            return None
        frame = Frame(unread[0] & 0x0F, bytes(unread[start : start + size]), bool(unread[0] & _FINAL))
        del unread[: start + size]
        return frame


class MessageReader:
    """Puts the text and binary frames of one connection together."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def feed(self, frame: Frame) -> bytes | None:
        """Return the message that ends with *frame*, if one does."""
        if frame.opcode not in (TEXT, BINARY, CONTINUATION):
            return None
        self._parts.append(frame.payload)
        if not frame.is_final:
            return None
        message = b"".join(self._parts)
        self._parts.clear()
        return message


def client_frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a final frame as a client must send it, masked; with zeros, which is a valid mask."""
    return _head(opcode, len(payload), _MASKED) + bytes(4) + payload


def server_frame(opcode: int, payload: bytes = b"") -> bytes:
    """Return a final frame as a server sends it."""
    return _head(opcode, len(payload), 0) + payload


def _head(opcode: int, size: int, mask_bit: int) -> bytes:
    if size < 126:
        return bytes([_FINAL | opcode, mask_bit | size])
    if size < 65_536:
        return bytes([_FINAL | opcode, mask_bit | 126]) + size.to_bytes(2, "big")
    return bytes([_FINAL | opcode, mask_bit | 127]) + size.to_bytes(8, "big")
