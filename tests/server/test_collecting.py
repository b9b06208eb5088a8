"""A server with collectors in its configuration."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.dialects.lxd.mock_lxd import MockLxd
from tests.server.serving import Serving, serving
from tests.server.test_streaming import until
from tidings.config import load
from tidings.errors import ConfigError
from tidings.server.running import running

EVENT = b'{"type":"lifecycle","timestamp":"2026-11-20T22:28:16Z","metadata":{"action":"instance-started"}}'


@pytest.fixture
def folder() -> Iterator[Path]:
    """A directory whose path is short enough for a socket."""
    with tempfile.TemporaryDirectory(prefix="td") as name:
        yield Path(name)


@asynccontextmanager
async def configured_server(folder: Path, *lines: str) -> AsyncIterator[Serving]:
    """Run a server whose configuration file has one table [[collect]] of these lines."""
    path = folder / "tidings.toml"
    path.write_text("\n".join(("[[collect]]", *lines)))
    data = folder / "data"
    settings = {"data": str(data), "listen": "127.0.0.1:0", "fsync": "false"}
    async with (
        running(load(path, {}, settings)) as server,
        aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=20)) as session,
    ):
        yield Serving(server, session, data)


async def states(server: Serving) -> list[str]:
    return [row["state"] for row in (await server.get("/v1/collectors")).json]


async def test_collected_events_are_in_the_log_and_the_collector_is_shown(folder: Path) -> None:
    socket, daemon = folder / "lxd.socket", MockLxd()
    lines = ('kind = "lxd"', 'name = "prod-1"', f'url = "unix:{socket}"')
    async with daemon.serving(socket), configured_server(folder, *lines) as server:
        assert await states(server) == ["connecting"]
        connection = await daemon.connection()
        await connection.ping()
        await connection.send(EVENT)
        reply = await server.get("/v1/wait", after=0, search="source = lxd/prod-1")
        assert reply.json["type"] == "lxd.lifecycle.instance-started"
        await until(lambda: server.context.collectors.status()[0].events == 1)
        (row,) = (await server.get("/v1/collectors", token=server.make_token("r", "reader"))).json
        assert (row["name"], row["state"], row["detail"]) == ("prod-1", "live", "lxd 5.0.2 node1")
        # the addresses of other systems belong to no scope
        assert (await server.get("/v1/collectors", token=server.make_token("s", "reader", ["prod"]))).json == []
        assert 'tidings_collector_live{collector="prod-1"} 1.0' in (await server.get("/metrics")).body.decode()


async def test_a_stop_of_the_server_is_a_gap_after_its_start(folder: Path) -> None:
    socket, daemon = folder / "lxd.socket", MockLxd()
    lines = ('kind = "lxd"', f'url = "unix:{socket}"')
    async with daemon.serving(socket):
        async with configured_server(folder, *lines) as server:
            await (await daemon.connection()).ping()
            await until(lambda: server.context.collectors.status()[0].state == "live")
        async with configured_server(folder, *lines) as server:
            await (await daemon.connection()).ping()
            reply = await server.get("/v1/wait", after=0, search="kind = tidings.collector-gap")
            assert reply.json["data"]["reason"] == "tidings was stopped"


async def test_without_collectors_the_list_is_empty(folder: Path) -> None:
    async with serving(folder) as server:
        assert (await server.get("/v1/collectors")).json == []


async def test_a_wrong_table_keeps_the_server_from_starting(folder: Path) -> None:
    with pytest.raises(ConfigError, match=r"unknown key 'ulr'; did you mean 'url'"):
        async with configured_server(folder, 'kind = "lxd"', 'ulr = "unix:/run/x"'):
            pass


async def test_a_client_certificate_is_made_when_a_collector_needs_one(folder: Path) -> None:
    async with configured_server(folder, 'kind = "lxd"', 'url = "https://127.0.0.1:9"'):
        assert (folder / "data" / "client.crt").exists()
