"""The join token that ``lxc remote add NAME TOKEN`` takes: base64 of one JSON object.

Members and their order as LXD 5.0.2 prints them for ``lxc config trust add``.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from typing import Annotated

import msgspec
from msgspec import Meta

from tidings import rfc3339
from tidings.auth import InvalidAccount

NEVER = "0001-01-01T00:00:00Z"
"""How Go, and so LXD, writes a time that isn't set."""

_MAX_LENGTH = 16 * 1024
_Given = Annotated[str, Meta(min_length=1)]


class JoinTokenText(msgspec.Struct, frozen=True):
    """What a token tells a client: where to go, what the server's certificate must be, and with which secret to ask.

    *fingerprint* is the SHA-256 of the server certificate's DER, *addresses* are ``host:port``.
    """

    client_name: str
    fingerprint: _Given
    addresses: Annotated[tuple[str, ...], Meta(min_length=1)]
    secret: _Given
    expires_at: str = NEVER


_DECODER = msgspec.json.Decoder(JoinTokenText)


def encode_join_token(
    name: str, fingerprint: str, addresses: Sequence[str], secret: str, expires_ns: int | None
) -> str:
    """Return the text of a token for the client called *name*; *expires_ns* None means never."""
    expires_at = NEVER if expires_ns is None else rfc3339.render(expires_ns)
    text = JoinTokenText(name, fingerprint, tuple(addresses), secret, expires_at)
    return base64.b64encode(msgspec.json.encode(text)).decode("ascii")


def decode_join_token(text: str) -> JoinTokenText:
    """Return what `encode_join_token`, or LXD, wrote. Raises InvalidAccount, which quotes nothing: it may hold a secret."""
    # Anybody may send one, so what is too long for a token isn't even looked at.
    compact = "".join(text.split()) if len(text) <= _MAX_LENGTH else ""
    try:
        return _DECODER.decode(base64.b64decode(compact, validate=True).decode())
    except (ValueError, msgspec.DecodeError, RecursionError):
        reason = "this is no join token: the text that 'tidings trust token NAME' printed is expected"
        raise InvalidAccount("token", reason) from None
