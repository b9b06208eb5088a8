"""The events that tidings itself is the source of, so that its own history is in the log beside everybody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from tidings import rfc3339
from tidings.auth import Principal, Role
from tidings.clock import Clock
from tidings.core import Core
from tidings.event import Draft
from tidings.severity import Severity

SOURCE = "tidings"

ITSELF = Principal("tidings", Role.ADMIN)
"""The server, acting by itself."""


async def announce(
    core: Core, clock: Clock, kind: str, message: str, *, actor: str = "", subject: str = "",
    severity: Severity = Severity.NORMAL, payload: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Publish one event of ours; *kind* is what follows ``tidings.``. The payload holds no secret."""
    draft = Draft(
        specversion="1.0",
        source=SOURCE,
        type=f"tidings.{kind}",
        time=rfc3339.render(clock.now_ns()),
        severity=severity.label,
        subject=subject,
        actor=actor,
        message=message,
        dialect=SOURCE,
    )
    if payload:
        draft.data = msgspec.Raw(msgspec.json.encode(payload))
    await core.publish([draft], ITSELF)
