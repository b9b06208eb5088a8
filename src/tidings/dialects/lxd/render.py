"""Events of other systems in LXD's wire form, so that ``lxc monitor`` and pylxd can follow them too.

What LXD has a word for among our own events is said as LXD says it: jobs are operations, changes of trust, settings and
warnings are the daemon's lifecycle actions. Else an event about something becomes a lifecycle event, any other a log line;
another ``type`` would end ``lxc monitor --pretty``. Key order and what is left out are the daemon's own.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from tidings import rfc3339
from tidings.dialects.lxd.operation import job_operation
from tidings.dialects.lxd.wire import Members, members, read_object, text
from tidings.event import Event
from tidings.severity import Severity

OURS = "tidings"
JOB = f"{OURS}.job"

_LEVELS = {
    Severity.DEBUG: "debug",
    Severity.NORMAL: "info",
    Severity.WARNING: "warning",
    Severity.ERROR: "error",
    # not "fatal": lxc clients end on a level they don't know, and not every version knows that one
    Severity.ALERT: "error",
}

# The kinds of ours that are actions of LXD too, by the collection that their object is in there.
_COLLECTIONS = {
    f"{OURS}.{action}": collection
    for collection, actions in {
        "/1.0/certificates/": ("certificate-created", "certificate-updated", "certificate-deleted"),
        "/1.0": ("config-updated",),
        "/1.0/warnings/": ("warning-acknowledged", "warning-reset", "warning-deleted"),
    }.items()
    for action in actions
}


class _Requestor(msgspec.Struct):
    username: str
    protocol: str
    address: str


class _Lifecycle(msgspec.Struct, omit_defaults=True):
    action: str
    source: str
    context: Members = {}
    requestor: _Requestor | None = None


class _LogLine(msgspec.Struct):
    message: str
    level: str
    context: dict[str, str]


class _Frame(msgspec.Struct, omit_defaults=True):
    type: str
    timestamp: str
    metadata: _Lifecycle | _LogLine | Mapping[str, object]
    location: str = ""
    project: str = ""


_ENCODER = msgspec.json.Encoder()


def render_frame(event: Event) -> bytes:
    """Return the LXD frame, without a line end, that says what *event* says. Its type is what `selection` counts on."""
    type, metadata = _said(event)
    frame = _Frame(type, rfc3339.render(event.time), metadata, event.location, event.scope)
    return _ENCODER.encode(frame)


def _said(event: Event) -> tuple[str, _Lifecycle | _LogLine | Mapping[str, object]]:
    if event.dialect == OURS and event.kind == JOB:
        return "operation", job_operation(event.payload)
    if not event.subject:
        return "logging", _log_line(event)
    if event.dialect == OURS and event.kind in _COLLECTIONS:
        return "lifecycle", _own_action(event, _COLLECTIONS[event.kind])
    return "lifecycle", _lifecycle(event)


def _own_action(event: Event, collection: str) -> _Lifecycle:
    payload = dict(read_object(event.payload))
    by = members(payload, "requestor")
    payload.pop("requestor", None)
    # the subject is a noun and, but for the settings, the name: "certificate 5254da0c…"
    name = event.subject.partition(" ")[2] if collection.endswith("/") else ""
    return _Lifecycle(
        action=event.kind.removeprefix(f"{OURS}."),
        source=collection + name,
        context=payload,
        requestor=_Requestor(text(by, "username"), text(by, "protocol"), text(by, "address")) if by else _actor(event),
    )


def _lifecycle(event: Event) -> _Lifecycle:
    return _Lifecycle(
        action=event.kind,
        source=event.subject,
        context=_context(event, message=event.message, severity=event.severity.label),
        requestor=_actor(event),
    )


def _actor(event: Event) -> _Requestor | None:
    """Return who did it, as far as the event says; None where nobody is known."""
    return _Requestor(event.actor, event.dialect, "") if event.actor else None


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
