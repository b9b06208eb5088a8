"""Page cursors: a keyset position as one opaque word, good only for the search that it came from."""

from __future__ import annotations

import base64
import binascii
import hashlib

import msgspec

from tidings.errors import CursorExpired, InvalidCursor
from tidings.query.ast import NUMBER_COLUMNS, Column, Order, Position

_DIGEST_BYTES = 8
_INTEGERS = range(-(2**63), 2**63)


class _Cursor(msgspec.Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    digest: bytes
    position: Position


_DECODER = msgspec.msgpack.Decoder(_Cursor)


def encode_cursor(position: Position, *search: object) -> str:
    """Return the cursor for the page after *position* of the search that *search* (text, order, …) describes."""
    packed = msgspec.msgpack.encode(_Cursor(_digest(search), position))
    return base64.urlsafe_b64encode(packed).rstrip(b"=").decode()


def decode_cursor(text: str, order: Order, oldest: int, *search: object) -> Position:
    """Return the position that *text* holds. Raises InvalidCursor, and CursorExpired when what follows it was deleted."""
    try:
        packed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = _DECODER.decode(packed)
    except (binascii.Error, ValueError, msgspec.DecodeError):
        raise InvalidCursor("the cursor is none that this server gave out; start the search anew without it") from None
    position = cursor.position
    if cursor.digest != _digest(search) or not _fits(position, order.column):
        raise InvalidCursor(
            "the cursor belongs to another search; send the search text, order, after and zone it came with"
        )
    if order.column is Column.INDEX and not order.descending and position.index < oldest - 1:
        raise CursorExpired(position.index, oldest)
    return position


def _fits(position: Position, column: Column) -> bool:
    if position.index not in _INTEGERS:
        return False
    if column in NUMBER_COLUMNS:
        return isinstance(position.value, int) and position.value in _INTEGERS
    return isinstance(position.value, str)


def _digest(search: tuple[object, ...]) -> bytes:
    return hashlib.blake2b(repr(search).encode(), digest_size=_DIGEST_BYTES).digest()
