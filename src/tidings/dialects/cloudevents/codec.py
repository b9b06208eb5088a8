"""CloudEvents in JSON, and plain JSON objects, to drafts.

A plain object (no ``specversion``) may use our field names or their aliases; what it has no name for stays with it. Without a
``data`` member the whole object is the payload.

The rules are those of the CloudEvents 1.0.2 core and JSON format documents.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tidings import rfc3339
from tidings.errors import InvalidEvent
from tidings.event import Draft, is_json, set_payload
from tidings.severity import parse_severity

NAME = "cloudevents"
MAX_TEXT = 4096
"""Characters that a canonical field other than the message may have: they are kept once in a dictionary."""
MAX_MESSAGE = 65_536

_SEVERITIES = {
    "debug": "debug",
    "normal": "normal",
    "warning": "warning",
    "error": "error",
    "alert": "alert",
    "info": "normal",
}
_SPECIFICATIONS = ("1.0", "0.3")
_EXTENSION = re.compile(r"[a-z0-9]+")
_TIME_NAMES, _MESSAGE_NAMES = ("timestamp", "ts", "datetime"), ("msg", "text", "description")
_TEXTS = (
    "source",
    "type",
    "id",
    "subject",
    "actor",
    "scope",
    "location",
    "correlation",
    "dataschema",
    "datacontenttype",
)


class Incoming(msgspec.Struct, gc=False, forbid_unknown_fields=True):
    """The members that one decoding in C understands; an object with others takes the slower way. Null is the same as absent."""

    specversion: str | None = None
    id: str | None = None
    source: str | None = None
    type: str | None = None
    time: str | None = None
    severity: str | None = None
    subject: str | None = None
    actor: str | None = None
    scope: str | None = None
    location: str | None = None
    correlation: str | None = None
    message: str | None = None
    datacontenttype: str | None = None
    dataschema: str | None = None
    action: str | None = None
    category: str | None = None
    links: str | None = None
    kind: str | None = None
    level: str | None = None
    user: str | None = None
    project: str | None = None
    node: str | None = None
    # ours, stamped anew: a line that another tidings exported can be published as it is
    sequence: str | None = None
    received: str | None = None
    dialect: str | None = None
    linebreaks: str | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
    data_base64: str | None = None


_DECODER = msgspec.json.Decoder(Incoming)
_NAMES = frozenset(Incoming.__struct_fields__)


class Defaults(msgspec.Struct, frozen=True):
    """What an event gets that doesn't say: *time* is RFC 3339, of the receiving clock."""

    source: str
    time: str


def recognises(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object is a CloudEvent; plain objects are anybody's."""
    return "specversion" in members


def decode_many(body: bytes, lines: Sequence[bytes], defaults: Defaults) -> list[Draft] | None:
    """Return the drafts of a body of JSON lines at one go, or None when some line needs `decode_one` (or is wrong).

    *body* holds just *lines*, none of them blank, no carriage return or escaped NUL in them.
    """
    try:
        found = _DECODER.decode_lines(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    if len(found) != len(lines) or max(map(len, lines)) > MAX_TEXT:
        return None
    try:
        return [_draft(incoming, defaults) for incoming in found] if all(incoming.data for incoming in found) else None
    except InvalidEvent:
        return None


def decode_one(payload: bytes, defaults: Defaults) -> Draft:
    """Return the draft of one JSON object. Raises InvalidEvent, whose reason says which member is wrong."""
    try:
        members = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    except RecursionError:
        raise InvalidEvent("the JSON is nested too deeply") from None
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"the JSON is not UTF-8: {fault.reason} at byte {fault.start + 1}") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"not a JSON object: {fault}", column=_column(fault)) from None
    plain = "specversion" not in members
    extensions = {name: msgspec.Raw(bytes(members.pop(name))) for name in tuple(members) if name not in _NAMES}
    incoming = _known(members)
    if plain and extensions:
        _borrow(incoming, extensions)
    data, incoming.data = bytes(incoming.data), msgspec.Raw(b"")
    draft = _draft(incoming, defaults)
    _check_texts(draft)
    if plain and not data and not draft.data_base64:
        set_payload(draft, payload.strip(), "application/json")
        return draft
    if not plain:
        for name, value in extensions.items():
            _check_extension(name, value)
    if data:
        _check_data(draft, data)
    draft.extensions = extensions or None
    return draft


def _known(members: Mapping[str, msgspec.Raw]) -> Incoming:
    try:
        return _DECODER.decode(msgspec.json.encode(members))
    except msgspec.DecodeError as fault:
        raise InvalidEvent(str(fault).replace(" - at `$.", " in member `")) from None


def _draft(incoming: Incoming, defaults: Defaults) -> Draft:
    """Check and normalise; the one place where the rules of both kinds of object stand."""
    if incoming.specversion is not None:
        _check_required(incoming)
    elif incoming.data_base64 is not None and incoming.data:
        raise InvalidEvent("data and data_base64 exclude each other; send one of them")
    word = incoming.severity or incoming.level or "normal"
    severity = _SEVERITIES.get(word) or _severity(word)
    time = incoming.time or defaults.time
    if not rfc3339.is_canonical(time):
        time = _time(time)
    return Draft(
        "",
        incoming.id or "",
        "",
        "1.0",
        incoming.source or defaults.source,
        incoming.type or incoming.kind or "event",
        time,
        severity,
        incoming.subject or "",
        incoming.actor or incoming.user or "",
        incoming.scope or incoming.project or "",
        incoming.location or incoming.node or "",
        incoming.correlation or "",
        incoming.message or "",
        NAME,
        incoming.links or "",
        "" if incoming.datacontenttype == "application/json" else incoming.datacontenttype or "",
        incoming.dataschema or "",
        incoming.action or "",
        incoming.category or "",
        "",
        incoming.data,
        incoming.data_base64 or "",
    )


def _check_required(incoming: Incoming) -> None:
    if incoming.specversion not in _SPECIFICATIONS:
        raise InvalidEvent(f"specversion {incoming.specversion!r} is not known; send 1.0")
    for name, value in (("id", incoming.id), ("source", incoming.source), ("type", incoming.type)):
        if not value:
            raise InvalidEvent(f"a CloudEvent needs a non-empty {name}")
    if incoming.data_base64 is not None and incoming.data:
        raise InvalidEvent("data and data_base64 exclude each other; send one of them")


def _severity(word: str) -> str:
    severity = parse_severity(word)
    if severity is None:
        raise InvalidEvent(f"severity {word[:40]!r} is none of debug, normal, warning, error, alert")
    return severity.label


def _time(text: str) -> str:
    try:
        return rfc3339.render(rfc3339.parse(text))
    except rfc3339.InvalidTime as fault:
        raise InvalidEvent(f"time: {fault}") from None


def _borrow(incoming: Incoming, extensions: Mapping[str, msgspec.Raw]) -> None:
    """Take time and message from the names that other loggers give them, where the object has none by ours."""
    for names, attribute in ((_TIME_NAMES, "time"), (_MESSAGE_NAMES, "message")):
        if getattr(incoming, attribute) is None:
            text = _first_text(names, extensions)
            if text and (attribute == "message" or _is_time(text)):
                setattr(incoming, attribute, text)


def _first_text(names: Iterable[str], extensions: Mapping[str, msgspec.Raw]) -> str | None:
    for name in names:
        if name in extensions:
            value = msgspec.json.decode(extensions[name])
            if isinstance(value, str):
                return value
    return None


def _is_time(text: str) -> bool:
    try:
        rfc3339.parse(text)
    except rfc3339.InvalidTime:
        return False
    return True


def _check_texts(draft: Draft) -> None:
    for name in (*_TEXTS, "message"):
        value: str = getattr(draft, name)
        limit = MAX_MESSAGE if name == "message" else MAX_TEXT
        if len(value) > limit:
            raise InvalidEvent(
                f"{name} has {len(value)} characters, at most {limit} are allowed; put long text into data"
            )
        if "\0" in value:
            raise InvalidEvent(f"{name} holds a NUL character; remove it")


def _check_extension(name: str, value: msgspec.Raw) -> None:
    if not _EXTENSION.fullmatch(name):
        raise InvalidEvent(f"{name[:60]!r} is no CloudEvents attribute name: only a-z and 0-9 are allowed")
    if bytes(value)[:1] in (b"{", b"["):
        raise InvalidEvent(
            f"attribute {name!r} is an object or a list; attributes are texts, whole numbers or booleans, put it into data"
        )


def _check_data(draft: Draft, data: bytes) -> None:
    """Put *data* into the draft; text of another media type comes as a JSON string."""
    media_type = draft.datacontenttype or "application/json"
    try:
        if is_json(media_type):
            set_payload(draft, data, media_type)
            return
        value = msgspec.json.decode(data)
    except RecursionError:
        raise InvalidEvent("data is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise InvalidEvent(f"data is not valid JSON: {fault}") from None
    if isinstance(value, str):
        set_payload(draft, value.encode(), media_type)
    else:
        draft.data = msgspec.Raw(msgspec.json.encode(value))


def _column(fault: msgspec.DecodeError) -> int:
    found = re.search(r"\(byte (\d+)\)", str(fault))
    return int(found[1]) + 1 if found else 0
