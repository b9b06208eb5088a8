"""The command group: help without imports, suggestions, completion, and the commands that need no server."""

import subprocess
import sys
from importlib import import_module
from pathlib import Path

import click
import pytest

from tests.cli.command_line import CommandLine
from tidings.cli.exits import Exit, exit_of
from tidings.cli.main import COMMANDS
from tidings.errors import Forbidden, QuerySyntaxError
from tidings.problem import Rejected


@pytest.fixture
def offline() -> CommandLine:
    """The command line without a server."""
    return CommandLine("http://127.0.0.1:9")


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_has_help_and_takes_the_common_options(offline: CommandLine, name: str) -> None:
    module, _, function = COMMANDS[name].where.partition(":")
    command = getattr(import_module(module), function)
    leaves = command.commands.values() if isinstance(command, click.Group) else [command]
    for leaf in leaves:
        options = {option for parameter in leaf.params for option in parameter.opts}
        assert {"--data", "--url", "--token"} <= options
        assert leaf.help
    assert offline(name, "--help").exit_code == 0


def test_help_lists_every_command_and_the_exit_codes(offline: CommandLine) -> None:
    text = offline("--help").stdout
    assert all(f"\n  {name} " in text for name in COMMANDS)
    assert all(str(code.value) in text.partition("Exit codes")[2] for code in Exit)


def test_help_imports_no_command_and_nothing_heavy() -> None:
    heavy = ("aiohttp", "rich", "msgspec", "http.client", "tidings.cli.search", "tidings.event")
    script = (
        "import sys\nfrom tidings.cli import main\n"
        "try: main(['--help'], prog_name='tidings')\nexcept SystemExit: pass\n"
        f"sys.stderr.write(','.join(name for name in {heavy!r} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stderr == ""


def test_a_search_imports_no_asynchronous_client() -> None:
    script = "import sys\nimport tidings.cli.search\nsys.exit('aiohttp' in sys.modules or 'asyncio' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)


def test_an_unknown_command_gets_a_suggestion(offline: CommandLine) -> None:
    result = offline("serch")
    assert result.exit_code == 2
    assert "Did you mean 'search'?" in result.stderr


def test_the_version_is_one_line(offline: CommandLine) -> None:
    assert offline("version").stdout == offline("--version").stdout
    assert offline("version").stdout.startswith("tidings ")


def test_an_error_inside_a_publish_keeps_its_exit_code() -> None:
    assert exit_of(Rejected("the batch", Forbidden("no"))) == Exit.NOT_ALLOWED


def test_a_bad_query_has_the_exit_code_of_wrong_use() -> None:
    assert exit_of(QuerySyntaxError("a", 0, "bad")) == Exit.USAGE


def test_every_exit_code_has_a_meaning() -> None:
    assert all(code.meaning for code in Exit)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_script_of_a_shell(offline: CommandLine, shell: str) -> None:
    assert "_TIDINGS_COMPLETE" in offline("completion", shell).stdout


def complete(offline: CommandLine, words: str, at: int) -> list[str]:
    """Return what bash would offer."""
    env = {"_TIDINGS_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(at)}
    return [line.partition(",")[2] for line in offline(**env).stdout.splitlines()]


def test_a_shell_completes_commands(offline: CommandLine) -> None:
    assert complete(offline, "tidings mon", 1) == ["monitor"]


def test_a_shell_completes_the_fields_of_a_query(offline: CommandLine) -> None:
    pytest.importorskip("tidings.query.completion")
    assert "severity" in " ".join(complete(offline, "tidings search sev", 2))


def test_config_show_names_where_a_value_came_from(offline: CommandLine, tmp_path: Path) -> None:
    (tmp_path / "tidings.toml").write_text('retain_age = "30d"\n')
    result = offline("config", "show", "--config", str(tmp_path / "tidings.toml"), "--data", "/d", "-o", "csv")
    assert "data,/d,flag --data" in result.stdout.splitlines()
    assert f"retain_age,30d,file {tmp_path}/tidings.toml" in result.stdout.splitlines()


def test_a_bad_setting_is_exit_code_2(offline: CommandLine) -> None:
    result = offline("config", "show", TIDINGS_LISTEN="nowhere")
    assert result.exit_code == 2
    assert "TIDINGS_LISTEN" in result.stderr


def test_serve_refuses_a_setting_without_a_value(offline: CommandLine) -> None:
    assert offline("serve", "--set", "fsync").exit_code == 2


def test_verify_of_no_data_directory_fails(offline: CommandLine) -> None:
    result = offline("verify", "--data", "/nonexistent")
    assert result.exit_code == 1
    assert "/nonexistent" in result.stderr


@pytest.mark.parametrize(
    "args",
    [
        ("search", "a\udcff"),
        ("monitor", "a\udcff"),
        ("publish", "--source", "a\udcff"),
        ("token", "create", "--name", "a\udcff"),
        ("user", "remove", "a\udcff"),
        ("head", "--url", "http://\udcff"),
        ("monitor", "--url", "http://\udcff"),
        ("head", "--token", "a\udcff"),
        ("a\udcff",),
    ],
)
def test_an_argument_that_is_not_utf_8_is_wrong_use_said_in_one_line(
    offline: CommandLine, args: tuple[str, ...]
) -> None:
    result = offline(*args)
    assert result.exit_code == 2
    assert result.stderr == f"tidings: argument {len(args)} is not UTF-8\n"
