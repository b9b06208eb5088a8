"""Follow the log over a connection that may break: reconnect, resume after the last index, no gap and no repeat."""

from __future__ import annotations

import asyncio
import enum
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

import msgspec

from tidings.event import Event, Index, decode_line
from tidings.problem import TRANSIENT, ConnectionLost, ServerFault

MAX_FRAME_BYTES = 256 * 1024 * 1024
FIRST_PAUSE_S = 0.25


class State(enum.StrEnum):
    """Where a Following stands."""

    CONNECTING = "connecting"
    LIVE = "live"
    RECONNECTING = "reconnecting"


class Delivery(msgspec.Struct, frozen=True, gc=False):
    """One event as it arrived: its index and its stored line."""

    index: Index
    line: bytes

    @property
    def event(self) -> Event:
        """The line decoded."""
        return decode_line(self.line)


class Frame(msgspec.Struct, frozen=True, gc=False):
    """One server-sent event; *index* is None where the frame carried no id."""

    name: str
    index: Index | None
    data: bytes


class FrameDecoder:
    """Cut a server-sent event stream into frames, however its bytes are split."""

    def __init__(self) -> None:
        self._pending = b""

    def feed(self, chunk: bytes) -> list[Frame]:
        """Return the frames that *chunk* completes."""
        *blocks, self._pending = (self._pending + chunk).split(b"\n\n")
        if len(self._pending) > MAX_FRAME_BYTES:
            raise ServerFault(200, f"one frame of the stream is over {MAX_FRAME_BYTES} bytes")
        return [_decode_frame(block) for block in blocks]


def _decode_frame(block: bytes) -> Frame:
    name, index, data = "message", None, []
    for line in block.split(b"\n"):
        key, _, value = line.partition(b":")
        value = value.removeprefix(b" ")
        match key:
            case b"data":
                data.append(value)
            case b"id" if value.isdigit():
                index = Index(int(value))
            case b"event":
                name = value.decode("utf-8", "replace")
            case _:  # comments (the ping) have an empty key; the standard says to skip what isn't known
                pass
    return Frame(name, index, b"\n".join(data))


class Backoff:
    """How long to pause before the next attempt: doubling up to a cap, with jitter so that many clients spread out."""

    def __init__(
        self,
        first_s: float | None = None,
        cap_s: float = 15.0,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._first_s = FIRST_PAUSE_S if first_s is None else first_s
        self._cap_s, self._sleep, self._jitter = cap_s, sleep, jitter

    def delay_s(self, attempt: int) -> float:
        """Return between half and the whole of the step for *attempt* (0, 1, 2, …)."""
        step = min(self._cap_s, self._first_s * 2.0 ** min(attempt, 30))
        return step * (0.5 + self._jitter() / 2)

    async def pause(self, attempt: int) -> None:
        """Sleep that long."""
        await self._sleep(self.delay_s(attempt))


OpenStream = Callable[[int], AbstractAsyncContextManager[AsyncIterator[bytes]]]
OnState = Callable[[State, str], None]


class Following:
    """Events after an index, then new ones, for ever: iterate over it, or over `batches` for what arrived together.

    The first connection must succeed; later ones are tried again until they do. What no retry can mend (401, 403, 410, a bad
    query) is raised. *last* is the index to resume after; *on_state* is told each change with its reason.
    """

    def __init__(
        self,
        open_stream: OpenStream,
        read_head: Callable[[], Awaitable[int]],
        after: int | None,
        on_state: OnState | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self._open, self._read_head = open_stream, read_head
        self._backoff = backoff or Backoff()
        self.on_state = on_state
        self.last = after
        self.state = State.CONNECTING
        self._farewell = ""

    def __aiter__(self) -> AsyncIterator[Delivery]:
        return self._one_by_one()

    async def _one_by_one(self) -> AsyncIterator[Delivery]:
        async for batch in self.batches():
            for delivery in batch:
                yield delivery

    async def batches(self) -> AsyncGenerator[list[Delivery], None]:
        """Yield what arrived together, never an empty list, in index order."""
        self._tell(State.CONNECTING, "")
        if self.last is None:
            # Pin the position now: without one, a first connection that breaks before its first event would resume with a gap.
            self.last = await self._read_head()
        attempt, was_live = 0, False
        while True:
            try:
                async with self._open(self.last) as chunks:
                    attempt, was_live = 0, True
                    self._tell(State.LIVE, "")
                    decoder, self._farewell = FrameDecoder(), ""
                    async for chunk in chunks:
                        if fresh := self._fresh(decoder.feed(chunk)):
                            yield fresh
                        if self._farewell:
                            break
                raise ConnectionLost(f"the server closed the stream{self._farewell}")
            except TRANSIENT as fault:
                if not was_live:
                    raise
                self._tell(State.RECONNECTING, str(fault))
            await self._backoff.pause(attempt)
            attempt += 1

    def _fresh(self, frames: Iterable[Frame]) -> list[Delivery]:
        fresh: list[Delivery] = []
        for frame in frames:
            if frame.name == "bye":
                self._farewell = f": {frame.data[:200].decode('utf-8', 'replace')}"
                break
            if frame.index is None or (self.last is not None and frame.index <= self.last):
                continue
            # An id without data moves the position, as the standard has it: a server may so say how far a narrow query looked.
            self.last = frame.index
            if frame.data:
                fresh.append(Delivery(frame.index, frame.data))
        return fresh

    def _tell(self, state: State, why: str) -> None:
        self.state = state
        if self.on_state is not None:
            self.on_state(state, why)
