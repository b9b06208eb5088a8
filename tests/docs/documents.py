"""The documentation as text: its pages, their sections and the rows of their tables."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
_HEADING = re.compile(r"^(#+) (.+)$", re.MULTILINE)
_FENCE = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")


def page(name: str) -> str:
    """Return a page of docs/, or README.md."""
    return (ROOT / name if name == "README.md" else DOCS / name).read_text(encoding="utf-8")


def sections(text: str) -> dict[str, str]:
    """Return what stands under each heading, up to the next heading of any level."""
    # Headings are looked for outside of code, where a line may begin with # too; blanking keeps the places.
    blanked = _FENCE.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), text)
    headings = list(_HEADING.finditer(blanked))
    ends = [*(heading.start() for heading in headings[1:]), len(text)]
    return {heading[2]: text[heading.end() : end] for heading, end in zip(headings, ends, strict=True)}


def rows(text: str) -> Iterator[list[str]]:
    """Yield the cells of every table row; a vertical bar inside a cell is written with a backslash before it."""
    for line in text.splitlines():
        if line.startswith("|") and not re.fullmatch(r"[|\s:-]+", line):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def first_codes(text: str) -> set[str]:
    """Return everything that stands in backticks in the first cell of a table row."""
    return {code for row in rows(text) for code in codes(row[0])}


def codes(text: str) -> list[str]:
    """Return everything that stands in backticks."""
    return _CODE.findall(text)
