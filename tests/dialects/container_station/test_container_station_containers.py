"""Containers over HTTP: as they were told of last, and waiting for what becomes of them."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.server.serving import Reply, Serving, serving
from tests.server.test_streaming import until

API = "/api/v1"
ID = "08fd4fac14b85af65da4a7d9c4f9d8feb5f3ef39f2ccd978c753151de9a42765"
RUNNING = {
    "cpu": 0.0, "id": "utest", "image": "", "ipaddress": [], "memory": 0, "name": "utest", "rx": 0, "state": "running",
    "tx": 0, "type": "lxc",
}  # fmt: skip
STOPPED = {"id": "utest", "image": "", "name": "utest", "state": "stopped", "type": "lxc"}


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Serving]:
    async with serving(tmp_path) as running:
        yield running


async def tell(server: Serving, *states: str, container: str = '"container": "utest", "type": "lxc"') -> None:
    body = "\n".join(f'container:all:{{{container}, "state": "{state}"}}' for state in states)
    reply = await server.ask(
        "POST",
        "/v1/events?format=container-station",
        headers={"Content-Type": "text/plain"},
        data=io.BytesIO(body.encode()),
    )
    assert reply.status == 200, reply.body


async def waited(server: Serving, state: str, duration: str = "20", which: str = "lxc/utest") -> Reply:
    return await server.get(f"{API}/event/wait/{which}/{state}", duration=duration)


async def test_a_container_is_shown_as_it_was_told_of_last(server: Serving) -> None:
    await tell(server, "create", "start")
    assert (await server.get(f"{API}/container/lxc/utest")).json == RUNNING
    await tell(server, "stop")
    assert (await server.get(f"{API}/container/lxc/utest/")).json == STOPPED
    assert (await server.get(f"{API}/container")).json == [STOPPED]
    await tell(server, "destroy")
    assert (await server.get(f"{API}/container/lxc/utest")).status == 404
    assert (await server.get(f"{API}/container")).json == []


@pytest.mark.parametrize("text", [ID, ID[:12], "web"])
async def test_a_docker_container_is_found_by_its_id_its_beginning_and_its_name(server: Serving, text: str) -> None:
    await tell(server, "start", container=f'"container": "web", "id": "{ID}", "type": "docker"')
    assert (await server.get(f"{API}/container/docker/{text}")).json["id"] == ID
    assert (await server.get(f"{API}/container/lxc/{text}")).status == 404


async def test_waiting_for_what_is_so_takes_no_time(server: Serving) -> None:
    await tell(server, "start")
    assert (await waited(server, "running")).json == RUNNING


async def test_waiting_ends_when_it_becomes_so(server: Serving) -> None:
    await tell(server, "start")
    async with asyncio.TaskGroup() as group:
        waiting = [group.create_task(waited(server, "stopped")) for _ in range(50)]
        await until(lambda: server.context.state.waiting == 50)
        await tell(server, "stop")
    assert [one.result().json for one in waiting] == [STOPPED] * 50
    assert server.context.state.waiting == 0


async def test_when_the_time_is_up_the_container_is_answered_as_it_is(server: Serving) -> None:
    await tell(server, "start")
    for duration in ("0.05", "0", "-3"):
        reply = await waited(server, "stopped", duration)
        assert (reply.status, reply.json) == (200, RUNNING)


async def test_a_waiter_whose_client_left_is_forgotten(server: Serving) -> None:
    await tell(server, "start")
    waiting = asyncio.create_task(waited(server, "stopped", "60"))
    await until(lambda: server.context.state.waiting == 1)
    waiting.cancel()
    await until(lambda: server.context.state.waiting == 0)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("event/wait/lxc/nobody/stopped", 404),
        ("event/wait/vm/utest/stopped", 400),
        ("event/wait/lxc/utest/melted", 400),
        ("event/wait/lxc/utest/stopped?duration=soon", 400),
        ("container/vm/utest", 400),
    ],
)
async def test_what_can_not_be_waited_for_is_refused_at_once(server: Serving, path: str, status: int) -> None:
    await tell(server, "start")
    reply = await server.ask("GET", f"{API}/{path}")
    assert (reply.status, reply.json["error"]["code"]) == (status, status)


async def test_an_instance_of_lxd_is_a_container_too(server: Serving) -> None:
    frame = (
        '{"type":"lifecycle","timestamp":"2026-11-20T22:25:08.6Z","metadata":'
        '{"action":"instance-started","source":"/1.0/instances/c1"},"location":"none","project":"default"}'
    )
    await server.ask("POST", "/v1/events", headers={"Content-Type": "application/json"}, data=frame.encode())
    for kind in ("lxc", "lxd"):
        shown = (await server.get(f"{API}/container/{kind}/c1")).json
        assert (shown["name"], shown["state"], shown["type"]) == ("c1", "running", "lxd")
