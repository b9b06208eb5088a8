"""`tidings token`, `user`, `kinds`, `fields` and `trim`."""

import json

from tests.cli.command_line import CommandLine
from tests.cli.fake_server import FakeServer


def test_token_create_prints_the_token_alone(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("token", "create", "--name", "ci", "--role", "writer", "--scope", "a", "--scope", "b")
    assert result.stdout == "secret-token\n"
    assert server.tokens == [
        {"id": "t1", "name": "ci", "role": "writer", "scopes": ["a", "b"], "token": "secret-token"}
    ]


def test_a_token_may_expire(server: FakeServer, tidings: CommandLine) -> None:
    tidings("token", "create", "--expires", "30d")
    assert server.tokens[0]["expires_s"] == 30 * 86400


def test_a_token_without_a_name_gets_one(server: FakeServer, tidings: CommandLine) -> None:
    tidings("token", "create")
    assert server.tokens[0]["name"].startswith("reader-")


def test_a_span_of_time_that_is_none_is_wrong_use(tidings: CommandLine) -> None:
    result = tidings("token", "create", "--expires", "soon")
    assert result.exit_code == 2
    assert "'soon' is no duration" in result.stderr


def test_token_list_shows_scopes(server: FakeServer, tidings: CommandLine) -> None:
    tidings("token", "create", "--name", "ci", "--scope", "a", "--scope", "b")
    assert tidings("token", "list").stdout.splitlines()[1].split() == ["ci", "reader", "a,", "b"]


def test_token_revoke_takes_names(server: FakeServer, tidings: CommandLine) -> None:
    tidings("token", "create", "--name", "a/b")
    tidings("token", "create", "--name", "c")
    assert tidings("token", "revoke", "a/b", "--name", "c").exit_code == 0
    assert server.tokens == []


def test_revoking_what_is_not_there_fails(tidings: CommandLine) -> None:
    result = tidings("token", "revoke", "nobody")
    assert result.exit_code == 1
    assert "there is no 'nobody'" in result.stderr


def test_user_add_reads_the_password_from_standard_input(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("user", "add", "alice", "--role", "admin", "--password-stdin", stdin="pass word\n")
    assert result.exit_code == 0
    assert server.users == [{"name": "alice", "password": "pass word", "role": "admin"}]
    assert "pass word" not in result.output


def test_a_password_needs_a_terminal_or_standard_input(tidings: CommandLine) -> None:
    result = tidings("user", "add", "alice")
    assert result.exit_code == 2
    assert "--password-stdin" in result.stderr


def test_an_empty_password_is_refused(server: FakeServer, tidings: CommandLine) -> None:
    assert tidings("user", "add", "alice", "--password-stdin", stdin="\n").exit_code == 2
    assert server.users == []


def test_a_password_that_is_not_utf_8_is_refused_in_one_line(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("user", "add", "alice", "--password-stdin", stdin=b"pass\xff\n")
    assert (result.exit_code, result.stderr) == (2, "tidings: the password is not UTF-8\n")
    assert server.users == []


def test_a_password_beyond_ascii_is_taken(server: FakeServer, tidings: CommandLine) -> None:
    tidings("user", "add", "alice", "--password-stdin", stdin="pässword\n".encode())
    assert server.users[0]["password"] == "pässword"


def test_user_passwd_changes_the_password(server: FakeServer, tidings: CommandLine) -> None:
    server.users.append({"name": "alice", "role": "reader", "password": "old"})
    tidings("user", "passwd", "alice", "--password-stdin", stdin="new\n")
    assert server.users[0]["password"] == "new"


def test_user_list_and_remove(server: FakeServer, tidings: CommandLine) -> None:
    server.users.append({"name": "alice", "role": "reader", "password": "old"})
    assert json.loads(tidings("user", "list", "-o", "json").stdout) == [{"name": "alice", "role": "reader"}]
    tidings("user", "remove", "alice")
    assert server.users == []


def test_kinds_are_listed_with_how_often_they_were_seen(tidings: CommandLine) -> None:
    title, *rows = tidings("kinds").stdout.splitlines()
    assert title.split() == ["KIND", "SEVERITY", "SEEN", "TITLE"]
    assert rows[0].split() == ["lxd.lifecycle.instance-started", "normal", "3", "Instance", "started"]


def test_kinds_can_be_searched_and_narrowed_to_the_seen(server: FakeServer, tidings: CommandLine) -> None:
    result = tidings("kinds", "instance", "started", "--seen", "-o", "csv")
    assert server.requests[-1][2] == {"search": "instance started"}
    assert result.stdout.splitlines()[1:] == ["lxd.lifecycle.instance-started,normal,3,Instance started"]


def test_fields_are_listed_with_an_example(tidings: CommandLine) -> None:
    assert "severity >= warning" in tidings("fields").stdout


def test_rows_come_as_yaml_too(tidings: CommandLine) -> None:
    assert tidings("fields", "-o", "yaml").stdout.startswith(
        '- name: severity\n  type: severity\n  operators:\n    - "="'
    )


def test_rows_come_as_ndjson_too(tidings: CommandLine) -> None:
    assert [json.loads(line)["seen"] for line in tidings("kinds", "-o", "ndjson").stdout.splitlines()] == [3, 0]


def test_trim_prints_the_oldest_index_kept(server: FakeServer, tidings: CommandLine) -> None:
    server.fill(9)
    assert tidings("trim", "5").stdout == "5\n"
