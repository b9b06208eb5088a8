"""`tidings wait`."""

import json
import threading
from importlib import import_module

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer


def test_an_event_that_arrives_is_printed(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    publisher = threading.Timer(0.05, server.fill, (1,))
    publisher.start()
    result = tidings("wait", "started", "--timeout", "20", "-o", "json")
    publisher.join()
    assert result.exit_code == 0
    assert json.loads(result.stdout)["sequence"] == "3"


def test_an_event_after_an_index_counts_at_once(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    result = tidings("wait", "started", "--after", "1")
    assert result.stdout.startswith("2026-11-20T22:18:27Z normal lxd.lifecycle.instance-started ")


def test_nothing_in_time_is_exit_code_124(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    result = tidings("wait", "started", "--timeout", "0.05")
    assert (result.exit_code, result.stdout) == (124, "")
    assert result.stderr == "no event matched within 0.05 s\n"


def test_a_busy_server_is_asked_again(
    server: FakeServer, tidings: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_module("tidings.cli.wait"), "RETRY_S", 0.0)
    server.fill(1)
    server.refuse("/v1/wait", 503, "busy", "too many requests")
    assert tidings("wait", "started", "--after", "0", "-o", "json").exit_code == 0


def test_a_query_is_needed(tidings: CommandLine) -> None:
    assert tidings("wait").exit_code == 2


def test_a_bad_query_is_exit_code_2(tidings: CommandLine) -> None:
    assert tidings("wait", "!").exit_code == 2
