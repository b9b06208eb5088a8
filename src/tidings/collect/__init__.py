"""Collecting: connections to other systems that are kept up, and what they bring, stored without loss or with a recorded gap."""

from tidings.collect.backlog import Backlog
from tidings.collect.base import Collector, Disconnected, Intake, Kind, Warnings
from tidings.collect.collectors import Collectors, LoadKind
from tidings.collect.https import load_context, read_password, unknown_certificate, wrong_certificate
from tidings.collect.settings import Row, Settings
from tidings.collect.status import CollectorStatus, State
from tidings.collect.storing import Pause

__all__ = [
    "Backlog",
    "Collector",
    "CollectorStatus",
    "Collectors",
    "Disconnected",
    "Intake",
    "Kind",
    "LoadKind",
    "Pause",
    "Row",
    "Settings",
    "State",
    "Warnings",
    "load_context",
    "read_password",
    "unknown_certificate",
    "wrong_certificate",
]
