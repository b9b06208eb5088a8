"""What was changed in the settings since the last start is in the log."""

from __future__ import annotations

import json
from pathlib import Path

from tests.server.serving import Serving, serving

CHANGED = "kind = tidings.config-updated"


async def changes(server: Serving) -> list[dict[str, str]]:
    lines = (await server.get("/v1/events", search=CHANGED, format="json")).json
    return [line["data"] for line in lines]


async def test_the_first_start_changes_nothing_and_nor_does_another_place(tmp_path: Path) -> None:
    async with serving(tmp_path):
        pass
    async with serving(tmp_path, tls_listen="127.0.0.1:0") as server:
        assert await changes(server) == []
        assert server.context.core.head == 0


async def test_a_changed_setting_is_told_of_once_with_its_new_value(tmp_path: Path) -> None:
    async with serving(tmp_path):
        pass
    for _ in range(2):
        async with serving(tmp_path, retain_age="30d", max_streams="50") as server:
            assert await changes(server) == [{"max_streams": "50", "retain_age": "30d"}]


async def test_listeners_of_lxd_hear_of_it_as_lxd_says_it(tmp_path: Path) -> None:
    async with serving(tmp_path):
        pass
    async with (
        serving(tmp_path, retain_age="30d") as server,
        server.session.ws_connect(
            f"{server.url}/1.0/events?tidings-after=0&all-projects=true",
            headers={"Authorization": f"Bearer {server.token}"},
        ) as socket,
    ):
        frame = json.loads(await socket.receive_str())
        assert frame["metadata"] == {
            "action": "config-updated",
            "source": "/1.0",
            "context": {"retain_age": "30d"},
        }
