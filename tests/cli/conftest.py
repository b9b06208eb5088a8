"""The command line in this process, against a fake server in a thread."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer
from tidings.cli import terminal


@pytest.fixture
def server() -> Iterator[FakeServer]:
    """A running fake server."""
    fake = FakeServer()
    fake.start()
    yield fake
    fake.stop()


@pytest.fixture
def tidings(server: FakeServer) -> CommandLine:
    """The command line, set to talk to the fake server."""
    return CommandLine(server.url)


@pytest.fixture
def on_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the command line believe that a person reads its output, 80 columns wide."""

    def yes(stream: Any) -> bool:
        return True

    monkeypatch.setattr(terminal, "is_terminal", yes)
    monkeypatch.setattr(terminal, "columns", lambda: 80)
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
