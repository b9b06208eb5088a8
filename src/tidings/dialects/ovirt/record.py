"""Every event as oVirt shows one: those of oVirt from their own bytes, those of other systems from the canonical fields.

=================  ==================================================================================================
oVirt              tidings
=================  ==================================================================================================
id, index, href    index, also of an event that came from an engine
description        message, the kind where there is none
severity           severity; debug, which oVirt doesn't know, is normal
origin             source
custom_id          -1, as the engine's own events have
code               the kind's: see `code_of`
time               time
flood_rate         0: nothing was held back
correlation_id     correlation
user               the link ``user``, else the actor
vm                 the link ``vm``, else ``instance`` or ``container``
other links        the link of the same name
=================  ==================================================================================================

What other systems name has no UUID there. It gets one that is made from the source, the scope (of instances and containers
only, whose names repeat from project to project), the type, and the id or else the name, so that it is the same each time.
"""

from __future__ import annotations

import base64
import functools
import re
import uuid

import msgspec

from tidings import rfc3339
from tidings.dialects.ovirt.codes import INTERNAL_CUSTOM_ID, NAME, code_of
from tidings.dialects.ovirt.texts import MAX_COLUMN, MAX_CORRELATION, MAX_DESCRIPTION, abbreviate
from tidings.dialects.ovirt.wire import COLLECTIONS, ObjectLink, read_engine_event
from tidings.event import NO_PAYLOAD, Event, Index, decode_links
from tidings.severity import Severity

NAMESPACE = uuid.UUID("9127326f-72b4-4e76-8764-64ab58881008")
"""Of the version 5 UUIDs of objects that other systems name."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LIKE_A_VM = frozenset({"instance", "container"})
_DEBUG, _NORMAL = Severity.DEBUG.label, Severity.NORMAL.label


class Record(msgspec.Struct, frozen=True, gc=False):
    """One event as oVirt shows it; *time_ns* since the epoch, *links* in the order of `COLLECTIONS`. Empty text isn't shown."""

    index: Index
    description: str
    code: int
    correlation_id: str
    custom_data: str
    custom_id: int
    flood_rate_s: int
    origin: str
    severity: str
    time_ns: int
    links: tuple[ObjectLink, ...]


def is_uuid(text: str) -> bool:
    """Whether *text* is a UUID, in letters of any case."""
    return _UUID.fullmatch(text) is not None


def made_id(source: str, scope: str, type: str, name: str) -> str:
    """Return the UUID of what *source* calls *name* and gave none, the same each time."""
    return str(uuid.uuid5(NAMESPACE, f"{source}\0{scope}\0{type}\0{name}"))


class _Stored(msgspec.Struct, gc=False):
    """What a record needs of a stored line: lists are long, and the whole event would take three times as long to read."""

    sequence: str
    source: str
    type: str
    time: str
    severity: str
    actor: str = ""
    scope: str = ""
    correlation: str = ""
    message: str = ""
    dialect: str = ""
    links: str = ""
    data: msgspec.Raw = NO_PAYLOAD
    data_base64: str = ""


_DECODER = msgspec.json.Decoder(_Stored)


def record_of(event: Event) -> Record:
    """Return *event*, of whatever dialect, as oVirt shows it."""
    return read_record(event.line)


def read_record(line: bytes) -> Record:
    """Return the event that a stored *line* holds, of whatever dialect, as oVirt shows it."""
    stored = _DECODER.decode(line)
    if stored.dialect == NAME:
        try:
            return _own(stored)
        except (msgspec.DecodeError, RecursionError, ValueError):
            pass  # it was stored by something else than our codec, but has its fields
    return _foreign(stored)


def _own(stored: _Stored) -> Record:
    # line breaks between tokens, which stand in the line as spaces, make no difference to what is read
    read = read_engine_event(base64.b64decode(stored.data_base64) if stored.data_base64 else bytes(stored.data))
    code = read.code
    return Record(
        index=Index(int(stored.sequence)),
        description=read.description or stored.message or stored.type,
        code=code_of(stored.type) if code is None else code,
        correlation_id=read.correlation_id[:MAX_CORRELATION],
        custom_data=read.custom_data,
        custom_id=read.custom_id,
        flood_rate_s=read.flood_rate_s,
        origin=read.origin,
        severity=_shown(stored.severity),
        time_ns=rfc3339.parse(stored.time),
        links=read.links,
    )


def _foreign(stored: _Stored) -> Record:
    return Record(
        index=Index(int(stored.sequence)),
        description=abbreviate(stored.message or stored.type, MAX_DESCRIPTION),
        code=code_of(stored.type),
        correlation_id=stored.correlation[:MAX_CORRELATION],
        custom_data="",
        custom_id=INTERNAL_CUSTOM_ID,
        flood_rate_s=0,
        origin=stored.source,
        severity=_shown(stored.severity),
        time_ns=rfc3339.parse(stored.time),
        links=_links(stored),
    )


def _shown(severity: str) -> str:
    return _NORMAL if severity == _DEBUG else severity


def _links(stored: _Stored) -> tuple[ObjectLink, ...]:
    found: dict[str, ObjectLink] = {}
    stand_in: ObjectLink | None = None
    for link in decode_links(stored.links) if stored.links else ():
        if not (link.name or link.id):
            continue
        if link.type in COLLECTIONS and link.type not in found:
            found[link.type] = _object_link(link.type, stored.source, "", link.name, link.id)
        elif link.type in _LIKE_A_VM and stand_in is None:
            stand_in = _object_link("vm", stored.source, stored.scope, link.name, link.id)
    if stand_in is not None:
        found.setdefault("vm", stand_in)
    if stored.actor and "user" not in found:
        found["user"] = _object_link("user", stored.source, "", stored.actor, "")
    if len(found) < 2:
        return tuple(found.values())
    return tuple(found[type] for type in COLLECTIONS if type in found)


@functools.lru_cache(maxsize=2048)
def _object_link(type: str, source: str, scope: str, name: str, id: str) -> ObjectLink:
    if not is_uuid(id):
        id = made_id(source, scope, type, id or name)
    return ObjectLink(type, id.lower(), abbreviate(name, MAX_COLUMN))
