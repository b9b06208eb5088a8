"""Rows of the log and event lines to drafts.

==================  =================================================================================================
Container Station   tidings
==================  =================================================================================================
category            kind: ``container-station.<category>.log`` for a row; for a line what happened stands in place of
                    ``log``, its ``action``, ``state`` or ``port-<port>``
level               severity; a line that tells of an error or a ``result`` other than 0 is an error
user                actor; none for the ``all`` of a line, which is whom it is told and not who did it
container, image    subject and link; of a row those that its message names
tid                 correlation, after the source and the category, since each category counts for itself
ts, date            time; a line that tells none happened now
id                  id: ``log:<id>``; of a row of an export ``csv:`` and a digest of the row
message             message; of a line one in the vendor's words
==================  =================================================================================================

The payload of a row is its JSON object, that of a line the JSON behind its head. The head is kept as the attribute
``eventline``, so that both go out again byte for byte. Source: the documentation of 2015 and its later revisions.
"""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Mapping

import msgspec

from tidings import rfc3339
from tidings.clock import Clock, SystemClock
from tidings.dialects.container_station.categories import NAME, SYSTEM, kind_of
from tidings.dialects.container_station.message import message_of
from tidings.dialects.container_station.subject import link_of_line, link_of_row, subject_of
from tidings.dialects.container_station.texts import MAX_MESSAGE, one_line
from tidings.dialects.container_station.wire import Line, Members, Row, read_line, read_row, text
from tidings.event import Draft, Link, encode_links, set_payload
from tidings.severity import Severity, parse_severity

HEAD = "eventline"
"""The attribute that holds what stands before the JSON in an event line."""
EVERYBODY = "all"
"""Whom a line tells that nobody in particular caused."""

_MEDIA_TYPE = "application/json"
_BLANKS = b" \t\r\n"
_ROW = frozenset({"category", "level", "message", "user"})
_FAILED = frozenset({"error", "aborted"})
_SYSTEM_CLOCK = SystemClock()


def recognises(members: Mapping[str, msgspec.Raw]) -> bool:
    """Whether an object with these *members* is a row of the log."""
    return members.keys() >= _ROW and ("ts" in members or "date" in members) and "specversion" not in members


def decode(payload: bytes, source: str = "", clock: Clock = _SYSTEM_CLOCK) -> Draft:
    """Return the draft of one row, as `splitting.split` gives them, or of one event line.

    *clock* tells when a line happened that doesn't. Raises InvalidEvent.
    """
    payload = payload.strip(_BLANKS)
    source = source or NAME
    if payload[:1] == b"{":
        return _row_draft(read_row(payload), payload, source)
    return _line_draft(read_line(payload), source, clock)


def _row_draft(row: Row, payload: bytes, source: str) -> Draft:
    category = row.category or SYSTEM
    draft = _draft(source, row.time_ns, row.user, link_of_row(category, row.message))
    if row.is_exported:
        draft.id = _digest(payload)
    elif row.number is not None:
        draft.id = f"log:{row.number}"
    draft.type = kind_of(category, "log")
    severity = parse_severity(row.level)
    draft.severity = (Severity.NORMAL if severity is None else severity).label
    draft.message = one_line(row.message, MAX_MESSAGE)
    set_payload(draft, payload, _MEDIA_TYPE)
    return draft


def _line_draft(line: Line, source: str, clock: Clock) -> Draft:
    time_ns = clock.now_ns() if line.time_ns is None else line.time_ns
    user = line.user if line.user != EVERYBODY else ""
    draft = _draft(source, time_ns, user, link_of_line(line.category, line.members))
    draft.type = kind_of(line.category, _what(line.members))
    draft.severity = _severity(line.members).label
    draft.message = message_of(line.category, line.members)
    tid = line.members.get("tid")
    if isinstance(tid, str | int):
        draft.correlation = one_line(f"{source}/{line.category}/{tid}")
    set_payload(draft, line.json.encode(), _MEDIA_TYPE)
    draft.extensions = {HEAD: msgspec.Raw(msgspec.json.encode(line.head))}
    return draft


def _draft(source: str, time_ns: int, user: str, link: Link | None) -> Draft:
    return Draft(
        specversion="1.0",
        source=source,
        time=rfc3339.render(time_ns),
        subject=subject_of(link),
        actor=one_line(user),
        dialect=NAME,
        links=_encode_link(link) if link is not None else "",
    )


def _what(members: Members) -> str:
    said = text(members.get("action")) or text(members.get("state"))
    port = text(members.get("port"))
    return said or (f"port-{port}" if port else "event")


def _severity(members: Members) -> Severity:
    result = members.get("result")
    is_failed = text(members.get("state")) in _FAILED or (isinstance(result, int | float) and result != 0)
    return Severity.ERROR if is_failed else Severity.NORMAL


def _digest(payload: bytes) -> str:
    return f"csv:{hashlib.sha1(payload, usedforsecurity=False).hexdigest()}"


@functools.lru_cache(maxsize=1024)
def _encode_link(link: Link) -> str:
    return encode_links((link,))
