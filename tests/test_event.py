"""The stored line gives back what was put into it."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings import rfc3339
from tidings.event import Draft, decode_line, encode_lines, set_payload

BLANKS = st.text(" \t\r\n", max_size=4).map(str.encode)


def stored(payload: bytes, media_type: str = "application/json") -> bytes:
    """Return the payload that comes out again."""
    now = rfc3339.render(0)
    draft = Draft(sequence="1", received=now, specversion="1.0", source="s", type="t", time=now, severity="normal")
    set_payload(draft, payload, media_type)
    line = encode_lines([draft])
    assert line.count(b"\n") == 1
    return decode_line(line).payload


@given(BLANKS, BLANKS, BLANKS)
def test_json_comes_back_byte_for_byte_but_for_the_blanks_around_it(before: bytes, within: bytes, after: bytes) -> None:
    value = b'{"a":' + within + b"[1," + within + b"2]}"

    assert stored(before + value + after) == value


@given(st.binary(min_size=1))
def test_other_bytes_come_back_as_they_were(payload: bytes) -> None:
    assert stored(payload, "application/octet-stream") == payload


@pytest.mark.parametrize("payload", [b"", b" ", b"{", b'{"a":1} {"b":2}'])
def test_what_is_no_json_is_refused_under_a_json_media_type(payload: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        stored(payload)
