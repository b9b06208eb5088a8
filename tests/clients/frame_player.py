"""The least that ``lxc monitor`` takes for an LXD server: it sends the frames it is told to, and changes nothing about them.

What the client prints from it is what the client must print from tidings.
"""

from __future__ import annotations

import base64
import hashlib
import socket
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.clients.frames import PING, TEXT, server_frame

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_DESCRIPTION = b'{"type":"sync","status":"Success","status_code":200,"metadata":{}}'


class FramePlayer:
    """Listens on the Unix socket *path*."""

    def __init__(self, path: Path) -> None:
        self.socket = path
        self._listeners: list[socket.socket] = []
        self._open: list[socket.socket] = []
        self._thread = threading.Thread(target=self._accept, name="player", daemon=True)
        self._lock = threading.Lock()

    def __enter__(self) -> Self:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.socket))
        self._server.listen(16)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        for sock in self._open:
            sock.close()
        self._server.close()

    def publish(self, lines: Iterable[bytes]) -> None:
        """Send each of *lines* as one message, with a line end as LXD's have."""
        data = b"".join(server_frame(TEXT, line + b"\n") for line in lines)
        with self._lock:
            for sock in self._listeners:
                with suppress(OSError):  # it has gone
                    sock.sendall(data)

    def _accept(self) -> None:
        while True:
            try:
                sock = self._server.accept()[0]
            except OSError:
                return  # closed
            self._open.append(sock)
            self._answer(sock)

    def _answer(self, sock: socket.socket) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            head += sock.recv(4096)
        if not head.startswith(b"GET /1.0/events"):
            sock.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b"
                % (len(_DESCRIPTION), _DESCRIPTION)
            )
            return
        key = next(line for line in head.split(b"\r\n") if line.lower().startswith(b"sec-websocket-key:"))
        accept = base64.b64encode(hashlib.sha1(key.partition(b":")[2].strip() + _GUID).digest())
        with self._lock:
            sock.sendall(
                b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                b"Sec-WebSocket-Accept: %b\r\n\r\n" % accept
            )
            sock.sendall(server_frame(PING, b"keepalive"))
            self._listeners.append(sock)
