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


def own_draft(
    time_ns: int, kind: str, message: str, *, id: str = "", actor: str = "", subject: str = "", correlation: str = "",
    severity: Severity = Severity.NORMAL, payload: Mapping[str, Any] | None = None,
) -> Draft:  # fmt: skip
    """Return one event of ours; *kind* is what follows ``tidings.``. The payload holds no secret.

    With an *id* it can be published again when nobody knows whether it was stored.
    """
    draft = Draft(
        id=id,
        specversion="1.0",
        source=SOURCE,
        type=f"tidings.{kind}",
        time=rfc3339.render(time_ns),
        severity=severity.label,
        subject=subject,
        actor=actor,
        correlation=correlation,
        message=message,
        dialect=SOURCE,
    )
    if payload:
        draft.data = msgspec.Raw(msgspec.json.encode(payload))
    return draft


async def announce(
    core: Core, clock: Clock, kind: str, message: str, *, actor: str = "", subject: str = "",
    severity: Severity = Severity.NORMAL, payload: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Publish one event of ours, see `own_draft`. Raises what publishing raises."""
    draft = own_draft(
        clock.now_ns(), kind, message, actor=actor, subject=subject, severity=severity, payload=payload
    )  # fmt: skip
    await core.publish([draft], ITSELF)
