"""The real ``lxc monitor`` over the Unix socket prints what was published.

What it prints is compared as a set, since the client itself reorders: it hands each event to a goroutine of its own.
"""

from __future__ import annotations

import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.clients.frame_player import FramePlayer
from tests.clients.lxc import Lxc
from tests.clients.programs import need
from tests.clients.recorded import TYPES, read, recorded, visible
from tests.clients.short_folder import short_folder
from tests.clients.tidings_server import TidingsServer, tidings_server

ALL = "--all-projects"


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with short_folder() as folder:
        yield folder


@pytest.fixture(scope="module")
def server() -> Iterator[TidingsServer]:
    need("lxc")
    with tidings_server() as server:
        server.publish(recorded())  # which makes the projects that they name
        yield server


def printed_from(
    source: TidingsServer | FramePlayer, home: Path, arguments: Sequence[str], events: Sequence[bytes], number: int
) -> Counter[bytes]:
    """Return what it prints when *events* are published, of which *number* concern it."""
    with Lxc(home, {"LXD_SOCKET": str(source.socket)}).monitor(*arguments) as monitor:
        monitor.wait_until_live(source.publish)
        source.publish(events)
        return monitor.printed(number, source.publish)


def printed_from_bare_bytes(
    home: Path, arguments: Sequence[str], events: Sequence[bytes], number: int
) -> Counter[bytes]:
    """Return what it prints when it is sent *events* by something that is as simple as can be."""
    with short_folder() as folder, FramePlayer(folder / "unix.socket") as player:
        return printed_from(player, home, arguments, events, number)


def as_set(events: Sequence[Any]) -> Counter[str]:
    return Counter(json.dumps(event, sort_keys=True) for event in events)


def is_shown(payload: bytes, levels: Sequence[str]) -> bool:
    event = read(payload)
    return (event["metadata"]["level"] if event["type"] == "logging" else "info") in levels


@pytest.mark.parametrize(
    ("arguments", "types", "project"),
    [
        ([ALL], TYPES, None),
        ([], TYPES, "default"),
        (["--project=default"], TYPES, "default"),
        (["--project=web"], TYPES, "web"),
        (["--type=lifecycle", ALL], ["lifecycle"], None),
        (["--type=operation", ALL], ["operation"], None),
        (["--type=logging", ALL], ["logging"], None),
        (["--type=lifecycle", "--type=operation", "--project=web"], ["lifecycle", "operation"], "web"),
    ],
)
def test_json_is_every_event_of_the_types_and_the_project_asked_for(
    server: TidingsServer, home: Path, arguments: list[str], types: Sequence[str], project: str | None
) -> None:
    expected = [read(payload) for payload in visible(types=types, project=project)]
    printed = printed_from(server, home, ["--format=json", *arguments], recorded(), len(expected))
    assert as_set([json.loads(block) for block in printed.elements()]) == as_set(expected)


@pytest.mark.parametrize(
    ("arguments", "types", "project"),
    [
        (["--format=yaml", ALL], TYPES, None),
        ([], TYPES, "default"),
        (["--format=yaml", "--type=lifecycle", "--project=web"], ["lifecycle"], "web"),
        (["--pretty", ALL], TYPES, None),
        (["--format=pretty"], TYPES, "default"),
        (["--pretty", "--type=lifecycle", ALL], ["lifecycle"], None),
        (["--pretty", "--type=operation", "--project=web"], ["operation"], "web"),
        (["--pretty", "--type=logging"], ["logging"], "default"),
    ],
)
def test_yaml_and_pretty_lines_are_those_that_the_original_bytes_give(
    server: TidingsServer, home: Path, arguments: list[str], types: Sequence[str], project: str | None
) -> None:
    events = visible(types=types, project=project)
    expected = printed_from_bare_bytes(home, arguments, events, len(events))
    assert printed_from(server, home, arguments, recorded(), len(events)) == expected


@pytest.mark.parametrize(
    ("level", "shown"), [("error", ["error"]), ("info", ["error", "warning", "info"]), ("debug", ["error", "warning", "info", "debug"])]
)  # fmt: skip
def test_a_log_level_narrows_pretty_lines_as_it_does_with_the_original_bytes(
    server: TidingsServer, home: Path, level: str, shown: Sequence[str]
) -> None:
    arguments = ["--pretty", f"--loglevel={level}", ALL]
    number = sum(is_shown(payload, shown) for payload in recorded())
    expected = printed_from_bare_bytes(home, arguments, recorded(), number)
    assert expected.total() == number
    assert printed_from(server, home, arguments, recorded(), number) == expected


def test_lxd_dir_alone_points_the_client_at_the_server(server: TidingsServer, home: Path) -> None:
    with Lxc(home, {"LXD_DIR": str(server.data)}).monitor("--format=json") as monitor:
        monitor.wait_until_live(server.publish)


def test_events_of_other_systems_do_not_end_a_pretty_monitor(server: TidingsServer, home: Path) -> None:
    events = [
        {"specversion": "1.0", "type": "vm.started", "source": "elsewhere", "id": os.urandom(8).hex(), "data": {"n": 1}, **more}
        for more in ({}, {"subject": "vm web1", "severity": "alert"}, {"message": "something happened", "severity": "debug"})
    ]  # fmt: skip
    with Lxc(home, {"LXD_SOCKET": str(server.socket)}).monitor("--pretty") as monitor:
        monitor.wait_until_live(server.publish)
        server.publish_cloud_events(events)
        printed = b"\n".join(monitor.printed(len(events), server.publish))
    assert b"Action: vm.started, Source: vm web1" in printed
    assert b'msg="something happened"' in printed
    assert b"msg=vm.started" in printed


def test_a_monitor_is_told_when_the_server_stops(home: Path) -> None:
    need("lxc")
    with tidings_server() as server, Lxc(home, {"LXD_SOCKET": str(server.socket)}).monitor() as monitor:
        monitor.wait_until_live(server.publish)
        server.stop()
        assert monitor.wait_for_end() == 1
    assert "close 1001 (going away): the server is stopping" in monitor.errors


def test_an_unknown_project_is_told_and_ends_the_monitor(server: TidingsServer, home: Path) -> None:
    with Lxc(home, {"LXD_SOCKET": str(server.socket)}).monitor("--project=nowhere") as monitor:
        assert monitor.wait_for_end() == 1
    assert monitor.errors
