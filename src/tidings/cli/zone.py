"""The time zone of this machine by its IANA name, so that ``time > 2026-11-20T10:00`` in a query means the caller's clock."""

from __future__ import annotations

import os
from pathlib import Path

_LINK = Path("/etc/localtime")


def local_zone() -> str | None:
    """Return a name such as ``Europe/Vienna``, or None when it is UTC or can't be told (the server then takes UTC)."""
    name = os.environ.get("TZ", "").lstrip(":") or _linked()
    return name if "/" in name and not name.startswith(("/", "Etc/")) else None


def _linked() -> str:
    try:
        target = str(_LINK.readlink())
    except OSError:
        return ""
    return target.partition("/zoneinfo/")[2]
