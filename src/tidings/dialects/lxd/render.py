"""Events of other systems in LXD's wire form, so that ``lxc monitor`` and pylxd can follow them too.

An event about something becomes a lifecycle event, any other a log line; another ``type`` would end
``lxc monitor --pretty``. Key order and what is left out are the daemon's own.
"""

from __future__ import annotations

import msgspec

from tidings import rfc3339
from tidings.event import Event
from tidings.severity import Severity

_LEVELS = {
    Severity.DEBUG: "debug",
    Severity.NORMAL: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    # not "fatal": lxc clients end on a level they don't know, and not every version knows that one
    Severity.ALERT: "error",
}


class _Requestor(msgspec.Struct):
    username: str
    protocol: str
    address: str


class _Lifecycle(msgspec.Struct, omit_defaults=True):
    action: str
    source: str
    context: dict[str, str] = {}
    requestor: _Requestor | None = None


class _LogLine(msgspec.Struct):
    message: str
    level: str
    context: dict[str, str]


class _Frame(msgspec.Struct, omit_defaults=True):
    type: str
    timestamp: str
    metadata: _Lifecycle | _LogLine
    location: str = ""
    project: str = ""


_ENCODER = msgspec.json.Encoder()


def render_frame(event: Event) -> bytes:
    """Return the LXD frame, without a line end, that says what *event* says."""
    frame = _Frame(
        type="lifecycle" if event.subject else "logging",
        timestamp=rfc3339.render(event.time),
        metadata=_lifecycle(event) if event.subject else _log_line(event),
        location=event.location,
        project=event.scope,
    )
    return _ENCODER.encode(frame)


def _lifecycle(event: Event) -> _Lifecycle:
    return _Lifecycle(
        action=event.kind,
        source=event.subject,
        context=_context(event, message=event.message, severity=event.severity.label),
        requestor=_Requestor(event.actor, event.dialect, "") if event.actor else None,
    )


def _log_line(event: Event) -> _LogLine:
    return _LogLine(
        message=event.message or event.kind,
        level=_LEVELS[event.severity],
        context=_context(
            event, kind=event.kind, username=event.actor, project=event.scope, severity=event.severity.label
        ),
    )


def _context(event: Event, **first: str) -> dict[str, str]:
    """Return the context, whose values must all be strings: clients read a log line's context as such."""
    last = {"source": event.source, "operation": event.correlation, "index": str(event.index)}
    return {name: value for name, value in (first | last).items() if value}
