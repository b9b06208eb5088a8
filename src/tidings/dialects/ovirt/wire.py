"""Reading oVirt's JSON event objects without trusting their shapes.

All integers are strings there, and times milliseconds since 1970; numbers and strings are both accepted. What is missing or of
another type reads as the engine's own default.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping

import msgspec

from tidings import rfc3339
from tidings.dialects.ovirt.codes import DEFAULT_FLOOD_RATE_S, INTERNAL_CUSTOM_ID

COLLECTIONS: Mapping[str, str] = {
    "cluster": "clusters",
    "data_center": "datacenters",
    "host": "hosts",
    "storage_domain": "storagedomains",
    "template": "templates",
    "user": "users",
    "vm": "vms",
}
"""What an event can be linked to, in the order in which links are shown, with the collection that its href is in."""

NO_ID = "00000000-0000-0000-0000-000000000000"
"""The engine's word for no object; among templates it is the blank one."""

_INT32 = 2**31
_MAX_DIGITS = 30
_INTEGER = re.compile(r"\s*[+-]?[0-9]+\s*")
_NOTHING = msgspec.Raw(b"")
_MAX_CACHED = 512
_MAX_TEXT = 1000


class ObjectLink(msgspec.Struct, frozen=True, gc=False):
    """A link as oVirt has it: *type* is one of `COLLECTIONS`, *id* isn't empty, *name* may be. Texts have at most 1000 characters."""

    type: str
    id: str
    name: str = ""


class EngineEvent(msgspec.Struct, gc=False):
    """One event object. Each property is read when it is asked for; texts may be empty."""

    _id: object = msgspec.field(default=None, name="id")
    _description: object = msgspec.field(default=None, name="description")
    _severity: object = msgspec.field(default=None, name="severity")
    _code: object = msgspec.field(default=None, name="code")
    _time: object = msgspec.field(default=None, name="time")
    _origin: object = msgspec.field(default=None, name="origin")
    _custom_id: object = msgspec.field(default=None, name="custom_id")
    _flood_rate: object = msgspec.field(default=None, name="flood_rate")
    _correlation_id: object = msgspec.field(default=None, name="correlation_id")
    _custom_data: object = msgspec.field(default=None, name="custom_data")
    cluster: msgspec.Raw = _NOTHING
    data_center: msgspec.Raw = _NOTHING
    host: msgspec.Raw = _NOTHING
    storage_domain: msgspec.Raw = _NOTHING
    template: msgspec.Raw = _NOTHING
    user: msgspec.Raw = _NOTHING
    vm: msgspec.Raw = _NOTHING

    @property
    def id(self) -> str:
        """The engine's own number of the event."""
        return _identifier(self._id)

    @property
    def description(self) -> str:
        """The text for people."""
        return _text(self._description)

    @property
    def severity(self) -> str:
        """The word for it."""
        return _text(self._severity)

    @property
    def code(self) -> int | None:
        """What happened, None without a code."""
        return whole_number(self._code)

    @property
    def time_ns(self) -> int | None:
        """When, since the epoch, None without a time."""
        return _time_ns(self._time)

    @property
    def origin(self) -> str:
        """Who reported it, ``oVirt`` for the engine."""
        return _text(self._origin)

    @property
    def custom_id(self) -> int:
        """The reporter's own number of the event."""
        number = whole_number(self._custom_id)
        return INTERNAL_CUSTOM_ID if number is None else number

    @property
    def flood_rate_s(self) -> int:
        """For how long repeats were held back."""
        number = whole_number(self._flood_rate)
        return DEFAULT_FLOOD_RATE_S if number is None else number

    @property
    def correlation_id(self) -> str:
        """What belongs to one action."""
        return _text(self._correlation_id)

    @property
    def custom_data(self) -> str:
        """Whatever the reporter added."""
        return _text(self._custom_data)

    @property
    def links(self) -> tuple[ObjectLink, ...]:
        """What it is linked to, in the order of `COLLECTIONS`."""
        found = []
        for type, raw in zip(COLLECTIONS, self._raw_links(), strict=True):
            if raw is not _NOTHING:
                # the same few objects are in most events
                link = (_kept_link if len(raw) <= _MAX_CACHED else _read_link)(type, bytes(raw))
                if link is not None:
                    found.append(link)
        return tuple(found)

    def _raw_links(self) -> tuple[msgspec.Raw, ...]:
        return self.cluster, self.data_center, self.host, self.storage_domain, self.template, self.user, self.vm


_DECODER = msgspec.json.Decoder(EngineEvent)
_OBJECTS = msgspec.json.Decoder(dict[str, object])


def read_engine_event(payload: bytes) -> EngineEvent:
    """Return the event object in *payload*. Raises msgspec.DecodeError, RecursionError or UnicodeDecodeError unless it is a JSON object."""
    return _DECODER.decode(payload)


def whole_number(value: object) -> int | None:
    """Return *value*, a number or its digits, if it is a whole number of 32 bits, else None."""
    if type(value) is str:
        return _number_in(value) if len(value) <= _MAX_DIGITS else None
    if type(value) is not int:  # a bool is an int too
        return None
    return value if -_INT32 <= value < _INT32 else None


@functools.lru_cache(maxsize=4096)
def _number_in(text: str) -> int | None:
    return whole_number(int(text)) if _INTEGER.fullmatch(text) else None


def _read_link(type: str, raw: bytes) -> ObjectLink | None:
    try:
        link = _OBJECTS.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return None
    id = _identifier(link.get("id"))
    return ObjectLink(type, id[:_MAX_TEXT], _text(link.get("name"))[:_MAX_TEXT]) if id else None


_kept_link = functools.lru_cache(maxsize=4096)(_read_link)


def _text(value: object) -> str:
    return value if type(value) is str else ""


def _identifier(value: object) -> str:
    return str(value) if type(value) is int else _text(value)


def _time_ns(value: object) -> int | None:
    if type(value) is str:
        try:
            return rfc3339.parse(value)
        except rfc3339.InvalidTime:
            value = int(value) if len(value) <= _MAX_DIGITS and _INTEGER.fullmatch(value) else None
    if type(value) is not int:
        return None
    ns = value * 1_000_000
    return ns if rfc3339.MIN_NS <= ns <= rfc3339.MAX_NS else None
