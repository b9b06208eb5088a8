"""The cursor file: written whole, and not too often."""

from pathlib import Path

import pytest

from tidings.cli.cursor_file import CursorFile
from tidings.errors import ConfigError
from tidings.event import Index


class Time:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "cursor"


def test_no_file_is_no_position(path: Path) -> None:
    assert CursorFile(path).read() is None


def test_what_was_written_is_read(path: Path) -> None:
    CursorFile(path).note(Index(42))
    assert CursorFile(path).read() == 42


@pytest.mark.parametrize("text", ["", "abc", "-1", "4 2", "٤٢"])
def test_something_else_in_the_file_is_refused(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match="no cursor file"):
        CursorFile(path).read()


def test_it_is_written_at_most_every_fifth_of_a_second(path: Path, time: Time) -> None:
    cursor = CursorFile(path, time)
    cursor.note(Index(1))
    time.now += 0.1
    cursor.note(Index(2))
    assert path.read_text() == "1\n"
    time.now += 0.15
    cursor.note(Index(3))
    assert path.read_text() == "3\n"


def test_flush_writes_what_came_too_soon(path: Path, time: Time) -> None:
    cursor = CursorFile(path, time)
    cursor.note(Index(1))
    cursor.note(Index(2))
    cursor.flush()
    assert path.read_text() == "2\n"


def test_flush_without_news_leaves_the_file_alone(path: Path) -> None:
    CursorFile(path).flush()
    assert not path.exists()
