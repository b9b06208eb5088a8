"""An engine's events, as its REST API gives them as JSON, to drafts.

==============  =====================================================================================================
oVirt           tidings
==============  =====================================================================================================
id              id, beside the source: an event that is fetched twice is stored once
code            kind: ``ovirt.<name>`` by the catalogue, ``ovirt.<code>`` for a code that it lacks
time            time
severity        severity, the catalogue's for the code when it is missing
user            actor: its name, or its id
links           links; the most specific one is the subject: ``vm web1``
data_center     scope: its name
host            location: its name
correlation_id  correlation
description     message
==============  =====================================================================================================

The payload is the event object, byte for byte. Sources: the oVirt API model and the examples of its documentation, see
tests/golden/ovirt/.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from tidings import rfc3339
from tidings.dialects.ovirt.codes import NAME, kind_of, usual_severity
from tidings.dialects.ovirt.subject import subject_of
from tidings.dialects.ovirt.texts import MAX_DESCRIPTION, one_line
from tidings.dialects.ovirt.wire import EngineEvent, ObjectLink, read_engine_event
from tidings.errors import InvalidEvent
from tidings.event import Draft, Link, encode_links, set_payload
from tidings.severity import Severity, parse_severity

_MEDIA_TYPE = "application/json"
_UNASSIGNED = 0


def recognises(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object with these *members* is an event of an engine."""
    return {"code", "custom_id", "description", "severity", "time"} <= members.keys() and "specversion" not in members


def decode(payload: bytes, source: str = "") -> Draft:
    """Return the draft of one event object.

    Raises InvalidEvent unless it is a JSON object with a ``time`` and a ``description``; all else may be missing or of any type.
    """
    payload = payload.strip()
    event, time_ns = _read(payload)
    code = _UNASSIGNED if event.code is None else event.code
    linked = {link.type: link for link in event.links}
    user = linked.get("user")
    draft = Draft(
        id=one_line(event.id),
        specversion="1.0",
        source=source or NAME,
        type=kind_of(code),
        time=rfc3339.render(time_ns),
        severity=_severity(event.severity, code).label,
        subject=subject_of(event.links),
        actor=one_line(user.name or user.id) if user else "",
        scope=_name_of(linked.get("data_center")),
        location=_name_of(linked.get("host")),
        correlation=one_line(event.correlation_id),
        message=one_line(event.description, MAX_DESCRIPTION),
        dialect=NAME,
        links=_encode_links(event.links),
    )
    set_payload(draft, payload, _MEDIA_TYPE)
    return draft


def decode_list(body: bytes) -> list[bytes]:
    """Return the event objects in an engine's list, in its order and byte for byte. Raises InvalidEvent."""
    try:
        body.decode()
        return [bytes(event) for event in _LISTS.decode(body).event]
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"a list of oVirt events must be UTF-8, byte {fault.start + 1} is not") from None
    except RecursionError:
        raise InvalidEvent("a list of oVirt events may not be nested this deeply") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"a list of oVirt events must be a JSON object with an array 'event': {fault}") from None


class _List(msgspec.Struct):
    # an empty list is an empty object: the engine leaves out what has no value
    event: list[msgspec.Raw] = []


_LISTS = msgspec.json.Decoder(_List)


def _read(payload: bytes) -> tuple[EngineEvent, int]:
    try:
        payload.decode()
        event = read_engine_event(payload)
    except UnicodeDecodeError as fault:
        raise InvalidEvent(f"an oVirt event must be UTF-8, byte {fault.start + 1} is not") from None
    except RecursionError:
        raise InvalidEvent("an oVirt event may not be nested this deeply") from None
    except msgspec.DecodeError as fault:
        raise InvalidEvent(f"an oVirt event must be a JSON object: {fault}") from None
    if event.time_ns is None:
        raise InvalidEvent("an oVirt event needs the member 'time', milliseconds since 1970")
    if not event.description.strip():
        raise InvalidEvent("an oVirt event needs the member 'description', a non-empty string")
    return event, event.time_ns


def _severity(word: str, code: int) -> Severity:
    severity = parse_severity(word)
    return usual_severity(code) if severity is None else severity


def _name_of(link: ObjectLink | None) -> str:
    return one_line(link.name) if link is not None else ""


@functools.lru_cache(maxsize=1024)
def _encode_links(links: tuple[ObjectLink, ...]) -> str:
    return encode_links(Link(link.type, one_line(link.name), one_line(link.id)) for link in links)
