"""Which server a command talks to."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer
from tidings.cli.connection import resolve


@pytest.fixture
def short_directory() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name (108 bytes)."""
    with tempfile.TemporaryDirectory(prefix="tidings-") as directory:
        yield Path(directory)


def test_the_socket_of_the_data_directory_is_the_default() -> None:
    assert resolve(None, None, None, {"TIDINGS_DATA": "/d"}).url == "unix:/d/unix.socket"


def test_without_anything_the_data_directory_is_in_the_home() -> None:
    assert resolve(None, None, None, {}).data == Path("~/.local/share/tidings").expanduser()


def test_the_option_data_wins_over_a_url_of_the_environment() -> None:
    assert resolve("/d", None, None, {"TIDINGS_URL": "http://h:1"}).url == "unix:/d/unix.socket"


def test_the_option_url_wins_over_the_option_data() -> None:
    assert resolve("/d", "http://h:1", None, {}).url == "http://h:1"


def test_the_option_token_wins_over_the_environment() -> None:
    assert resolve(None, None, "a", {"TIDINGS_TOKEN": "b"}).token == "a"


def test_the_token_of_the_environment_is_trimmed() -> None:
    assert resolve(None, None, None, {"TIDINGS_TOKEN": "b\n"}).token == "b"


@pytest.mark.parametrize("url", ["ftp://h", "h:8600", "http//h"])
def test_what_is_no_url_is_refused(url: str) -> None:
    with pytest.raises(click.UsageError, match="is no URL"):
        resolve(None, url, None, {})


@pytest.mark.parametrize("command", ["head", "monitor", "search", "count"])
@pytest.mark.parametrize("url", ["http://a:b@[::1", "http://a:b@h:port", "http://a:b@h..x", "http://\udcff"])
def test_a_url_without_a_possible_host_is_wrong_use_said_in_one_line(
    tidings: CommandLine, command: str, url: str
) -> None:
    result = tidings(command, TIDINGS_URL=url)
    assert result.exit_code == 2
    assert result.stderr.startswith("tidings: the URL has an impossible host or port")
    assert result.stderr.count("\n") == 1


def test_an_ipv6_address_is_a_possible_host() -> None:
    assert resolve(None, "http://[::1]:8600", None, {}).url == "http://[::1]:8600"


def test_a_token_that_no_header_can_hold_is_refused() -> None:
    with pytest.raises(click.UsageError, match="token"):
        resolve(None, None, "a\nb", {})


def test_a_command_reaches_the_server_through_its_socket(
    server: FakeServer, tidings: CommandLine, short_directory: Path
) -> None:
    server.start(str(short_directory / "unix.socket"))
    server.fill(2)
    assert tidings("head", "--data", str(short_directory)).stdout == "2\n"
    assert tidings("head", "--url", f"unix:{short_directory}/unix.socket").stdout == "2\n"


def test_monitor_reaches_the_server_through_its_socket(
    server: FakeServer, tidings: CommandLine, short_directory: Path
) -> None:
    server.start(str(short_directory / "unix.socket"))
    server.fill(2)
    result = tidings("monitor", "--data", str(short_directory), "--after", "0", "--max", "2", "-o", "ndjson")
    assert len(result.stdout.splitlines()) == 2
