"""The canonical Event, the Draft it is stored from, and the line that is stored.

An event is kept as ONE line of JSON, the CloudEvents 1.0 form that our own API speaks, encoded once when it is appended: the log's
blocks, exports, search answers and streams all send these bytes. The payload stands in it verbatim as ``data``.
"""

from __future__ import annotations

import base64
import functools
import urllib.parse
from collections.abc import Iterable, Mapping, Sequence
from typing import NewType

import msgspec

from tidings import rfc3339
from tidings.severity import Severity

Index = NewType("Index", int)
"""A position in the log: 1, 2, 3, … never reused."""

NO_PAYLOAD = msgspec.Raw(b"")
"""What a draft without payload has: this very object, or the member would be written, with nothing as its value."""


class Link(msgspec.Struct, frozen=True, gc=False):
    """A typed reference to a named object: ``vm``, ``host``, ``container``, ``image``, …"""

    type: str
    name: str = ""
    id: str = ""


class Draft(msgspec.Struct, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """An event that is not stored yet, in the very shape of its line.

    Not frozen, because the log stamps ``sequence``, ``received`` (and ``id`` where the producer gave none) when it gives the
    index; hand it over and don't touch it again. Empty text means absent and takes no room in the line.
    ``time`` is RFC 3339 in UTC (see `rfc3339.render`), ``severity`` one of our five words.
    ``data`` is JSON without line breaks, other bytes go to ``data_base64``: `set_payload` does either.
    ``links`` is what `encode_links` returns.
    """

    sequence: str = ""
    id: str = ""
    received: str = ""
    specversion: str = ""
    source: str = ""
    type: str = ""
    time: str = ""
    severity: str = ""
    subject: str = ""
    actor: str = ""
    scope: str = ""
    location: str = ""
    correlation: str = ""
    message: str = ""
    dialect: str = ""
    links: str = ""
    datacontenttype: str = ""
    dataschema: str = ""
    # Attributes many producers add; named here so that the common case needs no second pass over the JSON.
    action: str = ""
    category: str = ""
    linebreaks: str = ""
    data: msgspec.Raw = NO_PAYLOAD
    data_base64: str = ""
    # Attributes we have no name for; they stand in the line beside the others, not under this name.
    extensions: dict[str, msgspec.Raw] | None = None


class Event(msgspec.Struct, frozen=True, gc=False):
    """One stored event. Immutable; times are nanoseconds since the epoch, UTC; empty text means absent."""

    index: Index
    id: str
    dialect: str
    source: str
    kind: str
    time: int
    received: int
    severity: Severity
    actor: str
    subject: str
    links: tuple[Link, ...]
    scope: str
    location: str
    correlation: str
    message: str
    payload: bytes
    media_type: str
    attributes: Mapping[str, msgspec.Raw]
    line: bytes
    """The stored line itself, without its line end."""


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Draft)
_SEVERITIES = {severity.label: severity for severity in Severity}
_NAMES = frozenset(Draft.__struct_fields__) - {"extensions"}
_JSON_BLANKS = b" \t\r\n"
_JSON_TYPES = ("", "application/json")


def is_json(media_type: str) -> bool:
    """Whether *media_type* (parameters allowed, empty means JSON) holds JSON."""
    bare = media_type.partition(";")[0].strip().lower()
    return bare in _JSON_TYPES or bare.endswith(("+json", "/json"))


def encode_links(links: Iterable[Link]) -> str:
    """Return the links as one CloudEvents attribute: ``vm=web1&vm.id=aae9…&host=node1``, percent-encoded."""
    pairs: list[tuple[str, str]] = []
    for link in links:
        pairs.append((link.type, link.name))
        if link.id:
            pairs.append((f"{link.type}.id", link.id))
    return urllib.parse.urlencode(pairs)


def decode_links(text: str) -> tuple[Link, ...]:
    """Return the links that `encode_links` wrote; short ones are cached, because objects repeat."""
    return _cached_links(text) if len(text) <= 512 else _parse_links(text)


def _parse_links(text: str) -> tuple[Link, ...]:
    links: list[Link] = []
    for key, value in urllib.parse.parse_qsl(text, keep_blank_values=True):
        if key.endswith(".id") and links and links[-1].type == key[:-3]:
            links[-1] = Link(links[-1].type, links[-1].name, value)
        else:
            links.append(Link(key, value))
    return tuple(links)


_cached_links = functools.lru_cache(maxsize=1024)(_parse_links)


def encode_lines(drafts: Sequence[Draft]) -> bytes:
    """Return the drafts as NDJSON, one line each with its line end."""
    if any(draft.extensions for draft in drafts):
        return b"".join(_encode_line(draft) for draft in drafts)
    return _ENCODER.encode_lines(drafts)


def _encode_line(draft: Draft) -> bytes:
    extensions, draft.extensions = draft.extensions, None
    line = _ENCODER.encode(draft)
    if not extensions:
        return line + b"\n"
    members = _ENCODER.encode(extensions)
    return line[:-1] + b"," + members[1:] + b"\n"


def decode_draft(line: bytes) -> Draft:
    """Return the draft that *line* holds; names we don't know become extensions. Raises msgspec.DecodeError."""
    try:
        return _DECODER.decode(line)
    except msgspec.ValidationError:
        members = msgspec.json.decode(line, type=dict[str, msgspec.Raw])
        extensions = {name: members.pop(name) for name in tuple(members) if name not in _NAMES}
        if not extensions:
            raise
        draft = _DECODER.decode(_ENCODER.encode(members))
        draft.extensions = {name: msgspec.Raw(bytes(value)) for name, value in extensions.items()}
        return draft


def decode_line(line: bytes) -> Event:
    """Return the event that a stored *line* (with or without its line end) holds."""
    draft = decode_draft(line)
    attributes = dict(draft.extensions) if draft.extensions else {}
    for name in ("action", "category", "dataschema"):
        if value := getattr(draft, name):
            attributes[name] = msgspec.Raw(_ENCODER.encode(value))
    return Event(
        index=Index(int(draft.sequence)),
        id=draft.id,
        dialect=draft.dialect,
        source=draft.source,
        kind=draft.type,
        time=rfc3339.parse(draft.time),
        received=rfc3339.parse(draft.received),
        severity=_SEVERITIES[draft.severity],
        actor=draft.actor,
        subject=draft.subject,
        links=decode_links(draft.links) if draft.links else (),
        scope=draft.scope,
        location=draft.location,
        correlation=draft.correlation,
        message=draft.message,
        payload=payload_of(draft),
        media_type=draft.datacontenttype or "application/json",
        attributes=attributes,
        line=line.rstrip(b"\n"),
    )


def set_payload(draft: Draft, payload: bytes, media_type: str) -> None:
    """Put *payload* into the draft so that `payload_of` returns the same bytes.

    JSON is embedded as it is but for blanks around it; should it hold line breaks between its tokens they become spaces and
    their offsets are kept, so that a line stays a line. Anything else is embedded as base64. Raises msgspec.DecodeError or UnicodeDecodeError for a JSON media type and no JSON.
    """
    draft.datacontenttype = "" if media_type == "application/json" else media_type
    if not is_json(media_type):
        draft.data_base64 = base64.b64encode(payload).decode()
        return
    if not payload.isascii():
        payload.decode()  # the decoder skips over texts it isn't asked for
    try:
        msgspec.json.decode(payload, type=msgspec.Raw)
    except RecursionError:
        raise msgspec.DecodeError("the JSON is nested too deeply") from None
    if payload[:1] <= b" " or payload[-1:] <= b" ":
        payload = payload.strip(_JSON_BLANKS)  # they would not come back: a decoder leaves them out of the value
    if b"\n" in payload or b"\r" in payload:
        # a raw line break is illegal inside a JSON string, so each one here stands between tokens
        draft.linebreaks = ",".join(
            f"{'r' if byte == 13 else 'n'}{at}" for at, byte in enumerate(payload) if byte in (10, 13)
        )
        payload = payload.replace(b"\n", b" ").replace(b"\r", b" ")
    draft.data = msgspec.Raw(payload)


def payload_of(draft: Draft) -> bytes:
    """Return the payload bytes as they were received (empty when there were none)."""
    if draft.data_base64:
        return base64.b64decode(draft.data_base64)
    if not draft.linebreaks:
        return bytes(draft.data)
    payload = bytearray(bytes(draft.data))
    for mark in draft.linebreaks.split(","):
        payload[int(mark[1:])] = 13 if mark[0] == "r" else 10
    return bytes(payload)
