"""What is stored of an event that a client adds, and shown of it at once."""

from __future__ import annotations

import msgspec

from tidings import rfc3339
from tidings.dialects.ovirt.codes import EXTERNAL_KINDS, NAME, code_of
from tidings.dialects.ovirt.reading import NewEvent, NewLink
from tidings.dialects.ovirt.record import Record
from tidings.dialects.ovirt.subject import subject_of
from tidings.dialects.ovirt.texts import MAX_DESCRIPTION, one_line
from tidings.dialects.ovirt.wire import ObjectLink
from tidings.dialects.ovirt.writing import link_href
from tidings.event import Draft, Index, Link, encode_links

_MILLISECOND_NS = 1_000_000


def draft_of(new: NewEvent, source: str, actor: str, now_ns: int) -> Draft:
    """Return the draft of *new*, added by *actor*. Its source is *source*, a slash, and the origin.

    Its id says the custom id, so that publishing a second event of the same origin and custom id finds a duplicate. It isn't
    the bare number: an engine's own events have such ids, and an engine may well be called what somebody's origin is.
    """
    kind = EXTERNAL_KINDS[new.severity]
    return Draft(
        id=f"custom_id:{new.custom_id}",
        specversion="1.0",
        source=f"{source}/{new.origin}",
        type=kind,
        time=rfc3339.render(now_ns),
        severity=new.severity.label,
        subject=subject_of([ObjectLink(link.type, link.id) for link in new.links]),
        actor=actor,
        correlation=one_line(new.correlation_id),
        message=one_line(new.description, MAX_DESCRIPTION),
        dialect=NAME,
        links=encode_links(Link(link.type, "", link.id) for link in new.links),
        data=msgspec.Raw(_payload(new, kind, now_ns)),
    )


def added_record(new: NewEvent, index: Index, now_ns: int) -> Record:
    """Return what `record_of` returns of the draft of *new* once it is stored as *index*, without reading it back."""
    return Record(
        index=index,
        description=new.description,
        code=code_of(EXTERNAL_KINDS[new.severity]),
        correlation_id=new.correlation_id,
        custom_data=new.custom_data,
        custom_id=new.custom_id,
        flood_rate_s=new.flood_rate_s,
        origin=new.origin,
        severity=new.severity.label,
        time_ns=now_ns,
        links=tuple(ObjectLink(link.type, link.id) for link in new.links),
    )


def _payload(new: NewEvent, kind: str, now_ns: int) -> bytes:
    """Return the event as the engine would give it as JSON, without its place."""
    members: dict[str, object] = {
        "description": new.description,
        "code": str(code_of(kind)),
        "correlation_id": new.correlation_id,
        "custom_data": new.custom_data,
        "custom_id": str(new.custom_id),
        "flood_rate": str(new.flood_rate_s),
        "origin": new.origin,
        "severity": new.severity.label,
        "time": now_ns // _MILLISECOND_NS,
    }
    members |= {link.type: _payload_link(link) for link in new.links}
    return msgspec.json.encode({name: value for name, value in members.items() if value != ""})


def _payload_link(link: NewLink) -> dict[str, str]:
    shown = {"href": link_href(link.type, link.id), "id": link.id}
    return shown | {"external_status": link.external_status} if link.external_status else shown
