"""The events that clients add: XML or JSON, checked as the engine checks them.

Unknown elements are left aside, order doesn't matter, and numbers may be digits or numbers. The rules and the reasons are those
of the oVirt engine's REST API; where the engine's own words would help nobody, the detail is ours.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import cast

import msgspec

from tidings.dialects.ovirt.codes import DEFAULT_FLOOD_RATE_S, ENGINE_ORIGIN
from tidings.dialects.ovirt.faults import INCOMPLETE, INVALID, MALFORMED_ID, OvirtFault, refused
from tidings.dialects.ovirt.texts import MAX_CORRELATION, MAX_DESCRIPTION, abbreviate
from tidings.dialects.ovirt.wire import COLLECTIONS, NO_ID, whole_number
from tidings.dialects.ovirt.xml import BadXml, Element, read_xml
from tidings.event import is_json
from tidings.severity import Severity

MAX_ORIGIN = 255

Members = Mapping[str, object]

_ROOT = "event"
_REQUIRED = {"origin": "origin", "severity": "severity", "custom_id": "customId", "description": "description"}
_SEVERITIES = {severity.label: severity for severity in Severity if severity is not Severity.DEBUG}
_STATUSES = ("ok", "info", "warning", "error", "failure")
_WITH_STATUS = frozenset({"host", "storage_domain"})
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_XML_TYPES = ("", "application/xml", "text/xml")
_CHARSET = re.compile(r';\s*charset\s*=\s*"?([^\s;"]+)', re.IGNORECASE)
_CHARSETS = frozenset({"utf-8", "utf-16", "us-ascii"})
_UNSUPPORTED = 415


class NewLink(msgspec.Struct, frozen=True):
    """An object that an added event is linked to: a UUID in small letters, and the health it is told to have, or empty."""

    type: str
    id: str
    external_status: str = ""


class NewEvent(msgspec.Struct, frozen=True):
    """An event to add, within all limits; empty text means absent. *links* are in the order in which they are shown.

    *hold_back_s* is the flood rate that the client asked for, 0 when it asked for none: what is shown then is only oVirt's default.
    """

    description: str
    severity: Severity
    origin: str
    custom_id: int
    flood_rate_s: int
    correlation_id: str
    custom_data: str
    links: tuple[NewLink, ...]
    hold_back_s: int = 0


def read_event(body: bytes, media_type: str) -> NewEvent:
    """Return the event in *body*; an empty *media_type* means XML. Raises OvirtFault."""
    return _event(read_members(body, media_type, _ROOT))


def read_members(body: bytes, media_type: str, root: str) -> Members:
    """Return what the one object in *body*, in XML an element *root*, consists of. As `read_event` otherwise."""
    bare = media_type.partition(";")[0].strip().lower()
    charset = _CHARSET.search(media_type)
    if charset is not None and charset[1].lower() not in _CHARSETS:
        raise OvirtFault(INVALID, f"charset {charset[1][:40]!r} is not read; send UTF-8", _UNSUPPORTED)
    if bare in _XML_TYPES or bare.endswith("+xml"):
        return _xml_members(body, root)
    if is_json(bare):
        return _json_members(body, root)
    raise OvirtFault(
        INVALID, f"media type {bare[:80]!r} is not read; send application/xml or application/json", _UNSUPPORTED
    )


def written(members: Members, name: str) -> str:
    """Return a member as it stands in XML; empty where it is missing. Raises OvirtFault for one with members of its own."""
    value = members.get(name)
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str | int | float):
        return str(value)
    raise OvirtFault(INVALID, f"{name} must be a text or a number")


def _event(members: Members) -> NewEvent:
    missing = [shown for name, shown in _REQUIRED.items() if not written(members, name).strip()]
    if missing:
        raise OvirtFault(INCOMPLETE, f"Event [{', '.join(missing)}] required for add")
    correlation_id = written(members, "correlation_id")
    if len(correlation_id) > MAX_CORRELATION:
        raise refused(f"correlation_id has {len(correlation_id)} characters, at most {MAX_CORRELATION} are allowed")
    flood_rate_s = _integer(members, "flood_rate", DEFAULT_FLOOD_RATE_S)
    if flood_rate_s < 0:
        raise refused("flood_rate is a number of seconds and can't be negative")
    return NewEvent(
        description=abbreviate(written(members, "description"), MAX_DESCRIPTION),
        severity=_severity(written(members, "severity").strip()),
        origin=_origin(written(members, "origin")),
        custom_id=_integer(members, "custom_id", 0),
        flood_rate_s=flood_rate_s,
        correlation_id=correlation_id,
        custom_data=written(members, "custom_data"),
        links=tuple(link for type in COLLECTIONS if (link := _link(members, type)) is not None),
        hold_back_s=flood_rate_s if written(members, "flood_rate").strip() else 0,
    )


def _severity(word: str) -> Severity:
    severity = _SEVERITIES.get(word.lower())
    if severity is None:
        raise OvirtFault(INVALID, f"severity {word[:40]!r} is none of {', '.join(_SEVERITIES)}")
    return severity


def _origin(origin: str) -> str:
    if origin.strip().lower() == ENGINE_ORIGIN.lower():
        raise refused(f"the origin {ENGINE_ORIGIN} is for the engine's own events; choose another")
    if len(origin) > MAX_ORIGIN:
        raise refused(f"origin has {len(origin)} characters, at most {MAX_ORIGIN} are allowed")
    if _CONTROLS.search(origin):
        raise refused("origin may not hold control characters")
    return origin


def _link(members: Members, type: str) -> NewLink | None:
    value = members.get(type)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise OvirtFault(INVALID, f"{type} must be a link, an object with the id of what it points to")
    link = cast(Members, value)
    status = _status(link, type) if type in _WITH_STATUS else ""
    id = written(link, "id").strip().lower()
    if not id or (id == NO_ID and type != "template"):
        return None
    if not _UUID.fullmatch(id):
        raise OvirtFault(MALFORMED_ID, f"{type}: {id[:80]!r} is not a UUID")
    return NewLink(type, id, status)


def _status(link: Members, type: str) -> str:
    status = written(link, "external_status").strip().lower()
    if status and status not in _STATUSES:
        raise OvirtFault(INVALID, f"{type}: external_status {status[:40]!r} is none of {', '.join(_STATUSES)}")
    return status


def _integer(members: Members, name: str, default: int) -> int:
    text = written(members, name).strip()
    if not text:
        return default
    number = whole_number(text)
    if number is None:
        raise OvirtFault(INVALID, f"{name}: {text[:40]!r} is not a whole number of 32 bits")
    return number


def _json_members(body: bytes, root: str) -> Members:
    try:
        body.decode()
        return msgspec.json.decode(body, type=dict[str, object])
    except UnicodeDecodeError as fault:
        raise OvirtFault(INVALID, f"JSON must be UTF-8, byte {fault.start + 1} is not") from None
    except RecursionError:
        raise OvirtFault(INVALID, "the JSON is nested too deeply") from None
    except msgspec.ValidationError:
        raise OvirtFault(INVALID, f"the body must be a JSON object, one {root}") from None
    except msgspec.DecodeError as fault:
        raise OvirtFault(INVALID, f"the body is not JSON: {fault}") from None


def _xml_members(body: bytes, root: str) -> Members:
    try:
        element = read_xml(body)
    except BadXml as fault:
        raise OvirtFault(INVALID, f"the body is not XML that is read here: {fault}") from None
    if element.name != root:
        raise OvirtFault(INVALID, f"the root element is {element.name[:40]!r}; send {root!r}")
    return {child.name: _xml_link(child) if child.name in COLLECTIONS else child.text for child in element.children}


def _xml_link(element: Element) -> Members:
    return {child.name: child.text for child in element.children} | dict(element.attributes)
