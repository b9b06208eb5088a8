"""What a collector stores of a happening that a NAS told of.

=====================  =====================================================================================================
told by                stored as
=====================  =====================================================================================================
a row of the log       the row, see `codec`; id ``log:<epoch>:<id>``
an event line          the line; id ``event:<epoch>:<number>``; one that tells no time has that at which it was heard
both                   the line, with message, user and level of the row, and its time where the line tells none; the more
                       severe of the two severities. The row's text is kept as the attribute ``logrow``, so both can be
                       shown as they were: payload and attribute ``eventline`` give the line
neither, unreadable    ``container-station.unreadable`` with the text as payload, and why
=====================  =====================================================================================================
"""

from __future__ import annotations

import datetime as dt

import msgspec

from tidings import rfc3339
from tidings.dialects.container_station.categories import NAME
from tidings.dialects.container_station.codec import decode
from tidings.dialects.container_station.matching import true_time
from tidings.dialects.container_station.progress import Happening, Heard
from tidings.dialects.container_station.wire import read_line
from tidings.errors import InvalidEvent
from tidings.event import Draft, set_payload
from tidings.severity import Severity, parse_severity

ROW = "logrow"
"""The attribute that holds the row of the log, as text, of an event that is stored as a line."""
UNREADABLE = f"{NAME}.unreadable"


class _Then(msgspec.Struct, frozen=True):
    """A clock that stands still."""

    ns: int

    def now_ns(self) -> int:
        return self.ns


def draft_of(happening: Happening, source: str, zone: dt.tzinfo) -> Draft:
    """Return the draft; the rows' times are local times of *zone*."""
    row = _row_draft(happening.row, source, zone) if happening.row is not None else None
    if happening.line is None:
        assert row is not None
        return row
    draft = _decoded(happening.line, source)
    if row is None:
        return draft
    assert happening.row is not None
    draft.message, draft.actor = row.message, row.actor
    draft.severity = max(parse_severity(one.severity) or Severity.DEBUG for one in (row, draft)).label
    if read_line(happening.line.text.encode()).time_ns is None:
        draft.time = row.time
    draft.extensions = {**(draft.extensions or {}), ROW: msgspec.Raw(msgspec.json.encode(happening.row.text))}
    return draft


def _row_draft(row: Heard, source: str, zone: dt.tzinfo) -> Draft:
    draft = _decoded(row, source)
    if draft.type != UNREADABLE:
        draft.time = rfc3339.render(true_time(rfc3339.parse(draft.time), zone))
    return draft


def _decoded(heard: Heard, source: str) -> Draft:
    payload = heard.text.encode("utf-8", "replace")
    try:
        draft = decode(payload, source, _Then(heard.heard_ns))
    except InvalidEvent as fault:
        draft = Draft(
            specversion="1.0",
            source=source,
            type=UNREADABLE,
            time=rfc3339.render(heard.heard_ns),
            severity=Severity.WARNING.label,
            message=f"What the NAS told can't be read: {fault.reason}",
            dialect=NAME,
        )
        set_payload(draft, msgspec.json.encode(payload.decode()), "application/json")
    draft.id = heard.id
    return draft
