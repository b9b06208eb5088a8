"""How grave an event is: oVirt's order with debug below it."""

from __future__ import annotations

import enum


class Severity(enum.IntEnum):
    """Ordered: debug < normal < warning < error < alert."""

    DEBUG = 0
    NORMAL = 1
    WARNING = 2
    ERROR = 3
    ALERT = 4

    @property
    def label(self) -> str:
        """The lower-case name used on every wire of ours."""
        return self.name.lower()


# Words that other systems use for the same five steps; anything else is refused by the native API.
ALIASES: dict[str, Severity] = {
    "trace": Severity.DEBUG,
    "debug": Severity.DEBUG,
    "dbug": Severity.DEBUG,
    "normal": Severity.NORMAL,
    "info": Severity.NORMAL,
    "information": Severity.NORMAL,
    "informational": Severity.NORMAL,
    "notice": Severity.NORMAL,
    "warn": Severity.WARNING,
    "warning": Severity.WARNING,
    "err": Severity.ERROR,
    "error": Severity.ERROR,
    "alert": Severity.ALERT,
    "critical": Severity.ALERT,
    "crit": Severity.ALERT,
    "fatal": Severity.ALERT,
    "panic": Severity.ALERT,
    "emergency": Severity.ALERT,
    "emerg": Severity.ALERT,
}


def parse_severity(word: str) -> Severity | None:
    """Return the severity that *word* names in any letter case, or None."""
    return ALIASES.get(word.lower())
