"""`GET /v1/state`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from tests.server.serving import Serving, event, serving
from tests.server.test_streaming import until
from tidings.auth import Principal, Role
from tidings.errors import Busy


def lxd(action: str, name: str = "web1", **fields: Any) -> dict[str, Any]:
    kind, path = f"lxd.lifecycle.instance-{action}", f"/1.0/instances/{name}"
    return event(type=kind, source="lxd/prod-1", subject=path, links=f"instance={name}", **fields)


def vm(name: str, what: str, **fields: Any) -> dict[str, Any]:
    return event(type=f"ovirt.{what}", source="ovirt/east", links=f"vm={name}&vm.id=id-of-{name}", **fields)


async def names(server: Serving, token: str | None = None, **params: Any) -> list[str]:
    return [row["name"] for row in (await server.get("/v1/state", token=token, **params)).json]


async def test_a_thing_is_answered_with_the_event_that_told_its_state(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(
            lxd("created"), lxd("started", time="2026-11-20T22:18:27.75Z", scope="web", location="node1")
        )
        rows = (await server.get("/v1/state", scope="web")).json
        assert rows == [
            {
                "type": "instance",
                "id": "/1.0/instances/web1",
                "name": "web1",
                "source": "lxd/prod-1",
                "scope": "web",
                "state": "running",
                "since": "2026-11-20T22:18:27.75Z",
                "index": 2,
                "kind": "lxd.lifecycle.instance-started",
                "details": {"location": "node1"},
            }
        ]


async def test_the_parameters_narrow_and_the_last_changed_comes_first(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(
            lxd("started", "web1", scope="web"),
            lxd("stopped", "db1", scope="data"),
            vm("web2", "USER_RUN_VM"),
            lxd("deleted", "old"),
        )
        assert await names(server) == ["web2", "db1", "web1"]
        assert await names(server, name="web*") == ["web2", "web1"]
        assert await names(server, name="id-of-web2") == ["web2"]
        assert await names(server, type="instance", source="lxd/prod-1") == ["db1", "web1"]
        assert await names(server, scope="data", state="stopped") == ["db1"]
        assert await names(server, state="gone") == ["old"]
        assert await names(server, max=1) == ["web2"]


@pytest.mark.parametrize("wrong", [{"max": 0}, {"max": 10_001}, {"stat": "up"}])
async def test_what_makes_no_sense_is_refused(tmp_path: Path, wrong: dict[str, Any]) -> None:
    async with serving(tmp_path) as server:
        reply = await server.get("/v1/state", **wrong)
        assert (reply.status, reply.slug) == (400, "bad-request")


async def test_who_has_scopes_sees_the_things_of_those(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(lxd("started", "web1", scope="web"), lxd("started", "db1", scope="data"), lxd("started"))
        token = server.make_token("r", "reader", ["web"])
        assert await names(server, token) == ["web1"]
        assert await names(server, token, scope="data") == []
        assert (await server.get("/v1/state", token="")).status == 401


async def test_states_outlive_a_restart_and_are_counted(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(lxd("started"), vm("web2", "VM_DOWN"))
    async with serving(tmp_path) as server:
        assert await names(server) == ["web2", "web1"]
        assert b"\ntidings_things 2.0\n" in (await server.get("/metrics")).body


async def test_while_the_states_are_gathered_a_question_is_told_to_come_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def still_gathering(timeout_s: float = 0) -> None:
        raise Busy("the last known states are still being gathered from the log; try again in a while", 10)

    async with serving(tmp_path) as server:
        monkeypatch.setattr(server.context.state, "until_ready", still_gathering)
        reply = await server.get("/v1/state")
        assert (reply.status, reply.slug, reply.headers["Retry-After"]) == (503, "busy", "10")


async def test_a_wait_of_the_server_is_released_by_a_publish_and_forgotten_with_its_task(tmp_path: Path) -> None:
    async with serving(tmp_path) as server:
        await server.publish(lxd("started"))
        state = server.context.state
        thing = await state.find("instance", "web1", Principal("ann", Role.READER))
        assert thing is not None
        staying, leaving = (asyncio.create_task(state.wait(thing.key, ("stopped",), 60)) for _ in range(2))
        await until(lambda: state.waiting == 2)
        leaving.cancel()
        await until(lambda: state.waiting == 1)
        await server.publish(lxd("stopped"))
        stopped = await staying
        assert stopped is not None
        assert stopped.index == 2
