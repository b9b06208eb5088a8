"""LXD events to drafts, and events of any dialect to LXD's wire form.

==============  =====================================================================================================
LXD             tidings
==============  =====================================================================================================
type, action    kind: ``lxd.lifecycle.<action>``, ``lxd.<type>`` for every other type, known or not
timestamp       time
requestor       actor (log lines: the context's ``username``)
source          subject, without the query (operations: their first resource, log lines: what their context names,
                changes that devlxd tells an instance of: the key or the device)
project         scope; where the event has none, that of the source's query, of the metadata, of the context
location        location, unless it is ``none``, which is how a server without a cluster says so
operation id    correlation, also where a context names the operation
level, status   severity
==============  =====================================================================================================

The shapes are those recorded from a real daemon, see tests/golden/lxd/.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping

import msgspec

from tidings import rfc3339
from tidings.dialects.lxd import objects
from tidings.dialects.lxd.message import message_of
from tidings.dialects.lxd.redact import redact
from tidings.dialects.lxd.render import render_frame
from tidings.dialects.lxd.wire import Frame, members, one_line, read_frame, text
from tidings.event import Draft, Event, Link, encode_links, set_payload
from tidings.severity import Severity, parse_severity

NAME = "lxd"
MAX_COLUMN = 1000
_MEDIA_TYPE = "application/json"
_BLANKS = b" \t\r\n"

_FAILURE, _CANCELLED = 400, 401
# What devlxd, the socket inside an instance, sends names no instance, only what changed in it.
_NAMED_BY = {"config": "key", "device": "name"}
# Short forms of LXD 3's logger, beside those that every system uses.
_OLD_LEVELS = {"eror": Severity.ERROR}

_encode_links = functools.lru_cache(maxsize=1024)(encode_links)


def recognises(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object with these *members* is an LXD event and not, say, a CloudEvent."""
    return {"type", "timestamp", "metadata"} <= members.keys() and "specversion" not in members


def decode(payload: bytes, source: str = "") -> Draft:
    """Return the draft of one LXD event: its bytes without secrets and without what is blank around them.

    Raises InvalidEvent unless it is a JSON object with a ``type`` and a ``timestamp``; all else may be of any type.
    """
    payload = payload.strip(_BLANKS)
    frame = read_frame(payload)
    clean = redact(payload)
    if clean is not payload:
        frame = read_frame(clean)
    draft = _draft(frame, source or NAME)
    set_payload(draft, clean, _MEDIA_TYPE)
    return draft


def encode(event: Event) -> bytes:
    """Return *event* as one LXD frame without its line end.

    An event that came in as one is answered with those very bytes, any other is made from its fields.
    """
    is_frame = event.dialect == NAME and event.media_type == _MEDIA_TYPE  # else bytes that were none
    return event.payload if is_frame else render_frame(event)


def _draft(frame: Frame, source: str) -> Draft:
    scope = _column(_scope(frame))
    return Draft(
        specversion="1.0",
        source=source,
        type=_kind(frame),
        time=rfc3339.render(frame.time),
        severity=_severity(frame).label,
        subject=_column(_subject(frame)),
        actor=_column(_actor(frame)),
        scope=scope,
        location=_column(frame.location) if frame.location != "none" else "",
        correlation=_column(_correlation(frame)),
        message=message_of(frame, scope),
        dialect=NAME,
        links=_encode_links(_links(frame)),
    )


def _column(value: str) -> str:
    return one_line(value, MAX_COLUMN) if value else ""


def _kind(frame: Frame) -> str:
    action = text(frame.metadata, "action") if frame.type == "lifecycle" else ""
    return _column(f"{NAME}.{frame.type}.{action}" if action else f"{NAME}.{frame.type}")


def _severity(frame: Frame) -> Severity:
    # a lifecycle event tells of something that was done: the catalogue of kinds calls all of them normal
    if frame.type == "lifecycle":
        return Severity.NORMAL
    if frame.type == "operation":
        status = frame.metadata.get("status_code")
        return Severity.ERROR if status == _FAILURE else Severity.WARNING if status == _CANCELLED else Severity.NORMAL
    level = text(frame.metadata, "level").lower()
    severity = _OLD_LEVELS.get(level, parse_severity(level))
    return Severity.NORMAL if severity is None else severity


def _actor(frame: Frame) -> str:
    return text(frame.requestor, "username") or text(frame.context, "username")


def _subject(frame: Frame) -> str:
    if frame.type == "operation":
        resources = objects.resources_of(frame.metadata)
        operation = text(frame.metadata, "id")
        return objects.path_of(resources[0]) if resources else f"/1.0/operations/{operation}" if operation else ""
    source = objects.path_of(text(frame.metadata, "source"))
    if member := _NAMED_BY.get(frame.type):
        source = source or text(frame.metadata, member)
    return source or objects.context_subject(frame.context)


def _scope(frame: Frame) -> str:
    if frame.project:
        return frame.project
    urls = [text(frame.metadata, "source")]
    if frame.type == "operation":
        urls += objects.resources_of(frame.metadata)[:1]
    named = next((project for url in urls if (project := objects.project_of(url))), "")
    return named or text(frame.metadata, "project") or text(frame.context, "project")


def _correlation(frame: Frame) -> str:
    if frame.type == "operation":
        return text(frame.metadata, "id")
    return objects.operation_id(text(frame.context, "operation"))


def _links(frame: Frame) -> tuple[Link, ...]:
    if frame.type == "operation":
        links = [link for url in objects.resources_of(frame.metadata) for link in objects.links_of(url)]
        return objects.distinct([*links, Link("operation", one_line(text(frame.metadata, "id"), objects.MAX_NAME))])
    links = [*objects.links_of(text(frame.metadata, "source")), *objects.context_links(frame.context)]
    if frame.type == "device":
        # the network or the storage pool that the device is made of
        links += objects.context_links(members(frame.metadata, "config"))
    if text(frame.metadata, "action").startswith("image-alias-"):
        links.append(Link("image", one_line(text(frame.context, "target"), objects.MAX_NAME)))
    return objects.distinct(links)
