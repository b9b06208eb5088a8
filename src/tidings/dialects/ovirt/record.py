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

import functools
import re
import uuid

import msgspec

from tidings.dialects.ovirt.codes import INTERNAL_CUSTOM_ID, NAME, code_of
from tidings.dialects.ovirt.texts import MAX_COLUMN, MAX_CORRELATION, MAX_DESCRIPTION, abbreviate
from tidings.dialects.ovirt.wire import COLLECTIONS, ObjectLink, read_engine_event
from tidings.event import Event, Index
from tidings.severity import Severity

NAMESPACE = uuid.UUID("9127326f-72b4-4e76-8764-64ab58881008")
"""Of the version 5 UUIDs of objects that other systems name."""

_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_LIKE_A_VM = frozenset({"instance", "container"})
_SEVERITIES = ("normal", *(severity.label for severity in Severity if severity is not Severity.DEBUG))


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


def record_of(event: Event) -> Record:
    """Return *event*, of whatever dialect, as oVirt shows it."""
    if event.dialect == NAME:
        try:
            return _own(event)
        except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
            pass  # it was stored by something else than our codec, but has its fields
    return _foreign(event)


def _own(event: Event) -> Record:
    read = read_engine_event(event.payload)
    code = read.code
    return Record(
        index=event.index,
        description=read.description or event.message or event.kind,
        code=code_of(event.kind) if code is None else code,
        correlation_id=read.correlation_id[:MAX_CORRELATION],
        custom_data=read.custom_data,
        custom_id=read.custom_id,
        flood_rate_s=read.flood_rate_s,
        origin=read.origin,
        severity=_SEVERITIES[event.severity],
        time_ns=event.time,
        links=read.links,
    )


def _foreign(event: Event) -> Record:
    return Record(
        index=event.index,
        description=abbreviate(event.message or event.kind, MAX_DESCRIPTION),
        code=code_of(event.kind),
        correlation_id=event.correlation[:MAX_CORRELATION],
        custom_data="",
        custom_id=INTERNAL_CUSTOM_ID,
        flood_rate_s=0,
        origin=event.source,
        severity=_SEVERITIES[event.severity],
        time_ns=event.time,
        links=_links(event),
    )


def _links(event: Event) -> tuple[ObjectLink, ...]:
    found: dict[str, ObjectLink] = {}
    stand_in: ObjectLink | None = None
    for link in event.links:
        if not (link.name or link.id):
            continue
        if link.type in COLLECTIONS and link.type not in found:
            found[link.type] = _object_link(link.type, event.source, "", link.name, link.id)
        elif link.type in _LIKE_A_VM and stand_in is None:
            stand_in = _object_link("vm", event.source, event.scope, link.name, link.id)
    if stand_in is not None:
        found.setdefault("vm", stand_in)
    if event.actor and "user" not in found:
        found["user"] = _object_link("user", event.source, "", event.actor, "")
    if len(found) < 2:
        return tuple(found.values())
    return tuple(found[type] for type in COLLECTIONS if type in found)


@functools.lru_cache(maxsize=2048)
def _object_link(type: str, source: str, scope: str, name: str, id: str) -> ObjectLink:
    if not _UUID.fullmatch(id):
        id = str(uuid.uuid5(NAMESPACE, f"{source}\0{scope}\0{type}\0{id or name}"))
    return ObjectLink(type, id.lower(), abbreviate(name, MAX_COLUMN))
