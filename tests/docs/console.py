"""The ``console`` blocks of a page: what is typed, what is printed, and running the one to get the other.

A line that begins with ``$`` is a command, a line after it that begins with ``>`` belongs to it. What follows is its output,
where ``…`` stands for the rest of a line, or for any lines when it stands alone. A command without output shown may print
anything. It must succeed unless the next command asks for ``$?``.
"""

import re
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

_BLOCK = re.compile(r"^```console\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARK = "@@tidings-docs@@"
ELLIPSIS = "…"


class Command(NamedTuple):
    """One command of a page; *line* is where it stands."""

    line: int
    text: str
    shown: str


class Printed(NamedTuple):
    """What a command printed, standard error included, and its exit code."""

    output: str
    code: int


def commands(page: str) -> list[Command]:
    """Return the commands of all console blocks in their order."""
    found: list[Command] = []
    for block in _BLOCK.finditer(page):
        first_line = page.count("\n", 0, block.start(1)) + 1
        for offset, line in enumerate(block[1].splitlines()):
            if line.startswith("$ "):
                found.append(Command(first_line + offset, line[2:], ""))
            elif line.startswith("> ") and not found[-1].shown:
                found[-1] = found[-1]._replace(text=f"{found[-1].text}\n{line[2:]}")
            else:
                found[-1] = found[-1]._replace(shown=f"{found[-1].shown}{line}\n")
    return found


def run(typed: Sequence[Command], directory: Path, environment: Mapping[str, str]) -> list[Printed]:
    """Run the commands in one shell, as a reader would type them one after the other."""
    script = "".join(f"{command.text}\n__code=$?; echo '{_MARK}' $__code; (exit $__code)\n" for command in typed)
    path = directory / ".commands"
    path.write_text(script, encoding="utf-8")
    answer = subprocess.run(
        ["bash", "--norc", str(path)],
        cwd=directory,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
        timeout=55,
    )
    pieces = re.split(rf"{_MARK} (\d+)\n", answer.stdout.decode())
    # bash tells of a background job when it starts one only in interactive use, so nothing else is in between
    return [Printed(output, int(code)) for output, code in zip(pieces[::2], pieces[1::2], strict=False)]


def may_fail(typed: Sequence[Command], number: int) -> bool:
    """Whether the reader is shown the exit code of command *number*."""
    return number + 1 < len(typed) and "$?" in typed[number + 1].text


def agrees(shown: str, printed: str) -> bool:
    """Whether *printed* is what a block shows; blank lines at the ends don't count."""
    parts = [_line_pattern(line) for line in shown.strip("\n").splitlines()]
    return re.fullmatch("".join(parts), f"{printed.strip(chr(10))}\n") is not None


def _line_pattern(line: str) -> str:
    if line.strip() == ELLIPSIS:
        return r"(?:[^\n]*\n)*?"
    return ".*".join(re.escape(part) for part in line.rstrip().split(ELLIPSIS)) + r"[ \r]*\n"
