"""Records as XML and JSON, in the order and with the omissions that the oVirt API model and its examples show.

Every event of a list, and a list may be all there are, passes here: the XML is put together as text.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from urllib.parse import quote

import msgspec

from tidings import rfc3339
from tidings.dialects.ovirt.record import Record
from tidings.dialects.ovirt.wire import COLLECTIONS, ObjectLink
from tidings.dialects.ovirt.xml import HEADER, escape, escape_attribute

ROOT = "/ovirt-engine/api"
"""Where the API is, as hrefs have it."""

_SECOND_NS = 1_000_000_000
_MILLISECOND_NS = 1_000_000
_MILLISECONDS = tuple(f".{number:03d}Z" for number in range(1000))
_INDENT = "    "


def href_of(index: int) -> str:
    """Return where the event with *index* is found."""
    return f"{ROOT}/events/{index}"


def link_href(type: str, id: str) -> str:
    """Return where the object of *type*, one of `COLLECTIONS`, is found."""
    return f"{ROOT}/{COLLECTIONS[type]}/{quote(id, safe='', errors='replace')}"


def events_xml(records: Sequence[Record]) -> bytes:
    """Return a list, in the order of *records*."""
    if not records:
        return f"{HEADER}<events/>\n".encode()
    return f"{HEADER}<events>\n{''.join([_event(record, _INDENT) for record in records])}</events>\n".encode()


def event_lines(records: Sequence[Record]) -> bytes:
    """Return the events of a list in XML without the list around them: see `list_ends`."""
    return "".join([_event(record, _INDENT) for record in records]).encode()


def event_objects(records: Sequence[Record]) -> bytes:
    """Return the events of a list in JSON, joined by commas, without the list around them: see `list_ends`."""
    return b",".join([msgspec.json.encode(_json_event(record)) for record in records])


def list_ends(*, is_json: bool) -> tuple[bytes, bytes, bytes]:
    """Return what stands before, between and behind the pieces of a list that is written piece by piece."""
    if is_json:
        return b'{"event":[', b",", b"]}\n"
    return f"{HEADER}<events>\n".encode(), b"", b"</events>\n"


def event_xml(record: Record) -> bytes:
    """Return one event."""
    return f"{HEADER}{_event(record, '')}".encode()


def events_json(records: Sequence[Record]) -> bytes:
    """Return a list, in the order of *records*; an empty one is an empty object, as members without value are left out."""
    return _indented({"event": [_json_event(record) for record in records]} if records else {})


def event_json(record: Record) -> bytes:
    """Return one event."""
    return _indented(_json_event(record))


def time_text(ns: int) -> str:
    """Return a time with milliseconds, in UTC, as oVirt writes it: ``2016-09-14T10:14:34.541Z``."""
    return _second(ns // _SECOND_NS) + _MILLISECONDS[ns // _MILLISECOND_NS % 1000]


@functools.lru_cache(maxsize=4096)
def _second(seconds: int) -> str:
    return rfc3339.render(seconds * _SECOND_NS)[:-1]


def _event(record: Record, margin: str) -> str:
    inner = margin + _INDENT
    index = str(record.index)
    correlation = custom_data = origin = ""
    if record.correlation_id:
        correlation = f"{inner}<correlation_id>{escape(record.correlation_id)}</correlation_id>\n"
    if record.custom_data:
        custom_data = f"{inner}<custom_data>{escape(record.custom_data)}</custom_data>\n"
    if record.origin:
        origin = f"{inner}<origin>{escape(record.origin)}</origin>\n"
    links = "".join([_link(link, inner) for link in record.links])
    return (
        f'{margin}<event href="{ROOT}/events/{index}" id="{index}">\n'
        f"{inner}<description>{escape(record.description)}</description>\n"
        f"{inner}<code>{record.code}</code>\n"
        f"{correlation}{custom_data}"
        f"{inner}<custom_id>{record.custom_id}</custom_id>\n"
        f"{inner}<flood_rate>{record.flood_rate_s}</flood_rate>\n"
        f"{inner}<index>{index}</index>\n"
        f"{origin}"
        f"{inner}<severity>{record.severity}</severity>\n"
        f"{inner}<time>{time_text(record.time_ns)}</time>\n"
        f"{links}"
        f"{margin}</event>\n"
    )


@functools.lru_cache(maxsize=2048)
def _link(link: ObjectLink, margin: str) -> str:
    start = f'{margin}<{link.type} href="{link_href(link.type, link.id)}" id="{escape_attribute(link.id)}"'
    if not link.name:
        return f"{start}/>\n"
    return f"{start}>\n{margin}{_INDENT}<name>{escape(link.name)}</name>\n{margin}</{link.type}>\n"


class _JsonLink(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    href: str
    id: str
    name: str = ""


class _JsonEvent(msgspec.Struct, gc=False, omit_defaults=True, kw_only=True):
    """Numbers are strings, but for the time; what has no default is always written, whatever it holds."""

    id: str
    href: str
    description: str
    code: str
    correlation_id: str = ""
    custom_data: str = ""
    custom_id: str
    flood_rate: str
    index: str
    origin: str = ""
    severity: str
    time: int
    cluster: _JsonLink | None = None
    data_center: _JsonLink | None = None
    host: _JsonLink | None = None
    storage_domain: _JsonLink | None = None
    template: _JsonLink | None = None
    user: _JsonLink | None = None
    vm: _JsonLink | None = None


def _json_event(record: Record) -> _JsonEvent:
    index = str(record.index)
    return _JsonEvent(
        id=index,
        href=href_of(record.index),
        description=record.description,
        code=str(record.code),
        correlation_id=record.correlation_id,
        custom_data=record.custom_data,
        custom_id=str(record.custom_id),
        flood_rate=str(record.flood_rate_s),
        index=index,
        origin=record.origin,
        severity=record.severity,
        time=record.time_ns // _MILLISECOND_NS,
        **{link.type: _json_link(link) for link in record.links},
    )


@functools.lru_cache(maxsize=2048)
def _json_link(link: ObjectLink) -> _JsonLink:
    return _JsonLink(link_href(link.type, link.id), link.id, link.name)


def _indented(value: object) -> bytes:
    return msgspec.json.format(msgspec.json.encode(value)) + b"\n"
