"""A graceful stop: nothing is lost, everybody is told."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest

from tests.server.serving import JSON, serving
from tests.server.test_streaming import RawStream, until
from tidings.following import FrameDecoder


async def test_a_stream_ends_with_a_reason(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with serving(tmp_path) as server:
            headers = {"Authorization": f"Bearer {server.token}"}
            answer = await session.get(f"{server.url}/v1/stream", headers=headers)
            ending = asyncio.create_task(answer.read())
        (frame,) = FrameDecoder().feed(await ending)
        assert (frame.name, frame.data) == ("bye", b'{"reason":"the server is stopping"}')


async def test_a_request_that_waits_is_told_to_come_again(tmp_path: Path) -> None:
    async with aiohttp.ClientSession() as session:
        async with serving(tmp_path) as server:
            headers = {"Authorization": f"Bearer {server.token}"}
            waiting = asyncio.create_task(session.get(f"{server.url}/v1/wait", headers=headers))
            await until(lambda: len(server.context.subscriptions) == 1)
        answer = await waiting
        assert answer.status == 503
        assert b"about:blank#stopping" in await answer.read()


async def test_a_request_in_flight_finishes_and_new_ones_are_refused(tmp_path: Path) -> None:
    release = asyncio.Event()

    async def body() -> object:
        yield b'{"type":"t",'
        await release.wait()
        yield b'"data":{}}'

    async with aiohttp.ClientSession() as session:
        async with serving(tmp_path) as server:
            headers = {"Authorization": f"Bearer {server.token}"}
            context, url = server.context, server.url
            await (await session.get(f"{url}/v1/head", headers=headers)).read()  # a connection that is open and idle
            slow = asyncio.create_task(session.post(f"{url}/v1/events", headers={**headers, **JSON}, data=body()))
            await until(lambda: context.in_flight == 1)

            async def look() -> None:
                await until(lambda: context.stopping)
                release.set()

            looking = asyncio.create_task(look())
        await looking
        assert (await slow).status == 200


async def test_readiness_ends_before_the_server_does(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        server.context.stopping = "the server is stopping"
        reply = await server.get("/readyz", token="")
        assert (reply.status, reply.slug) == (503, "stopping")
        assert reply.headers["Retry-After"]
        assert (await server.get("/healthz", token="")).status == 200
        assert (await server.get("/v1/head")).slug == "stopping"


async def test_a_request_that_never_ends_is_cut_short(tmp_path: Path) -> None:
    forever = asyncio.Event()

    async def body() -> object:
        yield b"{"
        await forever.wait()

    async with aiohttp.ClientSession() as session:
        async with serving(tmp_path, stop_timeout="50ms") as server:
            headers = {"Authorization": f"Bearer {server.token}", **JSON}
            endless = asyncio.create_task(session.post(f"{server.url}/v1/events", headers=headers, data=body()))
            await until(lambda: server.context.in_flight == 1)
        with pytest.raises(aiohttp.ClientError):
            await endless


async def test_a_stalled_reader_does_not_keep_the_server_from_stopping(tmp_path: Path) -> None:
    async with asyncio.timeout(20), AsyncExitStack() as after, serving(tmp_path) as server:
        await after.enter_async_context(RawStream(server))
        await until(lambda: len(server.context.subscriptions) == 1)
        for _ in range(20):
            await server.fill(20, data="x" * 40_000)
        await until(lambda: server.context._lagging() == 1)


async def test_starting_and_stopping_leave_the_log_as_it_was(tmp_path: Path) -> None:
    async with serving(tmp_path):
        pass
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/head")).json == {"head": 0, "oldest": 1}


async def test_nothing_is_left_of_the_socket(tmp_path: Path) -> None:
    async with serving(tmp_path):
        assert (tmp_path / "unix.socket").exists()
    assert not (tmp_path / "unix.socket").exists()


async def test_what_was_published_is_there_after_a_restart(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.fill(10)
        token = server.token
    async with serving(tmp_path) as server:
        assert (await server.get("/v1/count", token=token, search="kind = test.thing")).json == {"count": 10}
        assert not server.server.is_first_start
