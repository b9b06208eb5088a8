"""`tidings search`, `count` and `head`: every form of output, and what goes wrong."""

import csv
import json

import pytest

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer, stored_line


def test_a_table_in_a_pipe_cuts_nothing_and_has_no_colour(server: FakeServer, tidings: CommandLine) -> None:
    message = "Instance c1 " + "x" * 300
    server.append(stored_line(1, message=message, severity="error"))
    result = tidings("search")
    assert result.exit_code == 0
    title, row = result.stdout.splitlines()
    assert title.split() == ["INDEX", "TIME", "SEVERITY", "KIND", "SUBJECT", "MESSAGE"]
    assert row.split()[:4] == ["1", "2026-11-20T22:18:27Z", "error", "lxd.lifecycle.instance-started"]
    assert row.endswith(message)
    assert "\x1b" not in result.stdout


@pytest.mark.usefixtures("on_terminal")
def test_a_table_on_a_terminal_fits_80_columns(server: FakeServer, tidings: CommandLine) -> None:
    server.append(stored_line(1, message="x" * 300), stored_line(2, message="日本語" * 50))
    result = tidings("search", NO_COLOR="1")
    assert all(len(line) <= 80 for line in result.stdout.splitlines())
    assert "…" in result.stdout


@pytest.mark.usefixtures("on_terminal")
def test_a_terminal_gets_colour_by_severity(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1, severity="warning")
    assert "\x1b[33m" in tidings("search").stdout


@pytest.mark.usefixtures("on_terminal")
def test_no_color_is_respected(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(1, severity="warning")
    assert "\x1b" not in tidings("search", NO_COLOR="1").stdout


def test_json_is_one_array_of_the_stored_lines(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    result = tidings("search", "-o", "json")
    assert [event["sequence"] for event in json.loads(result.stdout)] == ["2", "1"]
    assert server.lines[0].decode() in result.stdout


def test_json_of_nothing_is_an_empty_array(tidings: CommandLine) -> None:
    assert tidings("search", "-o", "json").stdout == "[]\n"


def test_ndjson_is_the_stored_lines(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(2)
    result = tidings("search", "--order", "oldest", "-o", "ndjson")
    assert result.stdout_bytes == b"\n".join(server.lines) + b"\n"


def test_csv_has_one_head_over_all_pages(server: FakeServer, tidings: CommandLine) -> None:
    server.page_limit = 2
    server.fill(5, message='two\nlines, and "quotes"')
    rows = list(csv.reader(tidings("search", "--max", "0", "-o", "csv").stdout.splitlines(keepends=True)))
    assert [row[0] for row in rows] == ["index", "5", "4", "3", "2", "1"]


def test_yaml_holds_every_member(server: FakeServer, tidings: CommandLine) -> None:
    server.append(stored_line(1, message="off: by one", data={"size": 1.50, "list": [{"a": True}, []]}))
    lines = tidings("search", "-o", "yaml").stdout.splitlines()
    assert lines[0] == '- sequence: "1"'
    assert '  message: "off: by one"' in lines
    assert lines[-5:] == ["  data:", "    size: 1.5", "    list:", "      - a: true", "      - []"]


def test_max_is_fetched_in_pages_and_ends_there(server: FakeServer, tidings: CommandLine) -> None:
    server.page_limit = 2
    server.fill(9)
    lines = tidings("search", "--max", "5", "-o", "ndjson").stdout.splitlines()
    assert [json.loads(line)["sequence"] for line in lines] == ["9", "8", "7", "6", "5"]


def test_words_of_the_query_are_joined(server: FakeServer, tidings: CommandLine) -> None:
    tidings("search", "severity", ">=", "warning")
    assert server.requests[-1][2]["search"] == "severity >= warning"


def test_the_zone_of_this_machine_goes_with_the_query(server: FakeServer, tidings: CommandLine) -> None:
    tidings("search", TZ="Europe/Vienna")
    assert server.requests[-1][2]["zone"] == "Europe/Vienna"


def test_a_bad_query_is_shown_with_a_caret_and_a_suggestion(tidings: CommandLine) -> None:
    result = tidings("search", "a", "!b")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.splitlines() == ["tidings: unexpected '!'", "  a !b", "    ^", "did you mean 'not'?"]


def test_the_caret_of_a_long_query_stays_on_the_screen(tidings: CommandLine) -> None:
    result = tidings("search", "x" * 500 + "!" + "y" * 500)
    _, query, caret, _ = result.stderr.splitlines()
    assert len(query) <= 80
    assert query[caret.index("^")] == "!"


def test_control_characters_of_an_event_never_reach_the_terminal(server: FakeServer, tidings: CommandLine) -> None:
    server.append(stored_line(1, message="a\x1b[2Jb\nc\u202ed", subject="\x07"))
    result = tidings("search")
    assert len(result.stdout.splitlines()) == 2
    assert not {"\x1b", "\x07", "\u202e"} & set(result.stdout)


def test_count_prints_the_number(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(3)
    assert tidings("count", "(2)").stdout == "1\n"


def test_head_prints_the_newest_index(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(3)
    assert tidings("head").stdout == "3\n"


def test_no_server_is_exit_code_3(tidings: CommandLine) -> None:
    result = tidings("search", "--url", "http://127.0.0.1:9")
    assert result.exit_code == 3
    assert "no tidings server answers at http://127.0.0.1:9" in result.stderr


def test_no_socket_says_how_to_start_a_server(tidings: CommandLine) -> None:
    result = tidings("search", "--data", "/nonexistent")
    assert result.exit_code == 3
    assert "`tidings serve`" in result.stderr


@pytest.mark.parametrize(
    ("status", "slug", "code"),
    [(401, "unauthenticated", 4), (403, "forbidden", 4), (504, "search-timeout", 1), (500, "oops", 1)],
)
def test_a_refusal_has_its_exit_code(
    server: FakeServer, tidings: CommandLine, status: int, slug: str, code: int
) -> None:
    server.refuse("/v1/events", status, slug, "because of a reason")
    result = tidings("search")
    assert result.exit_code == code
    assert "because of a reason" in result.stderr
    assert "Traceback" not in result.output


def test_an_answer_that_is_no_problem_document_is_told_too(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("search", "--url", server.url + "/elsewhere")
    assert result.exit_code == 1
    assert "404: Not Found" in result.stderr


def test_the_token_is_sent_and_never_shown(server: FakeServer, tidings: CommandLine) -> None:
    server.refuse("/v1/events", 401, "unauthenticated", "the token is unknown")
    result = tidings("search", "--token", "s3cret")
    assert server.authorization == "Bearer s3cret"
    assert "s3cret" not in result.output


def test_a_user_name_and_password_in_the_url_are_sent_and_not_shown(server: FakeServer, tidings: CommandLine) -> None:
    server.refuse("/v1/events", 401, "unauthenticated", "wrong password")
    result = tidings("search", "--url", server.url.replace("//", "//alice:s3cret@"))
    assert server.authorization.startswith("Basic ")
    assert "s3cret" not in result.output
