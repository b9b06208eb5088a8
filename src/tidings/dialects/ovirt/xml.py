"""XML from strangers, read with expat under bounds; and text made fit to stand in XML.

What an event never needs is refused, because it is how XML harms its readers: document types, and with them every entity of
one's own; encodings other than UTF-8 and UTF-16; great depth, number and size. A body is read in pieces, so that it is refused
where it goes wrong, whatever follows there.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from xml.parsers import expat

import msgspec

from tidings.errors import TidingsError

MAX_DEPTH = 32
MAX_ELEMENTS = 10_000
MAX_TEXT = 1_048_576
"""Characters of all texts, names and attributes together."""
MAX_TAG = 65_536
"""Bytes of one tag, comment or processing instruction, which expat must hold as a whole."""

HEADER = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
"""How every document of ours begins."""

_PIECE = 16_384
_ENCODINGS = frozenset({"UTF-8", "UTF-16"})
_FORBIDDEN = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_SPECIAL = re.compile(f"[&<>\r{_FORBIDDEN}]")
_SPECIAL_IN_ATTRIBUTE = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
# A carriage return would be read back as a line feed, and in an attribute both as spaces.
_ESCAPES = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}


class BadXml(TidingsError):
    """A document isn't well-formed, or holds what isn't allowed. *line* and *column* count from 1."""

    def __init__(self, reason: str, line: int, column: int) -> None:
        self.reason, self.line, self.column = reason, line, column
        super().__init__(f"line {line}, column {column}: {reason}")


class Element(msgspec.Struct, frozen=True, gc=False):
    """One element; *text* is what stands directly in it, white space included."""

    name: str
    attributes: Mapping[str, str]
    text: str
    children: tuple[Element, ...]


def read_xml(document: bytes) -> Element:
    """Return the root of *document*. Raises BadXml."""
    return read_pieces((document,))


def read_pieces(pieces: Iterable[bytes]) -> Element:
    """Return the root of the document in *pieces*, taking no more of them once one shows a fault. Raises BadXml."""
    return _Reader().read(pieces)


def escape(text: str) -> str:
    """Return *text* for between two tags; characters that XML 1.0 can't hold become U+FFFD."""
    return _SPECIAL.sub(_escaped, text) if _SPECIAL.search(text) else text


def escape_attribute(text: str) -> str:
    """Return *text* for between double quotes; characters that XML 1.0 can't hold become U+FFFD."""
    return _SPECIAL_IN_ATTRIBUTE.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    return _ESCAPES.get(match[0], "\ufffd")


class _Open:
    """An element whose end tag hasn't come."""

    __slots__ = ("attributes", "children", "name", "texts")

    def __init__(self, name: str, attributes: Mapping[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.texts: list[str] = []
        self.children: list[Element] = []

    def closed(self) -> Element:
        return Element(self.name, self.attributes, "".join(self.texts), tuple(self.children))


class _Reader:
    def __init__(self) -> None:
        self._open: list[_Open] = []
        self._root: Element | None = None
        self._elements = self._size = 0
        self._parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.XmlDeclHandler = self._declaration
        parser.StartDoctypeDeclHandler = self._document_type
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text

    def read(self, pieces: Iterable[bytes]) -> Element:
        parser = self._parser
        try:
            fed = 0
            for piece in _small(pieces):
                parser.Parse(piece, False)
                fed += len(piece)
                # expat looks at an unfinished tag from its start again with every piece, and remembers it
                if fed - parser.CurrentByteIndex > MAX_TAG:
                    raise self._fault(f"a tag or comment has more than {MAX_TAG} bytes")
            parser.Parse(b"", True)
        except expat.ExpatError as fault:
            raise BadXml(expat.ErrorString(fault.code), fault.lineno, fault.offset + 1) from None
        assert self._root is not None
        return self._root

    def _declaration(self, _version: str, encoding: str | None, _standalone: int) -> None:
        if encoding is not None and encoding.upper() not in _ENCODINGS:
            raise self._fault(f"encoding {encoding[:40]!r} is not read; send UTF-8 or UTF-16")

    def _document_type(self, *_name: str | int | None) -> None:
        raise self._fault("a DOCTYPE, and with it entities, is not allowed; leave it out")

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > MAX_ELEMENTS:
            raise self._fault(f"more than {MAX_ELEMENTS} elements")
        if len(self._open) >= MAX_DEPTH:
            raise self._fault(f"elements are nested deeper than {MAX_DEPTH}")
        self._count(len(name) + sum(len(key) + len(value) for key, value in attributes.items()))
        self._open.append(_Open(name, attributes))

    def _end(self, _name: str) -> None:
        element = self._open.pop().closed()
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element

    def _text(self, text: str) -> None:
        self._count(len(text))
        self._open[-1].texts.append(text)

    def _count(self, size: int) -> None:
        self._size += size
        if self._size > MAX_TEXT:
            raise self._fault(f"texts and attributes have more than {MAX_TEXT} characters")

    def _fault(self, reason: str) -> BadXml:
        return BadXml(reason, self._parser.CurrentLineNumber, self._parser.CurrentColumnNumber + 1)


def _small(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Cut *pieces*: after a fault expat runs, with nobody listening, to the end of the piece it was given."""
    for piece in pieces:
        for start in range(0, len(piece), _PIECE):
            yield piece[start : start + _PIECE]
