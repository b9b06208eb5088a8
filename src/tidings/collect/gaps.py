"""The event that records a gap: a time from which events of a source may be missing, because nobody listened."""

from __future__ import annotations

import msgspec

from tidings import rfc3339
from tidings.event import Draft
from tidings.severity import Severity

KIND = "tidings.collector-gap"
_ITSELF = "tidings"
_SECOND_NS = 1_000_000_000


def gap_event(collector: str, source: str, since_ns: int, until_ns: int, reason: str) -> Draft:
    """Return the draft; *reason* says why the connection before the gap ended."""
    until_ns = max(since_ns, until_ns)  # the clock may have been set back meanwhile
    since, until = rfc3339.render(since_ns), rfc3339.render(until_ns)
    seconds = round((until_ns - since_ns) / _SECOND_NS, 3)
    payload = {
        "collector": collector,
        "source": source,
        "from": since,
        "to": until,
        "seconds": seconds,
        "reason": reason,
    }
    return Draft(
        specversion="1.0",
        source=_ITSELF,
        type=KIND,
        time=until,
        severity=Severity.WARNING.label,
        subject=f"collector {collector}",
        message=f"Events of {source} may be missing from {since} to {until} ({seconds:g} s): {reason}",
        dialect=_ITSELF,
        data=msgspec.Raw(msgspec.json.encode(payload)),
    )
