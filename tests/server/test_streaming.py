"""``GET /v1/stream``: server-sent events."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Self

import pytest

from tests.server.serving import Serving, event, serving
from tidings.errors import CursorExpired
from tidings.event import Index
from tidings.following import FrameDecoder
from tidings.log.base import Batch
from tidings.server.frames import sse_frames


async def until(condition: object, *, patience_s: float = 10.0) -> None:
    """Wait until *condition* is true."""
    assert callable(condition)
    async with asyncio.timeout(patience_s):
        while not condition():  # noqa: ASYNC110 (somebody else's state)
            await asyncio.sleep(0.005)


async def test_without_a_position_only_new_events_come(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(3)
        async with server.stream() as reading:
            await server.fill(2)
            assert await reading.indexes(2) == [head + 1, head + 2]


async def test_after_zero_replays_all_that_is_kept_then_goes_on(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(3)
        async with server.stream(after="0") as reading:
            assert await reading.indexes(head) == list(range(1, head + 1))
            await server.fill(1)
            assert await reading.indexes(1) == [head + 1]


async def test_a_frame_carries_the_stored_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(1)
        async with server.stream(after=str(head - 1)) as reading:
            (frame,) = await reading.next(1)
        assert frame.name == "message"
        assert frame.data == (await server.get(f"/v1/events/{head}")).body


async def test_the_last_event_id_wins_over_after(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(5)
        async with server.stream(headers={"Last-Event-ID": str(head - 1)}, after="0") as reading:
            assert await reading.indexes(1) == [head]


@pytest.mark.parametrize("position", ["99", "x", "-1", "9" * 30])
async def test_a_last_event_id_of_no_event_is_refused(tmp_path: Path, position: str) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/stream", headers={"Last-Event-ID": position})
        assert (reply.status, reply.slug) == (400, "invalid-cursor")


async def test_a_position_that_was_deleted_is_gone_and_the_oldest_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def expired(after: Index) -> None:
        raise CursorExpired(after, 100)

    async with serving(tmp_path) as server:
        monkeypatch.setattr(server.context.core, "check_cursor", expired)
        for path in ("/v1/stream", "/v1/wait"):
            reply = await server.get(path, after=5)
            assert (reply.status, reply.slug) == (410, "cursor-expired")
            assert (reply.json["after"], reply.json["oldest"]) == (5, 100)


async def test_only_what_matches_comes(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        async with server.stream(search="severity >= error") as reading:
            await server.publish(event(severity="normal"), event(severity="alert", message="fire"))
            (frame,) = await reading.next(1)
        assert b"fire" in frame.data


async def test_a_scoped_reader_follows_only_its_scopes(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        token = server.make_token("finance", "reader", ["finance"])
        async with server.stream(token=token, after="0") as reading:
            head = await server.fill(2, scope="sales")
            await server.fill(1, scope="finance")
            assert await reading.indexes(1) == [head + 1]


async def test_a_bad_query_is_refused_before_the_stream_begins(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/stream", search="sevrity = error")
        assert (reply.status, reply.slug) == (400, "bad-query")


async def test_readers_that_reconnect_see_no_gap_and_no_repeat(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        total = 600

        async def publish() -> None:
            for _ in range(total // 5):
                await server.fill(5)

        async def read() -> list[int]:
            found: list[int] = []
            while len(found) < total:
                position = {"Last-Event-ID": str(found[-1])} if found else {}
                async with server.stream(headers=position, after=str(start)) as reading:
                    found += [index for index in await reading.indexes(min(37, total - len(found))) if index]
            return found

        start = (await server.get("/v1/head")).json["head"]
        async with asyncio.TaskGroup() as group:
            readers = [group.create_task(read()) for _ in range(3)]
            group.create_task(publish())
        assert all(reader.result() == list(range(start + 1, start + total + 1)) for reader in readers)


async def test_a_quiet_stream_gives_signs_of_life(tmp_path: Path) -> None:
    async with serving(tmp_path, ping_interval="1s") as server, server.stream() as reading:
        assert await reading.answer.content.readany() == b": ping\n\n"


async def test_a_stream_whose_client_has_gone_gives_its_place_back(tmp_path: Path) -> None:
    async with serving(tmp_path, ping_interval="1s") as server:
        async with server.stream():
            assert len(server.context.subscriptions) == 1
        await until(lambda: len(server.context.subscriptions) == 0)


async def test_streams_beyond_the_limit_are_told_to_wait(tmp_path: Path) -> None:
    async with serving(tmp_path, max_streams="1") as server, server.stream():
        reply = await server.get("/v1/stream")
        assert (reply.status, reply.slug) == (503, "busy")
        assert "max_streams" in reply.json["detail"]
        assert int(reply.headers["Retry-After"]) > 0


async def test_streams_are_no_requests_in_flight(tmp_path: Path) -> None:
    async with serving(tmp_path, max_requests="1") as server, server.stream(), server.stream():
        assert (await server.get("/v1/head")).status == 200


class RawStream:
    """A client that reads only when it is told to, with as little as possible buffered on its side."""

    def __init__(self, server: Serving) -> None:
        address = server.server.address
        assert address is not None
        self._socket = socket.socket()
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.setblocking(False)
        self._address = (address.host, address.port)
        self._token = server.token

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        head = f"GET /v1/stream?after=0 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n\r\n"
        await loop.sock_sendall(self._socket, head.encode())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._socket.close()

    async def indexes(self) -> AsyncIterator[int]:
        decoder = FrameDecoder()
        loop = asyncio.get_running_loop()
        while piece := await loop.sock_recv(self._socket, 65_536):
            for frame in decoder.feed(piece):
                if frame.index is not None:
                    yield frame.index


async def test_a_stalled_reader_is_fed_from_the_log_and_gets_everything(tmp_path: Path) -> None:
    async with serving(tmp_path, stream_buffer="1KiB") as server, RawStream(server) as stalled:
        await until(lambda: len(server.context.subscriptions) == 1)
        head = 0
        for _ in range(20):
            head = await server.fill(20, data="x" * 40_000)
        await until(lambda: server.context._lagging() == 1)
        async with server.stream(after=str(head - 1)) as other:
            assert await other.indexes(1) == [head]  # nobody waits for it
        found: list[int] = []
        async for index in stalled.indexes():
            found.append(index)
            if index == head:
                break
        assert found == list(range(1, head + 1))
        await until(lambda: server.context._lagging() == 0)


async def test_a_stalled_reader_costs_no_more_than_its_buffer(tmp_path: Path) -> None:
    async with serving(tmp_path, stream_buffer="1KiB") as server, RawStream(server):
        await until(lambda: len(server.context.subscriptions) == 1)
        for _ in range(20):
            await server.fill(20, data="x" * 40_000)
        await until(lambda: server.context._lagging() == 1)
        (subscription,) = server.context.subscriptions._open
        assert subscription._transport.get_write_buffer_size() < 400_000


async def test_wait_answers_the_first_match(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        waiting = asyncio.create_task(server.get("/v1/wait", search="actor = alice", timeout=10))
        await until(lambda: len(server.context.subscriptions) == 1)
        await server.publish(event(actor="bob"), event(actor="alice"), event(actor="alice"))
        reply = await waiting
        assert (reply.status, reply.json["actor"]) == (200, "alice")


async def test_wait_answers_at_once_when_a_match_is_there_already(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(3)
        reply = await server.get("/v1/wait", after=head - 2, timeout="5s")
        assert reply.json["sequence"] == str(head - 1)


async def test_wait_answers_nothing_when_the_time_is_up(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/wait", timeout="0.01")
        assert (reply.status, reply.body) == (204, b"")


def test_frames_number_only_what_is_picked() -> None:
    batch = Batch(Index(7), 3, b"a\nb\nc\n")
    assert sse_frames(batch, [0, 2]) == [b"id: 7\ndata: a\n\n", b"id: 9\ndata: c\n\n"]
