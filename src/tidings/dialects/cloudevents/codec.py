"""CloudEvents in JSON, and plain JSON objects, to drafts.

A plain object (no ``specversion``) may use our field names or their aliases; what it has no name for stays with it. Without a
``data`` member the whole object is the payload.

The rules are those of the CloudEvents 1.0.2 core and JSON format documents.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from tidings import rfc3339
from tidings.dialects.cloudevents.places import column_of, explain
from tidings.errors import InvalidEvent
from tidings.event import NO_PAYLOAD, Draft, is_json, set_payload
from tidings.severity import Severity, parse_severity

NAME = "cloudevents"
MAX_TEXT = 4096
"""Characters that a canonical field other than the message may have: they are kept once in a dictionary."""
MAX_MESSAGE = 65_536

_WORDS = frozenset(severity.label for severity in Severity)
_SPECIFICATIONS = ("1.0", "0.3")
_EXTENSION = re.compile(r"[a-z0-9]+")
_TIME_NAMES, _MESSAGE_NAMES = ("timestamp", "ts", "datetime"), ("msg", "text", "description")
_ALIASES: Mapping[str, tuple[str, ...]] = {
    "type": ("kind",),
    "severity": ("level",),
    "actor": ("user",),
    "scope": ("project",),
    "location": ("node",),
    "message": _MESSAGE_NAMES,
}
_ABSENT = (b"", b'""', b"null")
_MEMBER = re.compile(r" - at `\$\.(\w+)")
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


class Incoming(Draft, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """A draft just as it is decoded, in C, from one object: no copying from one struct to another for every event.

    It also has the members that plain objects may use for ours; `_settle` empties them. What holds others takes the slower way.
    """

    kind: str = ""
    level: str = ""
    user: str = ""
    project: str = ""
    node: str = ""


_DECODER = msgspec.json.Decoder(Incoming)
_NAMES = frozenset(Incoming.__struct_fields__) - {"extensions"}


class _MemberFault(InvalidEvent):
    """What is wrong with one member; its column is sought only when the text of the line is at hand."""

    def __init__(self, member: str, reason: str) -> None:
        self.member = member
        super().__init__(reason)


class Defaults(msgspec.Struct, frozen=True):
    """What an event gets that doesn't say: *time* is RFC 3339, of the receiving clock."""

    source: str
    time: str


def recognises(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object is a CloudEvent; plain objects are anybody's."""
    return "specversion" in members


def decode_many(body: bytes, lines: Sequence[bytes], defaults: Defaults) -> Sequence[Draft] | None:
    """Return the drafts of a body of JSON lines at one go, or None when some line needs `decode_one` (or is wrong).

    *body* holds just *lines*, none of them blank, no carriage return or escaped NUL in them.
    """
    try:
        found = _DECODER.decode_lines(body)
        if len(found) != len(lines) or max(map(len, lines)) > MAX_TEXT:
            return None
        for incoming in found:
            if not incoming.data or incoming.extensions is not None:
                return None
            _settle(incoming, defaults)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError, InvalidEvent):
        return None
    return found


def decode_one(payload: bytes, defaults: Defaults) -> Draft:
    """Return the draft of one JSON object. Raises InvalidEvent, whose reason says which member is wrong."""
    try:
        members = msgspec.json.decode(payload, type=dict[str, msgspec.Raw])
    except RecursionError:
        raise InvalidEvent("the JSON is nested too deeply") from None
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"the JSON is not UTF-8: {fault.reason} at byte {fault.start + 1}") from None
    except msgspec.DecodeError as fault:
        reason, column = explain(payload, fault)
        raise InvalidEvent(f"not a JSON object: {reason}", column=column) from None
    written = dict(members)
    try:
        return _draft(payload, members, defaults)
    except _MemberFault as fault:
        raise InvalidEvent(fault.reason, column=_column(payload, written, fault.member)) from None


def _column(payload: bytes, written: Mapping[str, msgspec.Raw], member: str) -> int:
    """Return the column of *member*, or of its alias where the value came from that."""
    names = (member, *_ALIASES.get(member, ()))
    used = next((name for name in names if bytes(written.get(name, b"")) not in _ABSENT), member)
    return column_of(payload, used)


def _draft(payload: bytes, members: dict[str, msgspec.Raw], defaults: Defaults) -> Draft:
    plain = "specversion" not in members
    extensions = {name: msgspec.Raw(bytes(members.pop(name))) for name in tuple(members) if name not in _NAMES}
    draft = _known({name: value for name, value in members.items() if bytes(value) != b"null" or name == "data"})
    if plain and extensions:
        _borrow(draft, extensions)
    data = bytes(draft.data)
    _settle(draft, defaults)
    draft.data = NO_PAYLOAD
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
        at = _MEMBER.search(str(fault))
        raise _MemberFault(at[1] if at else "", str(fault).replace(" - at `$.", " in member `")) from None


def _settle(incoming: Incoming, defaults: Defaults) -> None:
    """Check and normalise in place; the one place where the rules of both kinds of object stand."""
    if incoming.specversion:
        _check_required(incoming)
    incoming.specversion = "1.0"
    incoming.dialect = NAME
    if incoming.data_base64 and incoming.data:
        raise _MemberFault("data_base64", "data and data_base64 exclude each other; send one of them")
    if incoming.kind or incoming.level or incoming.user or incoming.project or incoming.node:
        _use_aliases(incoming)
    if not incoming.type:
        incoming.type = "event"
    if not incoming.source:
        incoming.source = defaults.source
    word = incoming.severity
    if word not in _WORDS:
        incoming.severity = _severity(word) if word else "normal"
    if not rfc3339.is_canonical(incoming.time):
        incoming.time = _time(incoming.time) if incoming.time else defaults.time
    if incoming.linebreaks:
        incoming.linebreaks = ""
    if incoming.datacontenttype == "application/json":
        incoming.datacontenttype = ""


def _use_aliases(incoming: Incoming) -> None:
    if incoming.project:
        incoming.scope, incoming.project = incoming.scope or incoming.project, ""
    if incoming.kind:
        incoming.type, incoming.kind = incoming.type or incoming.kind, ""
    if incoming.level:
        incoming.severity, incoming.level = incoming.severity or incoming.level, ""
    if incoming.user:
        incoming.actor, incoming.user = incoming.actor or incoming.user, ""
    if incoming.node:
        incoming.location, incoming.node = incoming.location or incoming.node, ""


def _check_required(incoming: Incoming) -> None:
    if incoming.specversion not in _SPECIFICATIONS:
        raise _MemberFault("specversion", f"specversion {incoming.specversion[:40]!r} is not known; send 1.0")
    if not (incoming.id and incoming.source and incoming.type):
        missing = next(name for name in ("id", "source", "type") if not getattr(incoming, name))
        raise _MemberFault(missing, f"a CloudEvent needs a non-empty {missing}")


@functools.lru_cache(maxsize=64)
def _severity(word: str) -> str:
    severity = parse_severity(word)
    if severity is None:
        raise _MemberFault("severity", f"severity {word[:40]!r} is none of debug, normal, warning, error, alert")
    return severity.label


def _time(text: str) -> str:
    try:
        return rfc3339.render(rfc3339.parse(text))
    except rfc3339.InvalidTime as fault:
        raise _MemberFault("time", f"time: {fault}") from None


def _borrow(incoming: Incoming, extensions: Mapping[str, msgspec.Raw]) -> None:
    """Take time and message from the names that other loggers give them, where the object has none by ours."""
    for names, attribute in ((_TIME_NAMES, "time"), (_MESSAGE_NAMES, "message")):
        if not getattr(incoming, attribute):
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
            raise _MemberFault(
                name, f"{name} has {len(value)} characters, at most {limit} are allowed; put long text into data"
            )
        if "\0" in value:
            raise _MemberFault(name, f"{name} holds a NUL character; remove it")


def _check_extension(name: str, value: msgspec.Raw) -> None:
    if not _EXTENSION.fullmatch(name):
        raise _MemberFault(name, f"{name[:60]!r} is no CloudEvents attribute name: only a-z and 0-9 are allowed")
    if bytes(value)[:1] in (b"{", b"["):
        raise _MemberFault(
            name,
            f"attribute {name!r} is an object or a list; attributes are texts, whole numbers or booleans, put it into data",
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
        raise _MemberFault("data", "data is nested too deeply") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as fault:
        raise _MemberFault("data", f"data is not valid JSON: {fault}") from None
    if isinstance(value, str):
        set_payload(draft, value.encode(), media_type)
    else:
        draft.data = msgspec.Raw(msgspec.json.encode(value))
