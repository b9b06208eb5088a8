"""One warning, and how it is kept in the store."""

from __future__ import annotations

import enum
from collections.abc import Mapping

import msgspec

from tidings.store import Store

Requestor = Mapping[str, str]
"""How somebody came to ask: ``username``, ``protocol``, ``address``."""


class WarningSeverity(enum.StrEnum):
    """LXD's three steps."""

    LOW = "low"
    MODERATE = "moderate"
    HIGH = "high"


class WarningType(enum.StrEnum):
    """What can be wrong. Another one needs a step in ``store_schema/``, which lists them too."""

    COLLECTOR_DOWN = "collector-down"
    DISK_NEARLY_FULL = "disk-nearly-full"
    SEGMENT_QUARANTINED = "segment-quarantined"

    @property
    def severity(self) -> WarningSeverity:
        """How bad it is: what a collector misses, its source may still have."""
        return WarningSeverity.MODERATE if self is WarningType.COLLECTOR_DOWN else WarningSeverity.HIGH


class WarningStatus(enum.StrEnum):
    """Whether somebody has to look at it."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class HealthWarning(msgspec.Struct, frozen=True):
    """One thing that is wrong with *entity*, or was. *count*: how often it was raised, from *first_ns* to *last_ns*."""

    id: str
    type: WarningType
    entity: str
    message: str
    status: WarningStatus
    count: int
    first_ns: int
    last_ns: int
    updated_ns: int

    @property
    def severity(self) -> WarningSeverity:
        """How bad it is."""
        return self.type.severity


def read_warnings(store: Store) -> list[HealthWarning]:
    """Return all warnings, the oldest first. Blocks on the disk."""
    rows = store.query(
        "SELECT id, type, entity, message, status, count, first_ns, last_ns, updated_ns FROM warnings ORDER BY first_ns"
    )
    return [
        HealthWarning(id, WarningType(type), entity, message, WarningStatus(status), *numbers)
        for id, type, entity, message, status, *numbers in rows
    ]


def write_warnings(store: Store, changes: Mapping[str, HealthWarning | None]) -> None:
    """Store warnings by their ids (None: delete it), all or none. Blocks on the disk. Raises StorageError."""
    with store.transaction():
        for id, warning in changes.items():
            if warning is None:
                store.execute("DELETE FROM warnings WHERE id = ?", (id,))
        for warning in changes.values():
            if warning is not None:
                store.execute(
                    "INSERT OR REPLACE INTO warnings"
                    " (id, type, entity, message, status, count, first_ns, last_ns, updated_ns)"
                    " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                    (
                        warning.id, warning.type.value, warning.entity, warning.message, warning.status.value,
                        warning.count, warning.first_ns, warning.last_ns, warning.updated_ns,
                    ),
                )  # fmt: skip
