"""``GET /v1/stream`` with an upgrade: one text frame an event."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest

from tests.server.serving import Serving, event, serving
from tests.server.test_streaming import until
from tidings.event import Index
from tidings.log.base import Batch
from tidings.server.frames import ws_frames


@asynccontextmanager
async def following(server: Serving, **params: str) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    headers = {"Authorization": f"Bearer {server.token}"}
    async with server.session.ws_connect(f"{server.url}/v1/stream", params=params, headers=headers) as socket:
        yield socket


async def indexes(socket: aiohttp.ClientWebSocketResponse, count: int) -> list[int]:
    return [int(msgspec.json.decode(await socket.receive_str(timeout=10))["sequence"]) for _ in range(count)]


async def test_a_frame_is_one_stored_line(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        head = await server.fill(1)
        async with following(server, after=str(head - 1)) as socket:
            line = await socket.receive_str(timeout=10)
        assert line.encode() == (await server.get(f"/v1/events/{head}")).body


@pytest.mark.parametrize("size", [10, 1000, 200_000])
async def test_lines_of_every_length_arrive_whole(tmp_path: Path, size: int) -> None:
    async with serving(tmp_path) as server, following(server) as socket:
        await server.publish(event(data="x" * size))
        assert len(msgspec.json.decode(await socket.receive_str(timeout=10))["data"]) == size


async def test_readers_that_reconnect_see_no_gap_and_no_repeat(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        start = (await server.get("/v1/head")).json["head"]
        total = 300

        async def publish() -> None:
            for _ in range(total // 5):
                await server.fill(5)

        async def read() -> list[int]:
            found: list[int] = []
            while len(found) < total:
                async with following(server, after=str(found[-1] if found else start)) as socket:
                    found += await indexes(socket, min(37, total - len(found)))
            return found

        async with asyncio.TaskGroup() as group:
            reader = group.create_task(read())
            group.create_task(publish())
        assert reader.result() == list(range(start + 1, start + total + 1))


async def test_what_a_client_says_is_ignored_and_its_pings_are_answered(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, following(server) as socket:
        await socket.send_str("hello")
        await socket.send_bytes(b"hello")
        await socket.ping(b"x")
        head = await server.fill(1)
        assert await indexes(socket, 1) == [head]


async def test_a_quiet_socket_gives_signs_of_life(tmp_path: Path) -> None:
    async with serving(tmp_path, ping_interval="1s") as server:
        headers = {"Authorization": f"Bearer {server.token}"}
        async with server.session.ws_connect(f"{server.url}/v1/stream", headers=headers, autoping=False) as socket:
            assert (await socket.receive(timeout=10)).type is aiohttp.WSMsgType.PING


async def test_a_client_that_closes_gives_its_place_back(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        async with following(server):
            assert len(server.context.subscriptions) == 1
        await until(lambda: len(server.context.subscriptions) == 0)


async def test_a_message_that_is_too_long_ends_the_connection(tmp_path: Path) -> None:
    async with serving(tmp_path) as server, following(server) as socket:
        await socket.send_bytes(b"x" * 100_000)
        message = await socket.receive(timeout=10)
        assert (message.type, message.data) == (aiohttp.WSMsgType.CLOSE, 1009)


async def test_a_broken_handshake_is_a_bad_request(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/stream", headers={"Upgrade": "websocket", "Connection": "Upgrade"})
        assert (reply.status, reply.slug) == (400, "bad-request")
        assert len(server.context.subscriptions) == 0


async def test_a_server_that_stops_says_so_in_the_close_frame(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with serving(tmp_path) as server:
            headers = {"Authorization": f"Bearer {server.token}"}
            socket = await session.ws_connect(f"{server.url}/v1/stream", headers=headers)
            closing = asyncio.create_task(socket.receive(timeout=10))
        message = await closing
        assert (message.type, message.data, message.extra) == (
            aiohttp.WSMsgType.CLOSE,
            1001,
            "the server is stopping",
        )
        await socket.close()


def test_only_what_is_picked_becomes_a_frame() -> None:
    assert ws_frames(Batch(Index(7), 3, b"a\nb\nc\n"), [0, 2]) == [b"\x81\x01a", b"\x81\x01c"]
