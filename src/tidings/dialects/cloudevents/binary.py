"""CloudEvents in HTTP binary mode: attributes in ``ce-`` headers, the body is the data (HTTP protocol binding 1.0.2)."""

from __future__ import annotations

import re
import urllib.parse
from collections.abc import Iterable

import msgspec

from tidings.dialects.cloudevents.codec import Defaults, decode_one
from tidings.errors import InvalidEvent
from tidings.event import NO_PAYLOAD, Draft, set_payload

_PREFIX = "ce-"
_BAD_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")


def decode_binary(headers: Iterable[tuple[str, str]], content_type: str, body: bytes, defaults: Defaults) -> Draft:
    """Return the draft. Raises InvalidEvent."""
    attributes: dict[str, str] = {}
    for header, value in headers:
        name = header.lower()
        if name.startswith(_PREFIX):
            attributes[name.removeprefix(_PREFIX)] = _decoded(name, value)
    if "datacontenttype" in attributes:
        raise InvalidEvent("in binary mode the Content-Type header is the data's type; remove ce-datacontenttype")
    _check_utf8("content-type", content_type)
    try:
        draft = decode_one(msgspec.json.encode({**attributes, "data": None}), defaults)
    except InvalidEvent as fault:
        raise InvalidEvent(fault.reason) from None  # its column is one of the object made here, which nobody sent
    draft.data = NO_PAYLOAD
    if body:
        try:
            set_payload(draft, body, content_type or "application/json")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
            raise InvalidEvent(f"the body is not the {content_type or 'JSON'} that it says: {fault}") from None
    return draft


def _decoded(name: str, value: str) -> str:
    """Undo the header's quoting (old senders) and one round of percent-encoding."""
    _check_utf8(name, value)
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = re.sub(r"\\(.)", r"\1", value[1:-1])
    if _BAD_ESCAPE.search(value):
        raise InvalidEvent(f"header {name} has a % that begins no escape; write it as %25")
    try:
        return urllib.parse.unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        raise InvalidEvent(f"header {name} is not UTF-8 after percent-decoding") from None


def _check_utf8(name: str, value: str) -> None:
    """Refuse a header whose bytes weren't UTF-8: the HTTP library hands them out as surrogates."""
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidEvent(f"header {name} is not UTF-8; percent-encode what isn't ASCII") from None


def is_binary(headers: Iterable[str]) -> bool:
    """Whether a message with these header names is in binary mode."""
    return any(header.lower() == "ce-specversion" for header in headers)
