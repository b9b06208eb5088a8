"""A Unix socket before another one, which notes what is sent through it.

LXD sends each listener its events in an order of its own, so only what went over the collector's own connection says in
which order tidings must have them.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Self

from tests.clients.frames import FrameReader, MessageReader
from tests.clients.raw_web_socket import connect_unix

_PIECE = 256 * 1024
_UPGRADED = b"HTTP/1.1 101 "


class Tap:
    """Hands connections to *path* on to *target*. Where nothing listens at *target*, they are closed at once."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path, self._target = path, target
        self.messages: list[bytes] = []
        """What WebSockets brought, of all connections in the order it came; only ever appended to."""
        self._threads: list[threading.Thread] = []
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._is_closed = False

    def __enter__(self) -> Self:
        self._server = socket.socket(socket.AF_UNIX)
        self._server.bind(str(self.path))
        self._server.listen(16)
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_closed = True
        _shut(self._server)
        self.cut()
        while self._threads:
            self._threads.pop().join()
        self._server.close()

    def cut(self) -> None:
        """End all connections there are."""
        with self._lock:
            for sock in self._open:
                _shut(sock)

    def _start(self, work: Callable[[], None]) -> threading.Thread:
        thread = threading.Thread(target=work, name="tap", daemon=True)
        self._threads.append(thread)
        thread.start()
        return thread

    def _accept(self) -> None:
        while True:
            try:
                client = self._server.accept()[0]
            except OSError:
                return  # closed
            self._start(lambda client=client: self._serve(client))  # type: ignore[misc]

    def _serve(self, client: socket.socket) -> None:
        with client:
            try:
                server = connect_unix(self._target)
            except OSError:
                return
            with server:
                server.settimeout(None)
                self._join(client, server)

    def _join(self, client: socket.socket, server: socket.socket) -> None:
        pair = {client, server}
        with self._lock:
            if self._is_closed:
                return
            self._open |= pair
        try:
            up = self._start(lambda: _pump(client, server, None))
            _pump(server, client, _Notes(self.messages))
            up.join()
        finally:
            with self._lock:
                self._open -= pair


class _Notes:
    """Reads the server's half of one connection: HTTP until it is upgraded, then frames."""

    def __init__(self, messages: list[bytes]) -> None:
        self._messages, self._frames, self._reader = messages, FrameReader(), MessageReader()
        self._http: bytes | None = b""

    def take(self, data: bytes) -> None:
        """Note the messages that are complete with *data*."""
        if self._http is not None:
            self._http += data
            _, upgraded, head = self._http.partition(_UPGRADED)
            _, end, data = head.partition(b"\r\n\r\n")
            if not upgraded or not end:
                return
            self._http = None
        for frame in self._frames.feed(data):
            message = self._reader.feed(frame)
            if message is not None:
                self._messages.append(message)


def _pump(source: socket.socket, sink: socket.socket, notes: _Notes | None) -> None:
    try:
        while data := source.recv(_PIECE):
            # noted first: what the client has, it has by way of here
            if notes is not None:
                notes.take(data)
            sink.sendall(data)
    except OSError:
        pass  # one of the two is gone
    finally:
        _shut(source)
        _shut(sink)


def _shut(sock: socket.socket) -> None:
    with suppress(OSError):  # closed already
        sock.shutdown(socket.SHUT_RDWR)
