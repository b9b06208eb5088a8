"""Reading XML from strangers, and never writing what XML can't hold."""

import contextlib
from collections.abc import Iterator
from xml.parsers import expat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.dialects.ovirt.xml import (
    MAX_DEPTH,
    MAX_ELEMENTS,
    MAX_TAG,
    MAX_TEXT,
    BadXml,
    Element,
    escape,
    escape_attribute,
    read_pieces,
    read_xml,
)

MIB = 1_048_576
FORBIDDEN = [*range(9), 0x0B, 0x0C, *range(0x0E, 0x20), 0xD800, 0xDFFF, 0xFFFE, 0xFFFF]


class Taken:
    """Pieces that are made when they are asked for, and how many were."""

    def __init__(self, first: bytes, piece: bytes, number: int) -> None:
        self.number, self._first, self._piece, self._most = 0, first, piece, number

    def __iter__(self) -> Iterator[bytes]:
        yield self._first
        for _ in range(self._most):
            self.number += 1
            yield self._piece


def refusal(document: bytes) -> BadXml:
    """Return why *document* is refused."""
    with pytest.raises(BadXml) as caught:
        read_xml(document)
    return caught.value


def test_an_element_has_its_attributes_its_text_and_its_children() -> None:
    assert read_xml(b'<a x="1">one<b/>two</a>') == Element("a", {"x": "1"}, "onetwo", (Element("b", {}, "", ()),))


def test_text_is_given_as_it_stands() -> None:
    assert read_xml(b"<a> &lt;\n&#13;<![CDATA[<b>]]><!-- not this --> </a>").text == " <\n\r<b> "


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be"])
def test_utf_8_and_utf_16_are_read_without_a_declaration(encoding: str) -> None:
    assert read_xml("<a>é日本</a>".encode(encoding)).text == "é日本"


@pytest.mark.parametrize(("encoding", "declared"), [("utf-8", "utf-8"), ("utf-16", "UTF-16"), ("utf-8", "Utf-8")])
def test_utf_8_and_utf_16_may_be_declared(encoding: str, declared: str) -> None:
    assert read_xml(f'<?xml version="1.0" encoding="{declared}"?><a>é</a>'.encode(encoding)).text == "é"


@pytest.mark.parametrize("encoding", ["ISO-8859-1", "US-ASCII", "utf-7", "cp037", "no-such"])
def test_other_encodings_are_refused(encoding: str) -> None:
    assert f"encoding {encoding!r}" in refusal(f'<?xml version="1.0" encoding="{encoding}"?><a/>'.encode()).reason


@pytest.mark.parametrize(("encoding", "declared"), [("utf-8", "UTF-16"), ("utf-16", "UTF-8")])
def test_an_encoding_that_is_declared_wrongly_is_refused(encoding: str, declared: str) -> None:
    assert "encoding" in refusal(f'<?xml version="1.0" encoding="{declared}"?><a/>'.encode(encoding)).reason


@pytest.mark.parametrize(
    "document",
    [
        "<!DOCTYPE a><a/>",
        '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        '<!DOCTYPE a PUBLIC "-//a//b" "http://127.0.0.1/a.dtd"><a/>',
        '<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]><a>&x;</a>',
        '<!DOCTYPE a [<!ENTITY % x SYSTEM "http://127.0.0.1/a.dtd"> %x;]><a/>',
        '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>',
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_every_document_type_is_refused(document: str, encoding: str) -> None:
    assert "DOCTYPE" in refusal(document.encode(encoding)).reason


def test_a_billion_laughs_are_refused_before_the_first() -> None:
    entities = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    assert "DOCTYPE" in refusal(f"<!DOCTYPE a [{entities}]><a>&l9;</a>".encode()).reason


def test_an_entity_that_nobody_declared_is_refused() -> None:
    assert refusal(b"<a>&x;</a>").reason == "undefined entity"


def test_a_fault_says_line_and_column() -> None:
    fault = refusal(b"<a>\n  <b></c></a>")
    assert (fault.line, fault.column, str(fault)) == (2, 8, "line 2, column 8: mismatched tag")


@pytest.mark.parametrize("document", [b"", b"  \n", b"<a>", b"<a/><b/>", b"text", b"<a>\xff</a>", b"<a>&#0;</a>"])
def test_what_is_not_well_formed_is_refused(document: bytes) -> None:
    refusal(document)


def test_nesting_is_read_to_the_limit_and_refused_beyond() -> None:
    assert read_xml(b"<a>" * MAX_DEPTH + b"</a>" * MAX_DEPTH).name == "a"
    assert "nested" in refusal(b"<a>" * (MAX_DEPTH + 1) + b"</a>" * (MAX_DEPTH + 1)).reason


def test_elements_are_read_to_the_limit_and_refused_beyond() -> None:
    assert len(read_xml(b"<a>" + b"<b/>" * (MAX_ELEMENTS - 1) + b"</a>").children) == MAX_ELEMENTS - 1
    assert "elements" in refusal(b"<a>" + b"<b/>" * MAX_ELEMENTS + b"</a>").reason


def test_text_is_read_to_the_limit_and_refused_beyond() -> None:
    assert len(read_xml(b"<a>" + b"x" * (MAX_TEXT - 1) + b"</a>").text) == MAX_TEXT - 1
    assert "characters" in refusal(b"<a>" + b"x" * MAX_TEXT + b"</a>").reason


def test_attributes_count_as_text() -> None:
    long = b'<b x="' + b"y" * 60_000 + b'"/>'
    assert "characters" in refusal(b"<a>" + long * 20 + b"</a>").reason


@pytest.mark.parametrize(
    ("first", "piece", "reason"),
    [
        (b"", b"<a>" * (MIB // 3), "nested deeper"),
        (b"<a>", b"x" * MIB, "characters"),
        (b"<a>", b"<b/>" * (MIB // 4), "elements"),
        (b"<", b"a" * MIB, "tag or comment"),
        (b'<a x="', b"y" * MIB, "tag or comment"),
        (b"<a><!--", b"x" * MIB, "tag or comment"),
        (b"<a><?x ", b"x" * MIB, "tag or comment"),
        (b"<!DOCTYPE a [", b'<!ENTITY x "y">' * 70_000, "DOCTYPE"),
    ],
    ids=["nesting", "text", "elements", "name", "attribute", "comment", "instruction", "entities"],
)
def test_a_hundred_megabytes_are_refused_within_the_first_two(first: bytes, piece: bytes, reason: str) -> None:
    pieces = Taken(first, piece, 100)
    with pytest.raises(BadXml, match=reason):
        read_pieces(pieces)
    assert pieces.number <= 2


def test_many_comments_are_no_fault_as_long_as_each_is_short() -> None:
    comment = b"<!--" + b"x" * (MAX_TAG // 2) + b"-->"
    assert read_xml(b"<a>" + comment * 50 + b"</a>").text == ""


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(document: bytes) -> None:
    with contextlib.suppress(BadXml):
        read_xml(document)


@given(st.integers(1, 7), st.text(alphabet="<>/ab!&x;[]-?\"' =\n", max_size=60))
def test_it_does_not_matter_where_pieces_end(size: int, document: str) -> None:
    body = document.encode()

    def outcome(pieces: list[bytes]) -> Element | tuple[int, str]:
        try:
            return read_pieces(pieces)
        except BadXml as fault:
            return fault.line, fault.reason

    assert outcome([body[at : at + size] for at in range(0, len(body), size)]) == outcome([body])


@given(st.text())
def test_escaped_text_and_attributes_are_read_back(text: str) -> None:
    root = read_xml(f'<a x="{escape_attribute(text)}">{escape(text)}</a>'.encode())
    shown = "".join("\ufffd" if ord(character) in FORBIDDEN else character for character in text)
    assert (root.text, root.attributes["x"]) == (shown, shown)


@pytest.mark.parametrize("code", FORBIDDEN)
def test_what_xml_cannot_hold_becomes_a_replacement_character(code: int) -> None:
    assert (escape(f"a{chr(code)}"), escape_attribute(f"a{chr(code)}")) == ("a\ufffd", "a\ufffd")


def test_every_other_character_is_kept_and_readable() -> None:
    text = "".join(
        chr(code) for code in range(0x11_0000) if code not in FORBIDDEN and not 0xD800 <= code <= 0xDFFF and code >= 9
    )
    texts: list[str] = []
    parser = expat.ParserCreate()
    parser.CharacterDataHandler = texts.append
    parser.Parse(f"<a>{escape(text)}</a>".encode(), True)
    assert "".join(texts) == text
