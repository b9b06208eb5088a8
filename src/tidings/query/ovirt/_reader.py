"""Reading an oVirt search text from left to right, words by their first letters as the engine does."""

from __future__ import annotations

import functools
import re
from typing import cast

from tidings.query._scanner import Scanner, Value, split_wildcards
from tidings.query.ovirt._fields import EVENT_FIELDS, LINKED_FIELDS, Relation

_FLAGS = re.ASCII | re.IGNORECASE
_FIELD_NAMES = "|".join(sorted(EVENT_FIELDS, key=len, reverse=True))
_FIELD = re.compile(_FIELD_NAMES, _FLAGS)
_WHOLE_FIELD = re.compile(rf"(?:{_FIELD_NAMES})(?=[ \t\r\n=<>]|!=|\Z)", _FLAGS)
_OBJECT = re.compile(rf"({'|'.join(LINKED_FIELDS)})s?", _FLAGS)
_NAME = re.compile(r"\w+", _FLAGS)
_OBJECT_OF_SEARCH = re.compile(r"events[ \t\r\n]*:", _FLAGS)
_RELATION = re.compile(r"[!<>]=|[=<>]")
_DIGITS = re.compile(r"[0-9]+")
# White space is what a URL or a file brings along; the wider spaces of Unicode are part of a word, as for the engine.
_SPACE = re.compile(r"[ \t\r\n]*")
_BARE = re.compile(r"[^ \t\r\n]+")
_REFUSED = re.compile("[';]")


@functools.cache
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(words), _FLAGS)


class Reader(Scanner):
    """A place in the text that moves forward; readers of a word return None and stay where it isn't the one they are for."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        if refused := _REFUSED.search(text):
            self.fail(
                refused.start(),
                f"the character {refused.group()} can't be part of a search, not even in quotes",
                "write * in its place",
            )
        self._read(_OBJECT_OF_SEARCH)

    def skip_space(self) -> int:
        """Move to the next character that isn't white space and return its place."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None  # the expression matches empty text too
        self.at = match.end()
        return self.at

    def keyword(self, *words: str) -> str | None:
        """Read whichever of the lower-case *words* the text goes on with, whatever follows it."""
        match = self._read(_any_of(words))
        return match.group().lower() if match else None

    def is_at(self, *words: str) -> bool:
        """Whether the text goes on with one of the lower-case *words*."""
        return _any_of(words).match(self.text, self.skip_space()) is not None

    def is_at_field(self) -> bool:
        """Whether a field of an event is next, whatever follows it."""
        return _FIELD.match(self.text, self.skip_space()) is not None

    def field(self, *, whole: bool) -> str | None:
        """Read a field of an event; with *whole* only where white space, a relation or the end follows."""
        match = self._read(_WHOLE_FIELD if whole else _FIELD)
        return match.group().lower() if match else None

    def linked_object(self) -> str | None:
        """Read the name of a kind of linked object and return its singular."""
        match = self._read(_OBJECT)
        return match.group(1).lower() if match else None

    def linked_field(self) -> str | None:
        """Read a dot, which may follow only at once, and the name after it (empty when there is none)."""
        if not self.text.startswith(".", self.at):
            return None
        match = _NAME.match(self.text, self.at + 1)
        self.at = match.end() if match else self.at + 1
        return match.group().lower() if match else ""

    def relation(self) -> Relation | None:
        """Read a relation: the longest there is, so what follows belongs to the value."""
        match = self._read(_RELATION)
        return cast(Relation, match.group()) if match else None

    def digits(self) -> str | None:
        """Read a number."""
        match = self._read(_DIGITS)
        return match.group() if match else None

    def required_value(self) -> Value:
        """Read a value in quotes, or up to the next white space. A star is a wildcard in either."""
        at = self.skip_space()
        if self.at_end():
            self.fail(at, "expected a value, found the end", 'an empty value is written ""')
        value = self._quoted_value(at) if self.text[at] == '"' else self._bare_value()
        if value.text.endswith("\\"):
            self.fail(
                self.at - 1 - value.quoted,
                "a value can't end with a backslash",
                "a quote can't be escaped: write * in its place" if value.quoted else "write * in its place",
            )
        return value

    def _quoted_value(self, at: int) -> Value:
        end = self.text.find('"', at + 1)
        if end < 0:
            self.fail(at, 'the quote " is never closed', 'add " after the value')
        self.at = end + 1
        return Value(at, split_wildcards(self.text[at + 1 : end]), quoted=True)

    def _bare_value(self) -> Value:
        match = self._read(_BARE)
        assert match is not None  # something stands here
        if '"' in match.group():
            at = match.start() + match.group().index('"')
            self.fail(at, "a quote inside a value", "put quotes around the whole value")
        return Value(match.start(), split_wildcards(match.group()), quoted=False)
