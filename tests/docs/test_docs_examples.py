import pytest

from tests.docs.conftest import SHOWN_ADDRESS, Reader
from tests.docs.console import agrees, commands, may_fail, run
from tests.docs.documents import page

PAGES = ("README.md", "getting-started.md", "search-language.md", "http-api.md", "command-line.md")


@pytest.mark.parametrize("name", PAGES)
@pytest.mark.usefixtures("curl")
def test_what_a_page_tells_to_type_prints_what_the_page_shows(name: str, reader: Reader) -> None:
    typed = commands(page(name).replace(SHOWN_ADDRESS, reader.address))

    printed = run(typed, reader.directory, reader.environment)

    assert len(printed) == len(typed)
    for number, (command, answer) in enumerate(zip(typed, printed, strict=True)):
        told = f"{name}, line {command.line}: $ {command.text}\nexit code {answer.code}, printed:\n{answer.output}"
        assert answer.code == 0 or may_fail(typed, number), told
        assert not command.shown or agrees(command.shown, answer.output), f"{told}\nshown:\n{command.shown}"


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("stored 1\n", "stored 1\n"),
        ("stored …\n", "stored 1, head 2\n"),
        ("a … c\n", "a b c\n"),
        ("a\n…\nd\n", "a\nb\nc\nd\n"),
        ("a\n…\nd\n", "a\nd\n"),
        ("{}\n", "{}"),
        ("HTTP/1.1 200 OK\n", "HTTP/1.1 200 OK\r\n"),
    ],
)
def test_output_agrees_with_what_is_shown_but_for_what_is_left_out(shown: str, printed: str) -> None:
    assert agrees(shown, printed)


@pytest.mark.parametrize(("shown", "printed"), [("a\n", "b\n"), ("a\n", "a\nb\n"), ("a.c\n", "abc\n"), ("…b\n", "a\n")])
def test_output_that_differs_from_what_is_shown_is_told(shown: str, printed: str) -> None:
    assert not agrees(shown, printed)


def test_a_command_may_go_over_several_lines() -> None:
    (command,) = commands("text\n```console\n$ cat <<EOF\n> one\n> EOF\none\n```\n")

    assert (command.line, command.text, command.shown) == (3, "cat <<EOF\none\nEOF", "one\n")
