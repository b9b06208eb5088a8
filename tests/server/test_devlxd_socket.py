"""The socket that serves config and device events as LXD's /dev/lxd/sock does, to root only."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import NamedTuple

import aiohttp
import pytest

from tests.server.serving import Serving, serving
from tests.server.test_streaming import until

CONFIG = (
    b'{"type":"config","timestamp":"2026-11-20T22:25:08.6Z","metadata":{"key":"user.a","old_value":"","value":"1"}}'
)
DEVICE = b'{"type":"device","timestamp":"2026-11-20T22:25:09.6Z","metadata":{"action":"added","config":{"type":"disk"},"name":"d"}}'
OTHER = (
    b'{"type":"logging","timestamp":"2026-11-20T22:25:10.6Z","metadata":{"message":"m","level":"info","context":{}}}'
)

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="the socket answers root only")


class Inside(NamedTuple):
    """The server, and a session on its socket."""

    server: Serving
    session: aiohttp.ClientSession


@pytest.fixture
async def inside(tmp_path: Path) -> AsyncIterator[Inside]:
    # pytest's own paths are too long for a Unix socket below them
    with tempfile.TemporaryDirectory(prefix="tidings-") as short:
        path = f"{short}/sock"
        async with (
            serving(tmp_path, devlxd_socket=path) as server,
            aiohttp.ClientSession("http://lxd", connector=aiohttp.UnixConnector(path)) as session,
        ):
            yield Inside(server, session)


async def tell(server: Serving, *frames: bytes) -> None:
    body = b"\n".join(frames)
    reply = await server.ask("POST", "/v1/events", headers={"Content-Type": "application/x-ndjson"}, data=body)
    assert reply.json["stored"] == len(frames)


async def test_the_entrance_is_bare_json(inside: Inside) -> None:
    async with inside.session.get("/") as answer:
        assert await answer.json() == ["/1.0"]
    async with inside.session.get("/1.0") as answer:
        assert (await answer.json())["api_version"] == "1.0"


@pytest.mark.parametrize(
    ("query", "expected"),
    [("", [CONFIG, DEVICE]), ("?type=config,device", [CONFIG, DEVICE]), ("?type=device,unheard-of", [DEVICE])],
)
async def test_a_plain_request_gets_lines_without_end(inside: Inside, query: str, expected: list[bytes]) -> None:
    async with inside.session.get(f"/1.0/events{query}") as answer:
        await until(lambda: len(inside.server.context.subscriptions) == 1)
        await tell(inside.server, CONFIG, OTHER, DEVICE)
        got = [json.loads(await answer.content.readline()) for _ in expected]
    assert got == [json.loads(frame) for frame in expected]


async def test_a_web_socket_gets_frames(inside: Inside) -> None:
    async with inside.session.ws_connect("/1.0/events?type=config") as socket:
        await tell(inside.server, DEVICE, CONFIG)
        assert json.loads(await socket.receive_str()) == json.loads(CONFIG)


async def test_nothing_else_of_the_server_is_there(inside: Inside) -> None:
    for path in ("/v1/events", "/1.0/certificates", "/metrics"):
        async with inside.session.get(path) as answer:
            assert answer.status in {401, 404}
            assert b"{" not in await answer.read()


async def test_listeners_of_the_other_socket_do_not_hear_it(inside: Inside) -> None:
    async with inside.server.session.ws_connect(
        f"{inside.server.url}/1.0/events?all-projects=true", headers={"Authorization": f"Bearer {inside.server.token}"}
    ) as socket:
        await tell(inside.server, CONFIG, DEVICE, OTHER)
        assert json.loads(await socket.receive_str())["type"] == "logging"
