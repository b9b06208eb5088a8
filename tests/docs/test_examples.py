import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.docs.conftest import Reader

RunExample = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def run_example(reader: Reader) -> RunExample:
    def run(name: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["python", f"examples/{name}", *arguments],
            cwd=reader.directory,
            env=reader.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    return run


def test_publishing_stores_both_events(run_example: RunExample) -> None:
    answer = run_example("publish.py")

    assert (answer.stdout, answer.stderr) == ("stored 2, known before 0, head 2\n", "")


def test_publishing_again_stores_nothing_twice(run_example: RunExample) -> None:
    run_example("publish.py")

    assert run_example("publish.py").stdout == "stored 0, known before 2, head 2\n"


def test_following_shows_what_matches_and_notes_the_position(run_example: RunExample, reader: Reader) -> None:
    run_example("publish.py")

    answer = run_example("follow.py", "source = ci", "position", "2")

    assert answer.stdout == "1 normal build.done \n2 error build.failed Tests failed\n"
    assert (reader.directory / "position").read_text() == "2"


def test_following_goes_on_behind_the_noted_position(run_example: RunExample, reader: Reader) -> None:
    run_example("publish.py")
    (reader.directory / "position").write_text("1")

    answer = run_example("follow.py", "source = ci", "position", "1")

    assert answer.stdout == "2 error build.failed Tests failed\n"


@pytest.mark.parametrize(("name", "arguments"), [("publish.py", ()), ("follow.py", ("kind = x", "position", "1"))])
def test_an_example_says_in_one_line_that_no_server_runs(
    name: str, arguments: tuple[str, ...], run_example: RunExample, reader: Reader, tmp_path: Path
) -> None:
    reader.environment["TIDINGS_DATA"] = str(tmp_path)

    answer = run_example(name, *arguments)

    assert answer.returncode == 1
    assert answer.stderr.startswith(name.removesuffix(".py"))
    assert answer.stderr.count("\n") == 1
