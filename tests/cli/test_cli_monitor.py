"""`tidings monitor`: where it begins, what it shows, and that a broken connection costs nothing."""

import json
import os
import signal
import threading
from pathlib import Path

import pytest
from click.testing import Result

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, stored_line
from tidings import following


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let reconnecting take no time."""
    monkeypatch.setattr(following, "FIRST_PAUSE_S", 0.0)


def indexes(result: Result) -> list[int]:
    """Return the indexes that NDJSON output shows."""
    return [int(json.loads(line)["sequence"]) for line in result.stdout.splitlines()]


def monitor(tidings: CommandLine, *args: str) -> Result:
    return tidings("monitor", "-o", "ndjson", *args)


def test_after_an_index_everything_newer_is_shown(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(5)
    assert indexes(monitor(tidings, "--after", "2", "--max", "3")) == [3, 4, 5]


def test_without_a_position_only_new_events_are_shown(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)

    def publish() -> None:
        server.streaming.wait(10)
        server.fill(1)

    publisher = threading.Thread(target=publish)
    publisher.start()
    assert indexes(monitor(tidings, "--max", "1")) == [3]
    publisher.join()


def test_broken_connections_make_no_gap_and_no_repeat(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(20)
    server.drop_streams_after = [1, 0, 7, 3, 0, 0]
    result = monitor(tidings, "--after", "0", "--max", "20", "-v")
    assert indexes(result) == list(range(1, 21))
    assert result.stderr.count("reconnecting: ") == 6
    assert "live after index 11" in result.stderr


def test_states_are_not_told_in_a_pipe(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(3)
    server.drop_streams_after = [1]
    assert monitor(tidings, "--after", "0", "--max", "3").stderr == ""


def test_since_begins_with_the_first_event_received_since_then(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(4)
    server.oldest = 3
    result = monitor(tidings, "--since", "1h", "--max", "2")
    assert indexes(result) == [3, 4]
    assert server.requests[0][2]["search"] == "received >= -1h"


def test_since_a_time_is_quoted(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1)
    monitor(tidings, "--since", "2026-11-20 10:00", "--max", "1")
    assert server.requests[0][2]["search"] == 'received >= "2026-11-20 10:00"'


def test_after_and_since_together_are_wrong_use(tidings: CommandLine) -> None:
    assert monitor(tidings, "--since", "1h", "--after", "1").exit_code == 2


def test_the_cursor_file_holds_the_last_index_shown(server: FakeServer, tidings: CommandLine, tmp_path: Path) -> None:
    server.fill(5)
    cursor = tmp_path / "cursor"
    monitor(tidings, "--after", "0", "--max", "3", "--cursor-file", str(cursor))
    assert cursor.read_text() == "3\n"
    assert [path.name for path in tmp_path.iterdir()] == ["cursor"]


def test_the_cursor_file_wins_over_a_start(server: FakeServer, tidings: CommandLine, tmp_path: Path) -> None:
    server.fill(5)
    (tmp_path / "cursor").write_text("3\n")
    result = monitor(tidings, "--after", "0", "--max", "2", "--cursor-file", str(tmp_path / "cursor"))
    assert indexes(result) == [4, 5]
    assert "resuming after 3" in result.stderr


def test_a_start_without_any_event_leaves_its_position_behind(
    server: FakeServer, tidings: CommandLine, tmp_path: Path
) -> None:
    server.fill(5)
    stopper = threading.Thread(target=_signal_when_live, args=(server, signal.SIGTERM))
    stopper.start()
    result = monitor(tidings, "--cursor-file", str(tmp_path / "cursor"))
    stopper.join()
    assert result.exit_code == 130
    assert (tmp_path / "cursor").read_text() == "5\n"


def test_a_file_that_is_no_cursor_is_refused(tidings: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "notes").write_text("hello")
    result = monitor(tidings, "--cursor-file", str(tmp_path / "notes"))
    assert result.exit_code == 2
    assert "is no cursor file" in result.stderr


def test_ctrl_c_is_exit_code_130(server: FakeServer, tidings: CommandLine) -> None:
    stopper = threading.Thread(target=_signal_when_live, args=(server, signal.SIGINT))
    stopper.start()
    result = monitor(tidings)
    stopper.join()
    assert (result.exit_code, result.stderr) == (130, "")


def _signal_when_live(server: FakeServer, number: int) -> None:
    if server.streaming.wait(10):
        os.kill(os.getpid(), number)


def test_a_position_no_longer_kept_names_the_oldest_index(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(9)
    server.oldest = 5
    result = monitor(tidings, "--after", "2")
    assert result.exit_code == 1
    assert "The oldest kept index is 5" in result.stderr


def test_from_oldest_goes_on_there(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(9)
    server.oldest = 5
    assert indexes(monitor(tidings, "--after", "2", "--from-oldest", "--max", "5")) == [5, 6, 7, 8, 9]


def test_no_server_at_the_start_is_exit_code_3(tidings: CommandLine) -> None:
    assert monitor(tidings, "--url", "http://127.0.0.1:9").exit_code == 3


def test_a_bad_query_is_shown_with_a_caret(tidings: CommandLine) -> None:
    result = tidings("monitor", "a !", "--after", "0")
    assert result.exit_code == 2
    assert result.stderr.splitlines()[1:3] == ["  a !", "    ^"]


def test_pretty_in_a_pipe_is_plain_and_whole(server: FakeServer, tidings: CommandLine) -> None:
    server.append(stored_line(1, message="x" * 200, severity="alert"))
    result = tidings("monitor", "--after", "0", "--max", "1")
    assert result.stdout == (
        "2026-11-20T22:18:27Z alert lxd.lifecycle.instance-started /1.0/instances/c1 " + "x" * 200 + "\n"
    )


def test_yaml_is_one_document_an_event(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    lines = tidings("monitor", "--after", "0", "--max", "2", "-o", "yaml").stdout.splitlines()
    assert lines[:2] == ["---", 'sequence: "1"']
    assert lines.count("---") == 2


def test_lxd_frames_are_the_payload_as_it_came(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1)
    result = tidings("monitor", "--after", "0", "--max", "1", "-o", "lxd")
    assert result.stdout == '{"type":"lifecycle","number":1}\n'


def log_lines(*levels: str) -> list[bytes]:
    """Return stored log lines of LXD with these levels."""
    frames = [
        {"type": "logging", "timestamp": "2026-11-20T22:18:27Z", "metadata": {"message": level, "level": level}}
        for level in levels
    ]
    return [stored_line(index, data=frame) for index, frame in enumerate(frames, 1)]


def search_of(server: FakeServer, tidings: CommandLine, *args: str) -> str:
    """Return the query that the server is asked with these options."""
    stopper = threading.Thread(target=_signal_when_live, args=(server, signal.SIGTERM))
    stopper.start()
    result = tidings("monitor", *args)
    stopper.join()
    assert result.exit_code == 130
    return next(query["search"] for _, path, query in server.requests if path == "/v1/stream")


FOREIGN = "dialect != lxd not (dialect = tidings kind = tidings.job)"


@pytest.mark.parametrize(
    ("args", "search"),
    [
        (["--pretty"], ""),
        (["--all-projects"], ""),
        (["--format", "yaml", "a or b"], "a or b"),
        (
            ["--type", "logging"],
            f"dialect = lxd kind = lxd.logging or {FOREIGN} subject != *",
        ),
        (
            ["--type=ovn,security", "--type", "ovn", "--project", "web"],
            "dialect = lxd kind in (lxd.ovn, lxd.security)",
        ),
        (["--type", "ovn", "a or b sortby time"], "dialect = lxd kind = lxd.ovn (a or b)"),
        (
            ["--type", "operation", "--project", "my web"],
            'scope in ("my web", "") (dialect = lxd kind = lxd.operation or dialect = tidings kind = tidings.job)',
        ),
    ],
)
def test_the_server_is_asked_for_no_more_than_types_and_project_say(
    server: FakeServer, tidings: CommandLine, args: list[str], search: str
) -> None:
    assert search_of(server, tidings, *args) == search


def test_the_options_of_lxc_monitor_ask_for_lxds_form(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1)
    for options in (["--all-projects"], ["-o", "lxd", "--all-projects"]):
        result = tidings("monitor", "--after", "0", "--max", "1", *options)
        assert result.stdout == '{"type":"lifecycle","number":1}\n'


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--project", "a", "--all-projects"], "Cannot specify a project when requesting all projects"),
        (["--loglevel", "info"], "Log level filtering can only be used with pretty formatting"),
        (["--loglevel", "info", "--format", "yaml"], "Log level filtering can only be used with pretty formatting"),
        (["--loglevel", "loud", "--pretty"], "'loud' is no level; give panic, fatal, error"),
        (["--type", "bogus"], '"bogus" isn\'t a supported event type; give lifecycle, logging'),
        (["--type", "lifecycle,"], '"" isn\'t a supported event type'),
        (["--format", "xml"], "'xml' is not one of"),
        (["--pretty", "-o", "json"], "belong to -o lxd, not -o json"),
        (["--type", "ovn", "severity >"], "expected a value after '>'"),
    ],
)
def test_what_lxc_monitor_refuses_is_wrong_use(tidings: CommandLine, args: list[str], said: str) -> None:
    result = tidings("monitor", *args)
    assert result.exit_code == 2
    assert said in result.stderr


def test_events_under_the_level_dont_count(server: FakeServer, tidings: CommandLine, tmp_path: Path) -> None:
    server.append(*log_lines("debug", "error", "info", "info", "warning", "error", "info"))
    options = ["--pretty", "--loglevel=warning", "--after=0", "--max=3", f"--cursor-file={tmp_path / 'cursor'}"]
    result = tidings("monitor", *options)
    assert [line.split("level=")[1] for line in result.stdout.splitlines()] == [
        "error msg=error",
        "warning msg=warning",
        "error msg=error",
    ]
    assert (tmp_path / "cursor").read_text() == "6\n"


def test_pretty_wins_over_a_format_as_in_lxc(server: FakeServer, tidings: CommandLine) -> None:
    server.append(*log_lines("info"))
    result = tidings("monitor", "--pretty", "--format", "json", "--after", "0", "--max", "1")
    assert result.stdout == 'time="2026-11-20T22:18:27Z" level=info msg=info\n'
