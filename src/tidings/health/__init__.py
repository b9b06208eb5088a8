"""What is wrong with the server itself: warnings that last until they are dealt with, over restarts too."""

from tidings.health._health import Health
from tidings.health.disk import watch_disk
from tidings.health.warning import HealthWarning, Requestor, WarningSeverity, WarningStatus, WarningType

__all__ = [
    "Health",
    "HealthWarning",
    "Requestor",
    "WarningSeverity",
    "WarningStatus",
    "WarningType",
    "watch_disk",
]
