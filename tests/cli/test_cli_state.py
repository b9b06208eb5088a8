"""`tidings state`."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiohttp import web

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, Handler


class KnowingServer(FakeServer):
    """A fake server that knows states, whatever it is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.things: list[dict[str, Any]] = []
        self.asked: dict[str, str] = {}

    @web.middleware
    async def _note(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path == "/v1/state":
            self.asked = dict(request.query)
            return web.json_response(self.things)
        return await super()._note(request, handler)


@pytest.fixture
def server() -> Iterator[KnowingServer]:
    fake = KnowingServer()
    fake.start()
    yield fake
    fake.stop()


def thing(name: str, state: str, **fields: Any) -> dict[str, Any]:
    return {
        "type": "vm",
        "id": f"id-of-{name}",
        "name": name,
        "source": "ovirt/east",
        "scope": "Finance",
        "state": state,
        "since": "2026-11-20T22:18:27.75Z",
        "index": 7,
        "kind": "ovirt.VM_DOWN",
        "details": {"location": "node1"},
        **fields,
    }


def test_things_are_listed_with_their_state(server: KnowingServer, tidings: CommandLine) -> None:
    server.things = [thing("web1", "down"), thing("utest", "running", id="utest", scope="")]
    result = tidings("state")
    title, first, second = result.stdout.splitlines()
    assert title.split() == ["TYPE", "NAME", "STATE", "SINCE", "SOURCE", "SCOPE", "ID"]
    assert first.split() == ["vm", "web1", "down", "2026-11-20T22:18:27.75Z", "ovirt/east", "Finance", "id-of-web1"]
    assert second.split() == ["vm", "utest", "running", "2026-11-20T22:18:27.75Z", "ovirt/east"]
    assert (result.exit_code, result.stderr) == (0, "")
    assert server.asked == {"max": "100"}


def test_the_options_are_what_the_server_is_asked_for(server: KnowingServer, tidings: CommandLine) -> None:
    tidings(
        "state", "web*", "--type", "vm", "--state", "up", "--source", "ovirt/east", "--scope", "Finance", "--max", "5"
    )
    assert server.asked == {
        "name": "web*",
        "type": "vm",
        "state": "up",
        "source": "ovirt/east",
        "scope": "Finance",
        "max": "5",
    }


@pytest.mark.parametrize("form", ["json", "ndjson"])
def test_json_has_all_that_the_server_said(server: KnowingServer, tidings: CommandLine, form: str) -> None:
    server.things = [thing("utest", "running", id="utest")]
    text = tidings("state", "-o", form).stdout
    assert (json.loads(text) if form == "json" else [json.loads(text)]) == server.things


def test_csv_has_the_columns_of_the_table_and_every_id(server: KnowingServer, tidings: CommandLine) -> None:
    server.things = [thing("utest", "running", id="utest")]
    assert tidings("state", "-o", "csv").stdout.splitlines() == [
        "type,name,state,since,source,scope,id",
        "vm,utest,running,2026-11-20T22:18:27.75Z,ovirt/east,Finance,utest",
    ]


def test_a_full_answer_says_that_there_may_be_more(server: KnowingServer, tidings: CommandLine) -> None:
    server.things = [thing("web1", "up"), thing("web2", "up")]
    result = tidings("state", "--max", "2")
    assert (result.exit_code, result.stderr) == (0, "there may be more than these 2; --max N shows up to N\n")


@pytest.mark.parametrize("wrong", ["0", "10001", "many"])
def test_a_number_that_makes_no_sense_is_refused(tidings: CommandLine, wrong: str) -> None:
    assert tidings("state", "--max", wrong).exit_code == 2
