"""Frames that are no LXD event: kept as they are, because a log that drops what it doesn't understand loses it."""

from __future__ import annotations

import re

import msgspec
import structlog

from tidings import rfc3339
from tidings.clock import Clock
from tidings.dialects.lxd.redact import MARK, redact
from tidings.errors import InvalidEvent
from tidings.event import Draft, set_payload
from tidings.severity import Severity

KIND = "lxd.unreadable"
_LOG_EVERY_S = 60
# What isn't JSON can't be walked; then whatever follows such a word is taken for a secret.
_LEFTOVER = re.compile(rb'((?:secret|password|token)[\w.-]*[\\"\']*\s*[:=]\s*[\\"\']*)[^\s"\'\\&,}]+', re.IGNORECASE)
_log = structlog.get_logger(__name__)


class Unreadable:
    """Makes drafts of such frames; says in the log how many there were, once a minute."""

    def __init__(self, collector: str) -> None:
        self._collector = collector
        self._count = 0
        self._logged_ns: int | None = None

    def draft(self, payload: bytes, source: str, fault: InvalidEvent, clock: Clock) -> Draft:
        """Return the draft of one frame, with now as its time."""
        now_ns = clock.now_ns()
        self._tell(fault, now_ns)
        draft = Draft(
            specversion="1.0",
            source=source,
            type=KIND,
            time=rfc3339.render(now_ns),
            severity=Severity.WARNING.label,
            message=f"A message of {len(payload)} bytes is no LXD event: {fault.reason}",
            dialect="lxd",
        )
        set_payload(draft, _without_secrets(payload), "application/octet-stream")
        return draft

    def _tell(self, fault: InvalidEvent, now_ns: int) -> None:
        self._count += 1
        if self._logged_ns is None or now_ns - self._logged_ns >= _LOG_EVERY_S * 1_000_000_000:
            _log.warning("messages are no LXD events", collector=self._collector, count=self._count, last=fault.reason)
            self._count, self._logged_ns = 0, now_ns


def _without_secrets(payload: bytes) -> bytes:
    try:
        payload.decode()
        msgspec.json.decode(payload, type=msgspec.Raw)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return _LEFTOVER.sub(rb"\g<1>" + MARK, payload)
    return redact(payload)
