"""`tidings collect status`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, Handler


class CollectingServer(FakeServer):
    """A fake server with collectors."""

    def __init__(self) -> None:
        super().__init__()
        self.collectors: list[dict[str, Any]] = []

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v1/collectors":
            return web.json_response(self.collectors)
        return await super()._note(request, handler)


@pytest.fixture
def server() -> Iterator[CollectingServer]:
    fake = CollectingServer()
    fake.start()
    yield fake
    fake.stop()


def collector(name: str, state: str, **fields: Any) -> dict[str, Any]:
    return {"name": name, "kind": "lxd", "state": state, "events": 3, "detail": "lxd 5.0.2", "gaps": 0, **fields}


def test_collectors_are_listed_with_their_state(server: CollectingServer, tidings: CommandLine) -> None:
    server.collectors = [collector("prod-1", "live", lag_s=0.25)]
    result = tidings("collect", "status")
    title, row = result.stdout.splitlines()
    assert title.split()[:5] == ["NAME", "KIND", "STATE", "SINCE", "EVENTS"]
    assert row.split() == ["prod-1", "lxd", "live", "3", "0.25", "0", "lxd", "5.0.2"]
    assert (result.exit_code, result.stderr) == (0, "")


@pytest.mark.parametrize("state", ["connecting", "waiting", "stopped"])
def test_one_that_is_not_live_is_named_and_makes_it_fail(
    server: CollectingServer, tidings: CommandLine, state: str
) -> None:
    server.collectors = [collector("prod-1", "live"), collector("prod-2", state)]
    result = tidings("collect", "status")
    assert (result.exit_code, result.stderr) == (1, "not live: prod-2\n")
    assert "prod-2" in result.stdout


def test_json_has_all_that_the_server_said(server: CollectingServer, tidings: CommandLine) -> None:
    server.collectors = [collector("prod-1", "live", source="lxd/prod-1")]
    assert json.loads(tidings("collect", "status", "-o", "json").stdout) == server.collectors


def test_without_collectors_that_is_said(tidings: CommandLine) -> None:
    result = tidings("collect", "status")
    assert (result.exit_code, result.stderr) == (0, "no collectors are configured\n")
