"""Page cursors."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidings.errors import CursorExpired, InvalidCursor
from tidings.query.ast import Column, Order, Position
from tidings.server.cursors import decode_cursor, encode_cursor

BY_TEXT = Order(Column.ACTOR)
OLDEST_FIRST = Order(Column.INDEX, descending=False)


@given(st.text(), st.integers(0, 2**63 - 1), st.text())
def test_a_cursor_holds_its_position(value: str, index: int, search: str) -> None:
    position = Position(value, index)
    assert decode_cursor(encode_cursor(position, search), BY_TEXT, 1, search) == position


@given(st.text())
def test_whatever_else_is_sent_is_an_invalid_cursor(text: str) -> None:
    with pytest.raises(InvalidCursor):
        decode_cursor(text, Order(), 1, "search")


@pytest.mark.parametrize("position", [("text", 1), (1, 2**64 - 1), (2**64 - 1, 1), (1.5, 1), (1,)])
def test_a_forged_position_is_an_invalid_cursor(position: tuple[object, ...]) -> None:
    good = base64.urlsafe_b64decode(encode_cursor(Position(1, 1), "x") + "==")
    digest, _ = msgspec.msgpack.decode(good)
    forged = base64.urlsafe_b64encode(msgspec.msgpack.encode((digest, position))).decode()
    with pytest.raises(InvalidCursor):
        decode_cursor(forged, Order(), 1, "x")


def test_a_cursor_whose_successors_were_deleted_has_expired() -> None:
    cursor = encode_cursor(Position(5, 5), "x")
    with pytest.raises(CursorExpired, match="oldest kept index is 100"):
        decode_cursor(cursor, OLDEST_FIRST, 100, "x")


def test_a_cursor_that_goes_backwards_never_expires() -> None:
    cursor = encode_cursor(Position(5, 5), "x")
    assert decode_cursor(cursor, Order(), 100, "x") == Position(5, 5)
