"""The line for people of what an event line tells."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.dialects.container_station.message import MAX_LINE, message_of

ID = "08fd4fac14b85af65da4a7d9c4f9d8feb5f3ef39f2ccd978c753151de9a42765"


@pytest.mark.parametrize(
    ("category", "members", "expected"),
    [
        ("container", {"state": "stop", "type": "docker", "container": "web1", "id": ID}, "Stop container (docker, 08fd4fac14b8, web1)"),
        ("container", {"state": "rename", "type": "lxc", "container": "a"}, "Rename container (lxc, a)"),
        ("container", {"port": "remove", "container": "a"}, "Remove port from container (a)"),
        ("container", {"port": "odd"}, "Port odd of container"),
        ("container", {"state": "connect", "id": "short"}, "Connect network to container (short)"),
        ("image", {"action": "download", "state": "error", "name": "n", "from": "qnap"}, "Failed to download image from qnap (n)"),
        ("image", {"action": "download", "name": "n"}, "Start to download image (n)"),
        ("image", {"action": "delete", "state": "success", "name": "n", "type": "lxc"}, "Delete image (lxc, n)"),
        ("image", {"action": "update", "category": "local"}, "Update local image list"),
        ("image", {"action": "squash", "name": "n"}, "Squash image (n)"),
        ("import", {"state": "paused", "path": "/a"}, "Import container paused from (/a)"),
        ("background", {"state": "running"}, "Start background task"),
        ("gpu", {"card": 0, "name": "x"}, 'card=0 name="x"'),
        ("container", {"other": [1]}, "other=[1]"),
        ("image", {}, "image event"),
        ("gpu", {}, "gpu event"),
    ],
)  # fmt: skip
def test_a_line_reads_like_the_vendors_log(category: str, members: dict[str, Any], expected: str) -> None:
    assert message_of(category, members) == expected


_values = st.none() | st.integers() | st.text() | st.lists(st.text(max_size=3), max_size=2) | st.just("x" * 1000)
_names = st.sampled_from(["action", "state", "port", "container", "cid", "id", "name", "tag", "from", "result", "path"])


@given(
    st.sampled_from(["container", "image", "export", "import", "background", "x"]),
    st.dictionaries(_names, _values, max_size=8),
)
def test_a_message_is_never_empty_and_always_one_short_line(category: str, members: dict[str, Any]) -> None:
    message = message_of(category, members)
    assert message
    assert len(message) <= MAX_LINE
    assert len(message.splitlines()) == 1
