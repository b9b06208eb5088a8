"""Reading a search text from left to right: names, operators, words and quoted values, each with its place."""

from __future__ import annotations

import re
from typing import NoReturn

import msgspec

from tidings.errors import QuerySyntaxError

MAX_CHARACTERS = 10_000

_SPACE = re.compile(r"\s*")
# NUL ends a text in C libraries below us, and half a surrogate pair can't be written as UTF-8.
_UNUSABLE = re.compile("[\0\ud800-\udfff]")
OPERATOR = re.compile(r"(?:[=<>~]|!(?=[=~]))[=<>~!]*")
_WORD = re.compile(r'(?:[^\s()=<>~"!]|!(?![=~]))+')
_PATH = re.compile(r'(?:data|attr|link)(?:\.(?:"(?:[^"\\]|\\.)*"|[^\s.()=<>~"!,]+))+', re.IGNORECASE | re.DOTALL)
_BARE = re.compile(r"[^\s)]+")
_BARE_IN_LIST = re.compile(r"[^\s),]+")
_IN = re.compile(r"(not\s+)?in\s*\(", re.IGNORECASE)
_PAGE = re.compile(r"page\s+([+-]?[0-9]+)(?!\S)", re.IGNORECASE)
_CLOCK = re.compile(r"[0-9]{1,2}:[0-9]{2}")
_ESCAPED = {"n": "\n", "\\": "\\", '"': '"', "'": "'", "*": "*"}
_SHOWN = 40


class Value(msgspec.Struct, frozen=True):
    """One value where it stood: the literal parts between its wildcards, one part when it has none."""

    at: int
    parts: tuple[str, ...]
    quoted: bool

    @property
    def text(self) -> str:
        """The value as one text, a wildcard shown as ``*``."""
        return "*".join(self.parts)


def split_wildcards(text: str) -> tuple[str, ...]:
    """Return the literal parts of *text* between its stars; several stars in a row are one."""
    return _merge(text.split("*"))


def _merge(parts: list[str]) -> tuple[str, ...]:
    if len(parts) == 1:
        return (parts[0],)
    first, *middle, last = parts
    return (first, *(part for part in middle if part), last)


def shown(text: str) -> str:
    """Return *text* in quotes, shortened for a message."""
    return f"'{text}'" if len(text) <= _SHOWN else f"'{text[:_SHOWN]}…'"


class Scanner:
    """A place in a search text that moves forward; each reader returns None and stays where it is when there is nothing for it."""

    def __init__(self, text: str) -> None:
        self.text, self.at = text, 0
        if len(text) > MAX_CHARACTERS:
            self.fail(MAX_CHARACTERS, f"the search is longer than {MAX_CHARACTERS} characters")
        if unusable := _UNUSABLE.search(text):
            self.fail(unusable.start(), f"unusable character U+{ord(unusable.group()):04X}")

    def fail(self, at: int, reason: str, suggestion: str | None = None) -> NoReturn:
        """Raise the error for what is wrong at *at*."""
        raise QuerySyntaxError(self.text, at, reason, suggestion)

    def found(self) -> str:
        """Say what stands here, for a message."""
        if self.at_end():
            return "the end"
        match = OPERATOR.match(self.text, self.at) or _WORD.match(self.text, self.at)
        return shown(match.group() if match else self.text[self.at])

    def skip_space(self) -> int:
        """Move to the next character that isn't white space and return its place."""
        match = _SPACE.match(self.text, self.at)
        assert match is not None  # the expression matches empty text too
        self.at = match.end()
        return self.at

    def at_end(self) -> bool:
        """Whether nothing but white space is left."""
        return self.skip_space() == len(self.text)

    def take(self, character: str) -> bool:
        """Move past *character* if it is next."""
        self.skip_space()
        if not self.text.startswith(character, self.at):
            return False
        self.at += len(character)
        return True

    def _read(self, expression: re.Pattern[str]) -> re.Match[str] | None:
        match = expression.match(self.text, self.skip_space())
        if match:
            self.at = match.end()
        return match

    def operator(self) -> str | None:
        """Read a run of operator characters, known operator or not."""
        match = self._read(OPERATOR)
        return match.group() if match else None

    def is_at_operator(self) -> bool:
        """Whether an operator is next."""
        return OPERATOR.match(self.text, self.skip_space()) is not None

    def in_list(self) -> bool | None:
        """Read ``in (`` as True and ``not in (`` as False."""
        match = self._read(_IN)
        return None if match is None else match.group(1) is None

    def page(self) -> int | None:
        """Read ``page N``; a number too long to be one counts as -1."""
        match = self._read(_PAGE)
        if match is None:
            return None
        return int(match.group(1)) if len(match.group(1)) <= 10 else -1

    def is_at_page(self) -> bool:
        """Whether ``page N`` is next."""
        return _PAGE.match(self.text, self.skip_space()) is not None

    def is_at_clock(self) -> bool:
        """Whether a time of day is next."""
        return _CLOCK.match(self.text, self.skip_space()) is not None

    def peek_word(self) -> str:
        """Return the next word of free text or field name in lower case (empty when there is none) and stay."""
        match = _WORD.match(self.text, self.skip_space())
        return match.group().lower() if match else ""

    def word(self) -> Value | None:
        """Read a word of free text."""
        match = self._read(_WORD)
        return Value(match.start(), split_wildcards(match.group()), quoted=False) if match else None

    def name(self) -> str | None:
        """Read a field name, whose keys may be quoted: ``data."a b".c``."""
        at = self.skip_space()
        matches = [match for match in (_WORD.match(self.text, at), _PATH.match(self.text, at)) if match]
        if not matches:
            return None
        self.at = max(match.end() for match in matches)
        return self.text[at : self.at]

    def value(self, *, in_list: bool = False) -> Value | None:
        """Read a quoted or bare value; a bare one ends at white space or ``)``, in a list also at a comma."""
        if quoted := self.quoted():
            return quoted
        match = self._read(_BARE_IN_LIST if in_list else _BARE)
        if match is None:
            return None
        bare = match.group()
        if '"' in bare:
            self.fail(match.start() + bare.index('"'), "a quote inside a value", "put quotes around the whole value")
        return Value(match.start(), split_wildcards(bare), quoted=False)

    def quoted(self) -> Value | None:
        """Read a value in single or double quotes; a star in it is a wildcard unless escaped."""
        start = self.skip_space()
        quote = self.text[start : start + 1]
        if quote not in ("'", '"'):
            return None
        parts = [""]
        at = start + 1
        while (character := self.text[at : at + 1]) != quote:
            if not character:
                self.fail(start, f"the quote {quote} is never closed", f"add {quote} after the value")
            if character == "\\":
                at += 1
                character = self._escaped(at, start)
            elif character == "*":
                parts.append("")
                character = ""
            parts[-1] += character
            at += 1
        self.at = at + 1
        return Value(start, _merge(parts), quoted=True)

    def _escaped(self, at: int, start: int) -> str:
        character = self.text[at : at + 1]
        if not character:
            self.fail(start, "the quote is never closed", "a backslash at the end is written \\\\")
        if character not in _ESCAPED:
            self.fail(at - 1, f"unknown escape '\\{character}'", "write \\\\ for a backslash")
        return _ESCAPED[character]
