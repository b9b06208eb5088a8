"""Listening to ``/1.0/events`` without any LXD client: each message's bytes as they came, in the order they came."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path
from typing import Self

from tests.clients.frames import PING, PONG, MessageReader
from tests.clients.raw_web_socket import Ended, RawWebSocket, connect_unix
from tests.clients.waiting import until

ALL_EVENTS = "/1.0/events?all-projects=true"


class RawListener:
    """Notes every message from `__enter__` on, which returns at the server's first ping: that says it is live."""

    def __init__(self, path: Path, target: str = ALL_EVENTS) -> None:
        self._path, self._target = path, target
        self.messages: list[bytes] = []
        """What has come; only ever appended to."""
        self.pings: list[bytes] = []
        self.ended = threading.Event()
        """Set when the connection has ended, by whomever."""
        self._fault: BaseException | None = None

    def __enter__(self) -> Self:
        # without a time-out: a quiet server pings, and `__exit__` ends the read
        self._socket = RawWebSocket(connect_unix(self._path), self._target, timeout_s=None)
        self._thread = threading.Thread(target=self._listen, name="raw-listener", daemon=True)
        self._thread.start()
        until(lambda: self.pings or self.ended.is_set(), "the server's first ping")
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()
        self._thread.join()
        if self._fault is not None:
            raise self._fault

    def wait_for(self, wanted: Callable[[bytes], bool], what: str) -> bytes:
        """Return the first message that *wanted* says yes to, waiting for it."""
        return until(lambda: next((message for message in self.messages if wanted(message)), b""), what)

    def wait_for_count(self, count: int) -> list[bytes]:
        """Return the first *count* messages, waiting for them."""
        until(lambda: len(self.messages) >= count, f"{count} messages at {self._path}")
        return self.messages[:count]

    def _listen(self) -> None:
        reader = MessageReader()
        try:
            while True:
                frame = self._socket.read()
                if frame.opcode == PING:
                    self.pings.append(frame.payload)
                    self._socket.send(PONG, frame.payload)
                elif (message := reader.feed(frame)) is not None:
                    self.messages.append(message)
        except Ended:
            pass
        except BaseException as fault:  # noqa: BLE001 (told in the test's own thread)
            self._fault = fault
        finally:
            self.ended.set()
