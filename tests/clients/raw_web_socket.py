"""A WebSocket client that hides nothing: bytes as they came, frames as the test wants them."""

from __future__ import annotations

import base64
import hashlib
import os
import socket
from collections import deque
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.clients.frames import Frame, FrameReader, client_frame

TIMEOUT_S = 15.0
_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_PIECE = 256 * 1024


class Refused(Exception):
    """The server answered the handshake with something else than an upgrade."""

    def __init__(self, status: int, headers: dict[str, str], body: bytes) -> None:
        self.status, self.headers, self.body = status, headers, body
        super().__init__(f"{status}: {body!r}")


class Ended(Exception):
    """The server has ended the connection."""


def connect_unix(path: Path) -> socket.socket:
    """Return a connection to a Unix socket."""
    sock = socket.socket(socket.AF_UNIX)
    sock.settimeout(TIMEOUT_S)
    try:
        sock.connect(str(path))
    except BaseException:
        sock.close()
        raise
    return sock


class RawWebSocket:
    """One connection, upgraded when this returns. Raises Refused, Ended.

    *sock* is closed with it. Reading and writing block for at most *timeout_s*, and raise TimeoutError then.
    """

    def __init__(
        self,
        sock: socket.socket,
        target: str,
        headers: dict[str, str] | None = None,
        timeout_s: float | None = TIMEOUT_S,
    ) -> None:
        self._sock, self._reader = sock, FrameReader()
        self._frames: deque[Frame] = deque()
        try:
            self.headers = self._upgrade(target, headers or {})
        except BaseException:
            self.close()
            raise
        sock.settimeout(timeout_s)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def read(self) -> Frame:
        """Return the next frame. Raises Ended, TimeoutError."""
        while not self._frames:
            self._frames += self._reader.feed(self._receive())
        return self._frames.popleft()

    def send(self, opcode: int, payload: bytes = b"") -> None:
        """Send one frame. Raises Ended, TimeoutError."""
        self.send_bytes(client_frame(opcode, payload))

    def send_bytes(self, data: bytes) -> None:
        """Send anything. Raises Ended, TimeoutError."""
        try:
            self._sock.sendall(data)
        except TimeoutError:
            raise
        except OSError:
            raise Ended from None

    def close(self) -> None:
        """End the connection without a word; a read in another thread ends too."""
        with suppress(OSError):  # the server was quicker
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def _upgrade(self, target: str, headers: dict[str, str]) -> dict[str, str]:
        """Return the headers of the answer. What follows them is the first frames."""
        key = base64.b64encode(os.urandom(16))
        asked = {
            "Host": "unix.socket",
            "Connection": "Upgrade",
            "Upgrade": "websocket",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key.decode(),
            **headers,
        }
        lines = [f"GET {target} HTTP/1.1", *(f"{name}: {value}" for name, value in asked.items()), "", ""]
        self._sock.sendall("\r\n".join(lines).encode())
        head, rest = self._receive_until(b"\r\n\r\n")
        first, *more = head.decode().split("\r\n")
        answered = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in more)}
        status = int(first.split()[1])
        if status != 101:
            raise Refused(status, answered, self._receive_all(rest, int(answered.get("content-length", 0))))
        accept = base64.b64encode(hashlib.sha1(key + _GUID).digest()).decode()
        assert answered["sec-websocket-accept"] == accept
        assert "sec-websocket-extensions" not in answered, "none was asked for"
        self._frames += self._reader.feed(rest)
        return answered

    def _receive(self) -> bytes:
        try:
            data = self._sock.recv(_PIECE)
        except TimeoutError:
            raise
        except OSError:
            raise Ended from None
        if not data:
            raise Ended
        return data

    def _receive_until(self, end: bytes) -> tuple[bytes, bytes]:
        data = b""
        while end not in data:
            data += self._receive()
        head, _, rest = data.partition(end)
        return head, rest

    def _receive_all(self, data: bytes, size: int) -> bytes:
        while len(data) < size:
            data += self._receive()
        return data
